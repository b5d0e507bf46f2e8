"""The house rules of templates, and of the texts, addresses and events they name."""

import ast
import re
from collections.abc import Collection, Iterator
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from jinja2 import nodes

import campaigns_app
from campaigns_app.catalogue import load_texts

PACKAGE = Path(campaigns_app.__file__).parent
FOLDER = PACKAGE / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.html"))
PARTIALS = [name for name in TEMPLATES if Path(name).name.startswith("_")]
FRAMES = {"base.html", "gate.html"}
PAGES = [
    name
    for name in TEMPLATES
    if name not in PARTIALS and name not in FRAMES and not name.startswith("macros/")
]
SCRIPTS = "\n".join(path.read_text() for path in (PACKAGE / "static").glob("*.js"))

KEY = re.compile(r"[A-Z]+(\.[A-Z0-9_]+)+")
EVENT = re.compile(r"[a-z]+(-[a-z]+)*-[a-z]+ed")
VOID = {"input", "br", "hr", "img", "link", "meta", "use", "circle", "rect", "path"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_in_a_frame(name: str) -> None:
    assert re.match(r'{% extends "(base|gate)\.html" %}', _source(name))


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_names_its_variables_and_stands_in_no_frame(name: str) -> None:
    assert _source(name).startswith("{# ")
    assert "{% extends" not in _source(name)


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_has_one_root_called_after_it(name: str) -> None:
    roots = _roots(_source(name))

    assert len(roots) <= 1
    assert all(root.endswith(Path(name).stem[1:].replace("_", "-")) for root in roots if root)


@pytest.mark.parametrize("name", PARTIALS)
def test_a_partial_is_fetched_alone_or_used_by_two(name: str) -> None:
    includes = sum(_source(other).count(f'{{% include "{name}" %}}') for other in TEMPLATES)
    rendered = any(f'"{name}"' in path.read_text() for path in PACKAGE.rglob("*.py"))

    assert rendered or includes > 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_written_inline_that_the_browser_would_refuse(name: str) -> None:
    refused = r'\sstyle=|<style|<script(?![^>]*\ssrc=)|\son[a-z]+="|hx-on|javascript:|"js:'

    assert not re.findall(refused, _source(name))


@pytest.mark.parametrize("name", TEMPLATES)
def test_addresses_come_from_url_for(name: str) -> None:
    written = r'\s(?:href|src|action|hx-get|hx-post|hx-delete)="(?!{{|#)([^"]*)"'

    assert re.findall(written, _source(name)) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_server_says_what_is_wrong_with_a_form(name: str) -> None:
    forms = re.findall(r'<form class="form[^>]*>', _source(name))

    assert all("novalidate" in form for form in forms if "post" in form)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_form_that_writes_carries_its_token(name: str) -> None:
    source = _source(name)
    forms = source.count('method="post"')
    tokens = source.count("csrf_token()") + source.count(".hidden_tag()")

    assert tokens >= forms


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_button_says_what_it_does_to_a_form(name: str) -> None:
    assert all("type=" in tag for tag in re.findall(r"<button\b[^>]*>", _source(name)))


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_htmx_points_at_exists(name: str) -> None:
    pointers = re.findall(r'\shx-(?:target|include|indicator|select)="([^"]*)"', _source(name))
    wanted = {one for pointer in pointers for one in re.findall(r"#((?:{{.*?}}|[\w-])+)", pointer)}

    assert {one for one in wanted if not _is_an_id(one)} == set()


def test_every_event_that_is_awaited_is_told() -> None:
    assert _awaited() - _told() == set()


def test_every_event_that_is_told_is_awaited() -> None:
    assert {event for event in _told() if event not in _awaited() and event not in SCRIPTS} == set()


def test_every_text_is_in_the_catalogue() -> None:
    keys = {text for text in _python_strings() if KEY.fullmatch(text)}
    keys |= {text for name in TEMPLATES for text in _template_keys(name)}

    assert {key for key in keys if not _has_text("en", key)} == set()


def test_a_translation_has_no_texts_that_english_lacks() -> None:
    for folder in (PACKAGE / "translations").iterdir():
        keys = re.findall(r'^msgid "(.+)"', _all_texts(folder), re.MULTILINE)
        assert {key for key in keys if not _has_text("en", key)} == set()


def _source(name: str) -> str:
    return (FOLDER / name).read_text()


class _Roots(HTMLParser):
    """Collects the ids of the elements that stand in no other; blank for one without an id."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth == 0:
            self.ids.append(dict(attrs).get("id") or "")
        if tag not in VOID:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            self._depth -= 1


def _roots(source: str) -> list[str]:
    source = re.sub(r"{% macro .*?{% endmacro %}", "", source, flags=re.DOTALL)
    source = re.sub(r"{[{%#].*?[}%#]}", "", source, flags=re.DOTALL)
    parser = _Roots()
    parser.feed(source)
    return parser.ids


def _is_an_id(wanted: str) -> bool:
    """Whether an element has the id, in any template; what is computed may be anything. A form's
    controls have the names of its fields."""
    ids = re.findall(r'\sid="([^"]+)"|ui\.dialog\("([^"]+)"', "".join(map(_source, TEMPLATES)))
    fields = re.findall(r"\bform\.(\w+)", "".join(map(_source, TEMPLATES)))
    computed = re.compile(r"{{.*?}}")
    known = {computed.sub("*", one or other) for one, other in ids} | set(fields)
    return computed.sub("*", wanted) in known


def _awaited() -> set[str]:
    text = "".join(map(_source, TEMPLATES))
    awaited = set(re.findall(r"([a-z-]+) from:body", text))
    for closing in re.findall(r'close_on="([^"]+)"', text):
        awaited |= set(closing.split())
    return awaited


def _template_keys(name: str) -> Iterator[str]:
    """The keys of texts in a template. Those of a channel are looked for as those of any channel,
    and of all of them."""
    tree = jinja2.Environment(autoescape=True).parse(_source(name))
    of_channels: set[str] = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "channel_text":
            of_channels |= {one.value for one in call.args if isinstance(one, nodes.Const)}
    for key in of_channels:
        yield from (f"CAMPAIGN.CHANNEL.{key}", f"CAMPAIGN.ALL.{key}")
    for constant in tree.find_all(nodes.Const):
        value = constant.value
        if isinstance(value, str) and KEY.fullmatch(value) and value not in of_channels:
            yield value


def _told() -> set[str]:
    """The events that the package tells its pages. Providers have words of the same form."""
    return {text for text in _python_strings(("channels", "operations")) if EVENT.fullmatch(text)}


def _python_strings(besides: Collection[str] = ()) -> Iterator[str]:
    """Every string of the package that is a value; not those that are parts of another, and not
    a channel's keys, which have a test of their own. `besides` names folders to leave out."""
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] in besides:
            continue
        tree = ast.parse(path.read_text())
        parts = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr) or _is_channel_text(node)
            for part in ast.walk(node)
        }
        constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
        for node in constants:
            if isinstance(node.value, str) and id(node) not in parts:
                yield node.value


def _is_channel_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "channel_text"


def _has_text(language: str, key: str) -> bool:
    texts = load_texts(language)
    return texts.gettext(key) != key or texts.ngettext(key, key, 1) != key


def _all_texts(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*.po"))
