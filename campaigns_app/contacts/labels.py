"""Labels: what they may be called, and their use cases."""

import unicodedata

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from campaigns_app.contacts.models import LONGEST_TEXT, Label

SHORTEST_TITLE = 2


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
    """The account's labels: their ids by their titles."""
    labels = session.execute(select(Label.title, Label.id).where(Label.account_id == account_id))
    return {label.title: label.id for label in labels}
