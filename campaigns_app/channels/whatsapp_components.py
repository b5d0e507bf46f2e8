"""The components of a template message, from a campaign's `template_params`.

`templates` says what `processed_params` are.
https://developers.facebook.com/docs/whatsapp/cloud-api/guides/send-message-templates
"""

from collections.abc import Mapping
from typing import Any

from campaigns_app.channels.templates import (
    LONGEST_COUPON,
    LONGEST_URL,
    LONGEST_VALUE,
    MEDIA,
    OF_MEDIA,
    parts_of,
)
from campaigns_app.channels.verdicts import Permanent


def template_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """The `template` of a request. Raises `Permanent` where something is missing."""
    name, language = params.get("name"), params.get("language")
    if not name or not language:
        raise Permanent("the campaign names no template")
    components = components_of(params.get("processed_params"))
    return {
        "name": str(name),
        "language": {"policy": "deterministic", "code": str(language)},
        **({"components": components} if components else {}),
    }


def components_of(processed: Any) -> list[dict[str, Any]]:
    """The components with a person's values in them. Raises `Permanent` for one that is blank or
    too long."""
    parts = parts_of(processed)
    header = _header(parts.get("header") or {})
    body = _texts(parts.get("body") or {})
    found = []
    if header:
        found.append({"type": "header", "parameters": header})
    if body:
        found.append({"type": "body", "parameters": body})
    return found + [
        _button(place, button)
        for place, button in enumerate(parts.get("buttons") or [])
        if isinstance(button, Mapping) and button.get("parameter") is not None
    ]


def _header(header: Mapping[str, Any]) -> list[dict[str, Any]]:
    if not header.get("media_url"):
        return _texts({name: value for name, value in header.items() if name not in OF_MEDIA})
    kind = str(header.get("media_type") or "image").lower()
    if kind not in MEDIA:
        raise Permanent("the template's media is of an unknown kind")
    media = {"link": _text(header["media_url"], LONGEST_URL)}
    if kind == "document" and header.get("media_name"):
        media["filename"] = _text(header["media_name"])
    return [{"type": kind, kind: media}]


def _texts(values: Any) -> list[dict[str, Any]]:
    """Parameters of text: in the order of their numbers, or by name where one is none."""
    if isinstance(values, list):
        return [{"type": "text", "text": _text(value)} for value in values]
    if all(str(name).isdecimal() for name in values):
        ordered = sorted(values.items(), key=lambda pair: int(pair[0]))
        return [{"type": "text", "text": _text(value)} for _, value in ordered]
    return [
        {"type": "text", "parameter_name": str(name), "text": _text(value)}
        for name, value in values.items()
    ]


def _button(place: int, button: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(button.get("type") or "url").lower()
    value = _text(button["parameter"], LONGEST_COUPON if kind == "copy_code" else LONGEST_VALUE)
    parameter = {"type": "text", "text": value}
    if kind == "copy_code":
        parameter = {"type": "coupon_code", "coupon_code": value}
    elif kind == "quick_reply":
        parameter = {"type": "payload", "payload": value}
    index = str(button.get("index", place))
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]}


def _text(value: Any, longest: int = LONGEST_VALUE) -> str:
    """A value in one line, as templates want it. One that is too long is not cut: half a code, or
    half an address, is worse than none."""
    text = " ".join(str(value).split())
    if value is None or not text:
        raise Permanent("a value of the template is blank")
    if len(text) > longest:
        raise Permanent(f"a value of the template is too long (maximum is {longest} characters)")
    return text
