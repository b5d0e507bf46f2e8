"""The part of a campaign's form in which a template is chosen and filled in."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, SelectChoice, SelectField, StringField

from campaigns_app.campaigns.fields import trimmed
from campaigns_app.campaigns.template_choice import FIELD, choose_template, label_of
from campaigns_app.channels.templates import MEDIA, Parameter, Template, values_of
from campaigns_app.errors import FieldError
from campaigns_app.inboxes.models import Inbox, TemplateSync
from campaigns_app.inboxes.template_list import list_templates, sends_templates, sync_of

NAMES = "CAMPAIGN.CREATE.FORM.TEMPLATE."


class TemplateFields(FlaskForm):
    """The choice of a template of `inbox`, and a field for each value that the `chosen` one wants.

    `template_shown` is the one whose fields the person saw: another one's values are not its own.
    """

    class Meta:
        """It is sent as a part of another form, which has the token."""

        csrf = False

    inbox: Inbox
    chosen: Template | None
    sync: TemplateSync | None
    parameters: Mapping[str, Parameter]
    start: Mapping[str, Any]
    withheld: int
    template = SelectField(_l(f"{NAMES}LABEL"), validate_choice=False)
    template_shown = HiddenField()

    @property
    def is_fetched(self) -> bool:
        """Whether it is known which templates there are."""
        return self.sync is not None and self.sync.synced_at is not None

    @property
    def values(self) -> dict[str, Any]:
        """What the person wrote, by the parameters' keys."""
        return {one.key: self[name].data for name, one in self.parameters.items()}

    @property
    def params(self) -> dict[str, Any] | None:
        """The campaign's `template_params`; None where no template is chosen."""
        name, _, language = (self.template.data or "").rpartition("/")
        if not name:
            return None
        processed = self.chosen.params_with(self.values) if self.chosen else {}
        return {"name": name, "language": language, "processed_params": processed}

    @property
    def stands(self) -> bool:
        """Whether it is as the campaign has it, for what stands is not asked again."""
        params = self.params or {}
        return bool(params) and params == {name: self.start.get(name) for name in params}

    def value_fields(self) -> list[tuple[Field, Parameter]]:
        """The fields of the values, each with what it is for."""
        return [(self[name], one) for name, one in self.parameters.items()]

    def check(self) -> bool:
        """Whether the template can be sent as it is filled in, or stands; the fields say what is
        wrong."""
        if self.stands:
            return True
        if not self.params:
            self.template.errors = [_(f"{NAMES}ERROR")]
            return False
        choice = choose_template(self.inbox, self.params)
        faults = (*choice.faults, *choice.value_faults)
        for fault in faults:
            self.refuse(fault)
        return not faults

    def refuse(self, fault: FieldError) -> None:
        """Show a fault where the person can mend it, called as it is called there."""
        key, field, text = fault.field.removeprefix(f"{FIELD}."), self.template, fault.message
        for of_value, one in self.value_fields():
            if one.key == key:
                field, text = of_value, text.replace(label_of(key), of_value.label.text, 1)
        field.errors = [*field.errors, text]


def offer_templates(inbox: Inbox | None, params: Mapping[str, Any] | None) -> TemplateFields | None:
    """The fields for an inbox, as they were sent, or with the values of `params` (a campaign's
    `template_params`) to start with; None where no templates leave from it."""
    if inbox is None or not sends_templates(inbox):
        return None
    listed = list_templates(inbox)
    templates = {_value(one): one for one in listed}
    start = {"template": f"{params.get('name')}/{params.get('language')}"} if params else {}
    sent = TemplateFields(data=start | {"template_shown": start.get("template")})
    value = sent.template.data or ""
    fields = _fields_of(templates.get(value))
    form_class = type("FilledTemplateFields", (TemplateFields,), {n: f for n, (f, _) in fields})
    known = _values(params) if params and start["template"] == value else {}
    form: TemplateFields = form_class(
        **({} if sent.template_shown.data == value else {"formdata": None}),
        data={name: known.get(one.key) for name, (_, one) in fields} | {"template": value},
    )
    form.start = params or {}
    form.inbox, form.chosen, form.sync = inbox, templates.get(value), sync_of(inbox)
    form.parameters = {name: one for name, (_, one) in fields}
    form.template.data = form.template_shown.data = value
    form.template.choices = list(_choices(templates, value))
    form.withheld = sum(not one.is_offered for one in listed)
    return form


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return values_of(params.get("processed_params"))
    except ValueError:
        return {}


def _fields_of(template: Template | None) -> list[tuple[str, tuple[Field, Parameter]]]:
    """A field by its name for each value that a person gives."""
    buttons = template.content({}).buttons if template else ()
    return [
        (
            f"template-{one.part}-{one.name}",
            (StringField(_label(one, buttons), filters=[trimmed]), one),
        )
        for one in (template.parameters if template else ())
        if one.kind != "quick_reply"
    ]


def _label(parameter: Parameter, buttons: tuple[str, ...]) -> str:
    if parameter.part == "buttons":
        text = buttons[int(parameter.name)]
        return str(_(f"{NAMES}{parameter.kind.upper()}", text=text))
    if parameter.kind in (*MEDIA, "filename"):
        return str(_(f"{NAMES}{parameter.kind.upper()}"))
    return str(_(f"{NAMES}{parameter.part.upper()}", name=parameter.name))


def _choices(templates: Mapping[str, Template], chosen: str) -> list[SelectChoice]:
    offered = [
        SelectChoice(value, _spelled(one)) for value, one in templates.items() if one.is_offered
    ]
    if chosen and all(choice.value != chosen for choice in offered):
        # It was taken back since, or never was: the error says so beside its name.
        known = templates.get(chosen)
        offered.insert(0, SelectChoice(chosen, _spelled(known) if known else chosen))
    return [SelectChoice("", _(f"{NAMES}PLACEHOLDER")), *offered]


def _spelled(template: Template) -> str:
    return f"{template.name.replace('_', ' ').capitalize()} ({template.language})"


def _value(template: Template) -> str:
    return f"{template.name}/{template.language}"
