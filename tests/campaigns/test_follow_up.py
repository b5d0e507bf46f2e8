"""Running a campaign again: for whom, once, and not for those who must not be written to."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.control import cancel_campaign
from campaigns_app.campaigns.doubles import Submission
from campaigns_app.campaigns.follow_up import count_candidates, list_follow_ups, run_again
from campaigns_app.campaigns.jobs import close_cancelled_batches, execute_campaign
from campaigns_app.campaigns.models import TITLE_LENGTH, Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.service import delete_campaign
from campaigns_app.campaigns.states import Follows, Phase, RecipientState
from campaigns_app.contacts.models import Contact, ContactLabel, Label
from campaigns_app.database.types import utcnow
from campaigns_app.errors import AlreadyMade, InvalidInput, Refused
from tests.factories import make_account, make_campaign, make_contact, make_label

CarryOut = Callable[[Campaign], None]
IN_LEDGER = (Follows.FAILED, Follows.UNKNOWN, Follows.SKIPPED)


@pytest.fixture
def label(account: Account) -> Label:
    return make_label(account, "vip")


@pytest.fixture
def first(account: Account, label: Label, carry_out: CarryOut) -> Campaign:
    """A campaign that reached four contacts, Ada and Bob and Cleo and Dan."""
    for name in ("Ada", "Bob", "Cleo", "Dan"):
        make_contact(account, label, name=name)
    campaign = make_campaign(account, label)
    carry_out(campaign)
    return campaign


@pytest.fixture
def befalls(session: Session) -> Callable[..., None]:
    """Have some of a campaign's recipients end in another state than sent."""

    def change(campaign: Campaign, state: str, *names: str) -> None:
        ids = select(Contact.id).where(Contact.name.in_(names))
        session.execute(
            update(CampaignRecipient)
            .where(
                CampaignRecipient.campaign_id == campaign.id, CampaignRecipient.contact_id.in_(ids)
            )
            .values(state=state)
        )
        batch = session.scalars(select(CampaignBatch).filter_by(campaign_id=campaign.id)).one()
        batch.sent -= len(names)
        setattr(batch, state, getattr(batch, state) + len(names))
        session.commit()

    return change


def again(campaign: Campaign, follows: Follows, **changes: object) -> Campaign:
    return run_again(
        campaign.account, campaign.display_id, follows, changes, actor=None, now=utcnow()
    )


def names_in(session: Session, campaign: Campaign, state: str | None = None) -> list[str]:
    recipients = (
        select(Contact.name)
        .join(CampaignRecipient, CampaignRecipient.contact_id == Contact.id)
        .where(CampaignRecipient.campaign_id == campaign.id)
        .order_by(Contact.name)
    )
    return list(
        session.scalars(recipients.where(CampaignRecipient.state == state) if state else recipients)
    )


@pytest.mark.parametrize("follows", IN_LEDGER)
def test_it_is_for_those_in_that_state_only(
    first: Campaign,
    follows: Follows,
    befalls: Callable[..., None],
    carry_out: CarryOut,
    session: Session,
) -> None:
    others = {"failed": "unknown", "unknown": "skipped", "skipped": "failed"}
    befalls(first, follows, "Ada", "Cleo")
    befalls(first, others[follows], "Bob")

    follow_up = again(first, follows)
    carry_out(follow_up)

    assert names_in(session, follow_up, "sent") == ["Ada", "Cleo"]
    assert count_states(follow_up.id) == Counts(total=2, sent=2)


def test_it_is_what_the_first_was_but_for_what_is_changed(
    first: Campaign, befalls: Callable[..., None]
) -> None:
    befalls(first, "failed", "Ada")

    follow_up = again(first, Follows.FAILED, message="Sorry", audience=[], campaign_status=1)

    assert follow_up.title == "Summer Promotion (again: failed)"
    assert (follow_up.message, follow_up.inbox_id) == ("Sorry", first.inbox_id)
    assert (follow_up.audience, follow_up.is_completed) == (first.audience, False)
    assert follow_up.followed is first
    assert list_follow_ups(first) == [follow_up]


def test_a_long_title_is_cut(account: Account, label: Label, carry_out: CarryOut) -> None:
    campaign = make_campaign(account, label, title="x" * TITLE_LENGTH)
    carry_out(campaign)

    title = again(campaign, Follows.NEW).title

    assert len(title) == TITLE_LENGTH
    assert title.endswith("x (again: new)")


def test_who_must_not_be_written_to_is_left_out(
    first: Campaign, befalls: Callable[..., None], carry_out: CarryOut, session: Session
) -> None:
    befalls(first, "failed", "Ada", "Bob")
    session.scalars(select(Contact).filter_by(name="Bob")).one().blocked = True
    session.commit()

    follow_up = again(first, Follows.FAILED)
    carry_out(follow_up)

    assert names_in(session, follow_up, "sent") == ["Ada"]
    assert names_in(session, follow_up, "skipped") == ["Bob"]


def test_who_failed_is_followed_up_whatever_labels_are_left(
    first: Campaign,
    label: Label,
    befalls: Callable[..., None],
    carry_out: CarryOut,
    session: Session,
) -> None:
    befalls(first, "failed", "Ada")
    session.delete(label)
    session.commit()

    follow_up = again(first, Follows.FAILED)
    carry_out(follow_up)

    assert names_in(session, follow_up, "sent") == ["Ada"]


def test_a_contact_that_is_gone_is_followed_up_by_nobody(
    first: Campaign, befalls: Callable[..., None], carry_out: CarryOut, session: Session
) -> None:
    befalls(first, "failed", "Ada", "Bob")
    gone = session.scalars(select(Contact).filter_by(name="Bob")).one()
    session.query(ContactLabel).filter_by(contact_id=gone.id).delete()
    session.delete(gone)
    session.commit()

    follow_up = again(first, Follows.FAILED)
    carry_out(follow_up)

    assert count_states(follow_up.id) == Counts(total=1, sent=1)


def test_new_is_who_was_in_no_ledger_of_the_first_or_its_follow_ups(
    account: Account, first: Campaign, label: Label, carry_out: CarryOut, session: Session
) -> None:
    make_contact(account, label, name="Eve")
    make_contact(account, name="Unlabelled")
    make_contact(make_account(), name="Stranger")
    earlier = again(first, Follows.NEW)
    carry_out(earlier)
    make_contact(account, label, name="Fay")

    follow_up = again(first, Follows.NEW)
    carry_out(follow_up)

    assert names_in(session, earlier) == ["Eve"]
    assert names_in(session, follow_up) == ["Fay"]


def test_of_a_deleted_campaign_nobody_is_new(
    first: Campaign, account: Account, label: Label, carry_out: CarryOut, session: Session
) -> None:
    make_contact(account, label, name="Eve")
    follow_up = again(first, Follows.NEW)
    session.delete(first)
    session.commit()

    carry_out(follow_up)

    assert count_states(follow_up.id) == Counts()


def test_a_campaign_is_not_deleted_under_a_follow_up_that_needs_it(
    first: Campaign, account: Account, carry_out: CarryOut, session: Session
) -> None:
    follow_up = again(first, Follows.NEW)

    with pytest.raises(Refused, match="follow-up"):
        delete_campaign(account, first.display_id, actor=None, now=utcnow())

    carry_out(follow_up)
    delete_campaign(account, first.display_id, actor=None, now=utcnow())
    assert session.get_one(Campaign, follow_up.id, populate_existing=True).followed is None


def test_nobody_is_followed_up_twice_for_the_same(
    first: Campaign, befalls: Callable[..., None], carry_out: CarryOut, session: Session
) -> None:
    befalls(first, "failed", "Ada")
    carry_out(again(first, Follows.FAILED))

    assert count_candidates(first)[Follows.FAILED] == 0
    with pytest.raises(Refused, match="nobody left"):
        again(first, Follows.FAILED)

    befalls(first, "failed", "Bob")
    second = again(first, Follows.FAILED)
    carry_out(second)
    assert names_in(session, second) == ["Bob"]


def test_whom_a_cancelled_follow_up_did_not_get_to_is_still_left(
    first: Campaign, befalls: Callable[..., None], carry_out: CarryOut, session: Session
) -> None:
    befalls(first, "failed", "Ada", "Bob")
    cancelled = again(first, Follows.FAILED)
    execute_campaign(cancelled.id)
    cancel_campaign(first.account, cancelled.display_id, actor=None, now=utcnow())
    close_cancelled_batches()

    assert count_candidates(first)[Follows.FAILED] == 2
    follow_up = again(first, Follows.FAILED)
    carry_out(follow_up)

    assert names_in(session, follow_up, "sent") == ["Ada", "Bob"]


def test_a_second_press_makes_no_second_follow_up(
    first: Campaign, befalls: Callable[..., None]
) -> None:
    befalls(first, "failed", "Ada")
    befalls(first, "unknown", "Bob")
    follow_up = again(first, Follows.FAILED)

    with pytest.raises(AlreadyMade) as told:
        again(first, Follows.FAILED)

    assert told.value.display_id == follow_up.display_id
    assert again(first, Follows.UNKNOWN).display_id != follow_up.display_id


def test_a_repeated_request_gets_its_own_follow_up_even_when_that_is_over(
    first: Campaign, befalls: Callable[..., None], carry_out: CarryOut
) -> None:
    befalls(first, "failed", "Ada")

    def ask() -> Campaign:
        return run_again(
            first.account,
            first.display_id,
            Follows.FAILED,
            {},
            actor=None,
            now=utcnow(),
            submission=Submission("once"),
        )

    follow_up = ask()
    carry_out(follow_up)

    assert ask().id == follow_up.id


def test_a_follow_up_is_run_again_itself(
    first: Campaign, befalls: Callable[..., None], carry_out: CarryOut, session: Session
) -> None:
    befalls(first, "failed", "Ada", "Bob")
    second = again(first, Follows.FAILED)
    carry_out(second)
    befalls(second, "failed", "Bob")

    third = again(second, Follows.FAILED)
    carry_out(third)

    assert names_in(session, third) == ["Bob"]
    with pytest.raises(Refused, match="first campaign"):
        again(second, Follows.NEW)
    assert Follows.NEW not in count_candidates(second)


def test_a_campaign_that_is_not_over_is_not_run_again(account: Account, label: Label) -> None:
    make_contact(account, label)
    campaign = make_campaign(account, label)
    execute_campaign(campaign.id)
    assert campaign.phase is Phase.SENDING

    with pytest.raises(Refused, match="not over"):
        again(campaign, Follows.NEW)


def test_a_blank_title_is_refused(first: Campaign, befalls: Callable[..., None]) -> None:
    befalls(first, "failed", "Ada")

    with pytest.raises(InvalidInput) as refusal:
        again(first, Follows.FAILED, title=" ")

    assert refusal.value.fields == ["title"]


def test_every_way_is_counted(
    account: Account, first: Campaign, label: Label, befalls: Callable[..., None]
) -> None:
    befalls(first, "failed", "Ada", "Bob")
    befalls(first, "skipped", "Cleo")
    make_contact(account, label)
    make_contact(account, label, blocked=True)

    assert count_candidates(first) == {
        Follows.FAILED: 2,
        Follows.UNKNOWN: 0,
        Follows.SKIPPED: 1,
        Follows.NEW: 1,
    }


def test_states_have_the_names_of_those_they_follow() -> None:
    assert {follows.value for follows in IN_LEDGER} <= set(RecipientState)
