"""What stands in a campaign's way keeps it from being scheduled, on pages and for programs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account, User
from campaigns_app.campaigns.control import pause_campaign, resume_campaign
from campaigns_app.campaigns.doubles import Submission
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.models import Campaign
from campaigns_app.campaigns.service import create_campaign, update_campaign
from campaigns_app.channels.provider import AccountPause, Outcome, Permanent, Retry, Unknown
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.errors import InvalidInput
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_contact, make_inbox, make_label, make_token, set_up
from tests.scripted import ScriptedChannel

Schedule = Callable[..., Campaign]

TOMORROW = timedelta(days=1)
REFUSED = AccountPause("bad credentials", "20003")


@pytest.fixture
def label(account: Account) -> Label:
    """The audience: one contact."""
    label = make_label(account)
    make_contact(account, label, name="Ana Lima")
    return label


@pytest.fixture
def inbox(account: Account, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends any text through the scripted provider."""
    scripted.sends_templates = False  # type: ignore[misc]
    inbox = make_inbox(account, inbox_type="Scripted")
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


@pytest.fixture
def values(label: Label, inbox: Inbox) -> dict[str, Any]:
    """What a campaign is made of that nothing stands in the way of."""
    return {
        "title": "Summer",
        "message": "Hello {{ contact.first_name }}",
        "inbox_id": inbox.id,
        "audience": [{"type": "Label", "id": label.id}],
        "scheduled_at": None,
    }


@pytest.fixture
def schedule(account: Account, values: dict[str, Any]) -> Schedule:
    """Schedule that campaign, with other values by name."""

    def run(*, key: str | None = None, **changes: Any) -> Campaign:
        draft = CampaignDraft(**(values | changes))
        return create_campaign(account, draft, actor=None, now=utcnow(), submission=Submission(key))

    return run


def refusal_of(call: Callable[[], Any]) -> tuple[list[str], str]:
    """The fields that were refused, and why."""
    with pytest.raises(InvalidInput) as refusal:
        call()
    return refusal.value.fields, str(refusal.value)


def test_where_nothing_stands_in_the_way_it_is_scheduled(schedule: Schedule) -> None:
    assert schedule().id


def test_an_inbox_that_lacks_something_is_refused(
    schedule: Schedule, inbox: Inbox, session: Session, scripted: ScriptedChannel
) -> None:
    inbox.channel.settings = {}
    session.commit()

    fields, why = refusal_of(schedule)

    assert (fields, session.scalar(select(func.count(Campaign.id)))) == (["inbox_id"], 0)
    assert "Account SID" in why
    assert "Complete its settings" in why
    assert scripted.accounts == []


@pytest.mark.parametrize("answer", [REFUSED, Permanent("no such sender", "100")])
def test_an_inbox_that_its_provider_refuses_is_refused(
    schedule: Schedule, scripted: ScriptedChannel, answer: Outcome
) -> None:
    scripted.answer = answer

    fields, why = refusal_of(schedule)

    assert fields == ["inbox_id"]
    assert answer.text in why
    assert "Correct its settings" in why


@pytest.mark.parametrize(
    "answer", [Retry("no connection", after=1), Unknown("a page"), RuntimeError("a fault of ours")]
)
def test_a_provider_that_cannot_be_asked_stands_in_nobodys_way(
    schedule: Schedule, scripted: ScriptedChannel, answer: Exception
) -> None:
    scripted.answer = answer

    assert schedule().id
    assert len(scripted.accounts) == 1


def test_a_disabled_inbox_is_refused_whatever_its_channel(
    schedule: Schedule, account: Account, inbox: Inbox, session: Session
) -> None:
    others = make_inbox(account)
    inbox.enabled = others.enabled = False
    session.commit()

    for one in (inbox.id, others.id):
        assert refusal_of(lambda inbox_id=one: schedule(inbox_id=inbox_id))[0] == ["inbox_id"]  # type: ignore[misc]


def test_nobody_to_send_to_is_refused_unless_there_is_time_for_somebody(
    schedule: Schedule, account: Account
) -> None:
    nobody = [{"type": "Label", "id": make_label(account).id}]

    assert refusal_of(lambda: schedule(audience=nobody))[0] == ["audience"]
    assert schedule(audience=nobody, scheduled_at=utcnow() + TOMORROW).id


def test_a_variable_that_nobody_has_is_refused(schedule: Schedule) -> None:
    fields, why = refusal_of(lambda: schedule(message="Hi {{ contact.custom_attribute.paln }}"))

    assert fields == ["message"]
    assert "contact.custom_attribute.paln" in why
    assert "default" in why


def test_a_variable_that_some_have_is_no_obstacle(
    schedule: Schedule, account: Account, label: Label
) -> None:
    make_contact(account, label, name="Ben")

    assert schedule(message="Hi {{ contact.last_name }}").id


def test_hours_that_nobody_ever_has_are_refused(
    schedule: Schedule, account: Account, session: Session
) -> None:
    label = make_label(account)
    make_contact(account, label, phone_number="+79000000000")
    account.quiet_hours = {"from": "08:00", "to": "09:00"}
    session.commit()

    fields, why = refusal_of(lambda: schedule(audience=[{"type": "Label", "id": label.id}]))

    assert fields == ["audience"]
    assert "longer hours" in why


def test_what_is_not_enabled_is_looked_at_when_it_is_resumed(
    schedule: Schedule, account: Account, scripted: ScriptedChannel, session: Session
) -> None:
    scripted.answer = REFUSED
    number = schedule(enabled=False).display_id

    def resume() -> Campaign:
        return resume_campaign(account, number, actor=None, now=utcnow())

    assert refusal_of(resume)[0] == ["inbox_id"]
    session.rollback()
    assert not session.scalars(select(Campaign)).one().enabled


def test_a_campaign_that_has_begun_is_resumed_without_a_look(
    schedule: Schedule, account: Account, scripted: ScriptedChannel, session: Session
) -> None:
    campaign = schedule()
    campaign.started_at, campaign.campaign_status = utcnow(), 1
    session.commit()
    number = pause_campaign(account, campaign.display_id, actor=None).display_id
    asked = len(scripted.accounts)

    assert resume_campaign(account, number, actor=None, now=utcnow()).enabled
    assert len(scripted.accounts) == asked


def test_a_change_is_looked_at_and_a_corrected_title_is_not(
    schedule: Schedule, account: Account, inbox: Inbox, session: Session
) -> None:
    number = schedule(scheduled_at=utcnow() + TOMORROW).display_id
    inbox.channel.settings = {}
    session.commit()

    def change(**changes: Any) -> Campaign:
        return update_campaign(account, number, changes, actor=None, now=utcnow())

    assert change(title="Summer Sale").title == "Summer Sale"
    assert refusal_of(lambda: change(scheduled_at=utcnow() + 2 * TOMORROW))[0] == ["inbox_id"]


def test_a_repeated_request_gets_its_campaign_whatever_stands_in_the_way_now(
    schedule: Schedule, scripted: ScriptedChannel, inbox: Inbox, session: Session
) -> None:
    made = schedule(key="k").id
    inbox.channel.settings = {}
    session.commit()

    assert schedule(key="k").id == made


def test_campaigns_of_conversations_are_saved_without_a_look_at_their_audience(
    schedule: Schedule, account: Account, scripted: ScriptedChannel
) -> None:
    conversations = make_inbox(account).id
    nobody = [{"type": "Label", "id": make_label(account).id}]

    assert schedule(
        inbox_id=conversations, audience=nobody, message="{{ contact.custom_attribute.x }}"
    ).id
    assert scripted.accounts == []


def test_a_program_gets_the_field(
    client: FlaskClient, admin: User, values: dict[str, Any], scripted: ScriptedChannel
) -> None:
    scripted.answer = REFUSED

    answer = client.post(
        "/api/v1/campaigns",
        json=values | {"scheduled_at": "2031-01-02T03:04:05Z"},
        headers={"api_access_token": make_token(admin)},
    )

    assert (answer.status_code, (answer.json or {})["attributes"]) == (422, ["inbox_id"])
    assert "bad credentials" in (answer.json or {})["message"]


def test_a_person_is_told_at_the_field(
    admin_client: FlaskClient,
    filled_in: dict[str, Any],
    inbox: Inbox,
    scripted: ScriptedChannel,
    session: Session,
) -> None:
    scripted.answer = REFUSED

    page = admin_client.post("/campaigns/", data=filled_in | {"inbox_id": inbox.id})

    assert page.status_code == 422
    errors = page.text.partition('id="inbox_id-errors"')[2].partition("</div>")[0]
    assert "bad credentials (20003)" in errors
    assert session.scalar(select(func.count(Campaign.id))) == 0
