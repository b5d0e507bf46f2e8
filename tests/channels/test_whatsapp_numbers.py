"""WhatsApp's other spelling of a number is known where there is one."""

import pytest

from campaigns_app.channels.whatsapp_numbers import spellings_of

PAIRS = [
    ("+5511987654321", "+551187654321"),
    ("+5585991234567", "+558591234567"),
    ("+525512345678", "+5215512345678"),
    ("+541123456789", "+5491123456789"),
]


@pytest.mark.parametrize(("one", "other"), PAIRS + [(other, one) for one, other in PAIRS])
def test_a_number_has_the_other_spelling_too(one: str, other: str) -> None:
    assert spellings_of(one) == (one, other)


@pytest.mark.parametrize(
    "number",
    [
        *("+551134567890", "+5511934567890", "+5501987654321"),  # fixed, too new, no area
        *("+14155552671", "+447700900123", "+5255", "+54", "+55119876543210", "", "no number"),
        *("+5511987654321\n", "+55１１987654321"),
    ],
)
def test_any_other_number_has_one_spelling(number: str) -> None:
    assert spellings_of(number) == (number,)
