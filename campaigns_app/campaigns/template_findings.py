"""What is found of a campaign's template before it is scheduled, or after its provider has taken
the template away."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from liquid.exceptions import LiquidError

from campaigns_app.campaigns.blanks import bare_variables
from campaigns_app.campaigns.findings import LISTED, Finding, Severity
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
    choice: TemplateChoice, contacts: Sequence[Mapping[str, Any]], around: Surroundings
) -> Iterator[Finding]:
    """Who of the contacts, given by their columns, will be skipped because a value of the template
    comes out blank for them. Where that is everybody, it stands in the way."""
    values = _differing(choice)
    counts: dict[str, int] = {}
    who = []
    for contact in contacts:
        blank = [name for name, text in values.items() if _is_blank(text, contact, around)]
        counts |= {name: counts.get(name, 0) + 1 for name in blank}
        if blank:
            who.append((int(contact["id"]), str(contact["name"])))
    if who:
        missing = ", ".join(f"{name} ({count})" for name, count in counts.items())
        is_everybody = len(who) == len(contacts)
        name = "always_blank" if is_everybody else "blank_values"
        severity = Severity.BLOCK if is_everybody else Severity.WARN
        yield Finding(name, severity, FIELD, missing, len(who), tuple(who[:LISTED]))


def _differing(choice: TemplateChoice) -> dict[str, MessageTemplate]:
    """The values that differ from contact to contact, by the variables in them, or where they stand
    in the template if they name none."""
    found = {}
    for key, value in (choice.values or {}).items():
        text = str(value)
        if is_liquid(text):
            named = ", ".join(f"contact.{name}" for name in bare_variables(text))
            try:
                found[named or key] = MessageTemplate(text)
            except (LiquidError, RecursionError):
                continue  # It is refused at its field.
    return found


def _is_blank(text: MessageTemplate, contact: Mapping[str, Any], around: Surroundings) -> bool:
    try:
        return not text.render(contact, NO_CONVERSATION, around).strip()
    except RenderingFailed:
        return False
