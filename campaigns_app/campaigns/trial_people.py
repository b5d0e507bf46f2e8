"""For whom a trial is written, and whether it may go where it is to go."""

from flask_babel import gettext as _
from sqlalchemy import literal, select

from campaigns_app.accounts.models import User
from campaigns_app.campaigns.audience import screened_contacts
from campaigns_app.campaigns.ledger import CONTACT_COLUMNS
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.selection import Selection, matched_contacts
from campaigns_app.campaigns.sending_ledger import RecipientRow
from campaigns_app.campaigns.texts import reason_text
from campaigns_app.channels.base import Channel
from campaigns_app.channels.provider import PhoneChannel
from campaigns_app.contacts.addresses import normalise_phone_number
from campaigns_app.contacts.models import Contact, Suppression
from campaigns_app.errors import FieldError, InvalidInput, Refused
from campaigns_app.extensions import db


def find_person(campaign: Campaign, channel: Channel, contact_id: int | None) -> RecipientRow:
    """The account's contact with that id, or else the first recipient that the campaign would have
    now. Raises `InvalidInput`."""
    people = select(*CONTACT_COLUMNS)
    if contact_id is not None:
        people = people.where(Contact.account_id == campaign.account_id, Contact.id == contact_id)
    else:
        matched = matched_contacts(Selection.of(campaign))
        screened = screened_contacts(matched, channel).subquery()
        people = (
            people.join(screened, screened.c.id == Contact.id)
            .where(screened.c.reason.is_(None))
            .order_by(Contact.id)
            .limit(1)
        )
    row = db.session.execute(people).first()
    if row is None:
        key = "NOBODY" if contact_id is None else "NO_SUCH_CONTACT"
        raise InvalidInput([FieldError("contact_id", _(f"CAMPAIGN.TRIAL.{key}"))])
    return RecipientRow(row.id, row_id=0, attempts=0, contact=row._asdict())


def own_number_of(actor: User, channel: Channel, given: str) -> str:
    """The person's own number: the one given, which is remembered for the next time, or the one
    that is known. Raises `InvalidInput`. Does not commit."""
    if not isinstance(channel, PhoneChannel):
        raise InvalidInput([FieldError("to", _("CAMPAIGN.TRIAL.CONTACTS_ONLY"))])
    if given.strip():
        try:
            actor.phone_number = normalise_phone_number(given)
        except ValueError as error:
            raise InvalidInput([FieldError("phone_number", str(error))]) from error
    if not actor.phone_number:
        raise InvalidInput([FieldError("phone_number", _("CAMPAIGN.TRIAL.NO_NUMBER"))])
    return actor.phone_number


def refuse_unwilling(account_id: int, channel: Channel, contact_id: int, number: str) -> None:
    """Raise `Refused`, with the reason, where no campaign would write there: to the person's own
    `number`, or to the contact where that is blank."""
    if number:
        reason = _reason_against_number(account_id, number)
    else:
        ours = (Contact.account_id == account_id) & (Contact.id == contact_id)
        reason = db.session.execute(screened_contacts(ours, channel)).one()[1]
    if reason is not None:
        db.session.rollback()
        raise Refused(_("CAMPAIGN.TRIAL.NOT_TO_THEM", reason=reason_text(reason)))


def _reason_against_number(account_id: int, number: str) -> str | None:
    is_suppressed = select(literal("opted_out")).where(
        Suppression.account_id == account_id, Suppression.address == number
    )
    is_blocked = select(literal("blocked")).where(
        Contact.account_id == account_id,
        Contact.phone_number == number,
        Contact.blocked.is_(True),
    )
    return db.session.scalar(is_blocked) or db.session.scalar(is_suppressed)
