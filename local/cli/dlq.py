"""`triggerfish dlq`: messages that were given up after five receives, and what to do with them."""

import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from local.cli import dlq_report
from local.cli.dead_letters import DeadLetters
from local.cli.event_lookup import event_logs
from local.cli.invoke import join_running_platform
from local.cli.paths import default_template
from local.cli.services import Template, use_sqs_endpoint

WIDTH = 140

app = typer.Typer(no_args_is_help=True, help="Dead letters: look at them, send back, delete.")

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


class Queue(StrEnum):
    """Whose dead letters."""

    DELIVERIES = "deliveries"
    IMPORTS = "imports"
    NOTIFICATIONS = "notifications"


From = Annotated[Queue, typer.Option("--queue", help="The queue that gave them up.")]
Limit = Annotated[int, typer.Option(min=1, help="Show this many at most.")]
MessageIds = Annotated[list[str] | None, typer.Argument(help="As `dlq list` shows them.")]


@app.command("list")
def list_letters(
    limit: Limit = 100,
    queue: From = Queue.DELIVERIES,
    as_json: Json = False,
    template: Template = None,
) -> None:
    """List the messages, each with its event, without taking them."""
    with dead_letters(queue, template) as letters:
        found = letters.look(limit=limit)
        total = letters.count()
    logs = event_logs(dlq_report.event_ids(found))
    if as_json:
        _print_json([dlq_report.row(letter, logs) for letter in found])
        return
    _console().print(dlq_report.table(found, logs) if found else "There are no dead letters.")
    if total > len(found):
        _console().print(f"Shown are {len(found)} of about {total}; see --limit.")


@app.command()
def show(
    message_id: str,
    queue: From = Queue.DELIVERIES,
    as_json: Json = False,
    template: Template = None,
) -> None:
    """Show one message whole, and what its event's log says (without the payload)."""
    with dead_letters(queue, template) as letters:
        letter = letters.find(message_id)
    if letter is None:
        _refuse(f"There is no message {message_id} in the dead-letter queue.")
    logs = event_logs(dlq_report.event_ids([letter]))
    view = {"message": dlq_report.message(letter), **dlq_report.event(letter, logs)}
    if as_json:
        _print_json(view)
    else:
        _console().print_json(json.dumps(view, default=_text), indent=2)


@app.command()
def redrive(
    message_ids: MessageIds = None,
    everything: Annotated[bool, typer.Option("--all", help="Send all of them.")] = False,
    queue: From = Queue.DELIVERIES,
    as_json: Json = False,
    template: Template = None,
) -> None:
    """Send messages back to the queue they come from; the next receives are counted from one."""
    if bool(message_ids) == everything:
        raise typer.BadParameter("give either message ids or --all")
    wanted = None if everything else set(message_ids or [])
    with dead_letters(queue, template) as letters:
        sent = letters.redrive(wanted)
    missing = sorted((wanted or set()) - set(sent))
    if as_json:
        _print_json({"redriven": sent, "missing": missing})
    else:
        _console().print(f"Sent {len(sent)} back.")
    if missing:
        _refuse("Not in the dead-letter queue: " + ", ".join(missing))


@app.command()
def purge(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    queue: From = Queue.DELIVERIES,
    as_json: Json = False,
    template: Template = None,
) -> None:
    """Delete all messages. An event that one of them was about stays and is delivered or final."""
    with dead_letters(queue, template) as letters:
        count = letters.count()
        if not yes:
            typer.confirm(f"Delete about {count} dead letters for good?", abort=True, err=as_json)
        letters.purge()
    if as_json:
        _print_json({"purged": count})
    else:
        _console().print(f"Deleted {count}.")


@contextmanager
def dead_letters(queue: Queue, template: Template) -> Iterator[DeadLetters]:
    """Those of the platform in the state directory, unless the environment names other queues.

    A queue that does not answer, or refuses, ends the command with the reason and exit code 1.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from local.runtime.environment import prepare_process

    join_running_platform(
        "TRIGGERFISH_SQS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_SQS",
        f"TRIGGERFISH_{queue.upper()}_DLQ_URL",
    )
    use_sqs_endpoint()
    prepare_process(template or default_template())
    try:
        with closing(boto3.client("sqs")) as client:
            yield DeadLetters(
                client,
                url=os.environ[f"TRIGGERFISH_{queue.upper()}_DLQ_URL"],
                source_url=os.environ[f"TRIGGERFISH_{queue.upper()}_QUEUE_URL"],
                are_deliveries=queue is Queue.DELIVERIES,
            )
    except (BotoCoreError, ClientError) as error:
        _refuse(f"The queue: {error}")


def _refuse(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(1)


def _console() -> Console:
    """Wide enough for a line with two ids: cut in two they cannot be copied."""
    return Console(highlight=False, soft_wrap=True, width=max(Console().width, WIDTH))


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
