"""Headers that go with every request of an endpoint."""

import pytest

from campaigns_app.webhooks.custom_headers import (
    LONGEST_VALUE,
    MASK,
    MOST_HEADERS,
    check_headers,
    keep_masked,
    masked,
)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer abc.def"},
        {"X-Api-Key": "k" * LONGEST_VALUE, "Cookie": "a=b; c=d"},
        {f"X-{number}": "value" for number in range(MOST_HEADERS)},
    ],
)
def test_headers_that_are_ones_own_are_accepted(headers: dict[str, str]) -> None:
    assert list(check_headers(headers)) == []


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "host", "Content-Type", "content-length", "Content-Encoding", "Connection"),
        *("webhook-id", "Webhook-Signature", "X-Chatwoot-Signature", "x-chatwoot-anything"),
        *("Transfer-Encoding", "Upgrade", "Proxy-Authorization", "Expect", "User-Agent", "TE"),
    ],
)
def test_headers_that_are_ours_or_the_connections_are_refused(name: str) -> None:
    [error] = check_headers({name: "value"})

    assert (error.field, error.message) == ("headers", f"Headers may not set {name}")


@pytest.mark.parametrize("name", ["", " ", "X Y", "X:Y", "X\r\nHost", "Ü", "X\x00", "x" * 101])
def test_what_is_no_name_of_a_header_is_refused(name: str) -> None:
    [error] = check_headers({name: "value"})

    assert error.message == "Headers have a name that is not one of HTTP's"


@pytest.mark.parametrize(
    "value", ["", " ", "a\r\nHost: inside", "a\nb", "a\tb", "a\x00b", "ü", " a", "x" * 1001]
)
def test_a_value_that_would_break_a_request_is_refused_without_being_told(value: str) -> None:
    [error] = check_headers({"X-Key": value})

    assert (
        error.message == "Headers have a value for X-Key that is blank, too long or not plain ASCII"
    )


def test_too_many_too_long_and_twice_the_same_are_refused() -> None:
    many = {f"X-{number}": "value" for number in range(MOST_HEADERS + 1)}
    long = {f"X-{number}": "x" * LONGEST_VALUE for number in range(5)}

    assert [error.message for error in check_headers(many)] == [
        "Headers are too many (maximum is 20)"
    ]
    assert [error.message for error in check_headers(long)] == [
        "Headers are too long (maximum is 4096 characters in all)"
    ]
    assert [error.message for error in check_headers({"X-A": "1", "x-a": "2"})] == [
        "Headers name the same header twice"
    ]


def test_dots_stand_for_the_value_that_is_stored() -> None:
    stored = {"Authorization": "Bearer secret", "X-Old": "old"}

    kept = keep_masked({"authorization": MASK, "X-New": "new"}, stored)

    assert kept == {"authorization": "Bearer secret", "X-New": "new"}
    assert masked(stored) == {"Authorization": MASK, "X-Old": MASK}


def test_dots_for_a_header_without_a_value_are_refused() -> None:
    [error] = check_headers(keep_masked({"X-New": MASK}, {}))

    assert error.message == "Headers give no value for X-New"
