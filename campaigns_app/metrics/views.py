"""`/metrics`, for whoever has the token."""

from hmac import compare_digest

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from campaigns_app.metrics.collector import StoresCollector

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """Every measure: 401 without `METRICS_TOKEN` as bearer, 404 where that is not set.

    A registry for each request, with nothing of this process in it: whichever process answers, the
    numbers are those of the stores that all of them share.
    """
    token: str | None = current_app.config["METRICS_TOKEN"]
    if token is None:
        abort(404)
    if not _is_bearer_of(token):
        refusal = {"WWW-Authenticate": "Bearer"}
        return Response("METRICS_TOKEN is wanted.\n", 401, refusal, mimetype="text/plain")
    registry = CollectorRegistry()
    registry.register(StoresCollector())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _is_bearer_of(token: str) -> bool:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    return kind.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())
