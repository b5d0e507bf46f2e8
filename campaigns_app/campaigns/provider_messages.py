"""Writing the messages of a campaign that goes out through a provider."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from campaigns_app.campaigns.calls import Prepared
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.quiet_hours import QuietHours, Window
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings
from campaigns_app.campaigns.results import Result
from campaigns_app.campaigns.sending_ledger import RecipientRow
from campaigns_app.campaigns.states import Reason, RecipientState
from campaigns_app.channels.provider import OutgoingMessage, ProviderChannel
from campaigns_app.database.text import made_storable
from campaigns_app.database.types import utcnow

logger = logging.getLogger(__name__)

NO_CONVERSATION = 0
"""What `conversation.id` is in a message that opens none."""

PARAMETERS = "processed_params"
ERROR_LENGTH = 500
MINUTE = timedelta(minutes=1)


class BlankParameter(Exception):
    """A parameter of a template comes out blank for a contact; the text says which (`body 1`)."""


class MessageWriter:
    """Writes a campaign's message for one recipient after another; parses it once.

    Raises `LiquidError` when the message, or a parameter of its template, is not Liquid.
    """

    def __init__(
        self,
        campaign: Campaign,
        channel: ProviderChannel,
        around: Surroundings,
        *,
        minds_quiet_hours: bool = True,
    ) -> None:
        self._channel = channel
        self._around = around
        self._text = MessageTemplate(campaign.message)
        self._template = campaign.template_params if channel.sends_templates else None
        self._parameters = _parsed((self._template or {}).get(PARAMETERS))
        window = Window.of(campaign.account.quiet_hours) if minds_quiet_hours else None
        self._quiet_hours = QuietHours(window, campaign.account.time_zone) if window else None

    def prepare(self, row: RecipientRow) -> Prepared | Result:
        """The message for a recipient, or why there is none. Raises nothing."""
        try:
            return self._prepare(row)
        except RenderingFailed as error:
            return _failed(row, str(error))
        # A channel may be somebody else's: what it makes of one message is that one's.
        except Exception as error:
            logger.exception("No message could be written for contact %s", row.recipient_id)
            return _failed(row, f"{type(error).__name__}: {error}")

    def _prepare(self, row: RecipientRow) -> Prepared | Result:
        contact = row.contact
        if contact["id"] is None:
            return Result(row.recipient_id, RecipientState.SKIPPED, Reason.CONTACT_DELETED)
        now = utcnow()
        held = self._held(row, now)
        if held is not None:
            return held
        text = self._text.render(contact, NO_CONVERSATION, self._around)
        try:
            template = self._template_for(contact)
        except BlankParameter as blank:
            return Result(
                row.recipient_id, RecipientState.SKIPPED, Reason.BLANK_PARAMETER, str(blank)
            )
        message = OutgoingMessage(
            str(row.row_id), self._channel.address_of(contact), text, template, row.attempts
        )
        units = self._channel.units(text)
        # Windows close on the minute: what has waited past one is asked again.
        stale_at = now.replace(second=0, microsecond=0) + MINUTE if self._quiet_hours else None
        return Prepared(row.recipient_id, row.attempts, units, message, stale_at)

    def _held(self, row: RecipientRow, now: datetime) -> Result | None:
        """That the recipient is to wait until it is day there; None where it is."""
        if self._quiet_hours is None:
            return None
        opening = self._quiet_hours.opening_for(row.contact, now)
        if opening == now:
            return None
        state = RecipientState.SKIPPED if opening is None else RecipientState.PENDING
        return Result(row.recipient_id, state, Reason.QUIET_HOURS, next_attempt_at=opening)

    def _template_for(self, contact: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if self._template is None:
            return None
        filled = self._filled(self._parameters, contact, "")
        return {**self._template, PARAMETERS: filled}

    def _filled(self, value: Any, contact: Mapping[str, Any], name: str) -> Any:
        """The parameters with this contact's values. Raises `BlankParameter`."""
        if isinstance(value, dict):
            return {
                key: self._filled(part, contact, f"{name} {key}") for key, part in value.items()
            }
        if isinstance(value, list):
            return [
                self._filled(part, contact, f"{name} {place}") for place, part in enumerate(value)
            ]
        if not isinstance(value, MessageTemplate):
            return value
        text = value.render(contact, NO_CONVERSATION, self._around)
        if not text.strip():
            raise BlankParameter(name.strip())
        return text


def _failed(row: RecipientRow, why: str) -> Result:
    state, reason = RecipientState.FAILED, Reason.RENDERING_FAILED
    return Result(row.recipient_id, state, reason, made_storable(why, ERROR_LENGTH))


def _parsed(value: Any) -> Any:
    """The same structure with every text in it parsed as Liquid."""
    if isinstance(value, dict):
        return {key: _parsed(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_parsed(part) for part in value]
    return MessageTemplate(value) if isinstance(value, str) and value else value
