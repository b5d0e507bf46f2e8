"""The rules of the house that a machine can check, beside those of the linters."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "campaigns_app"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
LONG_FOR_A_REASON = {
    "_conversation": "the keys of one payload, which a reader compares with Chatwoot's",
}

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """The module's path, to name the test after."""
    return str(path.relative_to(ROOT))


each_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


def test_every_part_uses_only_what_it_may() -> None:
    # In a process of its own: inside this one it would switch off every logger there is.
    program = Path(sys.executable).with_name("lint-imports")

    checked = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout


@each_module
def test_a_file_can_be_read_in_one_go(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@each_module
def test_a_function_fits_on_a_screen(path: Path) -> None:
    long = [
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, Function) and _length(node) > LONGEST_FUNCTION
    ]

    assert set(long) <= set(LONG_FOR_A_REASON)


@each_module
def test_what_is_public_says_what_it_is(path: Path) -> None:
    silent = [
        getattr(node, "name", "the module")
        for node in _public(ast.parse(path.read_text()))
        if not ast.get_docstring(node)
    ]

    assert silent == []


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        (r"\bHX-[A-Z]", ("htmx.py", "security.py")),
        (r"\bos\.environ\b|\bgetenv\b", ("__init__.py", "cli.py", "operations/")),
        (r"\.utcnow\(\)|datetime\.now\(\)", ()),
    ],
    ids=["htmx's headers", "the environment", "naive times"],
)
def test_what_has_one_place_is_nowhere_else(text: str, allowed: tuple[str, ...]) -> None:
    found = [
        str(path.relative_to(PACKAGE)) for path in MODULES if re.search(text, path.read_text())
    ]

    assert [path for path in found if not path.startswith(allowed)] == []


def _public(module: ast.Module) -> Iterator[Documented]:
    """The module, and its public classes, functions and methods; not what stands in for a method
    that is documented where it is declared first."""
    yield module
    for node in module.body:
        if isinstance(node, ast.ClassDef | Function) and not node.name.startswith("_"):
            yield node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not node.bases:
            yield from (
                part
                for part in node.body
                if isinstance(part, Function) and not part.name.startswith("_")
            )


def _length(function: Function) -> int:
    """The lines of its body; what it is called with and what it says of itself do not count."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
