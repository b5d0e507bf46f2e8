"""The command line: `campaigns COMMAND`."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.exc import OperationalError, ProgrammingError

from campaigns_app import create_app, pauses
from campaigns_app.campaigns.cli import check_command
from campaigns_app.contacts.cli import import_contacts_command
from campaigns_app.errors import CampaignsError, ConfigError
from campaigns_app.inboxes.cli import rotate_secrets_command
from campaigns_app.job_queue import QUEUES
from campaigns_app.operations.administrator import create_admin_command
from campaigns_app.operations.bench.command import bench_command
from campaigns_app.operations.crashtest.command import crashtest_command
from campaigns_app.operations.demo.command import demo_command
from campaigns_app.operations.installation import (
    close_database,
    installed_environ,
    migrate_database,
)
from campaigns_app.operations.simulator.command import simulator_command
from campaigns_app.operations.supervisor import Supervisor
from campaigns_app.operations.sweeper import sweep_forever, sweep_once
from campaigns_app.operations.tether import tie_to_parent
from campaigns_app.operations.up import run_up
from campaigns_app.operations.web import serve
from campaigns_app.operations.worker import run_worker, worker_programs

DATA = Path("instance")


class WrongSetting(click.ClickException):
    """A setting is missing or wrong."""

    exit_code = 2


class CampaignsGroup(click.Group):
    """The commands; errors a person can do something about are a message, not a traceback."""

    def invoke(self, context: click.Context) -> Any:
        """Run the command named. Ends with status 2 for a wrong setting, 1 for other errors."""
        try:
            return super().invoke(context)
        except CampaignsError as error:
            wrong_setting = isinstance(error, ConfigError)
            raise (WrongSetting if wrong_setting else click.ClickException)(str(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise click.ClickException(
                f"The database cannot do it: {str(error.orig).strip()}. "
                "Is DATABASE_URL right, and has `campaigns migrate` been run?"
            ) from error


class Console(ScriptInfo):
    """Makes the application a command works with, once it is asked for.

    `installed_in` is the folder of an installation of `campaigns up`, whose stores are used where
    `DATABASE_URL` is not set.
    """

    def __init__(self) -> None:
        super().__init__(create_app=self._create)
        self.installed_in: Path | None = None
        self._app: Flask | None = None

    def close(self) -> None:
        """Close the application's connections to the database."""
        if self._app is not None:
            close_database(self._app)

    def _create(self) -> Flask:
        environ: Mapping[str, str] = os.environ
        if self.installed_in is not None:
            environ = installed_environ(environ, self.installed_in)
        self._app = create_app(environ)
        return self._app


def _note_data(context: click.Context, option: click.Parameter, data: Path) -> None:
    if isinstance(context.obj, Console):
        context.obj.installed_in = data


installed_data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA,
    show_default=True,
    expose_value=False,
    callback=_note_data,
    help="Folder of the `campaigns up` to work with, where DATABASE_URL is not set.",
)


@click.group(cls=CampaignsGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="campaigns", message="campaigns %(version)s")
@click.option("--parent", type=int, hidden=True, help="End when the process PARENT is gone.")
@click.pass_context
def cli(context: click.Context, parent: int | None) -> None:
    """One-off message campaigns, on your own machine.

    `campaigns demo` shows all of it. `campaigns up` runs it on this machine. The other commands
    run its parts, with the settings of the environment (README, "Settings").
    """
    pauses.arrange(os.environ)
    if parent is not None:
        tie_to_parent(parent)
    if context.obj is None:
        context.obj = Console()
        context.call_on_close(context.obj.close)


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA,
    show_default=True,
    help="Folder for the secret key and the embedded stores.",
)
def up(host: str, port: int, data: Path) -> None:
    """Run everything: web, workers, sweep, and stores of its own.

    DATABASE_URL and REDIS_URL, where set, take the place of the embedded stores. On the first
    start it prints a link with which the first administrator signs up. Ctrl-C ends it all.
    """
    run_up(host, port, data, click.echo)


@cli.command()
@click.option(
    "--queue",
    "queues",
    type=click.Choice(QUEUES),
    multiple=True,
    help="A queue to work on; give it again for more.  [default: all that get work]",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    help="Processes for each queue.  [default: one for each processor, up to 4, for campaigns; "
    "else 1]",
)
@click.pass_obj
def worker(info: ScriptInfo, queues: tuple[str, ...], processes: int | None) -> None:
    """Carry out campaigns and deliver webhooks.

    Several processes run under a supervisor that restarts what dies. A single one runs by itself.
    SIGTERM lets what is under way come to an end; what is left, others take up at once.
    """
    app = info.load_app()
    programs = worker_programs(app, queues, processes)
    if len(programs) == 1:
        run_worker(app, *queues)
    else:
        Supervisor(programs, os.environ).run()


@cli.command()
@click.option("--once", is_flag=True, help="Look once, then end.")
@click.pass_obj
def sweep(info: ScriptInfo, once: bool) -> None:
    """Find what is due or was left behind, and ring for it.

    Run at least one, always: it starts campaigns that the queue forgot. Several do no harm.
    """
    if once:
        sweep_once(info.load_app())
    else:
        sweep_forever(info.load_app())


@cli.command()
@click.pass_obj
def migrate(info: ScriptInfo) -> None:
    """Bring the database's schema up to date; changes nothing if it is."""
    migrate_database(info.load_app())


@cli.command(hidden=True)
@click.option("--socket", "number", type=int, required=True)
@click.pass_obj
def web(info: ScriptInfo, number: int) -> None:
    """Serve the web page at the open socket NUMBER; `campaigns up` starts this."""
    serve(info.load_app(), socket.socket(fileno=number))


cli.add_command(demo_command)
cli.add_command(installed_data_option(create_admin_command))
cli.add_command(installed_data_option(import_contacts_command))
cli.add_command(installed_data_option(check_command))
cli.add_command(installed_data_option(rotate_secrets_command))
cli.add_command(bench_command)
cli.add_command(simulator_command)
cli.add_command(crashtest_command)


def main() -> None:
    """Run the command named by the process's arguments."""
    cli(prog_name="campaigns")
