"""What a template is: a message that the provider has approved, with places for values.

`components` are those of Meta's Business Management API, as its list of templates has them. What
fills the places are `processed_params` in Chatwoot's shape: {"header": {name: value} or
{"media_url", "media_type", "media_name"}, "body": {name: value}, "buttons": [null or {"type",
"parameter"}]}; a list, or a mapping without these keys, is the body's.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

APPROVED = "APPROVED"
MEDIA = ("image", "video", "document")
LONGEST_VALUE = 1000
LONGEST_URL = 2000
LONGEST_COUPON = 15
"""Characters of a value: of a text, of the address of a medium, of a code to be copied."""

MEDIA_URL, MEDIA_TYPE, MEDIA_NAME = "media_url", "media_type", "media_name"
OF_MEDIA = frozenset({MEDIA_URL, MEDIA_TYPE, MEDIA_NAME})
PARTS = ("header", "body", "footer", "buttons")
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")

SENDABLE = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS"})
SENDABLE_HEADERS = frozenset({"TEXT", *(kind.upper() for kind in MEDIA)})
SENDABLE_BUTTONS = frozenset({"URL", "QUICK_REPLY", "PHONE_NUMBER", "COPY_CODE", "VOICE_CALL"})

Values = Mapping[str, Any]
"""What fills the places, by the parameters' keys (`body.1`)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a template wants: in which part, under which name (for buttons the place in
    their row, from 0), and of which kind: `text`, one of `MEDIA`, `filename`, or a button's type.
    `example` is the one that was sent in for approval."""

    part: str
    name: str
    kind: str = "text"
    example: str = ""
    is_required: bool = True

    @property
    def key(self) -> str:
        """Its name among all parameters of the template (`body.first_name`)."""
        return f"{self.part}.{self.name}"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a message: `kind` is `text` of the template, a `value` that was put in, or a
    `place` that is still to be filled."""

    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Content:
    """What a person sees of a template. `media` is the header's kind, if it is no text;
    `buttons` are their words."""

    header: tuple[Piece, ...]
    media: str
    media_url: str
    body: tuple[Piece, ...]
    footer: str
    buttons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template of the account: `status` is `APPROVED` where it can be sent; `components` are
    Meta's, with the texts and their places."""

    name: str
    language: str
    status: str
    category: str
    components: list[dict[str, Any]]

    @property
    def is_approved(self) -> bool:
        """Whether the provider lets it be sent."""
        return self.status == APPROVED

    @property
    def is_offered(self) -> bool:
        """Whether a campaign can be made of it."""
        return self.is_approved and not self.obstacle

    @property
    def obstacle(self) -> str:
        """What of it campaigns cannot send, in Meta's word; blank where there is nothing."""
        if self.category == "AUTHENTICATION":
            return self.category
        for component in self.components:
            kind, form = _upper(component, "type"), _upper(component, "format")
            if kind not in SENDABLE:
                return kind or "?"
            if kind == "HEADER" and form not in SENDABLE_HEADERS:
                return form or "?"
        wanting = (_upper(one, "type") for one in self._buttons())
        return next((kind or "?" for kind in wanting if kind not in SENDABLE_BUTTONS), "")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What it wants, in the order in which it is read."""
        return (
            *self._header_parameters(),
            *_of_text("body", self._component("BODY"), "body_text"),
            *self._button_parameters(),
        )

    def body_with(self, values: Values) -> str:
        """The body's text with `values` in it, as a message in Liquid: what the template itself
        says is no code."""
        return "".join(
            _as_liquid(piece.text) if piece.kind == "text" else piece.text
            for piece in self.content(values).body
        )

    def content(self, values: Values) -> Content:
        """What a person sees, with `values` in it; a place without a value is shown as it is."""
        header, media = self._component("HEADER"), self._media()
        return Content(
            header=() if media else _pieces("header", _text(header), values),
            media=media,
            media_url=str(values.get(f"header.{MEDIA_URL}", "")),
            body=_pieces("body", _text(self._component("BODY")), values),
            footer=_text(self._component("FOOTER")),
            buttons=tuple(_text(one) for one in self._buttons()),
        )

    def params_with(self, values: Values) -> dict[str, Any]:
        """`processed_params` of these values, with nothing in them that it does not want."""
        given = [one for one in self.parameters if values.get(one.key) not in (None, "")]
        texts: dict[str, dict[str, Any]] = {"header": {}, "body": {}}
        buttons: list[Any] = []
        for one in given:
            if one.part == "buttons":
                buttons += [None] * (int(one.name) - len(buttons))
                buttons.append({"type": one.kind, "parameter": values[one.key]})
            else:
                texts[one.part][one.name] = values[one.key]
        if texts["header"].get(MEDIA_URL):
            texts["header"][MEDIA_TYPE] = self._media()
        found = {**texts, "buttons": buttons}
        return {part: value for part, value in found.items() if value}

    def _header_parameters(self) -> Iterator[Parameter]:
        header, media = self._component("HEADER"), self._media()
        if not media:
            yield from _of_text("header", header, "header_text")
            return
        handles = _example(header).get("header_handle")
        yield Parameter("header", MEDIA_URL, media, _first(handles))
        if media == "document":
            yield Parameter("header", MEDIA_NAME, "filename", is_required=False)

    def _button_parameters(self) -> Iterator[Parameter]:
        for place, button in enumerate(self._buttons()):
            kind = _upper(button, "type").lower()
            if kind == "quick_reply":
                yield Parameter("buttons", str(place), kind, is_required=False)
            elif kind == "copy_code" or (kind == "url" and PLACE.search(str(button.get("url")))):
                yield Parameter("buttons", str(place), kind, _first(button.get("example")))

    def _media(self) -> str:
        form = _upper(self._component("HEADER"), "format").lower()
        return form if form in MEDIA else ""

    def _component(self, kind: str) -> dict[str, Any]:
        return next((one for one in self.components if _upper(one, "type") == kind), {})

    def _buttons(self) -> list[dict[str, Any]]:
        buttons = self._component("BUTTONS").get("buttons")
        return [one for one in buttons or [] if isinstance(one, dict)]


def parts_of(processed: Any) -> dict[str, Any]:
    """`processed_params` by their parts; those in one of the short forms are the body's."""
    if isinstance(processed, Mapping) and set(PARTS) & set(processed):
        return dict(processed)
    return {"body": processed or {}}


def values_of(processed: Any) -> dict[str, Any]:
    """The values in `processed_params` by the parameters' keys. Raises `ValueError` for what has
    another shape."""
    parts = parts_of(processed)
    found: dict[str, Any] = {}
    for part in ("header", "body"):
        values = parts.get(part) or {}
        if isinstance(values, list):
            values = {str(place): value for place, value in enumerate(values, 1)}
        if not isinstance(values, Mapping):
            raise ValueError(part)
        found |= {f"{part}.{name}": value for name, value in values.items() if name != MEDIA_TYPE}
    buttons = parts.get("buttons") or []
    if not isinstance(buttons, list):
        raise ValueError("buttons")
    for place, button in enumerate(buttons):
        if isinstance(button, Mapping) and button.get("parameter") is not None:
            found[f"buttons.{button.get('index', place)}"] = button["parameter"]
    return found


def _of_text(part: str, component: Mapping[str, Any], example: str) -> Iterator[Parameter]:
    names = dict.fromkeys(PLACE.findall(_text(component)))
    examples = _examples(_example(component), example)
    for name in names:
        yield Parameter(part, name, "text", examples.get(name, ""))


def _examples(told: Mapping[str, Any], name: str) -> dict[str, str]:
    """The examples by the names of places: Meta lists them by number, or names them."""
    named = told.get(f"{name}_named_params")
    if isinstance(named, list):
        pairs = [one for one in named if isinstance(one, dict)]
        return {str(one.get("param_name")): str(one.get("example", "")) for one in pairs}
    listed = told.get(name)
    if isinstance(listed, list) and listed and isinstance(listed[0], list):
        listed = listed[0]
    return {str(place): str(text) for place, text in enumerate(listed or [], 1)}


def _example(component: Mapping[str, Any]) -> Mapping[str, Any]:
    example = component.get("example")
    return example if isinstance(example, dict) else {}


def _first(value: object) -> str:
    return str(value[0]) if isinstance(value, list) and value else str(value or "")


def _pieces(part: str, text: str, values: Values) -> tuple[Piece, ...]:
    found, begin = [], 0
    for place in PLACE.finditer(text):
        found.append(Piece(text[begin : place.start()]))
        value = str(values.get(f"{part}.{place[1]}") or "")
        found.append(Piece(value, "value") if value else Piece(place[0], "place"))
        begin = place.end()
    return tuple(piece for piece in (*found, Piece(text[begin:])) if piece.text)


def _as_liquid(text: str) -> str:
    is_code = "{{" in text or "{%" in text
    return f"{{% raw %}}{text}{{% endraw %}}" if is_code else text


def _text(component: Mapping[str, Any]) -> str:
    return str(component.get("text") or "")


def _upper(told: Mapping[str, Any], key: str) -> str:
    return str(told.get(key) or "").upper()
