"""`campaigns demo`."""

import json
import sys
from pathlib import Path

import click

from campaigns_app.operations.demo.display import Display
from campaigns_app.operations.demo.run import SAMPLE, DemoOptions, Summary, run_demo

DATA = Path("instance") / "demo"


@click.command("demo")
@click.option("--exit", "exit_after", is_flag=True, help="End after the summary.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
@click.option(
    "--contacts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=SAMPLE,
    help="CSV file of contacts.  [default: 2,000 that come with the app]",
)
@click.option(
    "--labels", default="", help="Audience, by comma: vip,premium.  [default: all labels]"
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Port of the web page.  [default: 8000, or a free one]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA,
    show_default=True,
    help="Folder for the demonstration; emptied at each start.",
)
def demo_command(
    exit_after: bool, as_json: bool, contacts: Path, labels: str, port: int | None, data: Path
) -> None:
    """See the main job done: 2,000 contacts receive a campaign, with signed webhooks.

    Starts everything in a folder of its own, imports contacts, makes an inbox, a webhook endpoint
    with a receiver that verifies every signature, and a campaign; then one of text messages to a
    simulated provider; shows the progress; then goes on serving the page until Ctrl-C. Exit status
    0 only if every number adds up.
    """
    titles = tuple(title.strip().lower() for title in labels.split(",") if title.strip())
    options = DemoOptions(data, contacts, titles, port, exit_after)
    display = Display(quiet_output=as_json)

    def report(summary: Summary) -> None:
        if as_json:
            click.echo(json.dumps(dict(summary)))
        else:
            display.summary(summary)

    sys.exit(0 if run_demo(options, display, report) else 1)
