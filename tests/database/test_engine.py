"""JSON columns give back what was put into them."""

import json

import pytest

from campaigns_app.database.engine import read_json


@pytest.mark.parametrize(
    "value", [{}, {"plan": "pro"}, {"n": 2**63}, {"n": 10**40}, {"n": -(2**63)}, [1.5, None, "ü"]]
)
def test_json_is_read_as_it_was_written(value: object) -> None:
    assert read_json(json.dumps(value)) == value
