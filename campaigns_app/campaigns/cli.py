"""`campaigns check`: whether the promises hold, from the command line."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.table import Table

from campaigns_app.campaigns.checking.check import Example, Verdict, check_campaigns
from campaigns_app.campaigns.checking.repair import Repairs, repair_campaigns
from campaigns_app.channels.registry import get_channels
from campaigns_app.errors import NotFound
from campaigns_app.extensions import db


@click.command("check")
@click.option("--campaign", "display_id", type=int, help="Only the campaign of this number.")
@click.option("--account", "account_id", type=int, help="Only campaigns of the account of this id.")
@click.option("--repair", is_flag=True, help="Mend what can be mended with certainty.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_appcontext
def check_command(
    display_id: int | None, account_id: int | None, repair: bool, as_json: bool
) -> None:
    """Check that campaigns are what they promise to be, whether or not they are running.

    Reads all recipients, in one snapshot. Exit status 0 only if every promise holds, after the
    repair if one was asked for; 2 where there is no such campaign.
    """
    session, channels = db.session(), get_channels()
    wanted = {"account_id": account_id, "display_id": display_id}
    try:
        verdicts = check_campaigns(session, channels, **wanted)
    except NotFound as error:
        raise click.UsageError(str(error)) from error
    repairs = None
    if repair and not all(verdict.holds for verdict in verdicts):
        repairs = repair_campaigns(session, channels, **wanted)
        verdicts = check_campaigns(session, channels, **wanted)
    holds = all(verdict.holds for verdict in verdicts)
    if as_json:
        rows = [_as_dict(verdict) for verdict in verdicts]
        repaired = asdict(repairs) if repairs else None
        click.echo(json.dumps({"holds": holds, "promises": rows, "repaired": repaired}))
    else:
        _print_table(verdicts)
        _print_outcome(verdicts, repairs)
    sys.exit(0 if holds else 1)


def _as_dict(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.promise.name,
        "promise": verdict.promise.text,
        "holds": verdict.holds,
        "broken": verdict.broken,
        "thing": verdict.promise.thing.value,
        "examples": [asdict(example) for example in verdict.examples],
        "left_alone": verdict.promise.left_alone or None,
    }


def _print_table(verdicts: Sequence[Verdict]) -> None:
    table = Table("promise", "holds", "broken by", box=None, pad_edge=False)
    for verdict in verdicts:
        answer = "yes" if verdict.holds else "NO"
        table.add_row(verdict.promise.text, answer, _broken_by(verdict))
    Console().print(table)


def _broken_by(verdict: Verdict) -> str:
    if verdict.holds:
        return ""
    first = ", ".join(_tell(verdict, example) for example in verdict.examples)
    more = verdict.broken - len(verdict.examples)
    return f"{first} and {more:,} more" if more else first


def _tell(verdict: Verdict, example: Example) -> str:
    campaign = f"campaign {example.campaign_display_id} of account {example.account_id}"
    if verdict.promise.thing == "campaign":
        return campaign
    return f"{verdict.promise.thing.value} {example.id} of {campaign}"


def _print_outcome(verdicts: Sequence[Verdict], repairs: Repairs | None) -> None:
    broken = [verdict for verdict in verdicts if not verdict.holds]
    if repairs is not None:
        click.echo(
            f"\nRepaired: {repairs.sent:,} recipients noted as sent, {repairs.recounted:,} batches "
            f"counted again, {repairs.finished:,} campaigns finished."
        )
        for verdict in broken:
            why = verdict.promise.left_alone or "It broke again meanwhile."
            click.echo(f"Left alone: {verdict.promise.text}. {why}")
    elif any(not verdict.promise.left_alone for verdict in broken):
        click.echo("\n`campaigns check --repair` mends a part of it.")
