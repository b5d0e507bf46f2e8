"""What an SMS may come from."""

import pytest

from campaigns_app.channels.senders import is_sender


@pytest.mark.parametrize("text", ["+14155550100", "12345", "ACME", "Acme Shop 1", "A&B", "4ever"])
def test_a_number_a_short_code_or_a_name_is_a_sender(text: str) -> None:
    assert is_sender(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "+1",
        "+0155550100",
        "12",
        "123456789",
        "0800 FLOWERS",
        "<b>",
        "Åcme",
        "+٣٣٣٣٣٣٣",
        "A\n",
    ],
)
def test_anything_else_is_none(text: str) -> None:
    assert not is_sender(text)
