"""No message makes gigabytes of a word."""

import pytest

from campaigns_app.campaigns.rendering import MessageTemplate, RenderingFailed, Surroundings

CONTACT = {"id": 1, "name": "Ana", "email": None, "phone_number": None, "custom_attributes": {}}
AROUND = Surroundings({}, {}, None)
FIFTY = "y" * 50


def render(text: str) -> str:
    return MessageTemplate(text).render(CONTACT, 1, AROUND)


@pytest.mark.parametrize(
    "text",
    [
        f"{{{{ '{FIFTY}' | replace: 'y', '{FIFTY}' | replace: 'y', '{FIFTY}'"
        f" | replace: 'y', '{FIFTY}' | replace: 'y', '{FIFTY}' | size }}}}",
        f"{{% assign a = '{FIFTY}' | replace: 'y', '{FIFTY}' | split: '' %}}"
        f"{{{{ a | join: '{FIFTY * 20}' | size }}}}",
        "{% assign a = 2 %}{% for i in (1..40) %}{% assign a = a | times: a %}{% endfor %}",
    ],
    ids=["replace", "join", "times"],
)
def test_what_a_filter_makes_has_an_end(text: str) -> None:
    with pytest.raises(RenderingFailed, match="the result is too large"):
        render(text)


def test_what_is_not_too_large_is_made() -> None:
    assert render(f"{{{{ '{FIFTY}' | replace: 'y', '{FIFTY}' | size }}}}") == "2500"
    assert render("{{ 'a,b' | split: ',' | join: '-' }} {{ 12 | times: 12 }}") == "a-b 144"
    assert render("{{ '<' | escape }} {{ contact.email | default: 'none' }}") == "&lt; none"
