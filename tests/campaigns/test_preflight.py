"""What is found before a campaign is scheduled."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from campaigns_app.accounts.models import Account
from campaigns_app.campaigns.blanks import bare_variables
from campaigns_app.campaigns.drafts import CampaignDraft
from campaigns_app.campaigns.findings import Severity
from campaigns_app.campaigns.preflight import Preflight, look_ahead
from campaigns_app.contacts.models import Label
from campaigns_app.database.types import utcnow
from campaigns_app.inboxes.checking import Connection
from campaigns_app.inboxes.models import Inbox
from tests.factories import make_contact, make_inbox, make_label, make_template, set_up
from tests.scripted import ScriptedChannel

Look = Callable[..., Preflight]


@pytest.fixture
def label(account: Account) -> Label:
    """The audience."""
    return make_label(account)


@pytest.fixture
def inbox(account: Account, scripted: ScriptedChannel, keys: list[str]) -> Inbox:
    """An inbox that sends ten messages a second."""
    inbox = make_inbox(account, inbox_type="Scripted", rate=10)
    make_template(inbox, "Our sale begins", name="summer")
    return set_up(inbox, {"account_sid": "AC1"}, auth_token="secret")


@pytest.fixture
def look(account: Account, label: Label, inbox: Inbox) -> Look:
    """Look ahead at a campaign for the label."""

    def run(connection: Connection | None = None, **values: Any) -> Preflight:
        wanted: dict[str, Any] = {
            "title": "Summer",
            "message": "Hello",
            "inbox_id": inbox.id,
            "audience": [{"type": "Label", "id": label.id}],
            "scheduled_at": None,
            "template_params": {"name": "summer"},
        }
        return look_ahead(account, inbox, CampaignDraft(**(wanted | values)), utcnow(), connection)

    return run


def names_of(found: Preflight) -> list[str]:
    return [finding.name for finding in found.findings]


def test_what_is_well_gives_no_finding(account: Account, label: Label, look: Look) -> None:
    make_contact(account, label)

    assert look(Connection(True, "fine")).findings == ()


def test_an_address_that_is_not_allowed_any_more_blocks(
    account: Account, label: Label, inbox: Inbox, look: Look
) -> None:
    make_contact(account, label)
    set_up(inbox, {"account_sid": "AC1", "base_url": "http://127.0.0.1:9999"}, auth_token="secret")

    assert names_of(look()) == ["incomplete"]


def test_an_audience_of_nobody_is_said(account: Account, label: Label, look: Look) -> None:
    make_contact(account, label, phone_number=None)

    assert names_of(look()) == ["nobody"]


def test_who_lacks_what_the_template_says_is_counted_and_named(
    account: Account, label: Label, inbox: Inbox, look: Look
) -> None:
    make_template(inbox, "Your plan: {{1}}", name="plan")
    make_contact(account, label, name="Ana", custom_attributes={"plan": "Gold"})
    for number in range(25):
        make_contact(account, label, name=f"Ben {number:02d}")
    parameters = {"body": {"1": "{{ contact.custom_attribute.plan }}"}}

    (finding,) = look(template_params={"name": "plan", "processed_params": parameters}).findings

    assert (finding.name, finding.severity, finding.count) == (
        *("blank_values", Severity.WARN),
        25,
    )
    assert finding.detail == "contact.custom_attribute.plan (25)"
    assert [name for _, name in finding.contacts] == [f"Ben {n:02d}" for n in range(20)]


def test_values_of_either_kind_that_some_lack_are_told_of_together(
    account: Account, label: Label, inbox: Inbox, look: Look
) -> None:
    make_template(inbox, "{{1}}: {{2}} {{3}}", name="plan")
    for name, attributes in (("Ana", {"plan": "Gold", "day": "Sunday"}), ("Ben", {"day": "x"})):
        make_contact(account, label, name=name, custom_attributes=attributes)
    make_contact(account, label, name="Eve", custom_attributes={"plan": "Gold"})
    values = ("plan", "day | upcase", "day | append: '!'")
    body = {str(n): f"{{{{ contact.custom_attribute.{one} }}}}" for n, one in enumerate(values, 1)}

    found = look(template_params={"name": "plan", "processed_params": {"body": body}})

    (finding,) = found.findings
    assert (finding.count, [name for _, name in finding.contacts]) == (2, ["Ben", "Eve"])
    assert finding.detail == "contact.custom_attribute.plan (1), contact.custom_attribute.day (1)"


def test_a_value_that_is_never_blank_skips_nobody(
    account: Account, label: Label, inbox: Inbox, look: Look
) -> None:
    make_template(inbox, "{{1}}", name="plan")
    make_contact(account, label)
    value = "Dear {{ contact.custom_attribute.plan }}"

    found = look(template_params={"name": "plan", "processed_params": {"1": value}})

    assert found.findings == ()


@pytest.mark.parametrize("status", ["PAUSED", "REJECTED", "PENDING", "DISABLED"])
def test_a_template_that_is_not_approved_any_more_stands_in_the_way(
    inbox: Inbox, look: Look, status: str
) -> None:
    make_template(inbox, name="taken_back", status=status)

    found = look(template_params={"name": "taken_back", "processed_params": {"1": "Ana"}})

    told = next(one for one in found.findings if one.name == "template")
    assert (told.severity, told.field) == (Severity.BLOCK, "template_params.name")
    assert told.detail == f"Template taken_back (en_US) is not approved: it is {status.lower()}"


def test_a_template_that_is_gone_stands_in_the_way(look: Look) -> None:
    found = look(template_params={"name": "gone"})

    assert found.findings[0].detail == "Template gone does not exist, or not any more"


def test_a_template_that_wants_more_now_stands_in_the_way(inbox: Inbox, look: Look) -> None:
    make_template(inbox, "{{1}} {{2}}", name="grown")

    found = look(template_params={"name": "grown", "processed_params": {"1": "Ana"}})

    assert found.findings[0].name == "template_values"
    assert found.findings[0].detail == "Template body 2 can't be blank"


def test_refused_credentials_stand_in_the_way(look: Look) -> None:
    found = look(Connection(False, "bad credentials", is_refused=True))

    refused = next(one for one in found.findings if one.name == "refused")
    assert (refused.severity, refused.field, refused.detail) == (
        *(Severity.BLOCK, "inbox_id"),
        "bad credentials",
    )


def test_a_missing_template_stands_in_the_way(look: Look) -> None:
    assert "no_template" in names_of(look(template_params=None))


def test_a_sender_who_is_named_and_not_there_is_said(look: Look) -> None:
    assert "no_sender" in names_of(look(message="{{ agent.name }} says hello"))


def test_it_is_reckoned_how_long_it_takes(
    account: Account, label: Label, look: Look, scripted: ScriptedChannel
) -> None:
    for _ in range(30):
        make_contact(account, label)
    scripted.units = lambda text: 2  # type: ignore[method-assign]

    found = look()

    assert found.length is not None
    assert (found.length.longest, found.length.total, found.seconds) == (2, 60, 6)


def test_a_message_that_is_not_liquid_is_no_fault_of_the_look(
    account: Account, label: Label, look: Look
) -> None:
    make_contact(account, label)

    assert look(message="{{ contact.name").length is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi {{ contact.first_name }}", ["first_name"]),
        ("{{contact.custom_attribute.plan | upcase}}", ["custom_attribute.plan"]),
        ("{{ contact.first_name | default: 'friend' }}", []),
        ("{% if contact.email %}{{ contact.email }}{% endif %}", []),
        ("{{ agent.name }}", []),
    ],
)
def test_variables_count_where_a_blank_one_leaves_a_hole(text: str, names: list[str]) -> None:
    assert bare_variables(text) == names


def test_the_form_shows_what_is_found(
    admin_client: FlaskClient, account: Account, label: Label, inbox: Inbox
) -> None:
    make_contact(account, label)

    page = admin_client.post(
        "/campaigns/preflight",
        data={"message": "Hello", "inbox_id": inbox.id, "audience": [label.id], "when": "now"},
    )

    assert page.status_code == 200
    assert "none is chosen" in page.text
    assert "1 messages in all" in page.text


@pytest.mark.parametrize("data", [{}, {"inbox_id": "x", "audience": "y"}, {"inbox_id": "9" * 40}])
def test_a_form_that_is_hardly_begun_is_no_fault(
    admin_client: FlaskClient, data: dict[str, str]
) -> None:
    assert admin_client.post("/campaigns/preflight", data=data).status_code == 200
