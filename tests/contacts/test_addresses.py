"""E-mail addresses and phone numbers have one form each."""

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns_app.contacts.addresses import E164, normalise_email, normalise_phone_number


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+14155550123", None, "+14155550123"),
        ("14155550123", None, "+14155550123"),
        (" +1 (415) 555-0123 ", None, "+14155550123"),
        ("tel:+1-415-555-0123", None, "+14155550123"),
        ("+44 (0)7700 900123", None, "+447700900123"),
        ("+٩٦٦٥٠١٢٣٤٥٦٧", None, "+966501234567"),
        ("07700 900123", "GB", "+447700900123"),
        ("+14155550123", "GB", "+14155550123"),
    ],
)
def test_a_phone_number_becomes_e164(
    app: Flask, text: str, region: str | None, expected: str
) -> None:
    assert normalise_phone_number(text, region) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "12-ab-34",
            "+",
            "+0",
            "+1415555",
            "+123456789012345678",
            "07700 900123",
            "+999123456789",
        ),
        *("+14155550123 ext 5", "+14155550123x5", "none", "1e10", "+310000000", "+4915" + "1" * 14),
    ],
)
def test_what_is_no_phone_number_is_refused(app: Flask, text: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        normalise_phone_number(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.from_regex(r"\+?[0-9 ()\-]{5,20}", fullmatch=True))
def test_a_normalised_phone_number_stays_as_it_is(app: Flask, text: str) -> None:
    try:
        once = normalise_phone_number(text)
    except ValueError:
        return

    assert E164.fullmatch(once)
    assert normalise_phone_number(once) == once
    assert normalise_phone_number(once, "GB") == once


def test_an_email_address_becomes_lower_case(app: Flask) -> None:
    assert normalise_email(" Ana.Souza@EXAMPLE.com ") == "ana.souza@example.com"


@pytest.mark.parametrize(
    "text", ["not-an-email", "a@b", "a b@example.com", "a@example.com, b@example.com", "@", "a@"]
)
def test_what_is_no_email_address_is_refused(app: Flask, text: str) -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        normalise_email(text)
