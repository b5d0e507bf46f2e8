"""Carrying out campaigns in the test's own process, and filling in the form."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import ColumnElement, func

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.channels.base import Channel, phone_rules
from campaigns_app.channels.registry import get_channels
from campaigns_app.contacts.models import Contact
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_contact, make_inbox, make_label


@pytest.fixture
def carry_out(app: Flask) -> Callable[[Campaign], None]:
    """Do what workers would do for a campaign that is due."""

    def run(campaign: Campaign) -> None:
        execute_campaign(campaign.id)
        deliver_batches()

    return run


class PhoneChannel(Channel):
    """A channel that reaches people by phone, to whom blanks in a number make no difference."""

    name = "Phone"
    label = "Phone"
    slug = "phone"
    log_prefix = "Phone"
    webhook_name = "Channel::Phone"

    def unreachable(self) -> Sequence[tuple[str, ColumnElement[bool]]]:
        return phone_rules()

    def address(self) -> ColumnElement[str]:
        return func.replace(Contact.phone_number, " ", "")


@pytest.fixture
def phone_inbox(app: Flask, account: Account, monkeypatch: pytest.MonkeyPatch) -> Inbox:
    """An inbox of the account that reaches people by phone."""
    channel = PhoneChannel()
    monkeypatch.setitem(get_channels()._channels, channel.name, channel)
    return make_inbox(account, inbox_type=channel.name)


@pytest.fixture
def filled_in(account: Account) -> dict[str, Any]:
    """The form of a campaign, filled in without a mistake: for one contact, to be sent now."""
    label = make_label(account, "vip")
    make_contact(account, label)
    return {
        "title": "Summer Promotion",
        "message": "Check out our sale!",
        "inbox_id": make_inbox(account, name="Shop").id,
        "audience": [label.id],
        "when": "now",
        "submission": "a number that was in the form",
    }
