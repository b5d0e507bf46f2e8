"""What the API answers about templates, as models of which its description is made."""

from typing import Any

from campaigns_app.webhooks.objects import Exact, UnixSeconds


class ParameterObject(Exact):
    """A value that a template wants: `processed_params[part][name]`, or for `buttons` the
    `parameter` of the one in that place."""

    part: str
    name: str
    kind: str
    example: str
    required: bool


class TemplateObject(Exact):
    """A template as its provider lists it; campaigns can be made of it where `can_be_sent`."""

    name: str
    language: str
    status: str
    category: str
    components: list[dict[str, Any]]
    can_be_sent: bool
    parameters: list[ParameterObject]


class TemplatesAnswer(Exact):
    """The templates of an inbox by name and language, when they were fetched last, and why they
    could not be fetched since."""

    payload: list[TemplateObject]
    synced_at: UnixSeconds | None
    fault: str | None
