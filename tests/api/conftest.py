"""A program with an access token, and the account in which it may work."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, Response, request, request_finished
from flask.testing import FlaskClient

from campaigns_app.accounts.models import Account, User
from campaigns_app.api.description import describe
from campaigns_app.contacts.models import Label
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_account, make_inbox, make_label, make_token, make_user
from tests.payloads import assert_as_published


@pytest.fixture(autouse=True)
def _answers_are_as_described(app: Flask) -> Iterator[None]:
    """Hold every answer of the API against its description of itself."""
    description = describe(app)

    def hold(sender: Flask, response: Response, **_: object) -> None:
        endpoint = (request.endpoint or "").replace("api.account_", "api.")
        if endpoint.startswith("api.") and response.is_json:
            rule = next(sender.url_map.iter_rules(endpoint))
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            operation = description["paths"][path][request.method.lower()]
            [content] = operation["responses"][str(response.status_code)]["content"].values()
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert_as_published(sender, name, response.json)

    with request_finished.connected_to(hold, app):
        yield


@dataclass(frozen=True)
class Tenant:
    """An account with what a campaign needs; `program` sends its administrator's token."""

    account: Account
    user: User
    inbox: Inbox
    label: Label
    program: FlaskClient

    def body(self, **values: Any) -> dict[str, Any]:
        """The attributes of a campaign that will be accepted."""
        return {
            "title": "Summer Promotion",
            "message": "Check out our sale, {{ contact.name }}!",
            "inbox_id": self.inbox.id,
            "audience": [{"type": "Label", "id": self.label.id}],
            "scheduled_at": "2031-01-02T03:04:05Z",
        } | values


def make_tenant(app: Flask, **values: Any) -> Tenant:
    """A tenant; `values` are the account's."""
    account = make_account(**values)
    user = make_user(account)
    program = app.test_client()
    program.environ_base["HTTP_API_ACCESS_TOKEN"] = make_token(user)
    return Tenant(account, user, make_inbox(account), make_label(account), program)


@pytest.fixture
def tenant(app: Flask) -> Tenant:
    """The account under test."""
    return make_tenant(app)


@pytest.fixture
def stranger(app: Flask) -> Tenant:
    """Another account, with a program of its own."""
    return make_tenant(app)
