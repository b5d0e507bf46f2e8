"""/api/v1: stable JSON for programs.

Paths, header, field names, shapes and status codes are those of Chatwoot's campaigns API, so that
its clients work; where we differ, README says so.
"""

from flask import Blueprint, Flask

from campaigns_app.api import body, description, errors
from campaigns_app.api import control as _control  # noqa: F401
from campaigns_app.api import preflight as _preflight  # noqa: F401
from campaigns_app.api import templates as _templates  # noqa: F401
from campaigns_app.api import trial as _trial  # noqa: F401
from campaigns_app.api.audience import audience
from campaigns_app.api.audit_log import audit_log
from campaigns_app.api.auth import authenticate
from campaigns_app.api.campaigns import campaigns
from campaigns_app.api.conversations import conversations
from campaigns_app.api.inboxes import inboxes
from campaigns_app.api.suppressions import suppressions
from campaigns_app.api.webhook_deliveries import webhook_deliveries
from campaigns_app.api.webhooks import webhooks
from campaigns_app.extensions import csrf

ACCOUNT_PATH = "/accounts/<int:account_id>"


def init_app(app: Flask) -> None:
    """Serve the API. Each resource has two addresses: the account in the path is optional."""
    api = Blueprint("api", __name__, url_prefix="/api/v1")
    api.before_request(authenticate)
    body.init_blueprint(api)
    resources = (
        ("campaigns", campaigns),
        ("campaigns", audience),
        ("audit_log", audit_log),
        ("conversations", conversations),
        ("inboxes", inboxes),
        ("suppressions", suppressions),
        ("webhooks", webhooks),
        ("webhooks", webhook_deliveries),
    )
    for path, resource in resources:
        api.register_blueprint(resource, url_prefix=f"/{path}")
        api.register_blueprint(
            resource, url_prefix=f"{ACCOUNT_PATH}/{path}", name=f"account_{resource.name}"
        )
        # Nothing here is done on the word of a cookie, so nobody can be tricked into it.
        csrf.exempt(resource)
    app.register_blueprint(api)
    app.register_blueprint(description.blueprint)
    errors.init_app(app)
