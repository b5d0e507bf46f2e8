"""Access tokens: made, shown once, recognised, revoked.

A token reads `cmp_live_<43 characters>_<6 characters>`: a prefix that scanners for leaked secrets
can look for, 256 random bits in base 62, and their CRC-32, by which a mistyped or cut token is
refused without asking the database.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import randbits
from zlib import crc32

from flask_babel import gettext as _
from sqlalchemy import Row, select, update
from sqlalchemy.orm import joinedload

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.models import AccessToken, Membership, User
from campaigns_app.database.engine import READS_ONLY
from campaigns_app.database.text import is_storable
from campaigns_app.database.transactions import reading
from campaigns_app.errors import FieldError, InvalidInput, NotAllowed, NotFound
from campaigns_app.extensions import db

PREFIX = "cmp_live_"
NAME_LENGTH = 255
USE_NOTED_EVERY = timedelta(minutes=1)

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{43}})_([0-9A-Za-z]{{6}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made. `text` is the token itself, known only now."""

    row: AccessToken
    text: str


def create_token(
    owner: Membership, name: str, *, expires_at: datetime | None, now: datetime
) -> NewToken:
    """Make a token that acts as `owner`, who must be an administrator.

    Raises `NotAllowed`, and `InvalidInput` for a blank or long name or an expiry that is past.
    Commits.
    """
    if not owner.is_administrator:
        raise NotAllowed("only administrators have access tokens")
    name = name.strip()
    _check(name, expires_at, now)
    text = _new_text()
    row = AccessToken(
        account_id=owner.account_id,
        user_id=owner.user_id,
        name=name,
        digest=_digest(text),
        hint=f"{PREFIX}…{text[-4:]}",
        expires_at=expires_at,
        created_at=now,
    )
    db.session.add(row)
    db.session.flush()
    record("token.created", owner.user, row, after={"name": name, "hint": row.hint})
    db.session.commit()
    return NewToken(row, text)


def use_token(text: str, now: datetime) -> Membership | None:
    """The member whose token this is, with account and user; None for one that is not valid (any
    more).

    Notes the use in a transaction of its own, at most once a minute. Ends the session's present
    transaction, and leaves a new one open.
    """
    if not _is_well_formed(text):
        return None
    db.session.rollback()
    with reading(db.session()):
        found = _find(text, now)
    if found is None:
        return None
    if found.last_used_at is None or found.last_used_at <= now - USE_NOTED_EVERY:
        _note_use(found.id, now)
    return db.session.scalar(
        select(Membership)
        .where(Membership.account_id == found.account_id, Membership.user_id == found.user_id)
        .options(joinedload(Membership.account), joinedload(Membership.user))
    )


def list_tokens(account_id: int) -> list[tuple[AccessToken, User]]:
    """The account's tokens that are not revoked, newest first, each with its owner."""
    rows = db.session.execute(
        select(AccessToken, User)
        .join(User, User.id == AccessToken.user_id)
        .where(AccessToken.account_id == account_id, AccessToken.revoked_at.is_(None))
        .order_by(AccessToken.id.desc())
    )
    return [(row[0], row[1]) for row in rows]


def get_token(account_id: int, token_id: int) -> AccessToken:
    """The account's token with that id, unless it is revoked. Raises `NotFound`."""
    token = db.session.scalar(
        select(AccessToken).where(
            AccessToken.account_id == account_id,
            AccessToken.id == token_id,
            AccessToken.revoked_at.is_(None),
        )
    )
    if token is None:
        raise NotFound(f"no access token {token_id}")
    return token


def revoke_token(account_id: int, token_id: int, *, actor: User, now: datetime) -> None:
    """Make a token of the account worthless from now on. Raises `NotFound`. Commits."""
    token = get_token(account_id, token_id)
    token.revoked_at = now
    record("token.revoked", actor, token, before={"name": token.name, "hint": token.hint})
    db.session.commit()


def _check(name: str, expires_at: datetime | None, now: datetime) -> None:
    errors = []
    if not name:
        errors.append(FieldError("name", _("TOKENS.ERRORS.NAME_BLANK")))
    elif len(name) > NAME_LENGTH:
        errors.append(FieldError("name", _("TOKENS.ERRORS.NAME_LENGTH", most=NAME_LENGTH)))
    elif not is_storable(name):
        errors.append(FieldError("name", _("TOKENS.ERRORS.NAME_CHARACTERS")))
    if expires_at is not None and expires_at <= now:
        errors.append(FieldError("expires_at", _("TOKENS.ERRORS.EXPIRY_PAST")))
    if errors:
        raise InvalidInput(errors)


def _find(text: str, now: datetime) -> Row[int, int, int, datetime | None] | None:
    return db.session.execute(
        select(
            AccessToken.id,
            AccessToken.account_id,
            AccessToken.user_id,
            AccessToken.last_used_at,
        ).where(
            AccessToken.digest == _digest(text),
            AccessToken.revoked_at.is_(None),
            AccessToken.expires_at.is_(None) | (AccessToken.expires_at > now),
        )
    ).first()


def _note_use(token_id: int, now: datetime) -> None:
    # A connection of its own: the session of a request that only reads must not write.
    with db.engine.connect() as connection:
        connection = connection.execution_options(**{READS_ONLY: False})
        connection.execute(
            update(AccessToken).where(AccessToken.id == token_id).values(last_used_at=now)
        )
        connection.commit()


def _new_text() -> str:
    secret = _base62(randbits(256), 43)
    return f"{PREFIX}{secret}_{_checksum(secret)}"


def _is_well_formed(text: str) -> bool:
    form = _FORM.fullmatch(text)
    return form is not None and form[2] == _checksum(form[1])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _checksum(secret: str) -> str:
    return _base62(crc32(secret.encode()), 6)


def _base62(number: int, length: int) -> str:
    digits = ""
    while len(digits) < length:
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits
