"""What the API answers where it refuses, as models of which its description is made."""

from pydantic import RootModel

from campaigns_app.webhooks.objects import Exact


class Problem(Exact):
    """Why a request was refused."""

    error: str


class Problems(Exact):
    """Why a request without a token was refused."""

    errors: list[str]


class Invalid(Exact):
    """What was wrong with the values sent, and which they were."""

    message: str
    attributes: list[str]


class AlreadyThere(Exact):
    """What was asked for has been made already, under this `id`."""

    message: str
    id: int


class Conflict(RootModel[AlreadyThere | Problem]):
    """Something that was done before, or is being done, is in the way."""


class Unauthorized(RootModel[Problem | Problems]):
    """The token is missing or wrong, or its owner may not do this."""


class Unprocessable(RootModel[Invalid | Problem]):
    """The values cannot be accepted, or there are none."""
