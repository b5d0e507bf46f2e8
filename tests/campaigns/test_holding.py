"""A page says what keeps a campaign from going on, and for how long."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.jobs import execute_campaign
from campaigns_app.campaigns.models import Campaign, CampaignBatch, CampaignRecipient
from campaigns_app.campaigns.states import Reason
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_campaign, make_contact, make_inbox, make_label

LIST = "/campaigns/table"


@pytest.fixture
def inbox(account: Account) -> Inbox:
    """Where the campaign leaves from."""
    return make_inbox(account, name="Shop")


@pytest.fixture
def campaign(account: Account, inbox: Inbox) -> Campaign:
    """A campaign that is due, with one recipient."""
    label = make_label(account)
    make_contact(account, label)
    return make_campaign(account, label, inbox_id=inbox.id)


def disable(session: Session, inbox: Inbox) -> None:
    session.execute(update(Inbox).where(Inbox.id == inbox.id).values(enabled=False))
    session.commit()


def test_a_disabled_inbox_that_holds_a_campaign_is_named_on_its_page_and_in_the_list(
    session: Session, admin_client: FlaskClient, campaign: Campaign, inbox: Inbox
) -> None:
    execute_campaign(campaign.id)
    before = admin_client.get(LIST).text
    disable(session, inbox)

    pages = [admin_client.get(one).text for one in (LIST, f"/campaigns/{campaign.display_id}")]

    assert "is disabled" not in before
    assert all("“Shop” is disabled and holds" in page for page in pages)
    assert all(f'href="/inboxes/{inbox.id}"' in page for page in pages)


def test_before_the_start_the_page_says_what_would_happen(
    session: Session, admin_client: FlaskClient, campaign: Campaign, inbox: Inbox
) -> None:
    disable(session, inbox)

    assert "this campaign fails" in admin_client.get(f"/campaigns/{campaign.display_id}").text
    assert "is disabled" not in admin_client.get(LIST).text


def test_a_disabled_inbox_that_holds_nothing_is_not_mentioned(
    session: Session, admin_client: FlaskClient, campaign: Campaign, inbox: Inbox
) -> None:
    execute_campaign(campaign.id)
    session.execute(update(Campaign).values(finished_at=utcnow()))
    disable(session, inbox)

    for page in (LIST, f"/campaigns/{campaign.display_id}"):
        assert "is disabled" not in admin_client.get(page).text


def test_who_is_held_is_shown_with_the_time_until_which(
    session: Session, admin_client: FlaskClient, campaign: Campaign
) -> None:
    execute_campaign(campaign.id)
    opens = utcnow() + timedelta(hours=9)
    session.execute(
        update(CampaignRecipient).values(reason=Reason.QUIET_HOURS, next_attempt_at=opens)
    )
    session.execute(update(CampaignBatch).values(resume_at=opens))
    session.commit()

    page = admin_client.get(f"/campaigns/{campaign.display_id}").text

    assert "Who is left is held" in page
    held = page.split("Held for quiet hours", 1)[1].split("</td>", 1)[0]
    assert f'datetime="{opens:%Y-%m-%dT%H:%M}' in held
