"""The rows of the benchmark: one line each."""

from collections.abc import Callable, Mapping, Sequence

from campaigns_app.errors import CannotStart
from campaigns_app.operations.bench.case import Bench, BenchRow
from campaigns_app.operations.bench.cases import (
    api_vs_floor,
    api_vs_sequential,
    callbacks_vs_row,
    freeze_vs_insert_select,
    memory_1m_vs_10k,
    page_busy_vs_idle,
    provider_vs_client,
    rate_accuracy,
    webhooks_backlog,
    webhooks_batched_vs_single,
    webhooks_fairness,
    webhooks_vs_client,
    workers_2_vs_1,
)

CASES: Mapping[str, Callable[[Bench], BenchRow]] = {
    case.NAME: case.measure
    for case in (
        api_vs_floor,
        api_vs_sequential,
        workers_2_vs_1,
        freeze_vs_insert_select,
        memory_1m_vs_10k,
        page_busy_vs_idle,
        webhooks_vs_client,
        provider_vs_client,
        rate_accuracy,
        callbacks_vs_row,
        webhooks_batched_vs_single,
        webhooks_fairness,
        webhooks_backlog,
    )
}

ON_POSTGRESQL_ONLY = (workers_2_vs_1.NAME,)
"""SQLite has one writer at a time: a second worker could only wait."""


def choose(only: Sequence[str], backend: str) -> Sequence[str]:
    """The names of the cases to run on a database of that kind: those in `only`, or all.

    Raises `CannotStart` when one was asked for that needs another database.
    """
    out_of_place = () if backend == "postgresql" else ON_POSTGRESQL_ONLY
    for name in only:
        if name in out_of_place:
            raise CannotStart(f"{name} needs PostgreSQL: add --postgres, or name a --database.")
    return [name for name in CASES if name not in out_of_place and (not only or name in only)]
