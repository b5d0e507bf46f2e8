"""The contacts of an account, as a list with search and pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import selectinload

from campaigns_app.contacts.models import Contact, ContactLabel
from campaigns_app.database.text import is_storable
from campaigns_app.extensions import db

PAGE_SIZE = 25
DIALLED = re.compile(r"[+0-9 ().\-/]{3,}")
SEPARATORS = re.compile(r"[ ().\-/]")


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Contacts with their labels, newest first. `page` counts from 1; `total` is of all pages."""

    contacts: Sequence[Contact]
    page: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return max(1, -(-self.total // PAGE_SIZE))


def list_contacts(
    account_id: int, *, search: str = "", label_id: int | None = None, page: int = 1
) -> ContactPage:
    """A page of the account's contacts that match `search` and carry the label, if given.

    `search` is looked for inside names, e-mail addresses, phone numbers and identifiers. A page
    beyond the last is the last one. Three queries, whatever the number of contacts.
    """
    if not is_storable(search):
        return ContactPage([], 1, 0)
    conditions = [Contact.account_id == account_id, *search_conditions(search.strip())]
    if label_id is not None:
        carriers = select(ContactLabel.contact_id).where(
            ContactLabel.account_id == account_id, ContactLabel.label_id == label_id
        )
        conditions.append(Contact.id.in_(carriers))
    total = db.session.scalar(select(func.count()).select_from(Contact).where(*conditions)) or 0
    last = ContactPage([], 1, total).pages
    page = min(max(page, 1), last)
    contacts = db.session.scalars(
        select(Contact)
        .where(*conditions)
        .order_by(Contact.id.desc())
        .limit(PAGE_SIZE)
        .offset((page - 1) * PAGE_SIZE)
        .options(selectinload(Contact.labels))
    )
    return ContactPage(contacts.all(), page, total)


def search_conditions(search: str) -> list[ColumnElement[bool]]:
    """That a contact holds `search` in its name or one of its keys; none for a blank search."""
    if not search:
        return []
    columns = (Contact.name, Contact.email, Contact.identifier, Contact.phone_number)
    matches = [column.icontains(search, autoescape=True) for column in columns]
    if DIALLED.fullmatch(search):
        # Numbers are stored without the blanks and brackets people put into them.
        digits = SEPARATORS.sub("", search)
        matches.append(Contact.phone_number.contains(digits, autoescape=True))
    return [or_(*matches)]
