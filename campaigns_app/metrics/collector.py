"""The measures, asked from the database and from Redis at the moment when they are wanted."""

import logging
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from campaigns_app import job_queue
from campaigns_app.campaigns.checking.check import count_broken
from campaigns_app.channels.registry import get_channels
from campaigns_app.database.transactions import snapshot
from campaigns_app.database.types import utcnow
from campaigns_app.extensions import db
from campaigns_app.metrics import readings
from campaigns_app.webhooks.condition import MOST_COUNTED, Backlog, read_backlog

logger = logging.getLogger(__name__)


class StoresCollector(Collector):
    """Asks the stores anew each time; a store that does not answer leaves its measures out."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called by prometheus-client. Seven queries, whatever there is in the database."""
        measures: list[GaugeMetricFamily] = []
        try:
            measures += _of_database()
        except SQLAlchemyError as error:
            logger.error("The database does not answer: %s", error)
        yield _gauge("database_up", "Whether the database answers", bool(measures))
        yield from measures
        queues = job_queue.measure()
        yield _gauge("redis_up", "Whether Redis answers", queues is not None)
        if queues is not None:
            yield _by("queue_jobs", "Jobs waiting, by queue", "queue", queues.waiting)
            yield _gauge("workers", "Worker processes registered", queues.workers)


def _of_database() -> Iterable[GaugeMetricFamily]:
    db.session.rollback()
    with snapshot(db.session()) as session:
        return [
            _by(
                "invariant_broken",
                "Things that break a promise, by promise: the cheap ones of `campaigns check`",
                "promise",
                count_broken(session, get_channels()),
            ),
            _by("campaigns", "Campaigns, by phase", "phase", readings.count_phases(session)),
            *_of_batches(readings.read_batches(session)),
            *_overdue(
                "campaigns_overdue",
                "Campaigns that are due and have not started",
                readings.read_due(session),
            ),
            *_of_webhooks(read_backlog(session, utcnow())),
        ]


def _of_batches(batches: readings.Batches) -> Iterator[GaugeMetricFamily]:
    yield _by(
        "recipients",
        "Recipients of the campaigns that are being sent, by state",
        "state",
        batches.recipients,
    )
    yield _gauge("batches_open", "Batches with work left in them", batches.open)
    yield from _overdue("batches_free", "Batches that a worker may take now", batches.free)


def _of_webhooks(backlog: Backlog) -> Iterator[GaugeMetricFamily]:
    yield from _overdue(
        "webhook_deliveries_waiting",
        f"Webhook deliveries not made yet, of each enabled endpoint at most {MOST_COUNTED}",
        readings.Overdue(backlog.waiting.count, backlog.late_seconds),
    )


def _overdue(name: str, meaning: str, overdue: readings.Overdue) -> Iterator[GaugeMetricFamily]:
    yield _gauge(name, meaning, overdue.count)
    age = "How long the first of these has been waiting for its turn"
    yield _gauge(f"{name}_oldest_seconds", age, overdue.longest_seconds)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"campaigns_{name}", meaning, value=float(value))


def _by(name: str, meaning: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"campaigns_{name}", meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
