"""Passwords: which are good enough, and how they are kept (argon2id).

Hashing takes a fraction of a second on purpose: never do it inside an open transaction.
"""

from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask_babel import gettext as _

MIN_LENGTH = 12
MAX_LENGTH = 128
COMMON_PASSWORDS = Path(__file__).parent / "common_passwords.txt"
APP_WORDS = ("campaigns", "campaign")


def hash_password(password: str) -> str:
    """The text to keep of `password`; a different one every time."""
    return _hasher().hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether `password` is the one that `password_hash` was made of.

    None, for somebody who does not exist, takes as long and is never right: the time an answer
    takes must not tell who exists.
    """
    hasher = _hasher()
    known = password_hash if password_hash is not None else _nobodys_hash(hasher.memory_cost)
    try:
        return hasher.verify(known, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(password_hash: str) -> bool:
    """Whether the hash was made with other settings than those in force now."""
    return _hasher().check_needs_rehash(password_hash)


def password_fault(password: str, *, email: str = "", name: str = "") -> str | None:
    """Why `password` cannot be taken by the person with that e-mail and name; None when it can.

    Length is what counts; there are no rules about kinds of characters (OWASP ASVS 5.0, 6.2).
    """
    if len(password) < MIN_LENGTH:
        return str(_("PASSWORD.TOO_SHORT", least=MIN_LENGTH))
    if len(password) > MAX_LENGTH:
        return str(_("PASSWORD.TOO_LONG", most=MAX_LENGTH))
    if _is_guessable(password.casefold(), email.casefold(), name.casefold()):
        return str(_("PASSWORD.TOO_COMMON"))
    return None


def _is_guessable(password: str, email: str, name: str) -> bool:
    """Whether the password is a common one, one character repeated, or what everybody knows
    about the person with little added."""
    if password in _common_passwords() or len(set(password)) < 4:
        return True
    known = [*APP_WORDS, email, email.partition("@")[0], name, name.replace(" ", "")]
    words = sorted((word for word in known if len(word) >= 3), key=len, reverse=True)
    rest = password
    for word in words:
        rest = rest.replace(word, "")
    return len(rest) < MIN_LENGTH // 2 and rest != password


def _hasher() -> PasswordHasher:
    return PasswordHasher(memory_cost=current_app.config["PASSWORD_MEMORY_KIB"], parallelism=1)


@cache
def _nobodys_hash(memory_cost: int) -> str:
    return PasswordHasher(memory_cost=memory_cost, parallelism=1).hash("nobody's password")


@cache
def _common_passwords() -> frozenset[str]:
    lines = COMMON_PASSWORDS.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
