"""The loop that looks for work that is due or was left behind."""

import logging
from collections.abc import Callable

from flask import Flask

from campaigns_app.campaigns.look_up_jobs import sweep_unknown
from campaigns_app.campaigns.receipt_jobs import sweep_receipts
from campaigns_app.campaigns.sweep import sweep as sweep_campaigns
from campaigns_app.inboxes.event_retention import forget_old_events
from campaigns_app.inboxes.template_jobs import sweep_templates
from campaigns_app.operations.signals import CaughtSignals
from campaigns_app.webhooks.jobs import enqueue_due_deliveries
from campaigns_app.webhooks.retention import purge

logger = logging.getLogger(__name__)

SWEEPS: tuple[Callable[[], object], ...] = (
    sweep_campaigns,
    sweep_receipts,
    sweep_unknown,
    sweep_templates,
    forget_old_events,
    enqueue_due_deliveries,
    purge,
)


def sweep_once(app: Flask) -> None:
    """One look at everything; errors are raised."""
    for sweep in SWEEPS:
        with app.app_context():
            sweep()


def sweep_forever(app: Flask) -> None:
    """Look every `SWEEP_SECONDS` until SIGTERM or SIGINT, whatever fails meanwhile."""
    seconds: int = app.config["SWEEP_SECONDS"]
    logger.info("Looking for due work every %d s", seconds)
    with CaughtSignals() as signals:
        while not signals.wait(seconds):
            for sweep in SWEEPS:
                _try(app, sweep)


def _try(app: Flask, sweep: Callable[[], object]) -> None:
    try:
        with app.app_context():
            sweep()
    except Exception:
        # Whatever is wrong with one sweep, the other goes on, and this one is tried again: it is
        # what brings a system back after an outage.
        logger.exception("%s.%s failed", sweep.__module__, sweep.__name__)
