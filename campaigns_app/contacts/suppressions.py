"""Suppressed addresses: what a person does with them. Each change is one commit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, func, or_, select

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.contacts.addresses import check_region, normalise_email, normalise_phone_number
from campaigns_app.contacts.listing import DIALLED, SEPARATORS
from campaigns_app.contacts.models import LONGEST_TEXT, Contact, Suppression
from campaigns_app.contacts.suppressing import IMPORTED, MANUAL, suppress_addresses
from campaigns_app.database.text import is_storable, made_storable
from campaigns_app.errors import FieldError, InvalidInput, NotFound
from campaigns_app.extensions import db

PAGE_SIZE = 25
LONGEST_NOTE = 255
MOST_IMPORTED = 100_000
BLOCK = 500
SHOWN_REFUSALS = 20
HEADINGS = frozenset({"address", "phone", "phone_number", "number", "email", "e-mail"})
LOST_CHARACTER = "\ufffd"
"""What stands for something that could not be read."""

BETWEEN = re.compile(r"[\r\n,;\t]+")


@dataclass(frozen=True, slots=True)
class SuppressionPage:
    """Suppressions, newest first. `page` counts from 1; `total` is of all pages."""

    suppressions: Sequence[Suppression]
    page: int
    total: int
    per_page: int = PAGE_SIZE

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // self.per_page))


@dataclass(frozen=True, slots=True)
class SuppressedList:
    """What became of a list: addresses that are suppressed now and were not, those that were
    already, and the first of those that are no addresses, with how many these are in all."""

    added: int
    known: int
    refused: Sequence[str]
    refused_count: int


def list_suppressions(
    account_id: int, *, search: str = "", page: int = 1, per_page: int = PAGE_SIZE
) -> SuppressionPage:
    """A page of the account's suppressions whose address or note holds `search`; one beyond the
    last is the last. Two queries."""
    search = search.strip()
    if not is_storable(search):
        return SuppressionPage([], 1, 0, per_page)
    conditions = [Suppression.account_id == account_id]
    if search:
        digits = SEPARATORS.sub("", search) if DIALLED.fullmatch(search) else search
        conditions.append(
            or_(
                Suppression.address.icontains(search, autoescape=True),
                Suppression.address.icontains(digits, autoescape=True),
                Suppression.note.icontains(search, autoescape=True),
            )
        )
    total = db.session.scalar(select(func.count()).select_from(Suppression).where(*conditions)) or 0
    page = min(max(page, 1), SuppressionPage([], 1, total, per_page).pages)
    rows = db.session.scalars(
        select(Suppression)
        .where(*conditions)
        .order_by(Suppression.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return SuppressionPage(rows.all(), page, total, per_page)


def get_suppression(account_id: int, suppression_id: int) -> Suppression:
    """The account's suppression with that id. Raises `NotFound`."""
    suppression = db.session.scalar(
        select(Suppression).where(
            Suppression.account_id == account_id, Suppression.id == suppression_id
        )
    )
    if suppression is None:
        raise NotFound(f"no suppression {suppression_id} in account {account_id}")
    return suppression


def create_suppression(
    account: Account, address: str, note: str = "", *, actor: User | None
) -> Suppression:
    """Suppress an address that a person gives: a phone number or an e-mail address.

    Raises `InvalidInput`, also where it is suppressed already. Commits.
    """
    account_id = account.id
    errors = []
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        errors.append(FieldError("note", _("CONTACTS.ERRORS.TOO_LONG", most=LONGEST_NOTE)))
    elif not is_storable(note):
        errors.append(FieldError("note", _("CONTACTS.ERRORS.CHARACTERS")))
    try:
        address = read_address(address)
    except ValueError as error:
        errors.append(FieldError("address", str(error)))
    if errors:
        raise InvalidInput(errors)
    added = suppress_addresses(db.session(), account_id, [(address, note)], source=MANUAL)
    if not added:
        db.session.rollback()
        raise InvalidInput([FieldError("address", _("SUPPRESSIONS.ERRORS.KNOWN"))])
    record("suppression.created", actor, added[0], after={"address": address})
    db.session.commit()
    return added[0]


def delete_suppression(account: Account, suppression_id: int, *, actor: User | None) -> None:
    """Let campaigns reach the address again. Raises `NotFound`. Commits."""
    suppression = get_suppression(account.id, suppression_id)
    before = {"address": suppression.address, "source": suppression.source}
    record("suppression.deleted", actor, suppression, before=before)
    db.session.execute(delete(Suppression).where(Suppression.id == suppression.id))
    db.session.commit()


def import_suppressions(
    account: Account,
    text: str,
    note: str = "",
    *,
    default_region: str | None = None,
    actor: User | None,
) -> SuppressedList:
    """Suppress every address in `text`, one a line, or separated by commas; what is none is told.

    Phone numbers without a plus sign are read as dialled in `default_region` (`GB`), if given.
    Raises `InvalidInput` for an empty or an endless list, or a region that there is not. Commits
    block by block, and at the end.
    """
    check_region(default_region)
    account_id = account.id
    words = [word.strip().strip('"') for word in BETWEEN.split(text.removeprefix("\ufeff"))]
    words = [word for word in words if word and word.lower() not in HEADINGS]
    note = made_storable(note.strip(), LONGEST_NOTE)
    if not words:
        raise InvalidInput([FieldError("addresses", _("SUPPRESSIONS.ERRORS.EMPTY"))])
    if len(words) > MOST_IMPORTED:
        message = _("SUPPRESSIONS.ERRORS.TOO_MANY", most=MOST_IMPORTED)
        raise InvalidInput([FieldError("addresses", message)])
    # Numbers are read outside of any transaction: on SQLite this one may hold the write lock.
    db.session.rollback()
    addresses, refused = _read_all(words, default_region)
    added = 0
    for start in range(0, len(addresses), BLOCK):
        pairs = [(address, note) for address in addresses[start : start + BLOCK]]
        added += len(suppress_addresses(db.session(), account_id, pairs, source=IMPORTED))
        db.session.commit()
    record("suppressions.imported", actor, account_id=account_id, after={"added": added})
    db.session.commit()
    return SuppressedList(added, len(addresses) - added, refused[:SHOWN_REFUSALS], len(refused))


def suppressed_addresses(account_id: int, contacts: Sequence[Contact]) -> set[str]:
    """Which of the contacts' addresses are suppressed, in one query."""
    addresses = {one for contact in contacts for one in (contact.phone_number, contact.email)}
    rows = db.session.scalars(
        select(Suppression.address).where(
            Suppression.account_id == account_id, Suppression.address.in_(addresses - {None})
        )
    )
    return set(rows)


def read_address(text: str, default_region: str | None = None) -> str:
    """A phone number or an e-mail address in the form in which it is stored. Raises `ValueError`
    with a sentence for the person who typed it."""
    text = text.strip()
    if not text:
        raise ValueError(_("SUPPRESSIONS.ERRORS.BLANK"))
    if len(text) > LONGEST_TEXT or not is_storable(text) or LOST_CHARACTER in text:
        raise ValueError(_("SUPPRESSIONS.ERRORS.ADDRESS"))
    if "@" in text:
        return normalise_email(text)
    return normalise_phone_number(text, default_region)


def _read_all(words: Sequence[str], default_region: str | None) -> tuple[list[str], list[str]]:
    """The addresses among the words, each once, and the words that are none."""
    addresses: dict[str, None] = {}
    refused = []
    for word in words:
        try:
            addresses[read_address(word, default_region)] = None
        except ValueError:
            refused.append(made_storable(word, LONGEST_TEXT))
    return list(addresses), refused
