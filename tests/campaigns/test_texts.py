"""Texts that are chosen at run time: each that can be asked for exists."""

from collections.abc import Iterator

import pytest
from flask import Flask

from campaigns_app.campaigns import texts
from campaigns_app.campaigns.forms import VARIABLES
from campaigns_app.campaigns.states import Phase, Reason, RecipientState
from campaigns_app.catalogue import load_texts
from campaigns_app.channels.base import Channel
from campaigns_app.channels.registry import get_channels

CHANNEL_KEYS = (
    "HEADER_TITLE",
    "SUBTITLE",
    "NEW_CAMPAIGN",
    "EMPTY_STATE.TITLE",
    "EMPTY_STATE.SUBTITLE",
    "CREATE.TITLE",
    "CREATE.FORM.API.SUCCESS_MESSAGE",
)


class PigeonChannel(Channel):
    """A channel that nobody has written texts for."""

    name = "Pigeon"
    label = "Pigeon post"
    slug = "pigeon-post"


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def test_every_phase_state_and_reason_has_a_text() -> None:
    shown = [texts.status_of(phase).text for phase in Phase]
    shown += [texts.state_text(state) for state in RecipientState]
    shown += [texts.reason_text(reason) for reason in Reason]

    assert [text for text in shown if "CAMPAIGN." in text or "_" in text] == []


def test_every_state_has_a_badge() -> None:
    assert all(texts.kind_of_state(state) for state in RecipientState)


def test_a_reason_that_has_no_text_yet_is_shown_as_it_is() -> None:
    assert texts.reason_text("moon_phase") == "moon_phase"
    assert texts.reason_text(None) == ""


def test_every_variable_that_is_offered_has_a_name() -> None:
    keys = [f"CAMPAIGN.VARIABLES.{name.upper().replace('.', '_')}" for name in VARIABLES]

    assert [key for key in keys if load_texts("en").gettext(key) == key] == []


@pytest.mark.parametrize("key", CHANNEL_KEYS)
def test_every_channel_has_every_text(key: str) -> None:
    shown = [texts.channel_text(channel, key) for channel in [*get_channels(), PigeonChannel()]]

    assert [text for text in shown if "CAMPAIGN." in text or "%(" in text] == []


def test_a_channel_without_texts_of_its_own_is_named() -> None:
    assert texts.channel_text(PigeonChannel(), "HEADER_TITLE") == "Pigeon post campaigns"
    assert texts.channel_text(None, "HEADER_TITLE") == "Campaigns"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.01, "less than a minute"),
        (59, "less than a minute"),
        (60, "about 1 min"),
        (61, "about 2 min"),
        (7140, "about 119 min"),
        (9000, "about 2 h 30 min"),
        (172_800, "about 2 days"),
        (172_801, "about 3 days"),
    ],
)
def test_how_long_it_takes_is_said_as_a_person_would(app: Flask, seconds: float, said: str) -> None:
    assert said in texts.time_text(seconds)
