"""API: opens a conversation with each contact; webhooks carry the message to the outside.

No request leaves the machine while a campaign runs: contact inbox, conversation, first message and
webhook events are rows of one transaction, so each recipient gets exactly one of each.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.channels.base import Addressee, ConversationChannel, Origin, SettingField
from campaigns_app.conversations.models import (
    ContactInbox,
    Conversation,
    ConversationStatus,
    Message,
    MessageStatus,
    MessageType,
)
from campaigns_app.database.bulk import insert_rows, reserve_ids
from campaigns_app.database.random_ids import sortable_uuids
from campaigns_app.webhooks.opening import Opened, Opening
from campaigns_app.webhooks.outbox import Event, record_events

EMPTY = "{}"


class _Known(NamedTuple):
    """A contact as the inbox knows it."""

    id: int
    source_id: str
    created_at: datetime


class ApiChannel(ConversationChannel):
    """The channel of inboxes that integrations write to and read from through the JSON API."""

    name = "API"
    label = "API"
    slug = "api"
    log_prefix = "API Campaign"
    webhook_name = "Channel::Api"
    settings = (
        SettingField(
            name="webhook_url",
            label="INBOXES.FORM.WEBHOOK_URL.LABEL",
            kind="url",
            help="INBOXES.FORM.WEBHOOK_URL.HELP",
        ),
    )

    def deliver(
        self,
        session: Session,
        origin: Origin,
        addressees: Sequence[Addressee],
        numbers: Sequence[int],
        now: datetime,
    ) -> None:
        """Open a conversation with each addressee: see the base class."""
        known = self._contact_inboxes(session, origin, addressees, now)
        conversation_ids = reserve_ids(session, Conversation, len(addressees))
        message_ids = reserve_ids(session, Message, len(addressees))
        self._insert_conversations(
            session, origin, addressees, known, conversation_ids, numbers, now
        )
        self._insert_messages(session, origin, addressees, conversation_ids, message_ids, now)
        if origin.subscribers:
            opened = [
                Opened(to.contact, *known[to.contact_id], number, message_id, to.text)
                for to, number, message_id in zip(addressees, numbers, message_ids, strict=True)
            ]
            self._tell(session, origin, conversation_ids, opened, now)

    def _contact_inboxes(
        self, session: Session, origin: Origin, addressees: Sequence[Addressee], now: datetime
    ) -> Mapping[int, _Known]:
        """Each addressee's contact inbox by contact id; the missing ones are written."""
        inbox_id = origin.inbox["id"]
        rows = session.execute(
            select(
                ContactInbox.contact_id,
                ContactInbox.id,
                ContactInbox.source_id,
                ContactInbox.created_at,
            ).where(
                ContactInbox.inbox_id == inbox_id,
                ContactInbox.contact_id.in_([a.contact_id for a in addressees]),
            )
        )
        known = {row.contact_id: _Known(row.id, row.source_id, row.created_at) for row in rows}
        missing = [a.contact_id for a in addressees if a.contact_id not in known]
        ids = reserve_ids(session, ContactInbox, len(missing))
        made = {
            contact_id: _Known(row_id, uuid, now)
            for contact_id, row_id, uuid in zip(
                missing, ids, sortable_uuids(len(missing)), strict=True
            )
        }
        insert_rows(
            session,
            ContactInbox,
            ("id", "contact_id", "source_id"),
            [(row.id, contact_id, row.source_id) for contact_id, row in made.items()],
            same={
                "inbox_id": inbox_id,
                "hmac_verified": False,
                "created_at": now,
                "updated_at": now,
            },
        )
        return known | made

    def _insert_conversations(
        self,
        session: Session,
        origin: Origin,
        addressees: Sequence[Addressee],
        known: Mapping[int, _Known],
        ids: Sequence[int],
        numbers: Sequence[int],
        now: datetime,
    ) -> None:
        insert_rows(
            session,
            Conversation,
            ("id", "contact_id", "contact_inbox_id", "display_id", "uuid"),
            [
                (row_id, to.contact_id, known[to.contact_id].id, number, uuid)
                for to, row_id, number, uuid in zip(
                    addressees, ids, numbers, sortable_uuids(len(ids)), strict=True
                )
            ],
            same={
                "account_id": origin.account["id"],
                "inbox_id": origin.inbox["id"],
                "campaign_id": origin.campaign_id,
                "status": ConversationStatus.OPEN.value,
                "additional_attributes": EMPTY,
                "custom_attributes": EMPTY,
                **dict.fromkeys(
                    ("waiting_since", "last_activity_at", "created_at", "updated_at"), now
                ),
            },
        )

    def _insert_messages(
        self,
        session: Session,
        origin: Origin,
        addressees: Sequence[Addressee],
        conversation_ids: Sequence[int],
        ids: Sequence[int],
        now: datetime,
    ) -> None:
        insert_rows(
            session,
            Message,
            ("id", "conversation_id", "content"),
            [
                (row_id, conversation_id, to.text)
                for to, row_id, conversation_id in zip(
                    addressees, ids, conversation_ids, strict=True
                )
            ],
            same={
                "account_id": origin.account["id"],
                "inbox_id": origin.inbox["id"],
                "sender_id": origin.sender["id"] if origin.sender else None,
                "content_type": "text",
                "message_type": MessageType.OUTGOING.value,
                "private": False,
                "status": MessageStatus.SENT.value,
                "content_attributes": EMPTY,
                "additional_attributes": json.dumps({"campaign_id": origin.campaign_id}),
                "created_at": now,
                "updated_at": now,
            },
        )

    def _tell(
        self,
        session: Session,
        origin: Origin,
        conversation_ids: Sequence[int],
        opened: Sequence[Opened],
        now: datetime,
    ) -> None:
        opening = Opening(
            account=origin.account,
            inbox=origin.inbox,
            channel=self.webhook_name,
            sender=origin.sender,
            campaign_id=origin.campaign_id,
            at=now,
        )
        events = [
            Event(event_type, payload, conversation_id, origin.campaign_id)
            for conversation_id, one in zip(conversation_ids, opened, strict=True)
            for event_type, payload in opening.payloads(one).items()
        ]
        record_events(session, origin.account["id"], events, origin.subscribers, now)
