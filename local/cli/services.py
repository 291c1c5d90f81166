"""One service in the foreground each: what compose, Kubernetes and `triggerfish up` run."""

import asyncio
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from local.cli import state
from local.cli.environment import for_sqs
from local.cli.paths import default_template, is_ours
from local.cli.refusal import refuse
from local.cli.settings import check_settings, read_settings

if TYPE_CHECKING:
    from triggerfish.settings import Settings

Template = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="SAM template.", show_default=False),
]
Host = Annotated[str, typer.Option(envvar="TRIGGERFISH_HOST", help="Address to listen on.")]


def gateway(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="TRIGGERFISH_PORT", min=0, max=65535)] = 8080,
    processes: Annotated[int, typer.Option(min=1)] = 1,
    event_lane: Annotated[
        bool, typer.Option("--event-lane", help="Call handlers with Lambda events only.")
    ] = False,
    invoke_port: Annotated[
        int, typer.Option(envvar="TRIGGERFISH_INVOKE_PORT", help="Of Lambda's Invoke API; 0: none.")
    ] = 0,
    invoke_host: Annotated[
        str, typer.Option(envvar="TRIGGERFISH_INVOKE_HOST", help="Address for the Invoke API.")
    ] = "127.0.0.1",
    template: Template = None,
) -> None:
    """Serve the functions' HTTP routes."""
    from local.runtime import gateway
    from local.runtime.invocation import InvokeAccess

    begin(template)
    gateway.run(
        template or default_template(),
        host=host,
        port=port,
        processes=processes,
        event_lane=event_lane,
        invoke=InvokeAccess(invoke_port, _invoke_secret(), invoke_host) if invoke_port else None,
    )


def _invoke_secret() -> str:
    try:
        return state.find().ensure_invoke_secret(os.environ.get("TRIGGERFISH_INVOKE_SECRET"))
    except OSError as error:
        why = f"no secret for TRIGGERFISH_INVOKE_PORT ({error}); set TRIGGERFISH_INVOKE_SECRET"
        raise typer.BadParameter(why) from None


def worker(
    template: Template = None,
    name: Annotated[
        str,
        typer.Option(
            envvar="TRIGGERFISH_WORKER",
            help="A name that no other worker has while this one lives; @host takes the machine's. "
            "Events that a dead worker of this name has left leased are free at once.",
        ),
    ] = "",
) -> None:
    """Feed the queues' messages to their functions."""
    from local.runtime import poller

    begin(template)
    os.environ["TRIGGERFISH_WORKER"] = socket.gethostname() if name == "@host" else name
    if name:
        _give_back_leases()
    poller.run(template or default_template())


def _give_back_leases() -> None:
    """Without a database nothing is given back: leases then end in their own time."""
    from triggerfish.domain.errors import TryLater
    from triggerfish.settings import Settings
    from triggerfish.wiring.upkeep import give_back_leases

    with suppress(TryLater):
        asyncio.run(give_back_leases(Settings()))


def scheduler(
    template: Template = None,
    function: Annotated[
        list[str] | None,
        typer.Option(help="Only this one's schedules (repeatable); others run elsewhere."),
    ] = None,
) -> None:
    """Invoke the functions that run on a schedule."""
    from local.runtime import scheduler
    from local.runtime.invoker import UnknownFunctionError

    begin(template)
    try:
        scheduler.run(template or default_template(), only=function or ())
    except UnknownFunctionError as error:
        raise typer.BadParameter(f"not in the template: {error}") from None


def broker(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 9324,
    template: Template = None,
) -> None:
    """Run the embedded SQS broker with the template's queues."""
    from local.runtime.template import load
    from local.services.broker import run

    endpoint = f"http://{host}:{port}"
    queues = load(template or default_template(), sqs_endpoint=endpoint, environ=os.environ).queues
    run(host, port, queues)


def migrate(
    generate_key: Annotated[
        bool,
        typer.Option(
            "--generate-key",
            help="Keep the first API key and the encryption key in TRIGGERFISH_STATE_DIR; "
            "make what is not given.",
        ),
    ] = False,
    queues_are_new: Annotated[
        bool,
        typer.Option("--queues-are-new", help="The queues kept no message: send anew what waits."),
    ] = False,
) -> None:
    """Bring the database to the current schema; make sure of the first API key and the bucket."""
    settings, where = read_settings(makes_keys=generate_key), state.find()
    _prepare_store(settings)
    said = ""
    if generate_key:
        settings, said = _with_keys(settings, where)
    _migrate(settings, queues_are_new=queues_are_new)
    if said:
        typer.echo(said)


def _with_keys(settings: "Settings", where: state.StateDir) -> tuple["Settings", str]:
    """Settings with a first API key and an encryption key, kept ones or new; what to say of it."""
    known = settings.bootstrap_api_key or where.api_key_file.exists()
    where.path.mkdir(parents=True, exist_ok=True)
    key = where.ensure_api_key(settings.bootstrap_api_key)
    given = {"bootstrap_api_key": key}
    if not settings.encryption_keys:
        file = Path(settings.encryption_keys_file) if settings.encryption_keys_file else None
        given["encryption_keys_file"] = str(where.ensure_encryption_keys(file))
    shown = f"API key (shown only this once): {key}\n" if not known else ""
    return settings.model_copy(update=given), f"{shown}The API key is kept in {where.api_key_file}"


def _migrate(settings: "Settings", *, queues_are_new: bool) -> None:
    from sqlalchemy.exc import OperationalError

    from triggerfish.wiring.upkeep import PlainSecrets, migrate

    try:
        migrate(settings, queues_are_new=queues_are_new)
    except PlainSecrets as error:
        refuse(str(error))
    except OperationalError as error:
        said = str(error.orig).strip().splitlines()[0]
        typer.echo(f"TRIGGERFISH_DATABASE_URL: Postgres does not let us in: {said}", err=True)
        raise typer.Exit(1) from None


def _prepare_store(settings: "Settings") -> None:
    """Without the bucket uploads are refused for now; everything else runs."""
    from triggerfish.domain.errors import TryLater
    from triggerfish.wiring.upkeep import prepare_store

    try:
        prepare_store(settings)
    except TryLater as error:
        typer.echo(f"No bucket for uploads in {settings.s3_endpoint_url}: {error.__cause__}")


def begin(template: Path | None) -> None:
    """Check the settings; functions of another template may do without our database."""
    check_settings(os.environ, needs_database=is_ours(template or default_template()))
    use_sqs_endpoint()


def use_sqs_endpoint() -> None:
    """Lead boto3 to TRIGGERFISH_SQS_ENDPOINT_URL, when that is set."""
    os.environ.update(for_sqs(os.environ, os.environ.get("TRIGGERFISH_SQS_ENDPOINT_URL")))
