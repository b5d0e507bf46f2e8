"""E-mail addresses and phone numbers in the one form in which they are stored and compared."""

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _

from campaigns_app.errors import FieldError, InvalidInput

E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def normalise_email(text: str) -> str:
    """`text` as a stored e-mail address: checked for form, not for existence, and lower case.

    Raises `ValueError` with a sentence for the person who typed it.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError(_("CONTACTS.ERRORS.EMAIL")) from error
    return checked.normalized.lower()


def check_region(default_region: str | None) -> None:
    """Raise `InvalidInput` for a region (`GB`, `BR`, ...) that there is not."""
    if default_region is not None and default_region not in phonenumbers.SUPPORTED_REGIONS:
        message = _("CONTACTS.IMPORT.REGION_UNKNOWN", region=default_region)
        raise InvalidInput([FieldError("default_region", message)])


def normalise_phone_number(text: str, default_region: str | None = None) -> str:
    """`text` as E.164: plus sign, country code, number; digits only.

    A number without a plus sign is read as one dialled in `default_region` (`GB`, `BR`, ...);
    without a region it gets the plus sign it lacks. Its length must be one its country uses, but
    it need not be assigned: numbers reserved for fiction pass. An extension cannot be messaged,
    so a number with one is refused rather than cut.
    Raises `ValueError` with a sentence for the person who typed it.
    """
    text = text.strip()
    if default_region is None and not text.startswith(("+", "＋", "tel:")):
        text = f"+{text}"
    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(_("CONTACTS.ERRORS.PHONE_NUMBER")) from error
    if number.extension:
        raise ValueError(_("CONTACTS.ERRORS.PHONE_EXTENSION"))
    written: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_possible_number(number) or not E164.fullmatch(written):
        raise ValueError(_("CONTACTS.ERRORS.PHONE_NUMBER"))
    # Of several leading zeros each reading strips one: what changes when read again is no number.
    if written != text and normalise_phone_number(written) != written:
        raise ValueError(_("CONTACTS.ERRORS.PHONE_NUMBER"))
    return written
