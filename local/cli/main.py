"""The `triggerfish` command: every subcommand stands in a module of its own."""

from importlib.metadata import version
from typing import Annotated

import typer

from local.cli import dlq
from local.cli.demo import demo
from local.cli.invoke import generate_event, invoke
from local.cli.issue_key import issue_key
from local.cli.openapi import openapi
from local.cli.receiver import receiver
from local.cli.refusal import Commands
from local.cli.rekey import rekey
from local.cli.services import broker, gateway, migrate, scheduler, worker
from local.cli.up import up
from local.cli.upload import upload
from local.cli.verify import verify

HOST = "The embedded host"
DEBUGGING = "Debugging"
OPERATING = "Operating"
SERVICES = "One service each"

app = typer.Typer(
    cls=Commands,
    name="triggerfish",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # logs want plain tracebacks
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"triggerfish {version('triggerfish')}")
        raise typer.Exit


@app.callback()
def triggerfish(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Self-hosted event triggers made of serverless-style functions."""


app.command(rich_help_panel=HOST)(up)
app.command(rich_help_panel=HOST)(demo)
app.command(rich_help_panel=HOST)(upload)
app.add_typer(dlq.app, name="dlq", rich_help_panel=DEBUGGING)
app.command(rich_help_panel=DEBUGGING)(verify)
app.command(rich_help_panel=DEBUGGING)(invoke)
app.command(rich_help_panel=DEBUGGING)(generate_event)
app.command(rich_help_panel=DEBUGGING)(receiver)
app.command(rich_help_panel=OPERATING)(issue_key)
app.command(rich_help_panel=OPERATING)(rekey)
app.command(rich_help_panel=DEBUGGING)(openapi)
for service in (gateway, worker, scheduler, broker, migrate):
    app.command(rich_help_panel=SERVICES)(service)
