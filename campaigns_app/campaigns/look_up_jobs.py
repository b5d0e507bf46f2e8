"""What workers of the queue `providers` are rung for when somebody stays `unknown`."""

import asyncio
import logging
import time
from collections.abc import Mapping

from sqlalchemy.exc import OperationalError

from campaigns_app.campaigns.look_ups import (
    Answer,
    Questions,
    answering_types,
    ask,
    halt_unusable,
    is_put_off,
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

SHIFT_SECONDS = 5
"""After so many seconds no more questions are begun: whoever is to be sent to waits in the same
queue. The last answers may take as long again as a provider has to answer."""

MOST_PUT_OFF = 2
"""After so many questions in a row that came to nothing, all others are put off as well."""


def look_up_unknown() -> None:
    """Ask providers about who is unknown, until nobody is left or the shift is over; then ring for
    a successor, unless somebody is to be sent to."""
    shift_ends = time.monotonic() + SHIFT_SECONDS
    try:
        while (campaign_id := _next_campaign()) is not None:
            if must_end() or time.monotonic() > shift_ends:
                _ring()
                return
            _look_up(campaign_id, shift_ends)
    except OperationalError as error:
        db.session.rollback()
        logger.error("Who is unknown is asked about later: %s", error)


def _look_up(campaign_id: int, ends: float) -> None:
    """Ask about some of the campaign's recipients; an inbox that cannot ask is halted."""
    try:
        questions = read_questions(db.session(), campaign_id)
    except InboxUnusable as error:
        halt_unusable(db.session(), campaign_id, error)
        logger.error("The inbox of campaign %s is halted: %s", campaign_id, error)
        return
    settle_answers(db.session(), questions, asyncio.run(_ask_all(questions, ends)))


def sweep_unknown() -> None:
    """Ring where somebody is to be asked about."""
    if _next_campaign() is not None:
        _ring()


def _ring() -> None:
    """Not behind anybody who is to be sent to: then the sweep rings, some time later. So there are
    no more of these jobs than workers."""
    if not waiting(PROVIDERS):
        enqueue(PROVIDERS, look_up_unknown)


def _next_campaign() -> int | None:
    types = answering_types()
    if not types:
        return None
    db.session.rollback()
    with reading(db.session()) as session:
        return session.scalar(questionable_campaigns(types))


async def _ask_all(questions: Questions, ends: float) -> dict[int, Answer]:
    """The answers by the rows of the ledger, as far as there was time to ask; no transaction is
    open meanwhile."""
    answers: dict[int, Answer] = {}
    row_ids = iter(questions.messages)

    async def ask_on(http: HttpClient) -> None:
        for row_id in row_ids:
            if time.monotonic() > ends or _comes_to_nothing(answers):
                return
            answers[row_id] = await ask(http, questions, questions.messages[row_id])

    async with HttpClient(provider_policy(CONNECTIONS)) as http:
        await asyncio.gather(*(ask_on(http) for _ in range(CONNECTIONS)))
    if _comes_to_nothing(answers):
        return dict.fromkeys(questions.messages, _last(answers)[0]) | answers
    return answers


def _comes_to_nothing(answers: Mapping[int, Answer]) -> bool:
    """Whether a provider with these answers, in the order they came, need not be asked now."""
    last = _last(answers)
    return len(last) == MOST_PUT_OFF and all(is_put_off(one) for one in last)


def _last(answers: Mapping[int, Answer]) -> list[Answer]:
    return list(answers.values())[-MOST_PUT_OFF:]
