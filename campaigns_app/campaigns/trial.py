"""Trying a campaign: one message to one person, as its channel would send it, outside its ledger.

A trial is no recipient, opens no conversation and tells no endpoint. It is kept in the audit log:
once before the provider is called, and once when it is known what came of that.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from secrets import token_hex
from typing import Any

from flask_babel import gettext as _
from limits import parse
from werkzeug.exceptions import TooManyRequests

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.calls import Called, Prepared, call
from campaigns_app.campaigns.delivery import surroundings_of
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.provider_messages import NO_CONVERSATION, MessageWriter
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed
from campaigns_app.campaigns.results import Result
from campaigns_app.campaigns.sending_ledger import RecipientRow
from campaigns_app.campaigns.texts import reason_text
from campaigns_app.campaigns.trial_people import find_person, own_number_of, refuse_unwilling
from campaigns_app.channels import provider
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.suppressing import suppress_addresses
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InboxUnusable, Refused
from campaigns_app.extensions import db, limiter
from campaigns_app.http_client import HttpClient, Policy
from campaigns_app.inboxes.provider_account import account_of, provider_policy
from campaigns_app.rate_budget import BudgetUnreachable, get_rate_budget

MOST_OFTEN = parse("10 per minute")
"""So many trials may one person make."""

MOST_WAIT_SECONDS = 5
"""So long a trial waits for its turn while campaigns use up what may leave the inbox."""


class Outcome(StrEnum):
    """What came of a trial."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The provider gave no clear answer: it may have been sent, or not."""
    SHOWN = "shown"
    """It was written, and shown: this channel has nobody to send it to."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to try: the message written for the contact, the first recipient if none
    is named, sent to that contact or to the person's `own_number`, blank for the one known."""

    contact_id: int | None = None
    to_contact: bool = False
    own_number: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a trial: the message as it was written for a contact, where it went, and what
    the provider said. `is_marked` says that it can be told from a real one."""

    outcome: Outcome
    contact_id: int
    contact_name: str
    text: str
    is_marked: bool = False
    to: str = ""
    units: int | None = None
    template: Mapping[str, Any] | None = None
    provider_message_id: str | None = None
    code: str | None = None
    reason: str = ""


def send_trial(account: Account, campaign: Campaign, wish: Wish, *, actor: User) -> Trial:
    """Write the campaign's message for one contact and have it sent once; what the channel cannot
    send is written and returned.

    `campaign` may be one that is not saved. Raises `InvalidInput` and `Refused` where nothing was
    sent, and `TooManyRequests`. Commits, and remembers the person's own number.
    """
    channel = get_channels().get(campaign.inbox.inbox_type)
    if not limiter.limiter.hit(MOST_OFTEN, "trials", str(actor.id)):
        raise TooManyRequests(_("CAMPAIGN.TRIAL.TOO_OFTEN"))
    if not isinstance(channel, ProviderChannel):
        return _show(campaign, find_person(campaign, channel, wish.contact_id))
    number = "" if wish.to_contact else own_number_of(actor, channel, wish.own_number)
    row = find_person(campaign, channel, wish.contact_id)
    if not campaign.inbox.enabled:
        raise Refused(_("CAMPAIGN.TRIAL.DISABLED"))
    refuse_unwilling(account.id, channel, row.recipient_id, number)
    prepared = _prepare(campaign, channel, row, number)
    trial = Trial(
        Outcome.UNKNOWN,
        row.recipient_id,
        row.contact["name"],
        prepared.message.text,
        is_marked=not channel.sends_templates,
        to=prepared.message.to,
        units=prepared.units,
        template=prepared.message.template,
    )
    return _carry_out(account.id, campaign, channel, prepared, trial, actor)


def _show(campaign: Campaign, row: RecipientRow) -> Trial:
    try:
        template = MessageTemplate(campaign.message)
        text = template.render(row.contact, NO_CONVERSATION, surroundings_of(campaign))
    except RenderingFailed as error:
        raise Refused(str(error)) from error
    return Trial(Outcome.SHOWN, row.recipient_id, row.contact["name"], text)


def _prepare(
    campaign: Campaign, channel: ProviderChannel, row: RecipientRow, number: str
) -> Prepared:
    """The marked message. Quiet hours are a contact's, not those of who asks for the message."""
    writer = MessageWriter(
        campaign, channel, surroundings_of(campaign), minds_quiet_hours=not number
    )
    prepared = writer.prepare(row)
    if isinstance(prepared, Result):
        said = [reason_text(prepared.reason), prepared.error]
        raise Refused(": ".join(part for part in said if part))
    message = prepared.message
    text = message.text
    if not channel.sends_templates:
        text = f"{_('CAMPAIGN.TRIAL.MARK')} {text}"
    marked = replace(
        message, delivery_id=f"trial-{token_hex(8)}", to=number or message.to, text=text
    )
    return prepared._replace(message=marked, units=channel.units(text))


def _carry_out(
    account_id: int,
    campaign: Campaign,
    channel: ProviderChannel,
    prepared: Prepared,
    trial: Trial,
    actor: User,
) -> Trial:
    inbox = campaign.inbox
    try:
        provider_account = account_of(inbox)
        rate = inbox.rate or channel.usual_rate
        _await_turn(f"inbox:{inbox.id}", rate, prepared.units)
    except (InboxUnusable, BudgetUnreachable) as error:
        raise Refused(str(error)) from error
    about = {
        "trial": prepared.message.delivery_id,
        "inbox_id": inbox.id,
        "contact_id": trial.contact_id,
        "to": trial.to,
    }
    subject = campaign if campaign.id is not None else None
    record("campaign.trial_begun", actor, subject, account_id=account_id, after=about)
    # Nobody else can write to SQLite, nor use the connection, while a transaction waits.
    db.session.commit()
    called = asyncio.run(_call(channel, provider_account, prepared, provider_policy(1)))
    trial = _judged(trial, called)
    if isinstance(called.outcome, provider.Suppress):
        stored = [(channel.suppressible(trial.to), called.outcome.code or "")]
        suppress_addresses(db.session(), account_id, stored, source="provider")
    ended = {
        **about,
        "outcome": trial.outcome.value,
        "provider_message_id": trial.provider_message_id,
        "code": trial.code,
    }
    record("campaign.trial_ended", actor, subject, account_id=account_id, after=ended)
    db.session.commit()
    return trial


def _await_turn(name: str, rate: float, units: int) -> None:
    """Take the message's units from the inbox's budget; what it takes beyond what may leave now is
    paid by whoever comes next, as in a campaign. Raises `Refused` where it is never our turn."""
    budget = get_rate_budget()
    waited = 0.0
    # Nothing is locked in the meantime, but SQLite's readers hold a snapshot.
    db.session.commit()
    while (grant := budget.take(name, rate, units)).units == 0:
        waited += grant.wait
        if waited > MOST_WAIT_SECONDS:
            raise Refused(_("CAMPAIGN.TRIAL.BUSY"))
        time.sleep(grant.wait)
    if grant.units < units:
        budget.hold(name, (units - grant.units) / rate)


async def _call(
    channel: ProviderChannel, account: provider.Account, prepared: Prepared, policy: Policy
) -> Called:
    async with HttpClient(policy) as http:
        return await call(channel, http, account, prepared, utcnow())


def _judged(trial: Trial, called: Called) -> Trial:
    result, outcome = called.result, called.outcome
    if result.provider_message_id is not None:
        return replace(
            trial, outcome=Outcome.ACCEPTED, provider_message_id=result.provider_message_id
        )
    is_refused = outcome is not None and not isinstance(outcome, provider.Unknown)
    return replace(
        trial,
        outcome=Outcome.REFUSED if is_refused else Outcome.UNKNOWN,
        code=result.code,
        reason=result.error or "",
    )
