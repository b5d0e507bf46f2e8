"""Every setting once: name, kind, unit, default, meaning. README's table is this file's."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from campaigns_app.errors import ConfigError

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
REQUIRED = object()


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable. `read` turns its text into a value or raises `ValueError` with
    what is allowed; `default` is such a value already, or `REQUIRED`."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    remedy: str = ""


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError("it must be true or false")
    return known[value.lower()]


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return int(value)

    return read


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"it must be one of {', '.join(allowed)}")
        return value

    return read


def _secret_key(value: str) -> str:
    if len(value) < 32:
        raise ValueError("it must be at least 32 characters long")
    return value


def _token(value: str) -> str:
    if len(value) < 16:
        raise ValueError("it must be at least 16 characters long")
    return value


def _database_url(value: str) -> str:
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


def _redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("it must start with redis://, rediss:// or unix://")
    return value


def _web_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("it must start with http:// or https://")
    return value.rstrip("/")


def _keys(value: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in value.split(",") if part.strip())
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise ValueError("each must be a Fernet key: 32 bytes in URL-safe base64") from error
    return keys


def _web_urls(value: str) -> tuple[str, ...]:
    return tuple(_web_url(part.strip()) for part in value.split(",") if part.strip())


def _networks(value: str) -> tuple[IPNetwork, ...]:
    try:
        return tuple(
            ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip()
        )
    except ValueError as error:
        raise ValueError(f"it must be networks such as 10.1.0.0/16, by comma ({error})") from error


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "SECRET_KEY",
        _secret_key,
        REQUIRED,
        "Signs sessions and forms; at least 32 characters, the same for every process.",
        "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    Setting(
        "DATABASE_URL",
        _database_url,
        REQUIRED,
        "The database: `postgresql://user:password@host/name`, or `sqlite:////path/to/file`.",
        "or run `campaigns up`, which brings a database of its own",
    ),
    Setting(
        "REDIS_URL",
        _redis_url,
        REQUIRED,
        "The queue: `redis://host:6379/0`, `rediss://…` or `unix:///path/to/socket`.",
        "or run `campaigns up`, which brings a queue of its own",
    ),
    Setting(
        "PUBLIC_URL",
        _web_url,
        "http://127.0.0.1:8000",
        "The address under which people reach the web page; used in links.",
    ),
    Setting(
        "COOKIE_SECURE",
        _flag,
        True,
        "Send cookies over HTTPS only. `false` only for plain HTTP on one's own machine.",
    ),
    Setting(
        "SESSION_IDLE_MINUTES",
        _whole(1, 1440),
        30,
        "Minutes without a request after which a person must log in again.",
    ),
    Setting(
        "SESSION_MAX_HOURS",
        _whole(1, 720),
        12,
        "Hours after which a person must log in again in any case.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        _whole(0, 10),
        0,
        "How many reverse proxies in front of the web set X-Forwarded-For and -Proto.",
    ),
    Setting(
        "API_REQUESTS_PER_MINUTE",
        _whole(1, 1_000_000),
        3000,
        "Requests that one access token may make of the JSON API in a minute.",
    ),
    Setting(
        "MAX_UPLOAD_MB",
        _whole(1, 1000),
        20,
        "The largest contact file that can be uploaded, in megabytes.",
    ),
    Setting(
        "PASSWORD_MEMORY_KIB",
        _whole(8, 1_048_576),
        65_536,
        "Memory of one argon2id password hash, in KiB; less than 47,104 is too weak for use.",
    ),
    Setting(
        "LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least severity logged."
    ),
    Setting(
        "LOG_FORMAT",
        _one_of("console", "json"),
        "console",
        "`console` for people, `json` for one object a line.",
    ),
    Setting(
        "METRICS_TOKEN",
        _token,
        None,
        "Bearer token with which a monitoring system may read `/metrics`; closed without one.",
    ),
    Setting(
        "BATCH_SIZE",
        _whole(1, 100_000),
        1000,
        "Recipients in one batch, the unit of work that a worker takes.",
    ),
    Setting(
        "CHUNK_SIZE",
        _whole(1, 1000),
        500,
        "Recipients written in one transaction; a pause is honoured between two chunks.",
    ),
    Setting(
        "LEASE_SECONDS",
        _whole(1, 3600),
        20,
        "Seconds without progress after which a worker's batch is given to another worker.",
    ),
    Setting(
        "SWEEP_SECONDS",
        _whole(1, 60),
        1,
        "Seconds between two looks for work that was due or was left behind.",
    ),
    Setting(
        "SCHEDULE_GRACE_SECONDS",
        _whole(0, 3600),
        60,
        "How far in the past a scheduled time may lie to be taken as «now», in seconds.",
    ),
    Setting(
        "ENCRYPTION_KEYS",
        _keys,
        (),
        "Keys that encrypt the secrets of channels, by comma: the first encrypts, all decrypt.",
    ),
    Setting(
        "PROVIDER_TIMEOUT_SECONDS",
        _whole(1, 60),
        10,
        "Seconds a provider has to answer; a message without an answer is «unknown».",
    ),
    Setting(
        "PROVIDER_CONCURRENCY",
        _whole(1, 500),
        50,
        "Messages under way at once from one inbox in one worker.",
    ),
    Setting(
        "PROVIDER_BASE_URLS",
        _web_urls,
        (),
        "Other addresses that inboxes may name for their provider: a simulator, a relay.",
    ),
    Setting(
        "UNDO_SECONDS",
        _whole(0, 600),
        10,
        "Seconds between «send now» on a page and the start, in which it can be undone; 0: none.",
    ),
    Setting(
        "WEBHOOK_TIMEOUT_SECONDS",
        _whole(1, 30),
        5,
        "Seconds a webhook endpoint has to answer, in all.",
    ),
    Setting(
        "WEBHOOK_CONCURRENCY",
        _whole(1, 500),
        20,
        "Webhook requests under way at once in one worker.",
    ),
    Setting(
        "WEBHOOK_ALLOWED_NETWORKS",
        _networks,
        (),
        "Private networks that webhooks may reach all the same: `10.1.0.0/16,127.0.0.1/32`.",
    ),
)


def load_config(environ: Mapping[str, str]) -> dict[str, Any]:
    """The value of every setting by its name, read from `environ`; blank counts as not set.

    Raises `ConfigError` naming each missing or wrong setting, a line each.
    """
    config: dict[str, Any] = {}
    faults: list[str] = []
    for setting in SETTINGS:
        given = environ.get(setting.name, "").strip()
        try:
            config[setting.name] = setting.read(given) if given else setting.default
        except ValueError as error:
            faults.append(f"{setting.name} is wrong: {error}.")
        else:
            if config[setting.name] is REQUIRED:
                faults.append(
                    f"{setting.name} is not set. {setting.meaning} {_sentence(setting.remedy)}"
                )
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "." if text else ""
