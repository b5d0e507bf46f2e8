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
    of the `count` whom it concerns; `detail` says more, in somebody else's words or in names."""

    name: str
    severity: Severity
    field: str
    detail: str = ""
    count: int = 0
    contacts: tuple[tuple[int, str], ...] = ()

    def as_warning(self) -> "Finding":
        """The same where it stands in nobody's way."""
        return replace(self, severity=Severity.WARN)
