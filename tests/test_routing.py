"""A number in an address that no row can have is no such page, whatever the database."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.conftest import make_tenant
from tests.conftest import log_in


def numbered_addresses(app: Flask, number: str) -> list[str]:
    """Every address that has a number in it, with that number."""
    return [
        "/".join(number if part.startswith("<") else part for part in rule.rule.split("/"))
        for rule in app.url_map.iter_rules()
        if any(converter in rule.rule for converter in ("<int:", "<display_id:"))
    ]


@pytest.mark.parametrize("digits", [1, 9, 10, 18, 19, 40, 5000])
def test_a_number_of_any_length_is_answered(app: Flask, client: FlaskClient, digits: int) -> None:
    tenant = make_tenant(app)
    person = log_in(client, tenant.user)

    statuses = {
        address: (tenant.program if address.startswith("/api/") else person).get(address).status
        for address in numbered_addresses(app, "9" * digits)
    }

    assert len(statuses) > 10
    assert set(statuses.values()) <= {"404 NOT FOUND", "405 METHOD NOT ALLOWED"}
