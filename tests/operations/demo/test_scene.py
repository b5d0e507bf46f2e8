"""What the demonstration sets up."""

from pathlib import Path

import pytest
from flask import Flask

from campaigns_app.campaigns.models import Campaign
from campaigns_app.database.types import utcnow
from campaigns_app.errors import CannotStart
from campaigns_app.extensions import db
from campaigns_app.operations.demo import scene


@pytest.fixture
def login(app: Flask, tmp_path: Path) -> scene.Login:
    """The demonstration's administrator, with two labelled contacts."""
    login = scene.make_account()
    file = tmp_path / "contacts.csv"
    file.write_text("name,email,labels\nAda,ada@example.com,vip\nBob,bob@example.com,trial\n")
    scene.load_contacts(login, file)
    return login


def test_the_campaign_lies_ahead_for_the_labels_chosen(login: scene.Login) -> None:
    labels = scene.choose_labels(login, ["vip"])

    campaign = db.session.get_one(Campaign, scene.schedule_campaign(login, labels))

    assert campaign.label_ids == [labels[0].id]
    assert campaign.scheduled_at is not None
    assert campaign.scheduled_at > utcnow()


def test_without_a_choice_everybody_with_a_label_is_meant(login: scene.Login) -> None:
    assert [label.title for label in scene.choose_labels(login, ())] == ["trial", "vip"]


def test_an_unknown_label_is_refused_with_those_there_are(login: scene.Login) -> None:
    with pytest.raises(CannotStart, match="the label gold; there are: trial, vip"):
        scene.choose_labels(login, ["vip", "gold"])


def test_a_file_that_cannot_be_read_is_named(login: scene.Login, tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"missing\.csv cannot be read"):
        scene.load_contacts(login, tmp_path / "missing.csv")
