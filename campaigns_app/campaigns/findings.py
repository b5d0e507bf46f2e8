"""What can be found before a campaign is scheduled."""

from dataclasses import dataclass, replace
from enum import StrEnum

LISTED = 20
"""So many contacts are named with a finding."""


class Severity(StrEnum):
    """Whether a finding stands in the way, or is for somebody to know."""

    BLOCK = "block"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, at the field that could change it. `contacts` are some (id, name)
    of the `count` whom it concerns; `detail` says more, in somebody else's words or in names.
    `looked_at` is of how many that is the count, where it is not of everybody."""

    name: str
    severity: Severity
    field: str
    detail: str = ""
    count: int = 0
    contacts: tuple[tuple[int, str], ...] = ()
    looked_at: int | None = None

    def as_warning(self) -> "Finding":
        """The same where it stands in nobody's way."""
        return replace(self, severity=Severity.WARN)

    def as_seen_in(self, looked_at: int) -> "Finding":
        """The same where only so many were looked at: what holds for all of them may not hold for
        everybody, and so stands in nobody's way."""
        return replace(self, severity=Severity.WARN, looked_at=looked_at)
