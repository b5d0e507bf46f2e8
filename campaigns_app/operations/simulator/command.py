"""`campaigns simulator`."""

from pathlib import Path

import click
from aiohttp import web

from campaigns_app.operations.simulator.ledger import Ledger
from campaigns_app.operations.simulator.server import Options, Simulator


@click.command("simulator")
@click.option("--port", type=click.IntRange(0, 65535), default=8100, show_default=True)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("instance") / "simulator.jsonl",
    show_default=True,
    help="File of what was taken; it is added to.",
)
@click.option("--rate", type=click.FloatRange(0.01), help="Messages a second for each sender.")
@click.option(
    "--latency",
    type=click.FloatRange(0, 60),
    default=0,
    show_default=True,
    help="Seconds that every answer takes at least.",
)
def simulator_command(port: int, ledger: Path, rate: float | None, latency: float) -> None:
    """Be a provider: Twilio, Bandwidth, WhatsApp Cloud and Telegram, on this machine.

    Nobody is messaged. What becomes of a message depends on its number: +1 500 2MM nnnn is treated
    in manner MM (README, "Without a provider"). `GET /ledger` shows what was taken.
    """
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with Ledger(ledger) as entries:
        simulator = Simulator(entries, Options(rate, latency))
        web.run_app(
            simulator.app,
            host="127.0.0.1",
            port=port,
            access_log=None,
            shutdown_timeout=0.1,
            print=_announce,
        )


def _announce(lines: str) -> None:
    """The address, without the library's advice."""
    click.echo(lines.splitlines()[0].replace("=", "").strip())
