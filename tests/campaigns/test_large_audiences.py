"""Of more recipients than are looked at one by one, the look ahead still tells who lacks what."""

from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.findings import Finding, Severity
from campaigns_app.campaigns.preflight import MOST_LOOKED_AT, SAMPLE, look_ahead
from campaigns_app.campaigns.texts import finding_text
from campaigns_app.contacts.models import Contact, Label
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.models import Inbox
from campaigns_app.operations.bench.seeding import make_contacts
from tests.factories import make_inbox, make_label, make_template, set_up
from tests.scripted import ScriptedChannel

MANY = MOST_LOOKED_AT + 500
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


def change(session: Session, place: int, **values: Any) -> None:
    """Change the contact at this place in the audience, counted from 1."""
    session.execute(update(Contact).where(Contact.identifier == f"p-{place}").values(**values))
    session.commit()


def look(
    account: Account, inbox: Inbox, label: Label, message: str = "", **values: Any
) -> list[Finding]:
    audience = [{"type": "Label", "id": label.id}]
    draft = CampaignDraft("Summer", message, inbox.id, audience, None, **values)
    return list(look_ahead(account, inbox, draft, utcnow()).findings)


def test_the_one_who_lacks_a_variable_is_found(
    session: Session, account: Account, inbox: Inbox, scripted: ScriptedChannel, label: Label
) -> None:
    scripted.sends_templates = False  # type: ignore[misc]
    change(session, LAST, name="Eve", custom_attributes={})

    [finding] = look(account, inbox, label, "Your plan: {{ contact.custom_attribute.plan }}")

    assert (finding.name, finding.count, finding.looked_at) == ("missing_variables", 1, None)
    assert [name for _, name in finding.contacts] == ["Eve"]


def test_a_variable_that_one_has_stands_in_nobodys_way(
    session: Session, account: Account, inbox: Inbox, scripted: ScriptedChannel, label: Label
) -> None:
    scripted.sends_templates = False  # type: ignore[misc]
    message = "{{ contact.custom_attribute.gift }}"
    [nobody] = look(account, inbox, label, message)
    change(session, LAST, custom_attributes={"gift": "A ticket"})

    [somebody] = look(account, inbox, label, message)

    assert (nobody.name, nobody.severity) == ("never_there", Severity.BLOCK)
    assert (somebody.severity, somebody.count) == (Severity.WARN, MANY - 1)


def test_who_is_skipped_for_a_blank_value_of_a_template_is_found(
    session: Session, account: Account, inbox: Inbox, label: Label
) -> None:
    make_template(inbox, "Your plan: {{1}}", name="plan")
    change(session, LAST, name="Eve", custom_attributes={"plan": " "})
    values = {"body": {"1": "{{ contact.custom_attribute.plan }}"}}

    [finding] = look(
        account, inbox, label, template_params={"name": "plan", "processed_params": values}
    )

    assert (finding.name, finding.count, finding.looked_at) == ("blank_values", 1, None)
    assert [name for _, name in finding.contacts] == ["Eve"]


def test_what_only_writing_out_tells_is_told_of_those_looked_at_and_blocks_nothing(
    account: Account, inbox: Inbox, label: Label
) -> None:
    make_template(inbox, "Your gift: {{1}}", name="gift")
    values = {"body": {"1": "{{ contact.custom_attribute.gift | upcase }}"}}

    [finding] = look(
        account, inbox, label, template_params={"name": "gift", "processed_params": values}
    )

    assert (finding.severity, finding.count, finding.looked_at) == (
        *(Severity.WARN, SAMPLE),
        SAMPLE,
    )
    assert finding_text(finding).startswith(f"Of the {SAMPLE} recipients looked at")
