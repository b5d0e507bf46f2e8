"""Fetching the list of an inbox's templates from its provider."""

import asyncio
import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from campaigns_app.channels.provider import Account, Outcome, ProviderChannel
from campaigns_app.channels.templates import Template
from campaigns_app.database.text import is_storable
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InboxUnusable, Refused
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient, Policy, RequestFailed
from campaigns_app.inboxes.models import (
    TEMPLATE_NAME_LENGTH,
    WORD_LENGTH,
    Inbox,
    InboxTemplate,
    TemplateSync,
)
from campaigns_app.inboxes.provider_account import account_of, provider_of, provider_policy

logger = logging.getLogger(__name__)

LONGEST_SYNC_SECONDS = 25
"""For all pages of a list; a person may be waiting for it."""

EVERY = timedelta(hours=3)
AGAIN_AFTER = timedelta(minutes=15)
"""When a list is fetched anew, and when after a failure."""


class SyncFailed(Exception):
    """The provider did not give the list; the text says why, for people."""


def sync_templates(inbox: Inbox) -> TemplateSync:
    """Make the inbox's templates those that its provider lists now; where it lists none because of
    a fault, they stay and the fault is noted. Where the provider told of a template meanwhile, the
    list may be older than that: it is not kept, and is due at once. Takes `LONGEST_SYNC_SECONDS`
    at most.

    Ends the present transaction. Raises `Refused` where the inbox sends no templates. Commits.
    """
    channel = provider_of(inbox)
    if channel is None or not channel.sends_templates:
        raise Refused(f"{inbox.inbox_type} sends no templates")
    inbox_id = inbox.id
    found: list[Template] = []
    fault = None
    asked = _note_try(inbox_id, utcnow())
    try:
        account = account_of(inbox)
        # Nobody else can write to SQLite, nor use the connection, while a transaction waits.
        db.session.rollback()
        found = asyncio.run(_fetch(channel, account, provider_policy(connections=1)))
    except (InboxUnusable, SyncFailed) as error:
        fault = str(error)
        logger.warning("The templates of inbox %s were not fetched: %s", inbox_id, fault)
    sync = _locked(inbox_id)
    if sync is None:
        db.session.rollback()
        raise Refused("the inbox is gone")
    # Else a callback has told of a template since, or somebody asked after us: what was fetched
    # here is older than that.
    if sync.due_at == asked.due_at:
        sync.fault = fault
        if fault is None:
            _keep(inbox_id, found)
            sync.synced_at, sync.due_at = asked.tried_at, asked.tried_at + EVERY
    db.session.commit()
    return sync


class _Try(NamedTuple):
    """When a list was asked for, and when it will be asked for again if nothing comes of it."""

    tried_at: datetime
    due_at: datetime


def _note_try(inbox_id: int, now: datetime) -> _Try:
    """Note that the list is being asked for, so that the sweep rings for it no more; two who come
    at the same moment both ask, which does no harm. Raises `Refused` where the inbox is gone, or
    somebody else is the first to try. Commits."""
    try:
        sync = _locked(inbox_id)
        if sync is None:
            sync = TemplateSync(inbox_id=inbox_id)
            db.session.add(sync)
        noted = _Try(now, now + AGAIN_AFTER)
        sync.tried_at, sync.due_at = noted
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise Refused("the inbox is gone, or its templates are being fetched") from error
    return noted


def _locked(inbox_id: int) -> TemplateSync | None:
    """How the list stands, locked until the transaction ends; None where it was never asked
    for."""
    return db.session.get(TemplateSync, inbox_id, with_for_update=True, populate_existing=True)


async def _fetch(channel: ProviderChannel, account: Account, policy: Policy) -> list[Template]:
    try:
        async with asyncio.timeout(LONGEST_SYNC_SECONDS), HttpClient(policy) as http:
            return list(await channel.list_templates(http, account))
    except Outcome as outcome:
        raise SyncFailed(outcome.told) from outcome
    except (RequestFailed, TimeoutError) as error:
        raise SyncFailed(str(error) or "no answer in time") from error
    # A channel may be somebody else's; its fault must not take the page away.
    except Exception as error:
        logger.exception("Channel %s failed to list templates", channel.name)
        raise SyncFailed("the channel failed; the log says how") from error


def _keep(inbox_id: int, templates: Iterable[Template]) -> None:
    listed = {(one.name, one.language): one for one in templates if _is_sound(one)}
    present = db.session.scalars(select(InboxTemplate).where(InboxTemplate.inbox_id == inbox_id))
    for row in present:
        told = listed.pop((row.name, row.language), None)
        if told is None:
            db.session.delete(row)
        elif told != row.template:
            row.status, row.category = told.status, told.category
            row.components = told.components
    db.session.add_all(
        InboxTemplate(
            inbox_id=inbox_id,
            name=told.name,
            language=told.language,
            status=told.status,
            category=told.category,
            components=told.components,
        )
        for told in listed.values()
    )


def _is_sound(told: Template) -> bool:
    """Whether the database can keep what the provider says."""
    lengths = (len(told.language), len(told.status), len(told.category))
    try:
        text = json.dumps([told.name, told.components], ensure_ascii=False, allow_nan=False)
    except ValueError:
        return False
    is_short = max(lengths) <= WORD_LENGTH and len(told.name) <= TEMPLATE_NAME_LENGTH
    return is_short and is_storable(text) and r"\u0000" not in text
