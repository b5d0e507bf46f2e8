"""Creating, changing and deleting campaigns."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rq.registry import ScheduledJobRegistry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, AuditEntry
from campaigns_app.campaigns.doubles import Submission
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.jobs import deliver_batches, execute_campaign
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.service import (
    create_campaign,
    delete_campaign,
    get_campaign,
    update_campaign,
)
from campaigns_app.campaigns.signals import campaign_created
from campaigns_app.campaigns.states import CampaignType
from campaigns_app.conversations.models import Conversation
from campaigns_app.errors import InvalidInput, NotFound, Refused
from campaigns_app.job_queue import CAMPAIGNS, get_queue
from tests.factories import (
    make_account,
    make_campaign,
    make_contact,
    make_inbox,
    make_label,
    make_user,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def draft(account: Account) -> CampaignDraft:
    return CampaignDraft(
        title="Summer Promotion",
        message="Check out our sale!",
        inbox_id=make_inbox(account).id,
        audience=[{"type": "Label", "id": make_label(account).id}],
        scheduled_at=NOW + timedelta(hours=1),
    )


def create(account: Account, draft: CampaignDraft, **values: Any) -> Campaign:
    return create_campaign(account, draft, actor=None, now=NOW, **values)


def refusals(account: Account, draft: CampaignDraft) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        create(account, draft)
    return [(error.field, error.message) for error in refused.value.errors]


def test_a_campaign_is_saved_as_one_off_and_active(account: Account, draft: CampaignDraft) -> None:
    campaign = create(account, draft)

    assert campaign.campaign_type == CampaignType.ONE_OFF
    assert not campaign.is_completed
    assert campaign.display_id == 1


def test_display_ids_are_per_account_and_not_used_again(
    account: Account, draft: CampaignDraft
) -> None:
    create(account, draft)
    delete_campaign(account, create(account, draft).display_id, actor=None, now=NOW)

    assert create(account, draft).display_id == 3


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"title": " "}, "title", "Title can't be blank"),
        ({"title": "x" * 256}, "title", "Title is too long (maximum is 255 characters)"),
        ({"title": "a\x00b"}, "title", "Title contains characters that are not text"),
        ({"title": "\ud800"}, "title", "Title contains characters that are not text"),
        ({"message": ""}, "message", "Message can't be blank"),
        ({"message": "x" * 20_001}, "message", "Message is too long (maximum is 20000 characters)"),
        ({"message": "{{ x }}"}, "message", "Message uses an unknown variable: x"),
        ({"inbox_id": None}, "inbox_id", "Inbox must exist"),
        (
            {"inbox_id": 999_999},
            "inbox_id",
            "Inbox must belong to the same account as the campaign",
        ),
        ({"audience": []}, "audience", "Audience must name at least one label of the account"),
        (
            {"audience": [{"type": "Label", "id": 999_999}]},
            "audience",
            "Audience must name at least one label of the account",
        ),
        (
            {"sender_id": 999_999},
            "sender_id",
            "Sender must belong to the same account as the campaign",
        ),
        (
            {"scheduled_at": NOW - timedelta(seconds=61)},
            "scheduled_at",
            "Scheduled at must be in the future",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_field(
    account: Account, draft: CampaignDraft, change: dict[str, Any], field: str, message: str
) -> None:
    assert refusals(account, replace(draft, **change)) == [(field, message)]


def test_everything_wrong_is_told_at_once(account: Account, draft: CampaignDraft) -> None:
    wrong = replace(draft, title="", message="", inbox_id=None, audience=[])

    assert [field for field, _ in refusals(account, wrong)] == [
        "title",
        "message",
        "inbox_id",
        "audience",
    ]


def test_another_accounts_things_are_refused_like_things_that_never_were(
    account: Account, draft: CampaignDraft
) -> None:
    other = make_account()
    foreign = replace(
        draft,
        inbox_id=make_inbox(other).id,
        audience=[{"type": "Label", "id": make_label(other).id}],
        sender_id=make_user(other).id,
    )
    never = replace(
        draft, inbox_id=999_999, audience=[{"type": "Label", "id": 999_999}], sender_id=999_999
    )

    assert refusals(account, foreign) == refusals(account, never)


def test_an_inbox_of_an_unknown_type_is_refused(account: Account, draft: CampaignDraft) -> None:
    inbox = make_inbox(account, inbox_type="Website")

    assert refusals(account, replace(draft, inbox_id=inbox.id)) == [
        ("inbox", "Inbox Unsupported Inbox type")
    ]


def test_labels_that_are_not_there_vanish_from_an_audience(
    account: Account, draft: CampaignDraft
) -> None:
    audience = [{"type": "Label", "id": 999_999}, *draft.audience, *draft.audience]

    assert create(account, replace(draft, audience=audience)).audience == draft.audience


def test_a_moment_ago_is_now(account: Account, draft: CampaignDraft) -> None:
    just_past = NOW - timedelta(seconds=30)

    assert create(account, replace(draft, scheduled_at=just_past)).scheduled_at == just_past


def test_without_a_time_it_is_for_now_and_in_the_queue(
    account: Account, draft: CampaignDraft
) -> None:
    campaign = create(account, replace(draft, scheduled_at=None))

    assert campaign.scheduled_at == NOW
    assert [job.args for job in get_queue(CAMPAIGNS).get_jobs()] == [[campaign.id]]


def test_with_a_time_it_is_scheduled_in_the_queue(account: Account, draft: CampaignDraft) -> None:
    at = NOW + timedelta(seconds=90, microseconds=1)

    create(account, replace(draft, scheduled_at=at))

    registry = ScheduledJobRegistry(queue=get_queue(CAMPAIGNS))  # type: ignore[no-untyped-call]
    (job_id,) = registry.get_job_ids()
    assert registry.get_scheduled_time(job_id) == NOW + timedelta(seconds=91)


def test_the_same_key_makes_one_campaign(
    account: Account, draft: CampaignDraft, session: Session
) -> None:
    first = create(account, draft, submission=Submission("a"))
    second = create(account, draft, submission=Submission("a"))

    assert first.id == second.id
    assert session.scalar(select(func.count()).select_from(Campaign)) == 1


def test_the_creation_is_signalled_for_analytics(account: Account, draft: CampaignDraft) -> None:
    heard: list[tuple[object, object]] = []

    def hear(event: object, **payload: object) -> None:
        heard.append((event, payload["type"]))

    with campaign_created.connected_to(hear):
        create(account, draft)

    assert heard == [("CREATE_CAMPAIGN", "one_off")]


def test_the_creation_is_in_the_audit_log(
    account: Account, draft: CampaignDraft, session: Session
) -> None:
    actor = make_user(account)

    campaign = create_campaign(account, draft, actor=actor, now=NOW)

    entry = session.scalars(select(AuditEntry).filter_by(action="campaign.created")).one()
    assert (entry.user_id, entry.subject_id) == (actor.id, campaign.id)


def test_a_scheduled_campaign_can_be_changed(account: Account, draft: CampaignDraft) -> None:
    campaign = create(account, draft)

    update_campaign(account, campaign.display_id, {"title": "Autumn"}, actor=None, now=NOW)

    assert (campaign.title, campaign.message) == ("Autumn", draft.message)


def test_a_change_is_checked_like_a_creation(account: Account, draft: CampaignDraft) -> None:
    campaign = create(account, draft)

    with pytest.raises(InvalidInput):
        update_campaign(account, campaign.display_id, {"audience": []}, actor=None, now=NOW)

    assert campaign.audience == draft.audience


def test_what_is_not_changed_is_not_asked_again(account: Account, draft: CampaignDraft) -> None:
    campaign = create(account, draft)
    after_its_time = NOW + timedelta(days=1)

    update_campaign(
        account, campaign.display_id, {"title": "Autumn"}, actor=None, now=after_its_time
    )

    assert campaign.title == "Autumn"


def test_a_completed_campaign_cannot_be_changed(account: Account) -> None:
    campaign = make_campaign(account, make_label(account))
    execute_campaign(campaign.id)

    with pytest.raises(Refused, match="Status The campaign is already completed"):
        update_campaign(account, campaign.display_id, {"title": "x"}, actor=None, now=NOW)


def test_a_campaign_that_is_being_sent_cannot_be_deleted(account: Account) -> None:
    label = make_label(account)
    make_contact(account, label)
    campaign = make_campaign(account, label)
    execute_campaign(campaign.id)

    with pytest.raises(Refused):
        delete_campaign(account, campaign.display_id, actor=None, now=NOW)


def test_the_conversations_of_a_deleted_campaign_stay(account: Account, session: Session) -> None:
    label = make_label(account)
    make_contact(account, label)
    campaign = make_campaign(account, label)
    execute_campaign(campaign.id)
    deliver_batches()

    delete_campaign(account, campaign.display_id, actor=None, now=NOW)

    assert session.scalars(select(Conversation)).one().campaign_id is None
    assert session.scalar(select(Campaign)) is None


@pytest.mark.parametrize(
    "deed",
    [
        lambda account, number: get_campaign(account.id, number),
        lambda account, number: delete_campaign(account, number, actor=None, now=NOW),
        lambda account, number: update_campaign(account, number, {}, actor=None, now=NOW),
    ],
    ids=["get", "delete", "update"],
)
def test_another_accounts_campaign_is_not_found(
    account: Account, deed: Callable[[Account, int], object]
) -> None:
    other = make_account()
    campaign = make_campaign(other, make_label(other))

    with pytest.raises(NotFound):
        deed(account, campaign.display_id)
