"""Secrets of channels at rest: encrypted with keys from the environment (Fernet, `cryptography`).

`ENCRYPTION_KEYS` holds one key or more. The first encrypts; all decrypt, so that a key can be
exchanged: put the new one first, run `campaigns rotate-secrets`, take the old one out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from campaigns_app.errors import InboxUnusable

NO_KEY = (
    "There is no key to keep secrets with: set ENCRYPTION_KEYS. Make one with: "
    "python3 -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
)
WRONG_KEY = (
    "The secrets of this inbox were encrypted with a key that is not in ENCRYPTION_KEYS: put that "
    "key back behind the new one, or enter the secrets again."
)

DOTS = "••••"
SHOWN = 4
SHORTEST_HINTED = 16
"""Of a secret shorter than this not even the last characters are shown."""


class SecretsLocked(InboxUnusable):
    """Secrets cannot be read or kept; the text says what to do."""


@dataclass(frozen=True, slots=True)
class ShownSecrets:
    """What may be shown of secrets: a hint for each, by its name; and why they cannot be read or
    kept, if they cannot."""

    hints: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None


def lock_secrets(secrets: Mapping[str, str]) -> str:
    """The secrets as text that says nothing without a key. Raises `SecretsLocked`."""
    return _keys().encrypt(json.dumps(dict(secrets)).encode()).decode()


def unlock_secrets(locked: str | None) -> dict[str, str]:
    """The secrets that `lock_secrets` made the text from; none of nothing. Raises
    `SecretsLocked`."""
    if not locked:
        return {}
    try:
        secrets: dict[str, str] = json.loads(_keys().decrypt(locked))
    except InvalidToken as error:
        raise SecretsLocked(WRONG_KEY) from error
    return secrets


def lock_again(locked: str) -> str:
    """The same secrets encrypted with the first key. Raises `SecretsLocked`."""
    try:
        return _keys().rotate(locked).decode()
    except InvalidToken as error:
        raise SecretsLocked(WRONG_KEY) from error


def show_secrets(locked: str | None) -> ShownSecrets:
    """What may be shown of the secrets that `lock_secrets` made the text from."""
    try:
        _keys()
        secrets = unlock_secrets(locked)
    except SecretsLocked as error:
        return ShownSecrets(fault=str(error))
    return ShownSecrets({name: _hint_of(secret) for name, secret in secrets.items()})


def _hint_of(secret: str) -> str:
    return DOTS + secret[-SHOWN:] if len(secret) >= SHORTEST_HINTED else DOTS


def _keys() -> MultiFernet:
    keys = current_app.config["ENCRYPTION_KEYS"]
    if not keys:
        raise SecretsLocked(NO_KEY)
    return MultiFernet([Fernet(key) for key in keys])
