"""`triggerfish up`: the whole platform on this machine, until Ctrl-C."""

import os
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from local.cli import state
from local.cli.environment import FIRST_KEY
from local.cli.host import LOOPBACK, EmbeddedHost, Options, ensure_port_is_free, free_port
from local.cli.paths import default_template
from local.cli.refusal import refuse
from local.cli.services import Template
from local.cli.settings import check_settings
from local.services.errors import CannotBegin, ServiceError
from local.services.supervisor import Supervisor

Port = Annotated[int, typer.Option(envvar="TRIGGERFISH_PORT", min=0, max=65535, help="Of the API.")]
Host = Annotated[str, typer.Option(envvar="TRIGGERFISH_HOST", help="Address to listen on.")]
Workers = Annotated[int, typer.Option(min=1, help="Worker processes, which deliver events.")]
Processes = Annotated[int, typer.Option(min=1, help="Gateway processes, which answer requests.")]
InvokePort = Annotated[
    int | None,
    typer.Option(
        envvar="TRIGGERFISH_INVOKE_PORT", help="Of Lambda's Invoke API; unset any, 0 none."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every log line.")]
WithParent = Annotated[bool, typer.Option("--end-with-parent", help="Stop when our parent ends.")]

STYLES = ("cyan", "magenta", "green", "blue", "yellow", "bright_black")


def up(
    port: Port = 8080,
    host: Host = "127.0.0.1",
    workers: Workers = 1,
    processes: Processes = 1,
    invoke_port: InvokePort = None,
    template: Template = None,
    verbose: Verbose = False,
    end_with_parent: WithParent = False,
) -> None:
    """Start Postgres, the queue, the API, the scheduler and a worker; stop them on Ctrl-C.

    Data, logs and the API key are kept in TRIGGERFISH_STATE_DIR (default .triggerfish).
    TRIGGERFISH_DATABASE_URL and TRIGGERFISH_SQS_ENDPOINT_URL replace what is embedded.
    """
    began = time.monotonic()
    console = Console(highlight=False, soft_wrap=True)
    where = state.find()
    check_settings(os.environ, needs_database=False)
    path = (template or default_template()).absolute()
    invoke = free_port() if invoke_port is None else invoke_port
    options = Options(host, port, workers, processes, path, invoke)
    try:
        with where.held():
            ensure_port_is_free(host, port)
            if invoke:
                ensure_port_is_free(LOOPBACK, invoke, "--invoke-port")
            console.print(f"Starting Triggerfish in {where.path} …", style="bright_black")
            supervisor = Supervisor(
                lambda name, text: _say(console, name, text),
                verbose=verbose,
                parent=os.getppid() if end_with_parent else None,
            )
            embedded = EmbeddedHost(options, where, os.environ, supervisor)
            embedded.run(lambda: _greet(console, embedded, time.monotonic() - began))
    except CannotBegin as error:
        refuse(str(error))
    except ServiceError as error:
        console.print(Text(str(error), style="red"))
        raise typer.Exit(1) from None
    console.print("Stopped.", style="bright_black")


def _say(console: Console, name: str, text: str) -> None:
    style = STYLES[sum(name.encode()) % len(STYLES)]
    console.print(Text.assemble((f"{name:>10} │ ", style), text))


def _greet(console: Console, host: EmbeddedHost, seconds: float) -> None:
    given = bool(os.environ.get(FIRST_KEY))
    shown = f"as in {FIRST_KEY}" if given else host.api_key
    kept = os.path.relpath(host.state.api_key_file)
    console.print(f"\n[bold green]Triggerfish is up[/] after {seconds:.1f} s")
    console.print(f"  URL      {host.url}   (API: {host.url}/docs)")
    console.print(f"  API key  {shown}   (kept in {kept})")
    if host.invoke_url:
        secret = os.path.relpath(host.state.invoke_secret_file)
        console.print(f"  Invoke   {host.invoke_url}   (secret kept in {secret})")
    console.print(f"  Logs     {os.path.relpath(host.state.path / 'logs')}\n")
    console.print("Next, in another terminal:")
    console.print("  make demo")
    console.print(
        f'  curl -s {host.url}/api/v1/triggers -H "Authorization: Bearer $(cat {kept})"\n',
        markup=False,
    )
