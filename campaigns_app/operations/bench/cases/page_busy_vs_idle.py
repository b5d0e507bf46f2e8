"""Whether pages stay quick while a large campaign is being carried out."""

import os
from collections.abc import Iterator, Sequence
from secrets import token_urlsafe

from campaigns_app.accounts.service import create_administrator
from campaigns_app.campaigns.models import Campaign
from campaigns_app.extensions import db
from campaigns_app.operations.bench import engine
from campaigns_app.operations.bench.case import Bar, Bench, BenchRow
from campaigns_app.operations.bench.seeding import make_due_campaign
from campaigns_app.operations.bench.visitor import Login, Visits, look_around

NAME = "page_busy_vs_idle"
PATHS = ("/campaigns/", "/campaigns/table", "/campaigns/1")


def measure(bench: Bench) -> BenchRow:
    """The page that suffers most, by its 95th percentile.

    The campaign has started. It is idle while no worker is there, and busy while there is one for
    every core but one: a page needs a core, too, and without one it is the scheduler that would be
    measured.
    """
    recipients, seconds = bench.pick((1_000_000, 6.0), (20_000, 1.0), (3_000, 0.0))
    campaign_id = make_due_campaign(db.session(), recipients)
    login = _make_login(campaign_id)
    bench.processes.call(engine.start, campaign_id)
    idle, busy = [[Visits(path) for path in PATHS] for _ in range(2)]
    for _ in range(bench.turns):
        _gather(idle, bench.processes.call(look_around, login, PATHS, seconds))
        with bench.processes.doing(_workers(), engine.work_until_finished, campaign_id):
            _gather(busy, bench.processes.call(look_around, login, PATHS, seconds))
    slow, usual = max(zip(busy, idle, strict=True), key=lambda page: page[0].p95 / page[1].p95)
    return BenchRow(
        name=NAME,
        value=slow.p95,
        unit=f"ms, p95 of {slow.path}",
        against=f"the same page idle, {usual.p95:.1f} ms",
        ratio=slow.p95 / usual.p95,
        bar=Bar(2, is_ceiling=True),
        fault="; ".join(_faults(idle, busy, campaign_id)) or None,
    )


def _make_login(campaign_id: int) -> Login:
    login = Login("bench@example.com", token_urlsafe(12))
    campaign = db.session.get_one(Campaign, campaign_id)
    create_administrator(campaign.account, login.email, "Benchmark", login.password)
    db.session.rollback()
    return login


def _workers() -> int:
    return max(1, (os.cpu_count() or 1) - 1)


def _gather(visits: Sequence[Visits], seen: Sequence[Visits]) -> None:
    for page, more in zip(visits, seen, strict=True):
        page.add(more)


def _faults(idle: Sequence[Visits], busy: Sequence[Visits], campaign_id: int) -> Iterator[str]:
    if engine.is_finished(campaign_id):
        yield "the campaign ended before the measurement"
    for quiet, loud in zip(idle, busy, strict=True):
        numbers = sorted(quiet.query_counts | loud.query_counts)
        if len(numbers) > 1:
            yield f"{quiet.path} makes {numbers[0]} to {numbers[-1]} queries"
        if quiet.counting or loud.counting:
            yield f"{quiet.path} counts recipients"
