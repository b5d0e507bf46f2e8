"""The forms of contacts, labels, suppressions and uploads.

What may be stored is the services' business, so that it is the same for every door; the forms only
carry the words, and show at their fields what a service said of them.
"""

import phonenumbers
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    ColorField,
    EmailField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput, ListWidget

from campaigns_app.checked_form import CheckedForm
from campaigns_app.contacts.labels import LabelDraft, ids_by_title
from campaigns_app.contacts.models import DEFAULT_COLOR, Contact, Label
from campaigns_app.contacts.service import ContactDraft
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.extensions import db


class ContactForm(CheckedForm):
    """A contact of the account; with a `contact` it starts with that contact's values."""

    name = StringField(_l("CONTACTS.FORM.NAME"))
    email = EmailField(_l("CONTACTS.FORM.EMAIL"))
    phone_number = TelField(_l("CONTACTS.FORM.PHONE_NUMBER"))
    identifier = StringField(_l("CONTACTS.FORM.IDENTIFIER"))
    label_ids = SelectMultipleField(
        _l("CONTACTS.FORM.LABELS"),
        coerce=int,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    blocked = BooleanField(_l("CONTACTS.FORM.BLOCKED"))

    def __init__(self, account_id: int, contact: Contact | None = None) -> None:
        carried = [label.id for label in contact.labels] if contact else []
        super().__init__(obj=contact, data={"label_ids": carried})
        labels = ids_by_title(db.session(), account_id)
        self.label_ids.choices = [SelectChoice(str(labels[title]), title) for title in labels]

    def to_draft(self) -> ContactDraft:
        """What the person wrote."""
        return ContactDraft(
            name=self.name.data or "",
            email=self.email.data or "",
            phone_number=self.phone_number.data or "",
            identifier=self.identifier.data or "",
            blocked=self.blocked.data,
            label_ids=frozenset(self.label_ids.data or ()),
        )


class LabelForm(CheckedForm):
    """A label; with a `label` it starts with that label's values."""

    title = StringField(_l("LABELS.FORM.TITLE"))
    description = StringField(_l("LABELS.FORM.DESCRIPTION"))
    color = ColorField(_l("LABELS.FORM.COLOR"), default=DEFAULT_COLOR)

    def __init__(self, label: Label | None = None) -> None:
        super().__init__(obj=label)

    def to_draft(self) -> LabelDraft:
        """What the person wrote."""
        return LabelDraft(
            title=self.title.data or "",
            description=self.description.data or "",
            color=self.color.data or "",
        )


class SuppressionForm(CheckedForm):
    """An address that must not be messaged."""

    address = StringField(_l("SUPPRESSIONS.FORM.ADDRESS"))
    note = StringField(_l("SUPPRESSIONS.FORM.NOTE"))


class RegionForm(CheckedForm):
    """A form with numbers in it that may lack their country code."""

    default_region = SelectField(_l("CONTACTS.UPLOAD.REGION"), validate_choice=False)

    def __init__(self) -> None:
        super().__init__()
        names = get_locale().territories
        regions = {names.get(code, code): code for code in phonenumbers.SUPPORTED_REGIONS}
        self.default_region.choices = [
            SelectChoice("", _l("CONTACTS.UPLOAD.NO_REGION")),
            *(SelectChoice(regions[name], name) for name in sorted(regions)),
        ]


class SuppressionListForm(RegionForm):
    """Many addresses, written or in a file."""

    addresses = TextAreaField(_l("SUPPRESSIONS.IMPORT.ADDRESSES"))
    list_file = FileField(_l("SUPPRESSIONS.IMPORT.FILE"))
    note = StringField(_l("SUPPRESSIONS.FORM.NOTE"))

    def text(self) -> str:
        """What is in the field and in the file. Raises `InvalidInput` for a file that is not
        UTF-8: an address that is read wrongly would be written to."""
        file = self.list_file.data
        try:
            read = file.stream.read().decode("utf-8-sig") if file else ""
        except UnicodeDecodeError as error:
            message = _("SUPPRESSIONS.ERRORS.ENCODING")
            raise InvalidInput([FieldError("list_file", message)]) from error
        return f"{self.addresses.data or ''}\n{read}"


class UploadForm(RegionForm):
    """A CSV file of contacts, and how to read it."""

    import_file = FileField(_l("CONTACTS.UPLOAD.FILE"))
    create_labels = BooleanField(_l("CONTACTS.UPLOAD.CREATE_LABELS"))
