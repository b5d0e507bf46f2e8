"""Whatever happens under /api/ is answered in JSON."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.api.conftest import Tenant

CAMPAIGNS = "/api/v1/campaigns"


@pytest.mark.parametrize("path", ["/api/", "/api/v1", "/api/v1/nope", "/api/v2/campaigns"])
def test_a_path_that_nobody_serves_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json) == (404, {"error": "Resource could not be found"})


def test_a_method_that_is_not_served_is_refused_with_those_that_are(client: FlaskClient) -> None:
    answer = client.delete(CAMPAIGNS)

    assert answer.status_code == 405
    assert list(answer.json or {}) == ["error"]
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "POST"}


@pytest.mark.parametrize(
    "text", ["{", "", "{'a': 1}", '{"a": NaN}', "\xff", '{"a": ' + "9" * 5000 + "}"]
)
def test_what_is_no_json_is_refused(tenant: Tenant, text: str) -> None:
    answer = tenant.program.post(
        CAMPAIGNS, data=text.encode("latin-1") or b" ", content_type="application/json"
    )

    assert (answer.status_code, answer.json) == (400, {"error": "The body is not valid JSON"})


def test_what_does_not_call_itself_json_is_refused(tenant: Tenant) -> None:
    answer = tenant.program.post(CAMPAIGNS, data={"title": "A form"})

    assert answer.status_code == 415
    assert list(answer.json or {}) == ["error"]


def test_what_is_too_large_is_refused(tenant: Tenant) -> None:
    answer = tenant.program.post(CAMPAIGNS, json=tenant.body(title="a" * 1_000_001))

    assert answer.status_code == 413
    assert list(answer.json or {}) == ["error"]


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "null", "true"])
def test_json_that_is_no_object_is_refused(tenant: Tenant, text: str) -> None:
    answer = tenant.program.post(CAMPAIGNS, data=text, content_type="application/json")

    assert answer.status_code == 422
    assert answer.json == {"message": "The body must be a JSON object", "attributes": ["base"]}


def test_json_nested_too_deeply_is_refused(tenant: Tenant) -> None:
    answer = tenant.program.post(CAMPAIGNS, data="[" * 200_000, content_type="application/json")

    assert answer.status_code == 422
    assert answer.json == {"message": "The body is nested too deeply", "attributes": ["base"]}


def test_who_asks_too_often_is_told_when_to_come_again(
    app: Flask, tenant: Tenant, stranger: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "API_REQUESTS_PER_MINUTE", 2)

    statuses = [tenant.program.get(path).status_code for path in (CAMPAIGNS, f"{CAMPAIGNS}/1")]
    answer = tenant.program.get(CAMPAIGNS)

    assert statuses == [200, 404]
    assert (answer.status_code, list(answer.json or {})) == (429, ["error"])
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert stranger.program.get(CAMPAIGNS).status_code == 200


@pytest.fixture
def faulty_app(app: Flask) -> Iterator[Flask]:
    """The application as in production: a fault of ours is answered, not raised."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield app
    app.config["PROPAGATE_EXCEPTIONS"] = None


def test_of_a_fault_of_ours_nothing_is_told(
    faulty_app: Flask, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(faulty_app.extensions, "channels", None)

    answer = tenant.program.post(CAMPAIGNS, json=tenant.body())

    assert (answer.status_code, answer.json) == (500, {"error": "Internal Server Error"})
