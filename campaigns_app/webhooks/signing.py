"""Signing and verifying webhooks: Standard Webhooks 1.0.0, and the headers of Chatwoot.

Both sign the exact bytes that are sent together with the time of the attempt, so that a copy
cannot be used later.
"""

import hmac
from base64 import b64decode, b64encode
from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from secrets import token_bytes

from campaigns_app.errors import CampaignsError

SECRET_PREFIX = "whsec_"  # noqa: S105
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300
BLOCK_BYTES = 64
"""Of SHA-256."""


class SignatureRefused(CampaignsError):
    """A request is not from the one who holds the secret, or not from now; the text says why."""


def new_secret() -> str:
    """A secret for one endpoint, as it is shown to its owner."""
    return SECRET_PREFIX + b64encode(token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, uid: str, timestamp: int, body: bytes) -> str:
    """One signature of Standard Webhooks, §Signature scheme: `v1,` and base64.

    `timestamp` is in Unix seconds. Raises `ValueError` for a secret that is not base64.
    """
    digest = _signer(secret)(f"{uid}.{timestamp}.".encode(), body)
    return f"v1,{b2a_base64(digest, newline=False).decode()}"


def sign_like_chatwoot(secret: str, timestamp: int, body: bytes) -> str:
    """Chatwoot's signature: its key is the secret's text as it stands."""
    return f"sha256={_chatwoot_signer(secret)(f'{timestamp}.'.encode(), body).hex()}"


def signature_headers(
    secrets: Sequence[str], uid: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The headers of one attempt, signed with each of `secrets`, the newest first.

    Chatwoot's header has room for one signature: the newest secret's.
    """
    return {
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, uid, timestamp, body) for secret in secrets),
        "X-Chatwoot-Delivery": uid,
        "X-Chatwoot-Timestamp": str(timestamp),
        "X-Chatwoot-Signature": sign_like_chatwoot(secrets[0], timestamp, body),
    }


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> None:
    """Do what a consumer must do: check that `body` was signed with `secret`, not long ago.

    Raises `SignatureRefused`.
    """
    given = {name.lower(): value for name, value in headers.items()}
    uid = given.get("webhook-id", "")
    timestamp = given.get("webhook-timestamp", "")
    if not uid or not timestamp.isascii() or not timestamp.isdigit():
        raise SignatureRefused("webhook-id or webhook-timestamp is missing or malformed")
    if not abs(now.timestamp() - float(timestamp)) <= tolerance_seconds:
        raise SignatureRefused("webhook-timestamp is too far from the present time")
    expected = sign(secret, uid, int(timestamp), body).encode()
    signatures = given.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(expected, one.encode()) for one in signatures):
        raise SignatureRefused("no signature matches")


@lru_cache(maxsize=256)
def _signer(secret: str) -> Callable[[bytes, bytes], bytes]:
    return _hmac_sha256(b64decode(secret.removeprefix(SECRET_PREFIX)))


@lru_cache(maxsize=256)
def _chatwoot_signer(secret: str) -> Callable[[bytes, bytes], bytes]:
    return _hmac_sha256(secret.encode())


def _hmac_sha256(key: bytes) -> Callable[[bytes, bytes], bytes]:
    """HMAC with SHA-256 under one key (RFC 2104) of a message in two parts, to be asked again and
    again: what hangs on the key alone is hashed once. `hmac.digest` takes four times as long, and
    most of it for that."""
    key = (key if len(key) <= BLOCK_BYTES else sha256(key).digest()).ljust(BLOCK_BYTES, b"\0")
    inner, outer = (
        sha256(bytes(byte ^ 0x36 for byte in key)),
        sha256(bytes(byte ^ 0x5C for byte in key)),
    )

    def digest(beginning: bytes, rest: bytes) -> bytes:
        inside, outside = inner.copy(), outer.copy()
        inside.update(beginning)
        inside.update(rest)
        outside.update(inside.digest())
        return outside.digest()

    return digest
