"""The sweep loop."""

from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy.orm import Session

from campaigns_app.cli import cli
from campaigns_app.job_queue import CAMPAIGNS, get_queue
from tests.factories import LONG_AGO, make_account, make_campaign, make_contact, make_label


def test_one_sweep_rings_for_a_campaign_that_is_due(
    app: Flask, session: Session, runner: FlaskCliRunner
) -> None:
    account = make_account()
    label = make_label(account)
    make_contact(account, label)
    make_campaign(account, label, scheduled_at=LONG_AGO)

    result = runner.invoke(cli, ["sweep", "--once"])

    assert result.exit_code == 0
    assert get_queue(CAMPAIGNS).count == 1
