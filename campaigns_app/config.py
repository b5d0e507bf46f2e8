"""Every setting once: name, kind, unit, default, meaning. README's table is this file's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from campaigns_app.errors import ConfigError
from campaigns_app.setting_values import (
    database_url,
    encryption_keys,
    flag,
    networks,
    one_of,
    redis_url,
    secret_key,
    token,
    web_url,
    web_urls,
    whole,
)

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


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "SECRET_KEY",
        secret_key,
        REQUIRED,
        "Signs sessions and forms; at least 32 characters, the same for every process.",
        "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
    ),
    Setting(
        "DATABASE_URL",
        database_url,
        REQUIRED,
        "The database: `postgresql://user:password@host/name`, or `sqlite:////path/to/file`.",
        "or run `campaigns up`, which brings a database of its own",
    ),
    Setting(
        "REDIS_URL",
        redis_url,
        REQUIRED,
        "The queue: `redis://host:6379/0`, `rediss://…` or `unix:///path/to/socket`.",
        "or run `campaigns up`, which brings a queue of its own",
    ),
    Setting(
        "PUBLIC_URL",
        web_url,
        "http://127.0.0.1:8000",
        "The address under which people reach the web page; used in links.",
    ),
    Setting(
        "COOKIE_SECURE",
        flag,
        True,
        "Send cookies over HTTPS only. `false` only for plain HTTP on one's own machine.",
    ),
    Setting(
        "SESSION_IDLE_MINUTES",
        whole(1, 1440),
        30,
        "Minutes without a request after which a person must log in again.",
    ),
    Setting(
        "SESSION_MAX_HOURS",
        whole(1, 720),
        12,
        "Hours after which a person must log in again in any case.",
    ),
    Setting(
        "TRUSTED_PROXIES",
        whole(0, 10),
        0,
        "How many reverse proxies in front of the web set X-Forwarded-For and -Proto.",
    ),
    Setting(
        "API_REQUESTS_PER_MINUTE",
        whole(1, 1_000_000),
        3000,
        "Requests that one access token may make of the JSON API in a minute.",
    ),
    Setting(
        "MAX_UPLOAD_MB",
        whole(1, 1000),
        20,
        "The largest contact file that can be uploaded, in megabytes.",
    ),
    Setting(
        "PASSWORD_MEMORY_KIB",
        whole(8, 1_048_576),
        65_536,
        "Memory of one argon2id password hash, in KiB; less than 47,104 is too weak for use.",
    ),
    Setting(
        "LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "Least severity logged."
    ),
    Setting(
        "LOG_FORMAT",
        one_of("console", "json"),
        "console",
        "`console` for people, `json` for one object a line.",
    ),
    Setting(
        "METRICS_TOKEN",
        token,
        None,
        "Bearer token with which a monitoring system may read `/metrics`; closed without one.",
    ),
    Setting(
        "BATCH_SIZE",
        whole(1, 100_000),
        2000,
        "Recipients in one batch, the unit of work that a worker takes.",
    ),
    Setting(
        "CHUNK_SIZE",
        whole(1, 1000),
        1000,
        "Recipients written in one transaction; a pause is honoured between two chunks.",
    ),
    Setting(
        "LEASE_SECONDS",
        whole(1, 3600),
        20,
        "Seconds without progress after which a worker's batch is given to another worker.",
    ),
    Setting(
        "SWEEP_SECONDS",
        whole(1, 60),
        1,
        "Seconds between two looks for work that was due or was left behind.",
    ),
    Setting(
        "SCHEDULE_GRACE_SECONDS",
        whole(0, 3600),
        60,
        "How far in the past a scheduled time may lie to be taken as «now», in seconds.",
    ),
    Setting(
        "ENCRYPTION_KEYS",
        encryption_keys,
        (),
        "Keys that encrypt the secrets of channels, by comma: the first encrypts, all decrypt.",
    ),
    Setting(
        "PROVIDER_TIMEOUT_SECONDS",
        whole(1, 60),
        10,
        "Seconds a provider has to answer; a message without an answer is «unknown».",
    ),
    Setting(
        "PROVIDER_CONCURRENCY",
        whole(1, 500),
        50,
        "Messages under way at once from one inbox in one worker.",
    ),
    Setting(
        "PROVIDER_BASE_URLS",
        web_urls,
        (),
        "Other addresses that inboxes may name for their provider: a simulator, a relay. An inbox "
        "that names one which is not here any more sends nothing.",
    ),
    Setting(
        "PROVIDER_EVENT_DAYS",
        whole(0, 3650),
        90,
        "Days for which callbacks are kept as they came, and the words of replies; 0: for ever.",
    ),
    Setting(
        "UNDO_SECONDS",
        whole(0, 600),
        10,
        "Seconds between «send now» on a page and the start, in which it can be undone; 0: none.",
    ),
    Setting(
        "WEBHOOK_TIMEOUT_SECONDS",
        whole(1, 30),
        5,
        "Seconds a webhook endpoint has to answer, in all.",
    ),
    Setting(
        "WEBHOOK_CONCURRENCY",
        whole(1, 500),
        20,
        "Webhook requests under way at once in one worker.",
    ),
    Setting(
        "WEBHOOK_SECRET_GRACE_HOURS",
        whole(0, 168),
        24,
        "Hours for which an endpoint's old secret signs beside the new one after a change.",
    ),
    Setting(
        "WEBHOOK_ENDPOINT_CONCURRENCY",
        whole(1, 500),
        10,
        "How many of these go to one endpoint, at most.",
    ),
    Setting(
        "WEBHOOK_PATIENCE_DAYS",
        whole(1, 30),
        5,
        "Days of nothing but failures after which a webhook endpoint is disabled.",
    ),
    Setting(
        "WEBHOOK_RETENTION_DAYS",
        whole(4, 3650),
        30,
        "Days that webhook events are kept, with their deliveries and attempts.",
    ),
    Setting(
        "WEBHOOK_ALLOWED_NETWORKS",
        networks,
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
