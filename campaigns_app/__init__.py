"""Campaigns: a self-hosted app for one-off message campaigns."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from campaigns_app import api, assets, health, job_queue, pages_errors, routing, security
from campaigns_app.accounts import frame, sessions, settings_views, token_views
from campaigns_app.accounts import models as _accounts  # noqa: F401
from campaigns_app.accounts import views as accounts_views
from campaigns_app.campaigns import callback_views, explain_views, signals
from campaigns_app.campaigns import control_views as _control_views  # noqa: F401
from campaigns_app.campaigns import follow_up_views as _follow_up_views  # noqa: F401
from campaigns_app.campaigns import form_views as _form_views  # noqa: F401
from campaigns_app.campaigns import models as _campaigns  # noqa: F401
from campaigns_app.campaigns import pages as campaigns_pages
from campaigns_app.campaigns import preflight_views as _preflight_views  # noqa: F401
from campaigns_app.campaigns import settle_views as _settle_views  # noqa: F401
from campaigns_app.campaigns import template_views as _template_views  # noqa: F401
from campaigns_app.campaigns import trial_views as _trial_views  # noqa: F401
from campaigns_app.campaigns import views as _campaigns_views  # noqa: F401
from campaigns_app.channels import registry
from campaigns_app.channels.builtin import register_builtin_channels
from campaigns_app.channels.plugins import register_installed_channels
from campaigns_app.config import load_config
from campaigns_app.contacts import label_views, suppression_views
from campaigns_app.contacts import models as _contacts  # noqa: F401
from campaigns_app.contacts import views as contacts_views
from campaigns_app.conversations import models as _conversations  # noqa: F401
from campaigns_app.database.engine import engine_options, prepare_engine
from campaigns_app.extensions import db, migrate
from campaigns_app.inboxes import models as _inboxes  # noqa: F401
from campaigns_app.inboxes import template_views as inbox_template_views
from campaigns_app.inboxes import views as inboxes_views
from campaigns_app.logs import init_logging
from campaigns_app.metrics import views as metrics_views
from campaigns_app.webhooks import hooks
from campaigns_app.webhooks import models as _webhooks  # noqa: F401
from campaigns_app.webhooks import views as webhooks_views

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def create_app(environ: Mapping[str, str] | None = None, **overrides: Any) -> Flask:
    """The application, with settings from `environ` (the process's own by default).

    `overrides` are Flask settings that win over it; tests use them. Opens no connection. Raises
    `ConfigError` naming every setting that is missing or wrong.
    """
    app = Flask(__name__)
    app.config.update(load_config(os.environ if environ is None else environ))
    app.config.update(overrides)
    init_logging(app.config["LOG_LEVEL"], app.config["LOG_FORMAT"])
    _init_stores(app)
    _init_web(app)
    signals.connect()
    hooks.connect()
    return app


def _init_stores(app: Flask) -> None:
    url = app.config["DATABASE_URL"]
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(url)
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    with app.app_context():
        prepare_engine(db.engine)
    job_queue.init_app(app)
    app.extensions[registry.EXTENSION] = registry.ChannelRegistry()
    register_builtin_channels(app.extensions[registry.EXTENSION])
    register_installed_channels(app.extensions[registry.EXTENSION])


def _init_web(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_UPLOAD_MB"] * 1024 * 1024
    if app.config["TRUSTED_PROXIES"]:
        count = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]
    routing.init_app(app)
    security.init_app(app)
    sessions.init_app(app)
    frame.init_app(app)
    assets.init_app(app)
    pages_errors.init_app(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics_views.blueprint)
    app.register_blueprint(accounts_views.blueprint)
    app.register_blueprint(campaigns_pages.blueprint)
    app.register_blueprint(explain_views.blueprint)
    app.register_blueprint(contacts_views.blueprint)
    app.register_blueprint(label_views.blueprint)
    app.register_blueprint(suppression_views.blueprint)
    app.register_blueprint(inboxes_views.blueprint)
    app.register_blueprint(inbox_template_views.blueprint)
    app.register_blueprint(webhooks_views.blueprint)
    app.register_blueprint(token_views.blueprint)
    app.register_blueprint(settings_views.blueprint)
    callback_views.init_app(app)
    api.init_app(app)
