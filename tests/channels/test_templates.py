"""What templates want, what they show, and the shapes in which their values come."""

from typing import Any

import pytest

from campaigns_app.channels.templates import Piece, Template, values_of

BODY = {"type": "BODY", "text": "Hello {{1}}, *{{ 2 }}* and {{1}}"}


def template(*components: dict[str, Any], **values: str) -> Template:
    """A template that can be sent."""
    told = {"name": "sale", "language": "en", "status": "APPROVED", "category": "MARKETING"}
    return Template(**(told | values), components=[*components])


def header(form: str, **values: Any) -> dict[str, Any]:
    return {"type": "HEADER", "format": form, **values}


def buttons(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": [*buttons]}


URL = {"type": "URL", "text": "Shop", "url": "https://x.example/{{1}}", "example": ["https://x/1"]}
CODE = {"type": "COPY_CODE", "text": "Copy", "example": "SALE"}
REPLY = {"type": "QUICK_REPLY", "text": "Stop"}


def test_what_a_template_wants_is_read_from_its_texts() -> None:
    body = BODY | {"example": {"body_text": [["Ana", "sale"]]}}
    fixed = {"type": "URL", "text": "Home", "url": "https://x.example/"}
    text = header("TEXT", text="For {{name}}", example={"header_text_named_params": []})

    found = template(text, body, buttons(REPLY, fixed, URL, CODE)).parameters

    assert [(one.key, one.kind, one.example, one.is_required) for one in found] == [
        ("header.name", "text", "", True),
        ("body.1", "text", "Ana", True),
        ("body.2", "text", "sale", True),
        ("buttons.0", "quick_reply", "", False),
        ("buttons.2", "url", "https://x/1", True),
        ("buttons.3", "copy_code", "SALE", True),
    ]


def test_media_are_wanted_by_address_and_documents_may_have_a_name() -> None:
    video = template(header("VIDEO", example={"header_handle": ["https://x/v.mp4"]}), BODY)
    document = template(header("DOCUMENT"), BODY)

    assert [(one.key, one.kind, one.example) for one in video.parameters[:1]] == [
        ("header.media_url", "video", "https://x/v.mp4")
    ]
    assert [(one.key, one.is_required) for one in document.parameters[:2]] == [
        ("header.media_url", True),
        ("header.media_name", False),
    ]


def test_named_places_have_named_examples() -> None:
    named = [{"param_name": "order", "example": "A-1"}]
    body = {"type": "BODY", "text": "{{order}}", "example": {"body_text_named_params": named}}

    assert [(one.key, one.example) for one in template(body).parameters] == [("body.order", "A-1")]


@pytest.mark.parametrize(
    ("one", "obstacle"),
    [
        (template(BODY), ""),
        (template(header("IMAGE"), BODY, buttons(URL, CODE, REPLY)), ""),
        (template(BODY, category="AUTHENTICATION"), "AUTHENTICATION"),
        (template(header("LOCATION"), BODY), "LOCATION"),
        (template(BODY, {"type": "CAROUSEL"}), "CAROUSEL"),
        (template(BODY, buttons({"type": "CATALOG"})), "CATALOG"),
        (template({}), "?"),
    ],
)
def test_what_campaigns_cannot_send_is_known(one: Template, obstacle: str) -> None:
    assert one.obstacle == obstacle
    assert one.is_offered is not bool(obstacle)


@pytest.mark.parametrize("status", ["PENDING", "REJECTED", "PAUSED", "DISABLED", ""])
def test_what_is_not_approved_is_not_offered(status: str) -> None:
    assert not template(BODY, status=status).is_offered


def test_values_are_put_where_they_belong() -> None:
    content = template(BODY, {"type": "FOOTER", "text": "Bye"}, buttons(URL)).content(
        {"body.1": "Ana"}
    )

    assert content.body == (
        Piece("Hello "),
        Piece("Ana", "value"),
        Piece(", *"),
        Piece("{{ 2 }}", "place"),
        Piece("* and "),
        Piece("Ana", "value"),
    )
    assert (content.header, content.footer, content.buttons) == ((), "Bye", ("Shop",))


def test_the_body_becomes_a_message_in_which_only_values_are_liquid() -> None:
    body = {"type": "BODY", "text": "{% if %} {{1}}!"}

    message = template(body).body_with({"body.1": "{{ contact.name }}"})

    assert message == "{% raw %}{% if %} {% endraw %}{{ contact.name }}!"


@pytest.mark.parametrize(
    ("processed", "values"),
    [
        (None, {}),
        ({}, {}),
        (["Ana", 5], {"body.1": "Ana", "body.2": 5}),
        ({"first_name": "Ana"}, {"body.first_name": "Ana"}),
        (
            {
                "body": {"1": "Ana"},
                "header": {"media_url": "https://x", "media_type": "image"},
                "footer": {},
                "buttons": [None, {"type": "url", "parameter": "abc"}],
            },
            {"header.media_url": "https://x", "body.1": "Ana", "buttons.1": "abc"},
        ),
    ],
)
def test_values_are_read_from_every_shape(processed: Any, values: dict[str, Any]) -> None:
    assert values_of(processed) == values


@pytest.mark.parametrize("processed", ["x", {"body": "x"}, {"header": 1}, {"buttons": {"0": "x"}}])
def test_another_shape_is_refused(processed: Any) -> None:
    with pytest.raises(ValueError, match=r"body|header|buttons"):
        values_of(processed)


def test_values_are_written_in_the_shape_of_requests() -> None:
    one = template(header("IMAGE"), BODY, buttons(REPLY, URL))
    values = {"header.media_url": "https://x", "body.1": "Ana", "body.2": "", "buttons.1": "abc"}

    processed = one.params_with(values | {"body.9": "no such place"})

    assert processed == {
        "header": {"media_url": "https://x", "media_type": "image"},
        "body": {"1": "Ana"},
        "buttons": [None, {"type": "url", "parameter": "abc"}],
    }
    assert values_of(processed) == {name: value for name, value in values.items() if value}
