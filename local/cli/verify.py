"""`triggerfish verify`: judge the invariants on a live platform; name what breaks one."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from local.cli.invoke import join_running_platform
from local.cli.paths import default_template
from local.cli.services import Template, use_sqs_endpoint
from local.cli.settings import DATABASE, read_settings

if TYPE_CHECKING:
    from triggerfish.adapters.db.invariants import QueueReading, Reading, Verdict
    from triggerfish.settings import Settings

BROKEN, NOT_JUDGED = 1, 3
"""Exit codes; 2 is a wrong use of the command."""
LETTERS = 1_000
CALM_SECONDS = 10.0
"""For so long a message may wait though every event is final: a worker is about to drop it."""


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    template: Template = None,
) -> None:
    """Judge every invariant on the live database and its queue.

    Looks at the platform that runs in the state directory, unless the environment names another
    database and queue. Writes nothing, and sees one snapshot, so it can run beside any load. Exits
    with 1 if a rule is broken, with 3 if the database does not answer.
    """
    from local.runtime.environment import prepare_process
    from triggerfish.domain.errors import TryLater

    join_running_platform(DATABASE)
    use_sqs_endpoint()
    prepare_process(template or default_template())
    settings = read_settings()
    try:
        verdicts = calmly(lambda: judge(settings))
    except TryLater as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(NOT_JUDGED) from None
    if as_json:
        typer.echo(json.dumps(as_dict(verdicts), indent=2, default=str))
    else:
        show(verdicts, Console(highlight=False, soft_wrap=True))
    if any(verdict.broken for verdict in verdicts):
        raise typer.Exit(BROKEN)


def judge(settings: "Settings") -> "list[Verdict]":
    """Every verdict as of now; those about the queue are missing when it does not answer."""
    from triggerfish.adapters.db.invariants import check_invariants

    queue = read_queue(settings)
    return check_invariants(settings.database_url, reading(settings, datetime.now(UTC), queue))


def reading(settings: "Settings", now: datetime, queue: "QueueReading | None") -> "Reading":
    """What must be done by now: with the patience after which health calls a function down."""
    from triggerfish.adapters.db.invariants import Reading

    return Reading(
        now,
        settings.retention,
        ticked_at=now - timedelta(seconds=10 * settings.tick_seconds + 5),
        retained_at=now - timedelta(seconds=5 * settings.retention_seconds + 30),
        queue=queue,
    )


def read_queue(settings: "Settings") -> "QueueReading | None":
    """What waits, and which events the dead letters are about; None when the queue is away."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from local.cli.dead_letters import DeadLetters
    from triggerfish.adapters.db.invariants import QueueReading

    if not settings.deliveries_queue_url:
        return None
    source, dead = settings.deliveries_queue_url, settings.deliveries_dlq_url
    try:
        with closing(boto3.client("sqs")) as client:
            answer = client.get_queue_attributes(QueueUrl=source, AttributeNames=["All"])
            letters = DeadLetters(client, url=dead, source_url=source).look(limit=LETTERS)
    except (BotoCoreError, ClientError):
        return None
    waiting = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    return QueueReading(waiting, tuple(job_ids(letters)))


def job_ids(letters: Sequence[Any]) -> list[Any]:
    """The events that dead letters are jobs of; poison is none."""
    from triggerfish.domain.errors import InvalidInput

    found = []
    for letter in letters:
        try:
            found += [ref.event_id for ref in letter.events()]
        except InvalidInput:
            continue
    return found


def calmly(judge_now: "Callable[[], list[Verdict]]") -> "list[Verdict]":
    """Judge again for a while if all that is wrong is a queue about to run empty."""
    give_up_at = time.monotonic() + CALM_SECONDS
    while True:
        verdicts = judge_now()
        broken = {verdict.rule.invariant for verdict in verdicts if verdict.broken}
        if broken != {"I12"} or time.monotonic() > give_up_at:
            return verdicts
        time.sleep(0.5)


def as_dict(verdicts: "Sequence[Verdict]") -> dict[str, Any]:
    return {
        "ok": not any(verdict.broken for verdict in verdicts),
        "rules": [
            {
                "invariant": verdict.rule.invariant,
                "says": verdict.rule.says,
                "broken": verdict.broken,
                "examples": [dict(example) for example in verdict.examples],
            }
            for verdict in verdicts
        ],
    }


def show(verdicts: "Sequence[Verdict]", console: Console) -> None:
    table = Table(box=SIMPLE_HEAD)
    for heading in ("", "rule", "broken"):
        table.add_column(heading, justify="right" if heading == "broken" else "left")
    for verdict in verdicts:
        style = "red" if verdict.broken else None
        table.add_row(
            verdict.rule.invariant, verdict.rule.says, str(verdict.broken or "-"), style=style
        )
    console.print(table)
    for verdict in verdicts:
        if verdict.broken:
            console.print(f"{verdict.rule.invariant}: {verdict.rule.says}. Broken by:")
        for example in verdict.examples:
            console.print("  " + " ".join(f"{name}={value}" for name, value in example.items()))
    if not any(verdict.broken for verdict in verdicts):
        console.print(f"{len(verdicts)} rules hold.")
    if all(verdict.rule.invariant != "I12" for verdict in verdicts):
        console.print("The queue did not answer: I12 was not judged.")
