"""Trying a campaign: one message, as a real one would go, and no trace of it in the campaign."""

from collections.abc import Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.exceptions import TooManyRequests

from campaigns_app.accounts.models import Account, AuditEntry, User
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.receipts import process_block
from campaigns_app.campaigns.trial import MOST_OFTEN, Outcome, Trial, Wish, send_trial
from campaigns_app.channels.provider import Account as ProviderAccount
from campaigns_app.channels.provider import (
    AccountPause,
    EventKind,
    OutgoingMessage,
    Permanent,
    PhoneChannel,
    ProviderEvent,
    Receipt,
    Suppress,
    Unknown,
)
from campaigns_app.channels.registry import EXTENSION, ChannelRegistry
from campaigns_app.contacts.models import Contact, Label, Suppression
from campaigns_app.conversations.models import Conversation
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput, Refused
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.callbacks import CalledInbox, keep_events
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.models import ProviderEvent as KeptEvent
from campaigns_app.rate_budget import get_rate_budget
from campaigns_app.webhooks.models import WebhookEvent
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_endpoint,
    make_inbox,
    make_label,
    make_suppression,
)
from tests.scripted import ScriptedChannel

OWN = "+14155550199"


class TextChannel(ScriptedChannel, PhoneChannel):
    """The scripted provider, reached by phone; it keeps what it was asked to send."""

    name = "Text"
    slug = "text"
    sends_templates = False

    async def send(
        self, http: HttpClient, account: ProviderAccount, message: OutgoingMessage
    ) -> Receipt:
        self.calls.append(message)
        if message.to in self.outcomes:
            raise self.outcomes[message.to]
        return Receipt("id-1")


@pytest.fixture
def channel(app: Flask) -> Iterator[TextChannel]:
    """A provider's channel beside those that there are."""
    before = app.extensions[EXTENSION]
    app.extensions[EXTENSION] = ChannelRegistry()
    channel = TextChannel()
    for one in (*before, channel):
        app.extensions[EXTENSION].register(one)
    yield channel
    app.extensions[EXTENSION] = before


@pytest.fixture
def label(account: Account) -> Label:
    """The audience."""
    return make_label(account)


@pytest.fixture
def ada(account: Account, label: Label) -> Contact:
    """The first recipient."""
    return make_contact(account, label, name="ada lovelace", phone_number="+14155550100")


@pytest.fixture
def inbox(account: Account, channel: TextChannel) -> Inbox:
    """An inbox that sends texts."""
    return make_inbox(account, inbox_type=channel.name, callback_token="x" * 64)


@pytest.fixture
def campaign(account: Account, label: Label, ada: Contact, inbox: Inbox) -> Campaign:
    """A campaign that has not started."""
    later = utcnow() + timedelta(days=1)
    return make_campaign(account, label, inbox_id=inbox.id, scheduled_at=later)


def attempt(campaign: Campaign, actor: User, **values: Any) -> Trial:
    return send_trial(campaign.account, campaign, Wish(**values), actor=actor)


def entries(session: Session) -> list[AuditEntry]:
    return list(
        session.scalars(
            select(AuditEntry)
            .where(AuditEntry.action.like("campaign.trial%"))
            .order_by(AuditEntry.id)
        )
    )


def test_the_message_goes_to_ones_own_number_as_written_for_the_first_recipient(
    campaign: Campaign, channel: TextChannel, admin: User, ada: Contact
) -> None:
    trial = attempt(campaign, admin, own_number="+1 415 555 0199")

    (message,) = channel.calls
    assert (message.to, message.text) == (OWN, "[Test] Hello Ada")
    assert (trial.outcome, trial.provider_message_id, trial.contact_id) == (
        *(Outcome.ACCEPTED, "id-1"),
        ada.id,
    )
    assert trial.is_marked


def test_ones_own_number_is_remembered(
    session: Session, campaign: Campaign, channel: TextChannel, admin: User
) -> None:
    attempt(campaign, admin, own_number=OWN)

    attempt(campaign, admin)

    session.expire_all()
    assert (admin.phone_number, [one.to for one in channel.calls]) == (OWN, [OWN, OWN])


def test_the_message_goes_to_the_contact_who_was_chosen(
    account: Account, campaign: Campaign, channel: TextChannel, admin: User
) -> None:
    grace = make_contact(account, name="grace hopper", phone_number="+14155550101")

    attempt(campaign, admin, contact_id=grace.id, to_contact=True)

    assert [(one.to, one.text) for one in channel.calls] == [("+14155550101", "[Test] Hello Grace")]


def test_a_trial_leaves_no_trace_in_the_campaign(
    session: Session, account: Account, campaign: Campaign, admin: User
) -> None:
    make_endpoint(account)

    attempt(campaign, admin, own_number=OWN)

    for model in (CampaignRecipient, CampaignBatch, Conversation, WebhookEvent):
        assert session.scalar(select(func.count()).select_from(model)) == 0
    assert (campaign.started_at, campaign.is_completed) == (None, False)


def test_a_trial_is_kept_in_the_audit_log_before_and_after(
    session: Session, campaign: Campaign, admin: User, ada: Contact
) -> None:
    attempt(campaign, admin, own_number=OWN)

    begun, ended = entries(session)
    assert [begun.action, ended.action] == ["campaign.trial_begun", "campaign.trial_ended"]
    assert {begun.subject_id, ended.subject_id} == {campaign.id}
    assert {begun.user_id, ended.user_id} == {admin.id}
    assert ended.after is not None
    assert ended.after.items() >= {"to": OWN, "contact_id": ada.id, "outcome": "accepted"}.items()


@pytest.mark.parametrize(
    ("raised", "outcome", "code", "reason"),
    [
        (Permanent("no such number", "21211"), Outcome.REFUSED, "21211", "no such number"),
        (AccountPause("bad credentials", "20003"), Outcome.REFUSED, "20003", "bad credentials"),
        (Unknown("no answer in time"), Outcome.UNKNOWN, None, "no answer in time"),
        (RuntimeError("a fault"), Outcome.UNKNOWN, None, "the channel failed"),
    ],
)
def test_what_the_provider_says_is_told(
    session: Session,
    campaign: Campaign,
    channel: TextChannel,
    admin: User,
    raised: Exception,
    outcome: Outcome,
    code: str | None,
    reason: str,
) -> None:
    channel.outcomes[OWN] = raised

    trial = attempt(campaign, admin, own_number=OWN)

    assert (trial.outcome, trial.code, trial.reason) == (outcome, code, reason)
    assert len(channel.calls) == 1
    assert entries(session)[-1].after["outcome"] == outcome  # type: ignore[index]
    session.expire_all()
    assert campaign.inbox.halted_at is None


def test_an_opt_out_that_the_provider_tells_is_remembered(
    session: Session, campaign: Campaign, channel: TextChannel, admin: User
) -> None:
    channel.outcomes[OWN] = Suppress("opted out", "21610")

    attempt(campaign, admin, own_number=OWN)

    assert session.scalars(select(Suppression.address)).all() == [OWN]


@pytest.mark.parametrize("to_contact", [True, False])
def test_who_opted_out_or_is_blocked_gets_no_trial(
    session: Session,
    account: Account,
    campaign: Campaign,
    channel: TextChannel,
    admin: User,
    ada: Contact,
    to_contact: bool,
) -> None:
    wish = {"contact_id": ada.id, "to_contact": to_contact, "own_number": ada.phone_number}
    suppression = make_suppression(account, ada.phone_number)
    with pytest.raises(Refused, match="Opted out"):
        attempt(campaign, admin, **wish)
    session.delete(suppression)
    ada.blocked = True
    session.commit()

    with pytest.raises(Refused, match="Blocked"):
        attempt(campaign, admin, **wish)

    assert (channel.calls, entries(session)) == ([], [])


def test_a_contact_who_sleeps_is_let_sleep_and_oneself_is_not(
    session: Session,
    account: Account,
    campaign: Campaign,
    channel: TextChannel,
    admin: User,
    ada: Contact,
) -> None:
    ada.custom_attributes = {"timezone": "UTC"}
    now = utcnow()
    opens = [(now + timedelta(hours=hours)).time().replace(second=0) for hours in (2, 3)]
    account.quiet_hours = {
        name: time.strftime(at, "%H:%M") for name, at in zip(("from", "to"), opens, strict=True)
    }
    session.commit()

    with pytest.raises(Refused, match="quiet hours"):
        attempt(campaign, admin, contact_id=ada.id, to_contact=True)
    attempt(campaign, admin, own_number=OWN)

    assert [one.to for one in channel.calls] == [OWN]


def test_another_accounts_contact_is_none(
    campaign: Campaign, channel: TextChannel, admin: User
) -> None:
    stranger = make_contact(make_account())

    with pytest.raises(InvalidInput) as refusal:
        attempt(campaign, admin, contact_id=stranger.id, to_contact=True)

    assert (refusal.value.fields, channel.calls) == (["contact_id"], [])


@pytest.mark.parametrize("number", ["", "12", "call me"])
def test_without_a_number_nothing_is_sent(
    campaign: Campaign, channel: TextChannel, admin: User, number: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        attempt(campaign, admin, own_number=number)

    assert (refusal.value.fields, channel.calls) == (["phone_number"], [])


def test_a_disabled_inbox_sends_no_trial(
    session: Session, campaign: Campaign, channel: TextChannel, admin: User, inbox: Inbox
) -> None:
    inbox.enabled = False
    session.commit()

    with pytest.raises(Refused, match="disabled"):
        attempt(campaign, admin, own_number=OWN)

    assert channel.calls == []


def test_a_halted_inbox_can_be_tried(
    session: Session, campaign: Campaign, admin: User, inbox: Inbox
) -> None:
    inbox.halted_at = utcnow()
    session.commit()

    assert attempt(campaign, admin, own_number=OWN).outcome is Outcome.ACCEPTED


def test_an_inbox_that_opens_conversations_shows_the_message(
    session: Session, account: Account, label: Label, ada: Contact, admin: User
) -> None:
    campaign = make_campaign(account, label)

    trial = attempt(campaign, admin)

    assert (trial.outcome, trial.text) == (Outcome.SHOWN, "Hello Ada")
    assert session.scalar(select(func.count()).select_from(Conversation)) == 0


def test_a_trial_takes_what_it_uses_from_the_inboxs_rate(
    session: Session, campaign: Campaign, channel: TextChannel, admin: User, inbox: Inbox
) -> None:
    inbox.rate = 0.1
    session.commit()
    channel.units = lambda text: 3  # type: ignore[method-assign]

    attempt(campaign, admin, own_number=OWN)

    grant = get_rate_budget().take(f"inbox:{inbox.id}", 0.1, 1)
    assert (grant.units, grant.wait > 15) == (0, True)


def test_a_trial_does_not_wait_for_its_turn_for_ever(
    session: Session, campaign: Campaign, channel: TextChannel, admin: User, inbox: Inbox
) -> None:
    get_rate_budget().hold(f"inbox:{inbox.id}", 60)

    with pytest.raises(Refused, match="in a moment"):
        attempt(campaign, admin, own_number=OWN)

    assert (channel.calls, entries(session)) == ([], [])


def test_nobody_makes_trials_all_day(campaign: Campaign, channel: TextChannel, admin: User) -> None:
    for _ in range(MOST_OFTEN.amount):
        attempt(campaign, admin, own_number=OWN)

    with pytest.raises(TooManyRequests):
        attempt(campaign, admin, own_number=OWN)

    assert len(channel.calls) == MOST_OFTEN.amount


def test_a_receipt_of_a_trial_is_nobodys(
    session: Session, campaign: Campaign, channel: TextChannel, admin: User, inbox: Inbox
) -> None:
    attempt(campaign, admin, own_number=OWN)
    called = CalledInbox(inbox.id, inbox.account_id, channel, ProviderAccount({}, {}, ""))
    told = ProviderEvent(
        "1",
        EventKind.DELIVERED,
        delivery_id=channel.calls[0].delivery_id,
        provider_message_id="id-1",
    )

    keep_events(session, called, [told], b"{}")
    process_block(session)

    assert session.scalars(select(KeptEvent.result)).all() == ["foreign"]


def test_the_page_says_what_came_of_it(
    admin_client: FlaskClient, campaign: Campaign, channel: TextChannel
) -> None:
    page = admin_client.get(f"/campaigns/{campaign.display_id}/trial")
    sent = admin_client.post(
        f"/campaigns/{campaign.display_id}/trial", data={"to": "own", "phone_number": OWN}
    )

    assert "My own number" in page.text
    assert (sent.status_code, len(channel.calls)) == (200, 1)
    assert "accepted" in sent.text
    assert "[Test] Hello Ada" in sent.text
    assert "id-1" in sent.text


@pytest.mark.parametrize(
    ("search", "says"),
    [("nobody", "There is no such contact"), ("lovelace", "several contacts"), ("#999", "no such")],
)
def test_the_page_says_whom_it_does_not_know(
    admin_client: FlaskClient,
    account: Account,
    campaign: Campaign,
    channel: TextChannel,
    search: str,
    says: str,
) -> None:
    make_contact(account, name="bo lovelace")

    page = admin_client.post(
        f"/campaigns/{campaign.display_id}/trial",
        data={"to": "contact", "contact_id": search, "phone_number": ""},
    )

    assert (page.status_code, channel.calls) == (422, [])
    assert says in page.text


def test_what_stands_in_the_form_is_tried_without_being_saved(
    session: Session,
    admin_client: FlaskClient,
    account: Account,
    label: Label,
    ada: Contact,
    inbox: Inbox,
    channel: TextChannel,
) -> None:
    page = admin_client.post(
        "/campaigns/trial",
        data={
            "message": "Hi {{ contact.name }}",
            "inbox_id": inbox.id,
            "audience": [label.id],
            "when": "later",
            "to": "own",
            "phone_number": OWN,
        },
    )

    assert page.status_code == 200
    assert [one.text for one in channel.calls] == ["[Test] Hi Ada Lovelace"]
    assert session.scalar(select(func.count()).select_from(Campaign)) == 0


def test_changes_are_tried_without_being_saved(
    session: Session,
    admin_client: FlaskClient,
    campaign: Campaign,
    label: Label,
    inbox: Inbox,
    channel: TextChannel,
) -> None:
    admin_client.post(
        f"/campaigns/{campaign.display_id}/trial-of-changes",
        data={
            "message": "Hi",
            "inbox_id": inbox.id,
            "audience": [label.id],
            "when": "now",
            "to": "own",
            "phone_number": OWN,
        },
    )

    session.expire_all()
    assert [one.text for one in channel.calls] == ["[Test] Hi"]
    assert campaign.message == "Hello {{ contact.first_name }}"


def test_a_form_that_is_hardly_begun_says_what_is_missing(
    admin_client: FlaskClient, channel: TextChannel
) -> None:
    page = admin_client.post("/campaigns/trial", data={"to": "own", "phone_number": OWN})

    assert (page.status_code, channel.calls) == (422, [])
    assert "Message" in page.text


def test_a_campaign_that_is_over_is_not_tried(
    session: Session, admin_client: FlaskClient, campaign: Campaign
) -> None:
    campaign.finished_at = utcnow()
    session.commit()

    assert admin_client.get(f"/campaigns/{campaign.display_id}/trial").status_code == 422
    assert db.session.get(Campaign, campaign.id) is not None
