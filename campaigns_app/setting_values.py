"""How the text of an environment variable becomes a setting's value.

Each function takes the text, or makes such a function, and raises `ValueError` with what is
allowed.
"""

import ipaddress
from collections.abc import Callable

from cryptography.fernet import Fernet
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


def text(value: str) -> str:
    """Any text."""
    return value


def flag(value: str) -> bool:
    """True or false, in a few spellings."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError("it must be true or false")
    return known[value.lower()]


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return int(value)

    return read


def one_of(*allowed: str) -> Callable[[str], str]:
    """One of the `allowed` words."""

    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"it must be one of {', '.join(allowed)}")
        return value

    return read


def secret_key(value: str) -> str:
    """A key long enough to sign with."""
    if len(value) < 32:
        raise ValueError("it must be at least 32 characters long")
    return value


def token(value: str) -> str:
    """A token long enough not to be guessed."""
    if len(value) < 16:
        raise ValueError("it must be at least 16 characters long")
    return value


def database_url(value: str) -> str:
    """The address of a database, as SQLAlchemy takes it."""
    # Hosting platforms hand out `postgres://`, which SQLAlchemy no longer knows.
    scheme, separator, rest = value.partition("://")
    if scheme in {"postgres", "postgresql"}:
        value = f"postgresql+psycopg{separator}{rest}"
    try:
        backend = make_url(value).get_backend_name()
    except ArgumentError:
        backend = ""
    if backend not in {"sqlite", "postgresql"}:
        raise ValueError("it must start with sqlite:/// or postgresql://")
    return value


def redis_url(value: str) -> str:
    """The address of a Redis."""
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("it must start with redis://, rediss:// or unix://")
    return value


def web_url(value: str) -> str:
    """The address of a web page, without a slash at its end."""
    if not value.startswith(("http://", "https://")):
        raise ValueError("it must start with http:// or https://")
    return value.rstrip("/")


def encryption_keys(value: str) -> tuple[str, ...]:
    """Fernet keys, by comma."""
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise ValueError("each must be a Fernet key: 32 bytes in URL-safe base64") from error
    return keys


def web_urls(value: str) -> tuple[str, ...]:
    """Addresses, by comma."""
    return tuple(web_url(part.strip()) for part in value.split(",") if part.strip())


def networks(value: str) -> tuple[IPNetwork, ...]:
    """Networks, by comma."""
    try:
        return tuple(
            ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()
        )
    except ValueError as error:
        raise ValueError(f"it must be networks such as 10.1.0.0/16, by comma ({error})") from error
