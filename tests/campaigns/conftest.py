"""Carrying out campaigns in the test's own process."""

from collections.abc import Callable

import pytest
from flask import Flask

from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign


@pytest.fixture
def carry_out(app: Flask) -> Callable[[Campaign], None]:
    """Do what workers would do for a campaign that is due."""

    def run(campaign: Campaign) -> None:
        execute_campaign(campaign.id)
        deliver_batches()

    return run
