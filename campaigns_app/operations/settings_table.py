"""README's table of settings: `python -m campaigns_app.operations.settings_table` prints it."""

import sys
from collections.abc import Iterable

from campaigns_app.config import REQUIRED, SETTINGS, Setting


def settings_table(settings: Iterable[Setting] = SETTINGS) -> str:
    """The settings as a table in Markdown, in their order, without a line break at its end."""
    rows = [f"| `{one.name}` | {_default(one.default)} | {one.meaning} |" for one in settings]
    return "\n".join(["| setting | default | meaning |", "| --- | --- | --- |", *rows])


def _default(value: object) -> str:
    if value is REQUIRED:
        return "(required)"
    if value is None or value == ():
        return "(none)"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.stdout.write(f"{settings_table()}\n")
