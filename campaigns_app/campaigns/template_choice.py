"""The template of a campaign: which it is, what fills it, and what is wrong with that.

The texts are those the JSON API shows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from campaigns_app.campaigns.rendering import check_message
from campaigns_app.channels.templates import (
    LONGEST_COUPON,
    LONGEST_URL,
    LONGEST_VALUE,
    MEDIA,
    Parameter,
    Template,
    values_of,
)
from campaigns_app.database.text import is_storable
from campaigns_app.errors import FieldError
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.template_list import find_translations, sync_of

FIELD = "template_params"
USUAL_LANGUAGE = "en_US"
LONGEST_LIQUID = 2000
"""Characters of a value that is written out for each contact."""


@dataclass(frozen=True, slots=True)
class TemplateChoice:
    """What somebody said about a campaign's template. `params` are as they are to be saved;
    `template` is None where there is no such one, and then `message`, what it says to a person in
    Liquid, is blank; `values` are by the parameters' keys.

    `faults` are those of the template itself, `value_faults` those of what fills it.
    """

    params: dict[str, Any] | None
    template: Template | None = None
    values: Mapping[str, Any] | None = None
    message: str = ""
    faults: tuple[FieldError, ...] = ()
    value_faults: tuple[FieldError, ...] = ()


def choose_template(inbox: Inbox, params: Mapping[str, Any] | None) -> TemplateChoice:
    """What `template_params` mean for an inbox that sends templates. Two queries at most."""
    said = dict(params or {})
    name, language = said.get("name"), said.get("language") or USUAL_LANGUAGE
    if not name:
        return _refused(params, "Template params must name a template")
    if not isinstance(name, str) or not isinstance(language, str):
        return _refused(params, "Template params must have text as name and language")
    found = find_translations(inbox, name)
    template = next((one for one in found if one.language.lower() == language.lower()), None)
    if template is None:
        return _refused(params, _why_unknown(inbox, name, language, found))
    try:
        values = values_of(said.get("processed_params"))
    except ValueError as error:
        fault = FieldError(f"{FIELD}.{error}", f"Template {error} has values of the wrong shape")
        return TemplateChoice(said, template, {}, faults=(fault,))
    return TemplateChoice(
        said
        | {"name": template.name, "language": template.language, "category": template.category}
        | {"processed_params": template.params_with(values)},
        template,
        values,
        template.body_with(values),
        tuple(_faults_of(template)),
        tuple(check_values(template, values)),
    )


def check_values(template: Template, values: Mapping[str, Any]) -> Iterator[FieldError]:
    """What is wrong with the values that are to fill a template: one that is missing, one for which
    there is no place, one that is no Liquid or no address."""
    wanted = template.parameters
    for parameter in wanted:
        label, field = label_of(parameter.key), f"{FIELD}.{parameter.key}"
        faults = _faults_of_value(parameter, values.get(parameter.key))
        yield from (FieldError(field, f"{label} {fault}") for fault in faults)
    for key in sorted(values.keys() - {one.key for one in wanted}):
        yield FieldError(f"{FIELD}.{key}", f"{label_of(key)} has no place in the template")


def label_of(key: str) -> str:
    """What a value is called in the texts of its faults, which begin with that."""
    part, _, name = key.partition(".")
    return f"Template {'button' if part == 'buttons' else part} {name}"


def is_liquid(text: str) -> bool:
    """Whether what it comes to differs from contact to contact."""
    return "{{" in text or "{%" in text


def _faults_of_value(parameter: Parameter, value: Any) -> Iterator[str]:
    if value is None or (isinstance(value, str) and not value.strip()):
        if parameter.is_required:
            yield "can't be blank"
        return
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        yield "must be text"
        return
    text = str(value)
    longest = LONGEST_LIQUID if is_liquid(text) else _longest(parameter.kind)
    if len(text) > longest:
        yield f"is too long (maximum is {longest} characters)"
    elif not is_storable(text):
        yield "contains characters that are not text"
    elif parameter.kind in MEDIA and not _leads_to_media(text):
        yield "must be an address that begins with https:// or http://"
    else:
        yield from (fault.removeprefix("Message ") for fault in check_message(text))


def _longest(kind: str) -> int:
    if kind in MEDIA:
        return LONGEST_URL
    return LONGEST_COUPON if kind == "copy_code" else LONGEST_VALUE


def _leads_to_media(text: str) -> bool:
    if is_liquid(text):
        # What it comes to, only the contact's own values say.
        return text.lstrip().startswith(("{{", "{%", "https://", "http://"))
    try:
        address = urlsplit(text.strip())
    except ValueError:
        return False
    has_blanks = len(text.split()) != 1
    return address.scheme in ("https", "http") and bool(address.hostname) and not has_blanks


def _faults_of(template: Template) -> Iterator[FieldError]:
    called = f"Template {template.name} ({template.language})"
    if not template.is_approved:
        status = template.status.replace("_", " ").lower() or "of unknown status"
        yield FieldError(f"{FIELD}.name", f"{called} is not approved: it is {status}")
    elif template.obstacle:
        kind = template.obstacle.replace("_", " ").lower()
        yield FieldError(f"{FIELD}.name", f"{called} is of a kind that is not sent here: {kind}")


def _refused(params: Mapping[str, Any] | None, why: str) -> TemplateChoice:
    kept = None if params is None else dict(params)
    return TemplateChoice(kept, faults=(FieldError(FIELD, why),))


def _why_unknown(inbox: Inbox, name: str, language: str, found: Sequence[Template]) -> str:
    if found:
        known = ", ".join(one.language for one in found)
        return f"Template {found[0].name} does not exist in {language}; it does in {known}"
    sync = sync_of(inbox)
    if sync is None or sync.synced_at is None:
        return (
            "Template params cannot be checked, as the inbox's templates were never fetched: sync "
            f"them on its page, or with POST /api/v1/inboxes/{inbox.id}/sync_templates"
        )
    return f"Template {name} does not exist, or not any more"
