"""The funnel shows what the ledger will be, and then what it is."""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.funnel import Funnel, Step, read_funnel
from campaigns_app.campaigns.models import Campaign, CampaignRecipient
from campaigns_app.campaigns.start import start_campaign
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Label
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_campaign, make_contact, make_label, make_suppression
from tests.statements import CountQueries


def funnel_of(session: Session, campaign: Campaign) -> Funnel:
    return read_funnel(session, campaign, get_channels().get(campaign.inbox.inbox_type))


def start(session: Session, campaign: Campaign) -> None:
    start_campaign(session, get_channels(), campaign.id, 2)


def make_phone_audience(account: Account) -> Label:
    """Somebody for each reason, and two who come through."""
    label = make_label(account)
    make_contact(account, label, blocked=True)
    make_suppression(account, make_contact(account, label).email)
    make_contact(account, label, phone_number=None)
    make_contact(account, label, phone_number="nobody knows")
    make_contact(account, label, phone_number="+1 415 555 0100")
    make_contact(account, label, phone_number="+14155550100")
    make_contact(account, label)
    make_contact(account)
    return label


STEPS = (
    Step("blocked", 1, 6),
    Step("opted_out", 1, 5),
    Step("no_phone", 1, 4),
    Step("invalid_phone", 1, 3),
    Step("duplicate_phone", 1, 2),
)


def test_each_step_says_who_is_left_out_and_who_remains(
    session: Session, account: Account, phone_inbox: Inbox
) -> None:
    campaign = make_campaign(account, make_phone_audience(account), inbox_id=phone_inbox.id)

    funnel = funnel_of(session, campaign)

    assert funnel == Funnel(7, STEPS, is_frozen=False)
    assert (funnel.will_send, funnel.excluded) == (2, 5)


def test_the_ledger_becomes_what_the_funnel_said(
    session: Session, account: Account, phone_inbox: Inbox
) -> None:
    campaign = make_campaign(account, make_phone_audience(account), inbox_id=phone_inbox.id)
    start(session, campaign)

    pending = session.scalars(
        select(CampaignRecipient).where(CampaignRecipient.state == "pending")
    ).all()

    assert funnel_of(session, campaign) == Funnel(7, STEPS, is_frozen=True)
    assert len(pending) == 2


def test_after_the_start_it_does_not_follow_the_labels(session: Session, account: Account) -> None:
    label = make_label(account)
    make_contact(account, label)
    campaign = make_campaign(account, label)
    start(session, campaign)

    make_contact(account, label)

    assert funnel_of(session, campaign).matched == 1


def test_who_was_deleted_while_it_was_sent_is_told(
    session: Session, account: Account, carry_out: Callable[[Campaign], None]
) -> None:
    label = make_label(account)
    gone = make_contact(account, label)
    make_contact(account, label)
    campaign = make_campaign(account, label)
    start(session, campaign)
    session.delete(gone)
    session.commit()

    carry_out(campaign)

    assert funnel_of(session, campaign).steps[-1] == Step("contact_deleted", 1, 1)


def test_nobody_makes_an_empty_funnel(session: Session, account: Account) -> None:
    campaign = make_campaign(account, make_label(account))

    funnel = funnel_of(session, campaign)

    assert (funnel.matched, funnel.will_send) == (0, 0)


def test_it_makes_few_queries_however_many_there_are(
    session: Session, account: Account, count_queries: CountQueries
) -> None:
    label = make_label(account)
    campaign = make_campaign(account, label)
    few = count_queries(lambda: funnel_of(session, campaign))
    for _ in range(5):
        make_contact(account, label)

    assert count_queries(lambda: funnel_of(session, campaign)) == few
