"""What is found of a campaign's template before it is scheduled, or after its provider has taken
the template away."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from liquid.exceptions import LiquidError
from sqlalchemy import ColumnElement

from campaigns_app.campaigns.blanks import bare_variables, lacks_all, only_variables
from campaigns_app.campaigns.findings import LISTED, Finding, Severity
from campaigns_app.campaigns.lacking import Lacking
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.provider_messages import NO_CONVERSATION
from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings
from campaigns_app.campaigns.template_choice import (
    FIELD,
    TemplateChoice,
    choose_template,
    is_liquid,
)
from campaigns_app.inboxes.template_list import sends_templates


def find_template_faults(choice: TemplateChoice) -> Iterator[Finding]:
    """What stands in the way of sending the template at all."""
    if not (choice.params or {}).get("name"):
        yield Finding("no_template", Severity.BLOCK, FIELD)
        return
    for fault in choice.faults:
        yield Finding("template", Severity.BLOCK, fault.field, fault.message)
    if choice.value_faults:
        told = ". ".join(fault.message for fault in choice.value_faults)
        yield Finding("template_values", Severity.BLOCK, choice.value_faults[0].field, told)


def faults_of_template(campaign: Campaign) -> list[Finding]:
    """What stands in the way of sending the template of a campaign that is not over."""
    if campaign.is_over or not sends_templates(campaign.inbox):
        return []
    return list(find_template_faults(choose_template(campaign.inbox, campaign.template_params)))


def find_blank_values(
    choice: TemplateChoice,
    contacts: Iterable[Mapping[str, Any]],
    around: Surroundings,
    *,
    is_everybody: bool,
) -> Iterator[Finding]:
    """Who of the contacts, given by their columns, will be skipped because a value of the template
    comes out blank for them. Where they are not everybody, only values that must be written out to
    tell: of the others the database knows for all, see `blank_variables_of`."""
    values = []
    for name, text in _differing(choice):
        if is_everybody or only_variables(text) is None:
            with suppress(LiquidError, RecursionError):  # That is refused at its field.
                values.append((name, MessageTemplate(text)))
    if not values:
        return
    counts: Counter[str] = Counter()
    looked_at = count = 0
    first = []
    for contact in contacts:
        looked_at += 1
        blank = {name for name, text in values if _is_blank(text, contact, around)}
        counts.update(blank)
        count += bool(blank)
        if blank and count <= LISTED:
            first.append((int(contact["id"]), str(contact["name"])))
    yield from tell_of_blanks(Lacking(counts, count, tuple(first)), looked_at)


def blank_variables_of(choice: TemplateChoice) -> dict[str, ColumnElement[bool]]:
    """For each value of the template that consists of a contact's variables: the condition that it
    comes out blank for a contact."""
    return {
        name: lacks_all(names)
        for name, text in _differing(choice)
        if (names := only_variables(text)) is not None
    }


def tell_of_blanks(lacking: Lacking, total: int) -> Iterator[Finding]:
    """That those of `total` who lack a value of the template are skipped. Where that is everybody,
    it stands in the way."""
    if not lacking.count:
        return
    is_everybody = lacking.count == total
    name = "always_blank" if is_everybody else "blank_values"
    severity = Severity.BLOCK if is_everybody else Severity.WARN
    yield Finding(name, severity, FIELD, lacking.text, lacking.count, lacking.contacts)


def _differing(choice: TemplateChoice) -> Iterator[tuple[str, str]]:
    """The values that differ from contact to contact, called by the variables in them, or by where
    they stand in the template if they name none."""
    for key, value in (choice.values or {}).items():
        text = str(value)
        if is_liquid(text):
            yield ", ".join(f"contact.{name}" for name in bare_variables(text)) or key, text


def _is_blank(text: MessageTemplate, contact: Mapping[str, Any], around: Surroundings) -> bool:
    try:
        return not text.render(contact, NO_CONVERSATION, around).strip()
    except RenderingFailed:
        return False
