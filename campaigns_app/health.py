"""Whether this process lives, and whether it can work: for load balancers and operators."""

import logging

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from campaigns_app.extensions import db
from campaigns_app.job_queue import is_reachable

logger = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> ResponseReturnValue:
    """This process answers; nothing else is asked."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """Whether pages can be served: 503 without the database.

    Without Redis the status is `degraded`, with 200: everything works but slower, because the
    sweep finds what the queue was not told.
    """
    database, queue = _database_answers(), is_reachable()
    status = "ok" if database and queue else "degraded" if database else "unavailable"
    return jsonify(status=status, database=database, redis=queue), 200 if database else 503


def _database_answers() -> bool:
    try:
        db.session.execute(select(1))
    except SQLAlchemyError as error:
        logger.error("The database does not answer: %s", error)
        db.session.rollback()
        return False
    return True
