"""The templates of the simulated WhatsApp account: of each kind one, as Meta lists them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

REFUSED = {
    "PAUSED": (400, 132015, "Template is paused"),
    "DISABLED": (400, 132016, "Template is disabled"),
}
FOOTER = {"type": "FOOTER", "text": "Reply STOP to opt out"}


def _template(
    name: str, *components: Mapping[str, Any], language: str = "en_US", **values: str
) -> dict[str, Any]:
    told = {"name": name, "language": language, "status": "APPROVED", "category": "MARKETING"}
    return told | values | {"id": str(900 + len(name)), "components": [*components]}


def _body(text: str, *examples: str) -> dict[str, Any]:
    return {"type": "BODY", "text": text} | (
        {"example": {"body_text": [list(examples)]}} if examples else {}
    )


TEMPLATES = [
    _template("summer_sale", _body("Hello {{1}}, our sale starts on Monday.", "Ana"), FOOTER),
    _template(
        "summer_sale", _body("Hallo {{1}}, der Ausverkauf beginnt.", "Ana"), FOOTER, language="de"
    ),
    _template(
        "order_update",
        _body("Hello {{first_name}}, your order {{order}} is on its way.")
        | {
            "example": {
                "body_text_named_params": [
                    {"param_name": "first_name", "example": "Ana"},
                    {"param_name": "order", "example": "A-1001"},
                ]
            }
        },
        category="UTILITY",
        parameter_format="NAMED",
    ),
    _template(
        "voucher",
        {
            "type": "HEADER",
            "format": "TEXT",
            "text": "For you, {{1}}",
            "example": {"header_text": ["Ana"]},
        },
        _body("{{1}} off everything until {{2}}.", "20 %", "Sunday"),
        FOOTER,
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Not interested"},
                {
                    "type": "URL",
                    "text": "To the shop",
                    "url": "https://shop.example/{{1}}",
                    "example": ["https://shop.example/spring"],
                },
                {"type": "COPY_CODE", "text": "Copy code", "example": "SPRING20"},
            ],
        },
    ),
    _template(
        "new_arrivals",
        {
            "type": "HEADER",
            "format": "IMAGE",
            "example": {"header_handle": ["https://shop.example/new.jpg"]},
        },
        _body("Look what has come in, {{1}}!", "Ana"),
    ),
    _template("store_opening", _body("We open on Saturday. Come and see us!")),
    _template("winter_sale", _body("Hello {{1}}, winter is coming.", "Ana"), status="PENDING"),
    _template("cheap_pills", _body("Hello {{1}}, buy now!", "Ana"), status="REJECTED"),
    _template("flash_sale", _body("Only today, {{1}}.", "Ana"), status="PAUSED"),
    _template("login_code", _body("{{1}} is your code.", "4711"), category="AUTHENTICATION"),
]


def find_template(
    templates: Iterable[dict[str, Any]], name: str, language: str
) -> dict[str, Any] | None:
    """The template of that name in that language, if there is one."""
    wanted = (name, language)
    return next((one for one in templates if (one["name"], one["language"]) == wanted), None)


def refusal_of(
    templates: Iterable[dict[str, Any]], told: Mapping[str, Any]
) -> tuple[int, int, str] | None:
    """Why the `template` of a request is not sent: HTTP status, code, words; None where it is."""
    known = find_template(templates, told["name"], told["language"]["code"])
    if known is not None and known["status"] in REFUSED:
        return REFUSED[known["status"]]
    if known is None or known["status"] != "APPROVED":
        return 404, 132001, "Template name does not exist in the translation"
    given = {one["type"]: one["parameters"] for one in told.get("components", [])}
    for part, count in _places(known):
        if len(given.get(part, ())) != count:
            return 400, 132000, "Number of parameters does not match"
    return None


def _places(template: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for component in template["components"]:
        if component["type"] in ("HEADER", "BODY"):
            has_media = component.get("format", "TEXT") != "TEXT"
            yield component["type"].lower(), has_media or component["text"].count("{{")
