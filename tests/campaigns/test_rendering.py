"""Messages are Liquid, with Chatwoot's variables and rules."""

from contextlib import suppress
from typing import Any

import pytest

from campaigns_app.campaigns.rendering import (
    MessageTemplate,
    RenderingFailed,
    Surroundings,
    check_message,
)

CONTACT: dict[str, Any] = {
    "id": 7,
    "name": "maria da silva",
    "email": None,
    "phone_number": "+14155550101",
    "custom_attributes": {"plan": "pro", "a.b": "dotted"},
}
AROUND = Surroundings(
    account={"id": 1, "name": "Acme"},
    inbox={"id": 2, "name": "Shop"},
    sender={"id": 3, "name": "bob MCDONALD", "email": "bob@example.com"},
)


def render(text: str, **contact: Any) -> str:
    return MessageTemplate(text).render(CONTACT | contact, 12, AROUND)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi {{ contact.name }}", "Hi Maria Da Silva"),
        ("{{ contact.first_name }}-{{ contact.last_name }}", "Maria-Silva"),
        ("{{ contact.custom_attribute.plan }}", "pro"),
        ("{{ contact.email | default: 'no e-mail' }}", "no e-mail"),
        ("{{ agent.name }} {{ agent.available_name }}", "Bob Mcdonald Bob Mcdonald"),
        ("{{ inbox.name }} of {{ account.name }}", "Shop of Acme"),
        ("#{{ conversation.display_id }}", "#12"),
        ("{% if contact.custom_attribute.plan == 'pro' %}Pro{% endif %}", "Pro"),
        ("[{{ contact.custom_attribute.none }}]", "[]"),
        ("no variables at all", "no variables at all"),
    ],
)
def test_a_variable_is_replaced(text: str, expected: str) -> None:
    assert render(text) == expected


@pytest.mark.parametrize("code", ["`{{ contact.name }}`", "```\n{{ a }}\n{% b %}\n```"])
def test_code_between_backticks_is_left_as_it_is(code: str) -> None:
    assert render(f"{code} {{{{ contact.id }}}}") == f"{code} 7"


def test_an_unpaired_backtick_is_plain_text() -> None:
    assert render("` {{ contact.id }}") == "` 7"


def test_a_one_word_name_has_no_last_name() -> None:
    assert render("{{ contact.first_name }}|{{ contact.last_name }}", name="cher") == "Cher|"


def test_liquid_in_a_contacts_own_data_is_not_run() -> None:
    assert render("{{ contact.custom_attribute.plan }}", custom_attributes={"plan": "{{ 1 }}"}) == (
        "{{ 1 }}"
    )


def test_without_a_sender_the_agent_is_empty() -> None:
    around = Surroundings(AROUND.account, AROUND.inbox, None)

    assert MessageTemplate("[{{ agent.name }}]").render(CONTACT, 1, around) == "[]"


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..100000000) %}x{% endfor %}",
        "{% assign s = 'xxxxxxxxxx' %}{% for i in (1..9000) %}"
        "{{ s }}{{ s }}{{ s }}{{ s }}{% endfor %}",
        "{{ 'a' | divided_by: 0 }}",
    ],
)
def test_a_message_that_goes_out_of_bounds_fails_for_that_contact(text: str) -> None:
    with pytest.raises(RenderingFailed):
        render(text)


@pytest.mark.parametrize("filters", ["round", "ceil", "times: 2", "modulo: 2", "plus: 1 | floor"])
@pytest.mark.parametrize("value", ["nan", "Infinity", "-inf", "1e999", [1, "a"], {"a": 1}, True])
def test_what_a_filter_makes_of_an_odd_value_is_that_contacts(filters: str, value: Any) -> None:
    text = f"{{{{ contact.custom_attribute.points | {filters} }}}}"

    with suppress(RenderingFailed):
        assert isinstance(render(text, custom_attributes={"points": value}), str)


def test_a_filter_that_fails_says_why() -> None:
    text = "{{ contact.custom_attribute.points | round }}"

    with pytest.raises(RenderingFailed, match="NaN"):
        render(text, custom_attributes={"points": "nan"})


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{ contact.name", "not valid Liquid"),
        ("{% nope %}", "not valid Liquid"),
        ("{{ contact.name | nope }}", "not valid Liquid"),
        ("{% include 'secrets' %}", "not valid Liquid"),
        ("{{ contact.nmae }}", "contact.nmae"),
        ("{{ campaign.title }}", "campaign.title"),
        ("{{ contact.name.first }}", "contact.name.first"),
        ("{{ contact.__class__ }}", "contact.__class__"),
    ],
)
def test_a_message_nobody_could_get_is_refused(text: str, fault: str) -> None:
    (problem,) = check_message(text)

    assert fault in problem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{{ contact.custom_attribute['any key'] }}",
        "{% assign x = contact.id %}{{ x }}",
        "{% for a in contact.custom_attribute %}{{ a[0] }}{% endfor %}",
        "`{{ nothing }}`",
    ],
)
def test_a_message_somebody_could_get_is_accepted(text: str) -> None:
    assert list(check_message(text)) == []


def test_a_deeply_nested_message_is_refused_not_fatal() -> None:
    text = "{% if contact.id %}" * 5000 + "{% endif %}" * 5000

    assert len(list(check_message(text))) == 1
