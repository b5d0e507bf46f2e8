"""Asking a provider whether an inbox's account works, without sending anything."""

import asyncio
import logging
import time
from dataclasses import dataclass

from flask import current_app

from campaigns_app.channels.provider import Account, Outcome, ProviderChannel, Retry, Unknown
from campaigns_app.errors import InboxUnusable, Refused
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient, Policy, RequestFailed
from campaigns_app.inboxes.models import Inbox
from campaigns_app.inboxes.provider_account import account_of, provider_of, provider_policy
from campaigns_app.inboxes.readiness import faults_of

logger = logging.getLogger(__name__)

EXTENSION = "connections"
KEPT_SECONDS = 60
KEPT_FAULT_SECONDS = 5
"""Whoever has just mended the account at the provider is not told what was."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether the account works, and what the provider said of it. Where it neither works nor
    `is_refused`, nobody knows: the provider gave no answer, or none that says so."""

    works: bool
    text: str
    is_refused: bool = False


def check_connection(inbox: Inbox) -> Connection:
    """Ask the inbox's provider; takes at most `PROVIDER_TIMEOUT_SECONDS`.

    Ends the present transaction. Raises `Refused` where the inbox has no provider.
    """
    channel = provider_of(inbox)
    if channel is None:
        raise Refused(f"{inbox.inbox_type} has no provider")
    try:
        account = account_of(inbox)
    except InboxUnusable as error:
        return Connection(False, str(error), is_refused=True)
    # Nobody else can write to SQLite, nor use the connection, while a transaction waits.
    db.session.rollback()
    return asyncio.run(_ask(channel, account, provider_policy(connections=1)))


def recent_connection(inbox: Inbox) -> Connection:
    """The same, asked again only after a minute, when the inbox's channel was changed, or seconds
    after it did not work."""
    known: dict[int, tuple[object, float, Connection]] = current_app.extensions.setdefault(
        EXTENSION, {}
    )
    version, number = inbox.channel.updated_at, inbox.id
    found = known.get(number)
    if found is None or found[0] != version or found[1] < time.monotonic():
        connection = check_connection(inbox)
        kept = KEPT_SECONDS if connection.works else KEPT_FAULT_SECONDS
        found = (version, time.monotonic() + kept, connection)
        known[number] = found
    return found[2]


def connection_of(inbox: Inbox) -> Connection | None:
    """The same; None where the inbox has no provider, or not all that its provider asks for."""
    channel = provider_of(inbox)
    if channel is None or any(faults_of(inbox, channel)):
        return None
    return recent_connection(inbox)


async def _ask(channel: ProviderChannel, account: Account, policy: Policy) -> Connection:
    try:
        async with asyncio.timeout(policy.timeout_seconds), HttpClient(policy) as http:
            return Connection(True, await channel.check(http, account))
    except Outcome as outcome:
        is_refused = not isinstance(outcome, Retry | Unknown)
        return Connection(False, outcome.told, is_refused)
    except (RequestFailed, TimeoutError) as error:
        return Connection(False, str(error) or "no answer in time")
    # A channel may be somebody else's; its fault must not take the page away.
    except Exception:
        logger.exception("Channel %s failed to check an account", channel.name)
        return Connection(False, "the channel failed; the log says how")
