"""A look ahead before a campaign is scheduled: what is wrong, what will be odd, how long it takes.

What concerns single contacts is asked of a sample of those who would be written to, the first by
id, so that the look takes no longer for a large audience; the answer says how many it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from liquid.exceptions import LiquidError
from sqlalchemy import Row

from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.blanks import bare_variables, blank_variables
from campaigns_app.campaigns.findings import LISTED, Finding, Severity
from campaigns_app.campaigns.funnel import count_funnel
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings
from campaigns_app.campaigns.sampling import first_recipients
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.service import CampaignDraft
from campaigns_app.campaigns.template_choice import TemplateChoice, choose_template
from campaigns_app.campaigns.template_findings import find_blank_values, find_template_faults
from campaigns_app.channels.base import Channel
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.extensions import db
from campaigns_app.inboxes.checking import Connection
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.template_list import sends_templates

SAMPLE = 500


@dataclass(frozen=True, slots=True)
class Length:
    """How much the messages take of the inbox's rate, in its `unit`: the longest of the sample,
    and all, reckoned from the sample. `text` is the longest."""

    unit: str
    longest: int
    total: int
    text: str


@dataclass(frozen=True, slots=True)
class Preflight:
    """What was found; how many would be written to, and how many of them were looked at; how long
    it takes at the inbox's rate, if it has one, in seconds."""

    findings: tuple[Finding, ...]
    will_send: int
    looked_at: int
    length: Length | None = None
    seconds: float | None = None


def look_ahead(
    account: Account, inbox: Inbox, draft: CampaignDraft, connection: Connection | None = None
) -> Preflight:
    """What scheduling `draft` from `inbox` would lead to. `connection` is what the inbox's
    provider said, if it was asked. Six queries at most."""
    channel = get_channels().get(inbox.inbox_type)
    labels = tuple(entry["id"] for entry in draft.audience)
    matched = matched_contacts(Selection(account.id, labels, draft.follows_id, draft.follows))
    will_send = count_funnel(db.session(), matched, channel).will_send
    rows = first_recipients(matched, channel, SAMPLE)
    choice = choose_template(inbox, draft.template_params) if sends_templates(inbox) else None
    if choice is not None:
        draft = replace(draft, message=draft.message or choice.message)
    around = surroundings(account, inbox, draft)
    length = _length(channel, draft.message, rows, around, will_send)
    findings = (
        *_of_inbox(inbox, channel, connection),
        *_of_message(draft, choice, rows, around),
        *([] if will_send else [Finding("nobody", Severity.WARN, "audience")]),
    )
    seconds = None
    if length is not None and isinstance(channel, ProviderChannel):
        seconds = length.total / (inbox.rate or channel.usual_rate)
    return Preflight(findings, will_send, len(rows), length, seconds)


def _of_inbox(inbox: Inbox, channel: Channel, connection: Connection | None) -> Iterator[Finding]:
    if inbox.halted_at is not None:
        yield Finding("halted", Severity.WARN, "inbox_id", inbox.halt_reason or "")
    if isinstance(channel, ProviderChannel) and connection is not None and not connection.works:
        yield Finding("refused", Severity.BLOCK, "inbox_id", connection.text)


def _of_message(
    draft: CampaignDraft,
    choice: TemplateChoice | None,
    rows: Sequence[Row[*tuple[Any, ...]]],
    around: Surroundings,
) -> Iterator[Finding]:
    if draft.sender_id is None and "agent." in draft.message:
        yield Finding("no_sender", Severity.WARN, "sender_id")
    if choice is None:
        yield from _of_holes(draft.message, rows)
        return
    yield from find_template_faults(choice)
    yield from find_blank_values(choice, [row._asdict() for row in rows], around)


def _of_holes(message: str, rows: Sequence[Row[*tuple[Any, ...]]]) -> Iterator[Finding]:
    names = bare_variables(message)
    holes: dict[str, int] = {}
    who = []
    for row in rows:
        blank = blank_variables(names, row._asdict())
        holes |= {name: holes.get(name, 0) + 1 for name in blank}
        if blank:
            who.append((row.id, row.name))
    if who:
        missing = ", ".join(f"contact.{name} ({count})" for name, count in holes.items())
        yield Finding(
            "missing_variables", Severity.WARN, "message", missing, len(who), tuple(who[:LISTED])
        )


def surroundings(account: Account, inbox: Inbox, draft: CampaignDraft) -> Surroundings:
    """What all messages of the campaign would have in common. One query at most."""
    sender = db.session.get(User, draft.sender_id) if draft.sender_id else None
    return Surroundings(
        {"id": account.id, "name": account.name},
        {"id": inbox.id, "name": inbox.name},
        {"id": sender.id, "name": sender.name, "email": sender.email} if sender else None,
    )


def _length(
    channel: Channel,
    message: str,
    rows: Sequence[Row[*tuple[Any, ...]]],
    around: Surroundings,
    will_send: int,
) -> Length | None:
    """None where no provider counts anything, or the message cannot be written for anybody."""
    if not isinstance(channel, ProviderChannel):
        return None
    texts = list(_texts(message, [row._asdict() for row in rows], around))
    if not texts:
        return None
    units = [channel.units(text) for text in texts]
    total = round(sum(units) * will_send / len(texts))
    return Length(channel.rate_unit, max(units), total, max(texts, key=len))


def _texts(
    message: str, contacts: Sequence[Mapping[str, Any]], around: Surroundings
) -> Iterator[str]:
    try:
        template = MessageTemplate(message)
    except (LiquidError, RecursionError):
        return  # The form says so at the field.
    for contact in contacts:
        try:
            yield template.render(contact, 0, around)
        except RenderingFailed:
            continue
