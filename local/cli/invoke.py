"""`triggerfish invoke` and `generate-event`: one function alone, with a readable traceback."""

import json
import os
import sys
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from local.cli import state
from local.cli.paths import default_template, is_ours
from local.cli.refusal import refuse
from local.cli.services import Template, begin
from local.cli.settings import DATABASE
from local.services.errors import CannotBegin


class Kind(StrEnum):
    SQS = "sqs"
    SCHEDULE = "schedule"
    HTTP = "http"


def invoke(
    function: Annotated[str, typer.Argument(help="Its name in the template, e.g. tick.")],
    event: Annotated[
        str, typer.Option("--event", "-e", help="File with the event as JSON, or - for stdin.")
    ] = "",
    event_lane: Annotated[
        bool, typer.Option("--event-lane", help="Call the Lambda handler, as AWS does.")
    ] = False,
    template: Template = None,
) -> None:
    """Run one function in this process and print its answer as JSON.

    Uses the database and the queue of the platform that runs in the state directory, unless the
    environment names others. The answer alone goes to stdout, what the function prints and logs to
    stderr. An error prints the function's traceback and exits with 1.
    """
    from local.runtime.invoker import UnknownFunctionError, invoke_once
    from local.runtime.template import load

    join_running_platform(*([DATABASE] if is_ours(template or default_template()) else []))
    begin(template)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_SQS", "")
    loaded = load(template or default_template(), sqs_endpoint=endpoint, environ=os.environ)
    given = read_event(event)
    try:
        with redirect_stdout(sys.stderr):
            result = invoke_once(loaded, function, given, lane="event" if event_lane else "native")
    except UnknownFunctionError:
        known = ", ".join(sorted(loaded.functions))
        raise typer.BadParameter(f"{function!r} is not in the template: {known}") from None
    if result.error:
        typer.echo(result.error.traceback or result.error.message, err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps(result.payload, indent=2, default=str))


def generate_event(kind: Kind) -> None:
    """Print an example event to edit and feed to `triggerfish invoke`."""
    from local.runtime.events import sample

    typer.echo(json.dumps(sample(kind.value), indent=2))


def read_event(source: str) -> Any:
    """The event in a file, or on stdin for `-`; an empty one when there is no text."""
    if not source:
        return {}
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        return json.loads(text) if text.strip() else {}
    except OSError as error:
        refuse(f"--event: {source} cannot be read ({error.strerror}).")
    except ValueError as error:
        refuse(f"--event: {source} is not JSON ({error}).")


def running(where: state.StateDir) -> state.Platform | None:
    """The platform that runs there; a folder that cannot be read ends the command."""
    try:
        return where.running()
    except CannotBegin as error:
        refuse(str(error))


def join_running_platform(*instead: str) -> None:
    """Take the environment of the platform that runs in the state directory; what is set wins.

    Where none runs, one of the variables `instead` must lead to another; else the command ends.
    """
    where = state.find()
    platform = running(where)
    for name, value in platform.environment.items() if platform else ():
        if not os.environ.get(name):
            os.environ[name] = value
    if platform is None and instead and not any(os.environ.get(name) for name in instead):
        started = f"No platform runs in {where.path}: start one with `make up` in another terminal"
        refuse(f"{started}, or set {instead[0]}.")
