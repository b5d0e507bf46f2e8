"""Where providers call: no login, no session, no form. Whoever calls proves it to the channel.

What is told is kept and answered at once; a worker finds out afterwards what it means. A provider
that gets no answer in time, or a refusal, asks again for hours or days.
"""

import logging

from flask import Blueprint, Flask, Response, abort, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from campaigns_app.campaigns.receipt_jobs import ring_for_receipts
from campaigns_app.channels.provider import Account, CallbackRefused, CallbackRequest
from campaigns_app.errors import NotFound
from campaigns_app.extensions import csrf, db, limiter
from campaigns_app.inboxes.callbacks import find_called_inbox, keep_events, read_events
from campaigns_app.pages_errors import answer_errors_under

logger = logging.getLogger(__name__)

PREFIX = "/callbacks"
LONGEST_BODY_BYTES = 4_000_000
"""WhatsApp's callbacks have up to 3 MB."""

RATE = "60000 per minute"
"""From one address: more than any provider calls, and a bound for everybody else."""

blueprint = Blueprint("callbacks", __name__, url_prefix=PREFIX)


def init_app(app: Flask) -> None:
    """Listen to providers."""
    # Nothing here is done on the word of a cookie, so nobody can be tricked into it.
    csrf.exempt(blueprint)
    limiter.limit(RATE)(blueprint)
    app.register_blueprint(blueprint)
    answer_errors_under(app, f"{PREFIX}/", _answer)


@blueprint.before_request
def bound_body() -> None:
    """Read no more than a provider sends."""
    request.max_content_length = LONGEST_BODY_BYTES


@blueprint.get("/<slug>/<token>")
def verify(slug: str, token: str) -> Response:
    """Answer a provider that makes sure that the address is ours."""
    called = find_called_inbox(db.session(), slug, token)
    try:
        text = called.channel.answer_verification(called.account, _request_to(called.account))
    except CallbackRefused as refusal:
        abort(_refusal(refusal))
    return Response(text, mimetype="text/plain")


@blueprint.post("/<slug>/<token>")
def receive(slug: str, token: str) -> Response:
    """Keep what a provider tells, and have it looked at."""
    called = find_called_inbox(db.session(), slug, token)
    told = _request_to(called.account)
    try:
        events = read_events(called, told)
    except CallbackRefused as refusal:
        abort(_refusal(refusal))
    except ValueError as error:
        logger.warning("A callback to inbox %s cannot be understood: %s", called.id, error)
        abort(400)
    keep_events(db.session(), called, events, told.body)
    if events:
        ring_for_receipts()
    return Response(status=204)


def _request_to(account: Account) -> CallbackRequest:
    query = request.query_string.decode("ascii", "replace")
    return CallbackRequest(
        method=request.method,
        url=f"{account.callback_url}?{query}" if query else account.callback_url,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.args.to_dict(),
        body=request.get_data(cache=False),
    )


def _refusal(refusal: CallbackRefused) -> Response:
    response = Response(str(refusal), status=refusal.status, mimetype="text/plain")
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="callbacks"'
    return response


def _answer(error: Exception) -> ResponseReturnValue:
    """A status and no more; what is our fault passes, so the provider is to ask again."""
    if isinstance(error, HTTPException) and error.response is not None:
        return error
    status = error.code if isinstance(error, HTTPException) else None
    if isinstance(error, NotFound):
        status = 404
    if status is None or status >= 500:
        logger.error("A callback could not be taken: %s", error)
        status = 503
    response = Response(status=status)
    for name, value in error.get_headers() if isinstance(error, HTTPException) else ():
        if name.lower() != "content-type":
            response.headers.setdefault(name, value)
    return response
