"""The form with which a person tries a campaign."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectChoice, StringField
from wtforms.validators import Length

from campaigns_app.accounts.models import User
from campaigns_app.campaigns.fields import trimmed
from campaigns_app.campaigns.trial import Wish
from campaigns_app.campaigns.why import LONGEST_ID, find_contacts
from campaigns_app.channels.base import Channel
from campaigns_app.channels.provider import PhoneChannel
from campaigns_app.checked_form import CheckedForm
from campaigns_app.contacts.models import Contact
from campaigns_app.errors import FieldError, InvalidInput
from campaigns_app.extensions import db

OWN, CONTACT = "own", "contact"
MOST_NAMED = 3
LONGEST_SEARCH = 200


class TrialForm(CheckedForm):
    """For which contact the message is written, and where it goes: to the person's own number, or
    to that contact. A channel that reaches nobody by number leaves no choice."""

    contact_id = StringField(
        _l("CAMPAIGN.TRIAL.CONTACT.LABEL"),
        filters=[trimmed],
        validators=[Length(max=LONGEST_SEARCH)],
    )
    to = RadioField(
        _l("CAMPAIGN.TRIAL.TO.LABEL"),
        choices=[
            SelectChoice(OWN, _l("CAMPAIGN.TRIAL.TO.OWN")),
            SelectChoice(CONTACT, _l("CAMPAIGN.TRIAL.TO.CONTACT")),
        ],
        default=OWN,
    )
    phone_number = StringField(_l("CAMPAIGN.TRIAL.PHONE_NUMBER.LABEL"), filters=[trimmed])

    def __init__(self, person: User, channel: Channel | None = None) -> None:
        super().__init__(data={"to": OWN, "phone_number": person.phone_number or ""})
        if channel is not None and not isinstance(channel, PhoneChannel):
            del self.to, self.phone_number

    def to_wish(self, account_id: int) -> Wish:
        """What the person wants to try. Raises `InvalidInput` where several contacts, or none, are
        meant."""
        text = self.contact_id.data
        contact_id = _read_contact(account_id, text).id if text else None
        if self.to is None:
            return Wish(contact_id, to_contact=True)
        number = self.phone_number.data or ""
        return Wish(contact_id, to_contact=self.to.data == CONTACT, own_number=number)


def _read_contact(account_id: int, text: str) -> Contact:
    found = find_contacts(db.session(), account_id, text)
    if len(found) == 1 or (found and _is_exactly(found[0], text)):
        return found[0]
    if not found:
        raise InvalidInput([FieldError("contact_id", _("CAMPAIGN.TRIAL.NO_SUCH_CONTACT"))])
    names = ", ".join(f"{one.name} #{one.id}" for one in found[:MOST_NAMED])
    raise InvalidInput([FieldError("contact_id", _("CAMPAIGN.TRIAL.SEVERAL", names=names))])


def _is_exactly(contact: Contact, text: str) -> bool:
    number = text.removeprefix("#")
    is_id = number.isdecimal() and len(number) <= LONGEST_ID and int(number) == contact.id
    names = (contact.phone_number, contact.email, contact.identifier)
    return is_id or text in names or text.lower() == contact.email
