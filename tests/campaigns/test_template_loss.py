"""A campaign under way whose template is taken back begins with nobody more."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.campaigns.control import resume_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.provider_jobs import deliver_provider_batches
from campaigns_app.campaigns.receipt_jobs import process_receipts
from campaigns_app.campaigns.report import Counts, count_states
from campaigns_app.campaigns.states import Phase
from campaigns_app.campaigns.sweep import sweep
from campaigns_app.channels.provider import EventKind
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput
from campaigns_app.inboxes.models import InboxTemplate
from campaigns_app.webhooks.models import WebhookEvent
from tests.campaigns.telling import TellingChannel, event, keep, only_channel, start
from tests.factories import make_endpoint, make_template

PARAMS = {"name": "summer_sale", "language": "en_US", "processed_params": {"body": {"1": "you"}}}


@pytest.fixture
def telling(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[TellingChannel]:
    """The only channel there is; it sends templates."""
    monkeypatch.setattr(TellingChannel, "sends_templates", True)
    with only_channel(app) as channel:
        yield channel


@pytest.fixture
def campaign(session: Session, account: Account, telling: TellingChannel) -> Campaign:
    """A campaign with a template, started and sent to nobody yet."""
    campaign = start(2, account)
    make_template(campaign.inbox)
    campaign.template_params = PARAMS
    session.commit()
    return campaign


def tell(campaign: Campaign, status: str | None, name: str = "summer_sale") -> None:
    """Have the provider tell of one of the inbox's templates."""
    keep(
        campaign,
        event(
            EventKind.TEMPLATE_CHANGED,
            f"{name}-{status}",
            code=status,
            template_name=name,
            template_language="en_US",
        ),
    )
    process_receipts()


def phase_of(session: Session, campaign: Campaign) -> Phase:
    session.rollback()
    session.refresh(campaign)
    return campaign.phase


@pytest.mark.parametrize("status", ["PAUSED", "DISABLED", "REJECTED"])
def test_it_is_paused_at_the_news(
    session: Session, account: Account, campaign: Campaign, status: str
) -> None:
    make_endpoint(account, subscriptions=["campaign_paused"])

    tell(campaign, status)
    deliver_provider_batches()

    assert phase_of(session, campaign) is Phase.PAUSED
    assert count_states(campaign.id) == Counts(total=2, pending=2)
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.after) == ("campaign.paused", {"reason": "template"})
    assert session.scalars(select(WebhookEvent.type)).all() == ["campaign_paused"]


def test_its_page_says_why(admin_client: FlaskClient, campaign: Campaign) -> None:
    tell(campaign, "PAUSED")

    page = admin_client.get(f"/campaigns/{campaign.display_id}").text

    assert "Template summer_sale (en_US) is not approved: it is paused" in page


def test_a_list_that_says_so_pauses_it_within_a_sweep(session: Session, campaign: Campaign) -> None:
    session.execute(update(InboxTemplate).values(status="PAUSED"))
    session.commit()

    sweep()
    sweep()

    assert phase_of(session, campaign) is Phase.PAUSED
    assert len(session.scalars(select(AuditEntry)).all()) == 1


@pytest.mark.parametrize(
    ("name", "status"), [("summer_sale", "APPROVED"), ("summer_sale", None), ("other", "PAUSED")]
)
def test_other_news_let_it_go_on(
    session: Session, campaign: Campaign, name: str, status: str | None
) -> None:
    make_template(campaign.inbox, name="other")

    tell(campaign, status, name)
    sweep()

    assert phase_of(session, campaign) is Phase.SENDING


def test_another_inboxs_template_of_that_name_lets_it_go_on(
    session: Session, account: Account, campaign: Campaign
) -> None:
    other = start(1)
    make_template(other.inbox)

    tell(other, "PAUSED")
    sweep()

    assert phase_of(session, campaign) is Phase.SENDING


def test_what_is_over_is_left_alone(session: Session, campaign: Campaign) -> None:
    deliver_provider_batches()

    tell(campaign, "PAUSED")

    assert phase_of(session, campaign) is Phase.FINISHED


def test_it_is_resumed_once_the_template_is_back(
    session: Session, account: Account, campaign: Campaign
) -> None:
    tell(campaign, "PAUSED")

    with pytest.raises(InvalidInput, match="not approved"):
        resume_campaign(account, campaign.display_id, actor=None, now=utcnow())
    session.rollback()
    tell(campaign, "APPROVED")
    resume_campaign(account, campaign.display_id, actor=None, now=utcnow())
    deliver_provider_batches()

    assert phase_of(session, campaign) is Phase.FINISHED
    assert count_states(campaign.id).sent == 2
