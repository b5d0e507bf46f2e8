"""What quiet hours will do to a campaign, found before it is scheduled."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns_app.accounts.locale import zoned_time
from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.findings import LISTED, Finding, Severity
from campaigns_app.campaigns.quiet_hours import QuietHours, Window

FIELD = "scheduled_at"


def find_quiet_hours(
    account: Account, contacts: Sequence[Mapping[str, Any]], start: datetime
) -> Iterator[Finding]:
    """Who of the contacts, given by their columns, is held when the campaign starts, or never has
    an hour at all. Where nobody of them can ever be written to, that stands in the way."""
    window = Window.of(account.quiet_hours)
    if window is None or not contacts:
        return
    quiet = QuietHours(window, account.time_zone)
    never: list[tuple[int, str]] = []
    openings: list[datetime] = []
    for contact in contacts:
        opening = quiet.opening_for(contact, start)
        if opening is None:
            never.append((int(contact["id"]), str(contact["name"])))
        elif opening > start:
            openings.append(opening)
    if never:
        yield _never(never, is_everybody=len(never) == len(contacts))
    if openings:
        is_everybody = len(openings) + len(never) == len(contacts)
        name = "quiet_start" if is_everybody else "quiet_some"
        at = min(openings) if is_everybody else max(openings)
        yield Finding(name, Severity.WARN, FIELD, zoned_time(at), len(openings))


def find_quiet_days(account: Account, seconds: float | None) -> Iterator[Finding]:
    """That a campaign which takes so many seconds does not fit into a day's window."""
    window = Window.of(account.quiet_hours)
    if window is not None and seconds is not None and 0 < window.seconds < seconds:
        days = -int(-seconds // window.seconds)
        yield Finding("quiet_days", Severity.WARN, FIELD, "", days)


def _never(who: Sequence[tuple[int, str]], *, is_everybody: bool) -> Finding:
    named = tuple(who[:LISTED])
    if is_everybody:
        # No other time would help.
        return Finding("quiet_always", Severity.BLOCK, "audience", "", len(who), named)
    return Finding("quiet_never", Severity.WARN, FIELD, "", len(who), named)
