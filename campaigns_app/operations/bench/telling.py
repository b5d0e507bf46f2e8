"""The result, for programs and for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from campaigns_app.operations.bench.case import BenchRow

VERDICTS = {True: "yes", False: "NO", None: "–"}


def as_object(machine: Mapping[str, Any], rows: Sequence[BenchRow]) -> dict[str, Any]:
    """The result as one JSON object. `bar` and `holds` are null in a row that is not judged."""
    return {"machine": machine, "rows": [_as_object(row) for row in rows]}


def as_table(machine: Mapping[str, Any], rows: Sequence[BenchRow]) -> Table:
    """The result as a table, with what it was measured on below."""
    facts = {name: fact for name, fact in machine.items() if name != "versions"}
    told = ", ".join(f"{name} {fact}" for name, fact in (facts | machine["versions"]).items())
    table = Table(caption=told)
    for heading in ("name", "value", "against", "ratio", "bar", "holds"):
        table.add_column(heading, no_wrap=heading in {"name", "ratio"})
    for row in rows:
        table.add_row(
            row.name,
            f"{_in_digits(row.value)} {row.unit}",
            _told_against(row),
            f"{row.ratio:.2f}",
            str(row.bar or "not judged"),
            VERDICTS[row.holds],
        )
    return table


def _as_object(row: BenchRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": round(row.value, 2),
        "unit": row.unit,
        "against": _told_against(row),
        "ratio": round(row.ratio, 3),
        "bar": row.bar.limit if row.bar else None,
        "holds": row.holds,
    }


def _in_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _told_against(row: BenchRow) -> str:
    return row.against if row.fault is None else f"{row.against} (but {row.fault})"
