"""How many segments there are is counted on what is really written, for whom it is written."""

from typing import Any

import pytest

from campaigns_app.campaigns.lengths import Length, Measured, describe_character, measure
from campaigns_app.campaigns.rendering import Surroundings
from campaigns_app.channels.base import Channel
from campaigns_app.channels.conversation import ApiChannel
from campaigns_app.channels.telegram import TelegramChannel
from campaigns_app.channels.twilio_sms import TwilioSmsChannel

SMS = TwilioSmsChannel()
AROUND = Surroundings({"id": 1, "name": "Acme"}, {"id": 1, "name": "Shop"}, None)


def person(number: int, name: str) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "email": None,
        "phone_number": f"+1415555{number:04d}",
        "custom_attributes": {},
    }


def lengths(
    message: str, *names: str, will_send: int | None = None, channel: Channel = SMS
) -> Length:
    people = [person(number, name) for number, name in enumerate(names, 1)]
    found = measure(channel, message, people, AROUND, will_send or len(people)).length
    assert found is not None
    return found


def test_the_longest_is_the_one_who_takes_the_most_segments() -> None:
    found = lengths("x" * 150 + " {{ contact.name }}", "Ada", "Maximiliane", "Bo")

    assert (found.longest, found.total, found.longest_for) == (2, 4, (2, "Maximiliane"))
    assert found.text.endswith("Maximiliane")
    assert (found.encoding, found.unicode_count, found.is_estimated) == ("GSM-7", 0, False)


def test_one_name_can_force_unicode_for_one_person() -> None:
    found = lengths("x" * 75 + " {{ contact.name }}", "Ada", "Łukasz", "Bo")

    assert (found.longest, found.total, found.longest_for) == (2, 4, (2, "Łukasz"))
    assert (found.encoding, found.unicode_count, found.forced_by) == ("UCS-2", 1, ("Ł",))


def test_what_forces_unicode_is_named_once() -> None:
    found = lengths("A — B — “{{ contact.name }}”", "Ada", "Bo")

    assert (found.unicode_count, found.forced_by) == (2, ("—", "“", "”"))
    assert describe_character("—") == ("U+2014", "EM DASH")
    assert describe_character("\u200d") == ("U+200D", "ZERO WIDTH JOINER")


def test_what_forces_unicode_in_the_most_messages_is_named_first() -> None:
    found = lengths("{{ contact.name }} — Our sale begins", "Łukasz", "Żaneta", "Ada", "Łucja")

    assert found.forced_by == ("—", "Ł", "Ż")


def test_all_are_reckoned_from_some() -> None:
    found = lengths("{{ contact.name }}", "x" * 200, "Ada", will_send=1000)

    assert (found.total, found.is_estimated) == (1500, True)


def test_what_is_the_same_for_everybody_is_known_of_all() -> None:
    found = lengths("x" * 200, "Ada", will_send=1000)

    assert (found.total, found.is_estimated) == (2000, False)


def test_messages_are_counted_and_not_estimated() -> None:
    found = lengths("{{ contact.name }}", "Ada", will_send=1000, channel=TelegramChannel())

    assert (found.total, found.is_estimated) == (1000, False)


def test_where_messages_are_counted_nothing_is_said_of_alphabets() -> None:
    found = lengths("— — —", "Ada", channel=TelegramChannel())

    assert (found.unit, found.total) == ("messages", 1)
    assert (found.encoding, found.unicode_count, found.forced_by) == (None, 0, ())


@pytest.mark.parametrize(
    ("channel", "message"), [(ApiChannel(), "Hello"), (SMS, "{{ contact.name"), (SMS, "{% bad %}")]
)
def test_where_nothing_can_be_counted_nothing_is(channel: Channel, message: str) -> None:
    assert measure(channel, message, [person(1, "Ada")], AROUND, 1) == Measured()


@pytest.mark.parametrize(
    ("message", "failed", "why"),
    [
        ("{{ 2 | modulo: '0' }}", 3, "divide by 0"),
        ("x" * 1601, 3, "more than 1600 characters"),
        ("x" * 1590 + " {{ contact.name }}", 1, "more than 1600 characters"),
        ("{{ contact.name }}", 0, ""),
    ],
)
def test_for_whom_it_cannot_be_written_is_told(message: str, failed: int, why: str) -> None:
    people = [person(number, name) for number, name in enumerate(("Ada", "Maximiliane", "Bo"), 1)]

    found = measure(SMS, message, people, AROUND, 3)

    assert (found.looked_at, found.failed) == (3, failed)
    assert why in found.why
    assert len(found.contacts) == failed
    assert (found.length is None) == (failed == 3)
