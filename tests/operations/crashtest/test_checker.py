"""The checker: a right history passes, and every kind of damage is seen."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import RecipientState
from campaigns_app.conversations.models import Conversation, Message
from campaigns_app.operations.crashtest.checker import check
from campaigns_app.operations.crashtest.history import Calls, History
from campaigns_app.operations.demo.receiver import Webhook
from campaigns_app.operations.simulator.ledger import Entry
from campaigns_app.webhooks.events import CONVERSATION_CREATED
from campaigns_app.webhooks.models import WebhookDelivery, WebhookEvent
from tests.operations.crashtest.conftest import (
    BLOCKED,
    OUTSIDER,
    add_contact_inbox,
    add_conversation,
    add_event,
    add_message,
    add_recipient,
)

Damage = Callable[[Session], object]


def broken(session: Session, history: History) -> set[str]:
    """The names of the promises that were not kept."""
    return {promise.name for promise in check(session, history) if not promise.held}


def recipient(state: RecipientState) -> Damage:
    """One recipient who was sent, put into another state; the batch goes on counting as before."""
    return lambda session: session.execute(
        update(CampaignRecipient)
        .where(CampaignRecipient.campaign_id == 1, CampaignRecipient.contact_id == 1)
        .values(state=state.value)
    )


def batch(**counters: int) -> Damage:
    """The counters of the first campaign's batch, changed."""
    return lambda session: session.execute(
        update(CampaignBatch).where(CampaignBatch.campaign_id == 1).values(**counters)
    )


def first(model: type[Conversation] | type[Message] | type[WebhookEvent]) -> Damage:
    """The first row of the table, gone."""
    return lambda session: session.execute(delete(model).where(model.id == 1))


DAMAGES: dict[str, tuple[Damage, str]] = {
    "a campaign made twice": (
        lambda session: session.add(
            Campaign(id=9, account_id=1, display_id=9, inbox_id=1, title="Twice", message="Hello")
        ),
        "campaigns, one for each request",
    ),
    "a campaign that did not finish": (
        lambda session: session.execute(
            update(Campaign).where(Campaign.id == 1).values(finished_at=None)
        ),
        "campaigns finished",
    ),
    "a campaign that could not start": (
        lambda session: session.execute(
            update(Campaign).where(Campaign.id == 1).values(failure="no inbox")
        ),
        "campaigns finished",
    ),
    "somebody missing from the ledger": (
        lambda session: session.execute(
            delete(CampaignRecipient).where(
                CampaignRecipient.campaign_id == 1, CampaignRecipient.contact_id == BLOCKED
            )
        ),
        "recipients, everybody in the audience",
    ),
    "somebody twice in the ledger": (
        lambda session: add_recipient(session, 1, 1, RecipientState.SENT),
        "recipients too many",
    ),
    "somebody outside the audience": (
        lambda session: add_recipient(session, 1, OUTSIDER, RecipientState.SKIPPED),
        "recipients outside the audience",
    ),
    "somebody forgotten": (recipient(RecipientState.PENDING), "recipients in no final state"),
    "somebody left in the middle": (
        recipient(RecipientState.SENDING),
        "recipients in no final state",
    ),
    "a batch that is too large": (batch(total=9), "recipients in the batches' totals"),
    "a batch that does not add up": (batch(sent=2), "batches whose states do not sum"),
    "a batch that counts wrongly": (
        batch(sent=2, failed=1),
        "batches that count what the ledger does not have",
    ),
    "a conversation lost": (first(Conversation), "recipients lost"),
    "a conversation with nobody": (
        lambda session: session.execute(
            update(Conversation).where(Conversation.id == 1).values(contact_id=None)
        ),
        "recipients lost",
    ),
    "a conversation too many": (
        lambda session: add_conversation(session, 1, 1),
        "recipients written to twice",
    ),
    "a conversation without its mark in the ledger": (
        recipient(RecipientState.FAILED),
        "conversations, one for each recipient sent",
    ),
    "a conversation with somebody blocked": (
        lambda session: add_conversation(session, 1, BLOCKED),
        "conversations with somebody not sent",
    ),
    "a conversation without a message": (first(Message), "conversations without a message"),
    "a message too many": (lambda session: add_message(session, 1), "messages too many"),
    "a contact inbox too many": (
        lambda session: add_contact_inbox(session, 9, contact_id=1),
        "contact inboxes too many",
    ),
    "a contact inbox of nobody's": (
        lambda session: add_contact_inbox(session, 9, contact_id=OUTSIDER),
        "contact inboxes without a conversation",
    ),
    "an event lost": (first(WebhookEvent), "events, each kind for each conversation"),
    "an event too many": (
        lambda session: add_event(session, 1, CONVERSATION_CREATED, copy=2),
        "events too many",
    ),
    "a webhook given up": (
        lambda session: session.execute(
            update(WebhookDelivery).where(WebhookDelivery.id == 1).values(state="failed")
        ),
        "webhooks not delivered",
    ),
    "an event under another id": (
        lambda session: session.execute(
            update(WebhookEvent).where(WebhookEvent.id == 1).values(uid="msg_other")
        ),
        "events that never arrived",
    ),
    "an event told in other words": (
        lambda session: session.execute(
            update(WebhookEvent).where(WebhookEvent.id == 1).values(payload="{}")
        ),
        "arrivals unknown to the outbox",
    ),
}


def test_a_history_in_which_every_promise_was_kept_passes(
    damageable: Session, history: History
) -> None:
    assert broken(damageable, history) == set()


@pytest.mark.parametrize(("damage", "promise"), DAMAGES.values(), ids=DAMAGES)
def test_every_kind_of_damage_is_seen(
    damageable: Session, history: History, damage: Damage, promise: str
) -> None:
    damage(damageable)
    damageable.commit()

    assert any(name.startswith(promise) for name in broken(damageable, history))


def test_an_event_that_never_arrived_is_seen(damageable: Session, history: History) -> None:
    silent = replace(history, arrivals=dict(list(history.arrivals.items())[1:]))

    assert broken(damageable, silent) == {"events that never arrived"}


def test_an_event_that_never_arrived_in_a_batch_is_seen(
    damageable: Session, history: History
) -> None:
    silent = replace(history, arrivals_in_batches=dict(list(history.arrivals.items())[1:]))

    assert broken(damageable, silent) == {"events that never arrived, in batches"}


def test_a_webhook_of_no_event_is_seen(damageable: Session, history: History) -> None:
    stray = replace(history, arrivals={**history.arrivals, Webhook.of("msg_stray", b"{}"): 1})

    assert broken(damageable, stray) == {"arrivals unknown to the outbox"}


def test_a_webhook_that_comes_again_is_as_promised(damageable: Session, history: History) -> None:
    again = replace(history, arrivals=dict.fromkeys(history.arrivals, 2))

    assert broken(damageable, again) == set()


def test_a_wrong_signature_is_seen(damageable: Session, history: History) -> None:
    assert broken(damageable, replace(history, refused=1)) == {"arrivals with a wrong signature"}


def test_no_damage_goes_without_a_promise_of_its_own(damageable: Session, history: History) -> None:
    seen = tuple(promise for _, promise in DAMAGES.values())

    names = [promise.name for promise in check(damageable, history)]

    assert [name for name in names if not name.startswith(seen)] == [
        "arrivals with a wrong signature"
    ]


# What the provider took


def entry(row_id: int) -> Entry:
    """A message that the provider took for a recipient."""
    return Entry(1.0, "twilio", str(row_id), f"SM{row_id}", "+1", "+2", "Hello")


@pytest.fixture
def provided(damageable: Session, history: History) -> History:
    """The same campaigns, through a provider who took a message for everybody sent."""
    sent = select(CampaignRecipient.id).where(CampaignRecipient.state == RecipientState.SENT)
    return replace(history, calls=Calls([entry(one) for one in damageable.scalars(sent)], 1))


CALL_DAMAGES: dict[str, tuple[Callable[[Calls], Calls], str]] = {
    "somebody sent to twice": (
        lambda calls: replace(calls, taken=[*calls.taken, calls.taken[0]]),
        "messages for each recipient beyond one",
    ),
    "somebody sent to who is in no ledger": (
        lambda calls: replace(calls, taken=[*calls.taken, entry(4711)]),
        "messages to nobody in the ledger",
    ),
    "somebody sent whom the provider knows nothing of": (
        lambda calls: replace(calls, taken=calls.taken[1:]),
        "recipients sent, whose message the provider took",
    ),
}


def test_a_providers_history_in_which_every_promise_was_kept_passes(
    damageable: Session, provided: History
) -> None:
    assert broken(damageable, provided) == set()


@pytest.mark.parametrize(("damage", "promise"), CALL_DAMAGES.values(), ids=CALL_DAMAGES)
def test_every_disagreement_with_the_provider_is_seen(
    damageable: Session, provided: History, damage: Callable[[Calls], Calls], promise: str
) -> None:
    assert provided.calls is not None

    assert broken(damageable, replace(provided, calls=damage(provided.calls))) == {promise}


@pytest.mark.parametrize("state", [RecipientState.FAILED, RecipientState.SKIPPED])
def test_a_message_that_was_taken_for_somebody_called_not_sent_is_seen(
    damageable: Session, provided: History, state: RecipientState
) -> None:
    recipient(state)(damageable)
    batch(sent=2, **{state.value: 1 + (state is RecipientState.SKIPPED)})(damageable)

    seen = broken(damageable, provided)

    assert seen == {"messages taken, of recipients neither sent nor unknown"}


@pytest.mark.parametrize(("cut_off", "is_held"), [(1, True), (0, False)])
def test_more_unknown_than_were_under_way_is_seen(
    damageable: Session, provided: History, cut_off: int, is_held: bool
) -> None:
    assert provided.calls is not None
    recipient(RecipientState.UNKNOWN)(damageable)
    batch(sent=2, unknown=1)(damageable)
    calls = replace(provided.calls, most_cut_off=cut_off)

    seen = broken(damageable, replace(provided, calls=calls))

    assert (seen == set()) is is_held
    assert all(name.startswith("recipients unknown") for name in seen)


def test_a_provider_run_is_asked_for_no_conversations(
    damageable: Session, provided: History
) -> None:
    first(Conversation)(damageable)

    assert broken(damageable, provided) == set()
