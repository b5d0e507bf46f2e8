"""What workers of the queue `providers` are rung for when somebody stays `unknown`."""

import asyncio
import logging
import time

from sqlalchemy.exc import OperationalError

from campaigns_app.campaigns.look_ups import (
    Answer,
    Questions,
    answering_types,
    ask,
    halt_unusable,
    questionable_campaigns,
    read_questions,
    settle_answers,
)
from campaigns_app.database.transactions import reading
from campaigns_app.errors import InboxUnusable
from campaigns_app.extensions import db
from campaigns_app.http_client import HttpClient
from campaigns_app.inboxes.provider_account import provider_policy
from campaigns_app.job_queue import PROVIDERS, enqueue, must_end, waiting

logger = logging.getLogger(__name__)

CONNECTIONS = 10
"""Questions under way at once: nobody waits for the answers."""

SHIFT_SECONDS = 60


def look_up_unknown() -> None:
    """Ask providers about who is unknown, until nobody is left or the shift is over."""
    shift_ends = time.monotonic() + SHIFT_SECONDS
    try:
        while (campaign_id := _next_campaign()) is not None:
            if must_end() or time.monotonic() > shift_ends:
                return
            _look_up(campaign_id)
    except OperationalError as error:
        db.session.rollback()
        logger.error("Who is unknown is asked about later: %s", error)


def _look_up(campaign_id: int) -> None:
    """Ask about some of the campaign's recipients; an inbox that cannot ask is halted."""
    try:
        questions = read_questions(db.session(), campaign_id)
    except InboxUnusable as error:
        halt_unusable(db.session(), campaign_id, error)
        logger.error("The inbox of campaign %s is halted: %s", campaign_id, error)
        return
    settle_answers(db.session(), asyncio.run(_ask_all(questions)))


def sweep_unknown() -> None:
    """Ring where somebody is to be asked about."""
    if not waiting(PROVIDERS) and _next_campaign() is not None:
        enqueue(PROVIDERS, look_up_unknown)


def _next_campaign() -> int | None:
    types = answering_types()
    if not types:
        return None
    db.session.rollback()
    with reading(db.session()) as session:
        return session.scalar(questionable_campaigns(types))


async def _ask_all(questions: Questions) -> dict[int, Answer]:
    """The answers by the rows of the ledger; no transaction is open meanwhile."""
    room = asyncio.Semaphore(CONNECTIONS)
    async with HttpClient(provider_policy(CONNECTIONS)) as http:

        async def answer(row_id: int) -> Answer:
            async with room:
                return await ask(http, questions, questions.messages[row_id])

        row_ids = list(questions.messages)
        answers = await asyncio.gather(*(answer(row_id) for row_id in row_ids))
    return dict(zip(row_ids, answers, strict=True))
