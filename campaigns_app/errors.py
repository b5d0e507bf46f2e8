"""The errors a caller may want to tell apart.

CampaignsError
├── ConfigError        a setting is missing or wrong; the text says what to do
├── CannotStart        something outside is in the way; the text says what to do
├── InvalidInput       what was sent cannot be accepted; names the fields (422)
├── NotFound           no such thing in this account (404)
├── NotAllowed         the person may not do this here (401 in the API, 403 on a page)
├── Refused            understood, but the thing's present state forbids it (422)
│   ├── AlreadyMade    what is asked for was made before; says which it is (409)
│   └── OnItsWay       what is asked for is being done at this very moment (409)
├── InboxUnusable      an inbox cannot use its provider as it is set up; the text says what to do
├── StaleLease         another worker has taken over; stop without writing
└── UnknownChannel     no channel is registered under that name

OutOfTime is none of them: it ends a job, and no `except Exception` may keep it from doing so.
"""

from collections.abc import Iterable
from dataclasses import dataclass


class CampaignsError(Exception):
    """Every error this package raises on purpose."""


class ConfigError(CampaignsError):
    """A setting is missing or wrong. The text names it and says what to do about it."""


class CannotStart(CampaignsError):
    """Something outside stands in the way of starting: a port or a folder in use, a store that
    does not answer. The text names it and says what to do about it."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One reason why a value was refused.

    `field` is the attribute's name as the API spells it (`title`, `inbox_id`); `message` is a
    whole phrase that can stand alone (`Title can't be blank`).
    """

    field: str
    message: str


class InvalidInput(CampaignsError):
    """What was sent cannot be accepted; `errors` holds one `FieldError` for each reason."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(", ".join(error.message for error in self.errors))

    @property
    def fields(self) -> list[str]:
        """The names of the refused fields, each once, in the order they were found."""
        return list(dict.fromkeys(error.field for error in self.errors))


class NotFound(CampaignsError):
    """No such thing in this account. Also raised for another account's rows, so that nobody
    learns that they exist."""


class NotAllowed(CampaignsError):
    """The person is known but may not do this."""


class Refused(CampaignsError):
    """The request is well formed, but the present state of the thing forbids it."""


class AlreadyMade(Refused):
    """What is asked for was made before, by somebody else; `display_id` is the campaign's."""

    def __init__(self, message: str, display_id: int) -> None:
        super().__init__(message)
        self.display_id = display_id


class OnItsWay(Refused):
    """What is asked for is being done at this very moment: what comes of it will be seen soon."""


class InboxUnusable(CampaignsError):
    """An inbox cannot use its provider as it is set up. The text says why and what to do."""


class StaleLease(CampaignsError):
    """The lease under which this worker was writing is no longer its own: stop, write nothing."""


class UnknownChannel(CampaignsError):
    """No channel is registered under that name; the text lists the known ones."""


class OutOfTime(BaseException):
    """A job has run for as long as it may. What it was about says nothing about the error, so it
    must not be taken for that of a contact or an endpoint."""
