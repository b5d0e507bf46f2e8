"""Of a large audience the look ahead tells of everybody what it can, of some what it cannot."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns import preflight
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.findings import LISTED, Finding, Severity
from campaigns_app.campaigns.preflight import Preflight, look_ahead
from campaigns_app.campaigns.sampling import MOST_HELD, SAMPLE
from campaigns_app.campaigns.texts import finding_text
from campaigns_app.contacts.models import Contact, Label
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.models import Inbox
from campaigns_app.operations.bench.seeding import make_contacts
from tests.factories import make_inbox, make_label, make_template, set_up
from tests.scripted import ScriptedChannel

MANY = MOST_HELD + 500
LAST = MANY
"""By its place in the audience."""


@pytest.fixture
def label(session: Session, account: Account) -> Label:
    """An audience in which each has a plan."""
    label = make_label(account)
    make_contacts(session, account.id, label.id, MANY)
    return label


@pytest.fixture
def inbox(account: Account, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends templates, or any text."""
    return set_up(
        make_inbox(account, inbox_type="Scripted"), {"account_sid": "AC1"}, auth_token="s"
    )


@pytest.fixture
def texts(account: Account, keys: list[str]) -> Inbox:
    """An inbox that sends SMS, a segment a second."""
    inbox = make_inbox(account, inbox_type="Twilio SMS", rate=1)
    return set_up(
        inbox, {"account_sid": "AC1", "phone_number": "+14155550000"}, auth_token="secret"
    )


def change(session: Session, place: int, **values: Any) -> None:
    """Change the contact at this place in the audience, counted from 1."""
    session.execute(update(Contact).where(Contact.identifier == f"p-{place}").values(**values))
    session.commit()


@pytest.fixture
def too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are not written out for so many, unless that is asked for."""
    monkeypatch.setattr(preflight, "MOST_WRITTEN_FOR", MANY - 1)


def look(
    account: Account,
    inbox: Inbox,
    label: Label,
    message: str = "",
    *,
    counts_all: bool = False,
    **values: Any,
) -> Preflight:
    audience = [{"type": "Label", "id": label.id}]
    wanted = {"scheduled_at": None} | values
    draft = CampaignDraft("Summer", message, inbox.id, audience, **wanted)
    return look_ahead(account, inbox, draft, utcnow(), counts_all=counts_all)


def find(account: Account, inbox: Inbox, label: Label, *message: str, **values: Any) -> Finding:
    [finding] = look(account, inbox, label, *message, **values).findings
    return finding


def test_the_one_who_lacks_a_variable_is_found(
    session: Session, account: Account, inbox: Inbox, scripted: ScriptedChannel, label: Label
) -> None:
    scripted.sends_templates = False  # type: ignore[misc]
    change(session, LAST, name="Eve", custom_attributes={})

    finding = find(account, inbox, label, "Your plan: {{ contact.custom_attribute.plan }}")

    assert (finding.name, finding.count, finding.looked_at) == ("missing_variables", 1, None)
    assert [name for _, name in finding.contacts] == ["Eve"]


def test_a_variable_that_one_has_stands_in_nobodys_way(
    session: Session, account: Account, inbox: Inbox, scripted: ScriptedChannel, label: Label
) -> None:
    scripted.sends_templates = False  # type: ignore[misc]
    message = "{{ contact.custom_attribute.gift }}"
    nobody = find(account, inbox, label, message)
    change(session, LAST, custom_attributes={"gift": "A ticket"})

    somebody = find(account, inbox, label, message)

    assert (nobody.name, nobody.severity) == ("never_there", Severity.BLOCK)
    assert (somebody.severity, somebody.count) == (Severity.WARN, MANY - 1)


def test_who_is_skipped_for_a_blank_value_of_a_template_is_found(
    session: Session, account: Account, inbox: Inbox, label: Label
) -> None:
    make_template(inbox, "Your plan: {{1}}", name="plan")
    change(session, LAST, name="Eve", custom_attributes={"plan": " "})
    values = {"body": {"1": "{{ contact.custom_attribute.plan }}"}}

    finding = find(
        account, inbox, label, template_params={"name": "plan", "processed_params": values}
    )

    assert (finding.name, finding.count, finding.looked_at) == ("blank_values", 1, None)
    assert [name for _, name in finding.contacts] == ["Eve"]


GIFT = {"body": {"1": "{{ contact.custom_attribute.gift | upcase }}"}}
"""What only writing it out tells whether it is blank."""


def test_what_only_writing_out_tells_is_told_of_everybody(
    account: Account, inbox: Inbox, label: Label
) -> None:
    make_template(inbox, "Your gift: {{1}}", name="gift")
    params = {"name": "gift", "processed_params": GIFT}

    finding = find(account, inbox, label, template_params=params)

    assert (finding.name, finding.severity) == ("always_blank", Severity.BLOCK)
    assert (finding.count, finding.looked_at, len(finding.contacts)) == (MANY, None, LISTED)


@pytest.mark.usefixtures("too_many")
def test_of_too_many_it_is_told_of_some_and_blocks_nothing(
    account: Account, inbox: Inbox, label: Label
) -> None:
    make_template(inbox, "Your gift: {{1}}", name="gift")
    params = {"name": "gift", "processed_params": GIFT}

    finding = find(account, inbox, label, template_params=params)

    assert (finding.severity, finding.count, finding.looked_at) == (
        *(Severity.WARN, SAMPLE),
        SAMPLE,
    )
    assert finding_text(finding).startswith(f"Of the {SAMPLE} recipients looked at")


def test_segments_are_counted_for_everybody(
    session: Session, account: Account, texts: Inbox, label: Label
) -> None:
    change(session, LAST, name="Żaneta " + "x" * 70)

    found = look(account, texts, label, "Hello {{ contact.name }}")

    assert found.looked_at == found.will_send == MANY
    assert found.length is not None
    assert (found.length.total, found.length.is_estimated) == (MANY + 1, False)
    assert found.length.longest_for[1].startswith("Żaneta")
    assert (found.length.unicode_count, found.length.forced_by) == (1, ("Ż",))


@pytest.mark.usefixtures("too_many")
def test_segments_of_too_many_are_reckoned_from_some_until_all_are_asked_for(
    session: Session, account: Account, texts: Inbox, label: Label
) -> None:
    change(session, LAST, name="x" * 200)
    message = "Hello {{ contact.name }}"

    some = look(account, texts, label, message)
    everybody = look(account, texts, label, message, counts_all=True)

    assert (some.looked_at, everybody.looked_at) == (SAMPLE, MANY)
    assert some.length is not None
    assert some.length.is_estimated
    assert everybody.length is not None
    assert (everybody.length.total, everybody.length.is_estimated) == (MANY + 1, False)
    assert everybody.seconds == everybody.length.total


@pytest.mark.usefixtures("too_many")
def test_the_page_offers_to_count_all(
    session: Session, admin_client: FlaskClient, texts: Inbox, label: Label
) -> None:
    change(session, LAST, name="x" * 200)
    data = {
        "message": "Hello {{ contact.name }}",
        "inbox_id": texts.id,
        "audience": [label.id],
        "when": "now",
    }

    some = admin_client.post("/campaigns/preflight", data=data).text
    everybody = admin_client.post("/campaigns/preflight?count_all=1", data=data).text

    assert f"Estimated from {SAMPLE:,} of {MANY:,} recipients" in some
    assert 'hx-post="/campaigns/preflight?count_all=1"' in some
    assert f"{MANY + 1:,} segments in all." in everybody
    assert "Estimated" not in everybody
    assert "count_all" not in everybody


def test_who_is_held_by_quiet_hours_is_told_of_some(
    session: Session, account: Account, texts: Inbox, label: Label
) -> None:
    account.quiet_hours = {"from": "08:00", "to": "08:01"}
    session.commit()
    start = datetime.combine(utcnow().date() + timedelta(days=2), time(20), UTC)

    found = look(account, texts, label, "Hello", scheduled_at=start).findings

    held = [one for one in found if one.name in ("quiet_start", "quiet_some")]
    assert [(one.count, one.looked_at) for one in held] == [(SAMPLE, SAMPLE)]
