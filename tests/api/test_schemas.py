"""Bodies of the wrong shape: each fault is named, none is a fault of ours."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns_app.api.schemas import CampaignParams, read_changes
from campaigns_app.campaigns.models import MESSAGE_LENGTH
from campaigns_app.errors import InvalidInput
from tests.api.conftest import Tenant

HUGE = 10**400


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("title", 3, "Title must be text"),
        ("message", ["Hi"], "Message must be text"),
        ("description", "\x00", "Description contains characters that are not text"),
        (
            "description",
            "a" * (MESSAGE_LENGTH + 1),
            "Description is too long (maximum is 20000 characters)",
        ),
        ("inbox_id", "3", "Inbox must be a whole number"),
        ("inbox_id", 1.0, "Inbox must be a whole number"),
        ("inbox_id", HUGE, "Inbox is invalid"),
        ("sender_id", True, "Sender must be a whole number"),
        ("sender_id", 0, "Sender is invalid"),
        ("enabled", None, "Enabled must be true or false"),
        ("enabled", "false", "Enabled must be true or false"),
        ("audience", {"type": "Label"}, "Audience must be a list"),
        ("audience", [1], "Audience must be a list of objects with type and id"),
        ("audience", [{"id": 1}], "Audience must be a list of objects with type and id"),
        (
            "audience",
            [{"type": "Segment", "id": 1}],
            'Audience must name things of the type "Label"',
        ),
        ("audience", [{"type": "Label", "id": HUGE}], "Audience is invalid"),
        ("audience", [{}] * 1001, "Audience is too long (maximum is 1000 entries)"),
        ("scheduled_at", "", "Scheduled at must be an ISO 8601 time, or Unix seconds"),
        ("scheduled_at", "soon", "Scheduled at must be an ISO 8601 time, or Unix seconds"),
        ("scheduled_at", True, "Scheduled at must be an ISO 8601 time, or Unix seconds"),
        ("scheduled_at", HUGE, "Scheduled at must be an ISO 8601 time, or Unix seconds"),
        (
            "scheduled_at",
            "9999-12-31T23:59:59-14:00",
            "Scheduled at must be an ISO 8601 time, or Unix seconds",
        ),
        ("trigger_rules", [], "Trigger rules must be an object"),
        ("template_params", "x", "Template params must be an object"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(field: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_changes({field: value})

    assert [(error.field, error.message) for error in refusal.value.errors] == [(field, message)]


@pytest.mark.parametrize("part", ["\x00", "\ud800", HUGE, float("inf"), {"\x00": 1}, [[["\x00"]]]])
@pytest.mark.parametrize("field", ["trigger_rules", "template_params"])
def test_a_free_object_holds_only_what_every_database_takes(field: str, part: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_changes({field: {"a": part}})

    assert refusal.value.fields == [field]


def test_a_free_object_is_not_nested_without_end() -> None:
    nested: dict[str, Any] = {}
    for _ in range(20):
        nested = {"a": nested}

    with pytest.raises(InvalidInput):
        read_changes({"trigger_rules": nested})
    assert read_changes({"trigger_rules": nested["a"]}) == {"trigger_rules": nested["a"]}


def test_null_stands_for_blank() -> None:
    blank: dict[str, Any] = {
        "title": "",
        "message": "",
        "audience": [],
        "trigger_rules": {},
        "scheduled_at": None,
    }

    assert read_changes(dict.fromkeys(blank)) == blank


def test_what_was_not_sent_is_no_change() -> None:
    assert read_changes({"enabled": False, "unknown": 1}) == {"enabled": False}


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_changes({"title": 1, "enabled": 1, "audience": [1, 2, 3]})

    assert refusal.value.fields == ["title", "enabled", "audience"]


_leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_json = st.recursive(
    _leaves, lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts), max_leaves=10
)
_bodies = st.dictionaries(st.sampled_from([*CampaignParams.model_fields, "campaign"]), _json)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=_bodies, method=st.sampled_from(["post", "patch"]))
def test_no_body_makes_us_fail(
    app: Flask, tenant: Tenant, body: dict[str, Any], method: str
) -> None:
    path = "/api/v1/campaigns" + ("/1" if method == "patch" else "")

    answer = getattr(tenant.program, method)(path, json=tenant.body() | body)

    assert answer.status_code < 500
    assert answer.is_json
