"""Every address needs somebody who is logged in, or is on a list that says why not."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

OPEN = {
    "static": "stylesheets and scripts, the same for everybody",
    "health.alive": "asked by load balancers",
    "health.ready": "asked by load balancers",
    "metrics.show": "has a token of its own",
    "api_description.openapi": "describes the API, the same for everybody",
    "accounts.login": "the way in",
    "accounts.log_in": "the way in",
    "accounts.setup": "the way in for the first person, by a secret in the address",
    "accounts.set_up": "the way in for the first person, by a secret in the address",
    "callbacks.verify": "called by providers, who prove it to the channel",
    "callbacks.receive": "called by providers, who prove it to the channel",
    "accounts.start": "leads to a page that needs a login",
}


def test_a_stranger_is_let_in_nowhere_else(app: Flask, client: FlaskClient) -> None:
    let_in = {
        f"{method} {rule}": answer.status
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in OPEN
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not _is_refusal(answer := client.open(_address(app, rule), method=method))
    }

    assert let_in == {}


def test_the_list_names_no_address_that_is_gone(app: Flask) -> None:
    assert set(OPEN) <= {rule.endpoint for rule in app.url_map.iter_rules()}


def test_every_form_needs_its_token(
    app: Flask, admin_client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", True)
    unprotected = [
        str(rule)
        for rule in app.url_map.iter_rules()
        if not str(rule).startswith(("/api/", "/callbacks/"))
        for method in (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
        if admin_client.open(_address(app, rule), method=method).status_code != 400
    ]

    assert unprotected == []


def _address(app: Flask, rule: Rule) -> str:
    with app.test_request_context():
        values = dict.fromkeys(rule.arguments, 1)
        address: str = app.url_map.bind("localhost").build(rule.endpoint, values)
    return address


def _is_refusal(answer: TestResponse) -> bool:
    if answer.request.path.startswith("/api/"):
        return answer.status_code == 401 and answer.is_json
    return answer.status_code == 303 and answer.location.startswith("/login")
