"""Logging in, and bringing accounts and their administrators into being."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _
from sqlalchemy import exists, select

from campaigns_app.accounts.audit import record
from campaigns_app.accounts.locale import is_time_zone
from campaigns_app.accounts.models import Account, Membership, Role, SetupLink, User
from campaigns_app.accounts.passwords import (
    hash_password,
    needs_rehash,
    password_fault,
    verify_password,
)
from campaigns_app.accounts.throttle import admit_attempt, forgive_attempts, throttle_key
from campaigns_app.database.locks import take_turns
from campaigns_app.errors import CampaignsError, FieldError, InvalidInput, Refused
from campaigns_app.extensions import db

SETUP_LINK_HOURS = 24


class LoginRefused(CampaignsError):
    """The e-mail or the password is wrong, or it is too early for another attempt.

    `wait_seconds` is 0, or how long to wait. The same for people who exist and who do not.
    """

    def __init__(self, wait_seconds: int = 0) -> None:
        self.wait_seconds = wait_seconds
        super().__init__("login refused")


@dataclass(frozen=True, slots=True)
class NewAdministrator:
    """What somebody says of themselves to become an administrator."""

    email: str
    name: str
    password: str


def authenticate(email: str, password: str, *, device: str | None, now: datetime) -> User:
    """The person with that e-mail and password. Commits.

    `device` is the value of the cookie by which a browser shows that it is known. Raises
    `LoginRefused`. Takes the same time whether or not the person exists.
    """
    email = email.strip().lower()
    key = throttle_key(email, device)
    wait_seconds = admit_attempt(key, now)
    user = db.session.scalar(select(User).where(User.email == email))
    user_id, password_hash = (user.id, user.password_hash) if user is not None else (None, None)
    db.session.commit()
    if wait_seconds:
        raise LoginRefused(wait_seconds)
    right = verify_password(password_hash, password)
    fresh_hash = None
    if right and password_hash is not None and needs_rehash(password_hash):
        fresh_hash = hash_password(password)
    user = db.session.get(User, user_id) if user_id is not None else None
    if user is None or not right:
        record("session.refused", user, account_id=_first_account_id(user))
        db.session.commit()
        raise LoginRefused
    user.password_hash = fresh_hash or user.password_hash
    forgive_attempts(key)
    record("session.started", user, account_id=_first_account_id(user))
    db.session.commit()
    return user


def end_sessions(user: User) -> None:
    """Log `user` out everywhere: a copied session is worth nothing afterwards. Commits."""
    user.session_number += 1
    record("session.ended", user, account_id=_first_account_id(user))
    db.session.commit()


def learn_time_zone(user: User, name: str) -> None:
    """Keep the time zone that the person's browser is in; an unknown name is ignored. Commits."""
    if is_time_zone(name) and name != user.time_zone:
        user.time_zone = name
        db.session.commit()


def create_account(name: str, *, time_zone: str = "UTC") -> Account:
    """A new account with every feature on. Commits. Raises `InvalidInput` without a name."""
    name = name.strip()
    if not name:
        raise InvalidInput([FieldError("account_name", _("SETUP.REQUIRED"))])
    account = _add_account(name, time_zone)
    db.session.commit()
    return account


def create_administrator(account: Account, email: str, name: str, password: str) -> User:
    """A new person who administers `account`, which must have been committed. Commits.

    Raises `InvalidInput` for an e-mail that is none or is taken, and for a bad password.
    """
    administrator = _checked(NewAdministrator(email, name, password))
    account_id = account.id
    db.session.rollback()
    password_hash = hash_password(administrator.password)
    _refuse_taken(administrator.email)
    user = _add_administrator(account_id, administrator, password_hash)
    db.session.commit()
    return user


def has_users() -> bool:
    """Whether anybody can log in: an installation without people has yet to be set up."""
    return bool(db.session.scalar(select(exists().where(User.id.is_not(None)))))


def found_account(account_name: str, administrator: NewAdministrator) -> User:
    """A new account and its first administrator: both or, when something is wrong, neither.

    Commits. Raises `InvalidInput`.
    """
    administrator = _checked(administrator)
    if not account_name.strip():
        raise InvalidInput([FieldError("account_name", _("SETUP.REQUIRED"))])
    db.session.rollback()
    password_hash = hash_password(administrator.password)
    _refuse_taken(administrator.email)
    account = _add_account(account_name.strip(), "UTC")
    user = _add_administrator(account.id, administrator, password_hash)
    db.session.commit()
    return user


def make_setup_link(now: datetime) -> str:
    """The token of a one-time link for the first administrator, good for a day. Commits.

    Ends all links made before. Raises `Refused` when there is somebody already.
    """
    take_turns(db.session(), "setup")
    if has_users():
        db.session.rollback()
        raise Refused(_("SETUP.LINK_DEAD"))
    for link in db.session.scalars(select(SetupLink).where(SetupLink.used_at.is_(None))):
        link.expires_at = now
    token = secrets.token_urlsafe(32)
    expires_at = now + timedelta(hours=SETUP_LINK_HOURS)
    db.session.add(SetupLink(token_digest=_digest(token), expires_at=expires_at))
    db.session.commit()
    return token


def is_setup_link_open(token: str, now: datetime) -> bool:
    """Whether the link with that token can still be used."""
    return _open_link(token, now) is not None and not has_users()


def redeem_setup_link(
    token: str, account_name: str, administrator: NewAdministrator, *, now: datetime
) -> User:
    """Use the link: make the first account and its administrator. Commits.

    Raises `InvalidInput`, and `Refused` for a link that has been used, has expired or never was.
    """
    administrator = _checked(administrator)
    if not account_name.strip():
        raise InvalidInput([FieldError("account_name", _("SETUP.REQUIRED"))])
    _require_open_link(token, now)
    db.session.rollback()
    password_hash = hash_password(administrator.password)
    take_turns(db.session(), "setup")
    _require_open_link(token, now).used_at = now
    account = _add_account(account_name.strip(), "UTC")
    user = _add_administrator(account.id, administrator, password_hash)
    db.session.commit()
    return user


def _require_open_link(token: str, now: datetime) -> SetupLink:
    link = _open_link(token, now)
    if link is None or has_users():
        db.session.rollback()
        raise Refused(_("SETUP.LINK_DEAD"))
    return link


def _open_link(token: str, now: datetime) -> SetupLink | None:
    return db.session.scalar(
        select(SetupLink).where(
            SetupLink.token_digest == _digest(token),
            SetupLink.used_at.is_(None),
            SetupLink.expires_at > now,
        )
    )


def _checked(administrator: NewAdministrator) -> NewAdministrator:
    """The same with a normalised e-mail and name. Raises `InvalidInput`."""
    name = administrator.name.strip()
    errors = [] if name else [FieldError("name", _("SETUP.REQUIRED"))]
    email = administrator.email
    try:
        email = validate_email(email, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        errors.append(FieldError("email", _("SETUP.EMAIL_INVALID")))
    fault = password_fault(administrator.password, email=email, name=name)
    if fault is not None:
        errors.append(FieldError("password", fault))
    if errors:
        raise InvalidInput(errors)
    return NewAdministrator(email, name, administrator.password)


def _refuse_taken(email: str) -> None:
    take_turns(db.session(), f"user {email}")
    if db.session.scalar(select(exists().where(User.email == email))):
        db.session.rollback()
        raise InvalidInput([FieldError("email", _("SETUP.EMAIL_TAKEN"))])


def _add_account(name: str, time_zone: str) -> Account:
    account = Account(name=name, time_zone=time_zone)
    db.session.add(account)
    db.session.flush()
    record("account.created", None, account, after={"name": name})
    return account


def _add_administrator(account_id: int, new: NewAdministrator, password_hash: str) -> User:
    user = User(email=new.email, name=new.name, password_hash=password_hash)
    user.memberships.append(Membership(account_id=account_id, role=Role.ADMINISTRATOR))
    db.session.add(user)
    db.session.flush()
    record("user.created", None, user, account_id=account_id, after={"email": new.email})
    return user


def _first_account_id(user: User | None) -> int | None:
    return user.memberships[0].account_id if user is not None and user.memberships else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
