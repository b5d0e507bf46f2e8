"""A look ahead before a campaign is scheduled: what is wrong, what will be odd, how long it takes.

Whether contacts have what the message says of them, the database answers for all who would be
written to. What only writing a message out tells is asked of everybody, too, unless they are so
many that it takes more than a moment: then of some from all over them, or of all on demand. The
answer says how many it was, and nothing that was found of some stands in the way of all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.blanks import bare_variables, lacks
from campaigns_app.campaigns.choices import find_sender
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.findings import Finding, Severity
from campaigns_app.campaigns.funnel import count_funnel
from campaigns_app.campaigns.lacking import Everybody
from campaigns_app.campaigns.lengths import Length, Measured, measure
from campaigns_app.campaigns.quiet_findings import find_quiet_days, find_quiet_hours
from campaigns_app.campaigns.rendering import Surroundings
from campaigns_app.campaigns.sampling import Recipients
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.template_choice import TemplateChoice, choose_template
from campaigns_app.campaigns.template_findings import (
    blank_variables_of,
    find_blank_values,
    find_template_faults,
    tell_of_blanks,
)
from campaigns_app.channels.base import Channel
from campaigns_app.channels.provider import ProviderChannel
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.transactions import snapshot
from campaigns_app.extensions import db
from campaigns_app.inboxes.checking import Connection
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.readiness import faults_of
from campaigns_app.inboxes.template_list import sends_templates

MOST_WRITTEN_FOR = 100_000
"""So many messages are written out unasked: it takes one to three seconds."""

FIELD = "inbox_id"

AT_ONCE = timedelta(minutes=5)
"""A campaign that starts sooner is not waiting for anybody to be labelled."""


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
    account: Account,
    inbox: Inbox,
    draft: CampaignDraft,
    now: datetime,
    connection: Connection | None = None,
    *,
    counts_all: bool = False,
) -> Preflight:
    """What scheduling `draft` from `inbox` would lead to. `connection` is what the inbox's
    provider said, if it was asked; `counts_all` has messages written out for everybody, however
    long that takes (half a minute for a million). Ten queries at most, in a transaction that only
    reads: in another kind nobody else could write to SQLite meanwhile. Ends the present one.

    What it finds of the audience stands in nobody's way where conversations are written: they
    cost nothing, and programs that speak to Chatwoot expect such a campaign to be saved.
    """
    db.session.rollback()
    with snapshot(db.session()):
        everybody = _find_everybody(account, inbox, draft)
        channel, will_send = everybody.channel, everybody.count
        most = will_send if counts_all else MOST_WRITTEN_FOR
        recipients = Recipients(everybody.matched, channel, will_send, most)
        choice = choose_template(inbox, draft.template_params) if sends_templates(inbox) else None
        if choice is not None:
            draft = replace(draft, message=draft.message or choice.message)
        around = surroundings(account, inbox, draft)
        start = max(draft.scheduled_at or now, now)
        measured = measure(channel, draft.message, recipients, around, will_send)
        length = measured.length
        seconds = _seconds(length, inbox, channel)
        findings = [
            *look_at_inbox(inbox, connection),
            *_of_message(draft, choice),
            *_of_writing(measured, recipients),
            *_of_everybody(draft.message, choice, everybody, recipients, around),
            *([] if will_send else [_nobody(is_soon=start - now < AT_ONCE)]),
        ]
        if isinstance(channel, ProviderChannel):
            findings += _of_quiet_hours(account, recipients, start, seconds)
        else:
            findings = [one if one.field == FIELD else one.as_warning() for one in findings]
    return Preflight(tuple(findings), will_send, len(recipients), length, seconds)


def _find_everybody(account: Account, inbox: Inbox, draft: CampaignDraft) -> Everybody:
    channel = get_channels().get(inbox.inbox_type)
    labels = tuple(entry["id"] for entry in draft.audience)
    matched = matched_contacts(Selection(account.id, labels, draft.follows_id, draft.follows))
    return Everybody(matched, channel, count_funnel(db.session(), matched, channel).will_send)


def _seconds(length: Length | None, inbox: Inbox, channel: Channel) -> float | None:
    if length is None or not isinstance(channel, ProviderChannel):
        return None
    return length.total / (inbox.rate or channel.usual_rate)


def look_at_inbox(inbox: Inbox, connection: Connection | None = None) -> Iterator[Finding]:
    """What is wrong with the inbox by itself."""
    channel = get_channels().get(inbox.inbox_type)
    if not inbox.enabled:
        yield Finding("disabled", Severity.BLOCK, FIELD)
    if inbox.halted_at is not None:
        yield Finding("halted", Severity.WARN, FIELD, inbox.halt_reason or "")
    if not isinstance(channel, ProviderChannel):
        return
    faults = list(faults_of(inbox, channel))
    if faults:
        yield Finding("incomplete", Severity.BLOCK, FIELD, ". ".join(faults))
    elif connection is not None and connection.is_refused:
        yield Finding("refused", Severity.BLOCK, FIELD, connection.text)
    elif connection is not None and not connection.works:
        yield Finding("unanswered", Severity.WARN, FIELD, connection.text)


def _nobody(*, is_soon: bool) -> Finding:
    if is_soon:
        return Finding("nobody", Severity.BLOCK, "audience")
    return Finding("nobody_yet", Severity.WARN, "audience")


def _of_message(draft: CampaignDraft, choice: TemplateChoice | None) -> Iterator[Finding]:
    if draft.sender_id is None and "agent." in draft.message:
        yield Finding("no_sender", Severity.WARN, "sender_id")
    if choice is not None:
        yield from find_template_faults(choice)


def _of_writing(measured: Measured, recipients: Recipients) -> Iterator[Finding]:
    if not measured.failed:
        return
    severity = Severity.BLOCK if measured.failed == measured.looked_at else Severity.WARN
    found = Finding(
        *("unwritable", severity, "message", measured.why),
        count=measured.failed,
        contacts=measured.contacts,
    )
    yield found if recipients.is_everybody else found.as_seen_in(measured.looked_at)


def _of_everybody(
    message: str,
    choice: TemplateChoice | None,
    everybody: Everybody,
    recipients: Recipients,
    around: Surroundings,
) -> Iterator[Finding]:
    if choice is None:
        yield from _of_variables(message, everybody)
    elif recipients.is_everybody:
        # Each template is written out: one finding tells of all its values.
        yield from find_blank_values(choice, recipients, around, is_everybody=True)
    else:
        lacking = everybody.find_lacking(blank_variables_of(choice))
        yield from tell_of_blanks(lacking, everybody.count)
        for one in find_blank_values(choice, recipients, around, is_everybody=False):
            yield one.as_seen_in(len(recipients))


def _of_variables(message: str, everybody: Everybody) -> Iterator[Finding]:
    names = bare_variables(message)
    lacking = everybody.find_lacking({f"contact.{name}": lacks(name) for name in names})
    nowhere = [name for name, count in lacking.counts.items() if count == everybody.count]
    if nowhere:
        yield Finding("never_there", Severity.BLOCK, "message", ", ".join(nowhere))
    elif lacking.count:
        yield Finding(
            *("missing_variables", Severity.WARN, "message", lacking.text),
            count=lacking.count,
            contacts=lacking.contacts,
        )


def _of_quiet_hours(
    account: Account, recipients: Recipients, start: datetime, seconds: float | None
) -> Iterator[Finding]:
    if account.quiet_hours:
        # Where a number may be takes longer to find out than to write to it: some will do.
        some = recipients.some
        for one in find_quiet_hours(account, some, start):
            yield one if len(some) == recipients.total else one.as_seen_in(len(some))
    yield from find_quiet_days(account, seconds)


def surroundings(account: Account, inbox: Inbox, draft: CampaignDraft) -> Surroundings:
    """What all messages of the campaign would have in common. A sender who is no member of the
    account is nobody. One query at most."""
    sender = find_sender(account.id, draft.sender_id)
    return Surroundings(
        {"id": account.id, "name": account.name},
        {"id": inbox.id, "name": inbox.name},
        {"id": sender.id, "name": sender.name, "email": sender.email} if sender else None,
    )
