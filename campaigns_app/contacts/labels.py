"""Labels: what they may be called, and what a person does with them."""

import re
import unicodedata
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import Account, User
from campaigns_app.contacts.models import DEFAULT_COLOR, LONGEST_TEXT, ContactLabel, Label
from campaigns_app.database.text import is_storable
from campaigns_app.errors import FieldError, InvalidInput, NotFound
from campaigns_app.extensions import db

SHORTEST_TITLE = 2
COLOR = re.compile(r"#[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class LabelDraft:
    """What a person says about a label. `color` is written as #1f93ff."""

    title: str
    description: str = ""
    color: str = DEFAULT_COLOR


@dataclass(frozen=True, slots=True)
class LabelSummary:
    """A label, and how many contacts carry it."""

    id: int
    title: str
    description: str
    color: str
    contact_count: int


def list_labels(account_id: int) -> list[LabelSummary]:
    """The account's labels by title, in one query."""
    carried = (
        select(ContactLabel.label_id, func.count().label("contact_count"))
        .where(ContactLabel.account_id == account_id)
        .group_by(ContactLabel.label_id)
        .subquery()
    )
    contact_count = func.coalesce(carried.c.contact_count, 0)
    rows = db.session.execute(
        select(Label.id, Label.title, Label.description, Label.color, contact_count)
        .outerjoin(carried, carried.c.label_id == Label.id)
        .where(Label.account_id == account_id)
        .order_by(Label.title)
    )
    return [LabelSummary(*row) for row in rows]


def get_label(account_id: int, label_id: int) -> Label:
    """The account's label with that id. Raises `NotFound`."""
    found = select(Label).where(Label.account_id == account_id, Label.id == label_id)
    label = db.session.scalar(found)
    if label is None:
        raise NotFound(f"no label {label_id} in account {account_id}")
    return label


def create_label(account: Account, draft: LabelDraft, *, actor: User | None) -> Label:
    """Make a label. Raises `InvalidInput`. Commits."""
    label = Label(account_id=account.id)
    _fill(label, draft)
    db.session.add(label)
    _flush_unless_taken()
    record("label.created", actor, label, after={"title": label.title})
    db.session.commit()
    return label


def update_label(
    account: Account, label_id: int, draft: LabelDraft, *, actor: User | None
) -> Label:
    """Change a label; contacts that carry it keep it, and campaigns to it still reach them.

    Raises `NotFound` and `InvalidInput`. Commits.
    """
    label = get_label(account.id, label_id)
    before = label.title
    _fill(label, draft)
    _flush_unless_taken()
    record("label.updated", actor, label, before={"title": before}, after={"title": label.title})
    db.session.commit()
    return label


def delete_label(account: Account, label_id: int, *, actor: User | None) -> None:
    """Delete a label and take it off every contact. Raises `NotFound`. Commits."""
    label = get_label(account.id, label_id)
    record("label.deleted", actor, label, before={"title": label.title})
    db.session.execute(delete(Label).where(Label.id == label.id))
    db.session.commit()


def fold_title(text: str) -> str:
    """`text` as a label's title is stored and compared: trimmed, lower case, composed."""
    return unicodedata.normalize("NFC", text.strip().lower())


def check_title(title: str) -> None:
    """Raise `ValueError`, with a sentence to show, unless the folded `title` can name a label.

    It begins with a letter or digit of any script; after that `_`, `-` and the signs that scripts
    such as Devanagari write on their letters are allowed too.
    """
    if not title:
        raise ValueError(_("LABELS.ERRORS.TITLE_BLANK"))
    if not SHORTEST_TITLE <= len(title) <= LONGEST_TEXT:
        length = {"least": SHORTEST_TITLE, "most": LONGEST_TEXT}
        raise ValueError(_("LABELS.ERRORS.TITLE_LENGTH", **length))
    kinds = [unicodedata.category(character)[0] for character in title]
    rest_is_fit = all(
        kind in "LNM" or character in "_-" for kind, character in zip(kinds, title, strict=True)
    )
    if kinds[0] not in "LN" or not rest_is_fit:
        raise ValueError(_("LABELS.ERRORS.TITLE_CHARACTERS"))


def ids_by_title(session: Session, account_id: int) -> dict[str, int]:
    """The account's labels: their ids by their titles, in the order of these."""
    of_account = select(Label.title, Label.id).where(Label.account_id == account_id)
    labels = session.execute(of_account.order_by(Label.title))
    return {label.title: label.id for label in labels}


def _fill(label: Label, draft: LabelDraft) -> None:
    """Give `label` the values of `draft`, checked. Raises `InvalidInput`."""
    title, color = fold_title(draft.title), draft.color.strip().lower()
    errors = []
    try:
        check_title(title)
    except ValueError as error:
        errors.append(FieldError("title", str(error)))
    if not COLOR.fullmatch(color):
        errors.append(FieldError("color", _("LABELS.ERRORS.COLOR")))
    if not is_storable(draft.description):
        errors.append(FieldError("description", _("CONTACTS.ERRORS.CHARACTERS")))
    if errors:
        raise InvalidInput(errors)
    label.title, label.description, label.color = title, draft.description.strip(), color


def _flush_unless_taken() -> None:
    """Send the label to the database, which knows whether another one has its title."""
    try:
        db.session.flush()
    except IntegrityError as error:
        db.session.rollback()
        message = FieldError("title", _("LABELS.ERRORS.TITLE_TAKEN"))
        raise InvalidInput([message]) from error
