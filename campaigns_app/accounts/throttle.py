"""Slowing down guesses at a password, without ever locking anybody out.

Wrong passwords are counted for each e-mail address, whether or not somebody has it. After a few,
each further attempt has to wait, twice as long every time. A browser in which the person has
logged in before has a counter of its own, so a stranger who guesses from elsewhere cannot keep the
person waiting. The counters are in the database: they hold for all processes, and while Redis is
down.
"""

import hashlib
from datetime import datetime, timedelta

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import delete, select

from campaigns_app.accounts.models import LoginThrottle
from campaigns_app.database.locks import take_turns
from campaigns_app.extensions import db

FREE_ATTEMPTS = 5
MAX_DELAY_SECONDS = 15 * 60
FORGOTTEN_AFTER = timedelta(days=1)


def throttle_key(email: str, device: str | None) -> str:
    """The counter for attempts at `email` from a browser that shows the cookie value `device`."""
    known = device if device and _is_known(email, device) else ""
    return _digest(f"{email} {known}")


def device_cookie(email: str) -> str:
    """The cookie value by which a browser shows that `email` has logged in there."""
    return str(_signer().dumps(_digest(email)))


def admit_attempt(key: str, now: datetime) -> int:
    """The seconds to wait before another attempt; 0 lets this one through.

    It is counted as failed at once, before the slow look at the password: otherwise many guesses
    at the same moment would all be free. Does not commit.
    """
    take_turns(db.session(), f"login {key}")
    _forget(now)
    throttle = db.session.scalar(select(LoginThrottle).where(LoginThrottle.key == key))
    if throttle is None:
        throttle = LoginThrottle(key=key, attempts=0, retry_at=now)
        db.session.add(throttle)
    if throttle.retry_at > now:
        return max(1, round((throttle.retry_at - now).total_seconds()))
    throttle.attempts += 1
    throttle.last_attempt_at = now
    throttle.retry_at = now + timedelta(seconds=_delay_after(throttle.attempts))
    return 0


def forgive_attempts(key: str) -> None:
    """Start counting anew, after the right password. Does not commit."""
    db.session.execute(delete(LoginThrottle).where(LoginThrottle.key == key))


def _delay_after(attempts: int) -> int:
    """Seconds: 0 for the free attempts, then 2, 4, 8 … up to a quarter of an hour."""
    if attempts < FREE_ATTEMPTS:
        return 0
    doublings = min(attempts - FREE_ATTEMPTS + 1, 10)
    return min(1 << doublings, MAX_DELAY_SECONDS)


def _forget(now: datetime) -> None:
    db.session.execute(
        delete(LoginThrottle).where(LoginThrottle.last_attempt_at < now - FORGOTTEN_AFTER)
    )


def _is_known(email: str, device: str) -> bool:
    try:
        return bool(_signer().loads(device) == _digest(email))
    except BadSignature:
        return False


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="a browser known from before")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
