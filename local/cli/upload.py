"""`triggerfish upload`: send a log file to the platform and follow its import to the end."""

import io
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from local.cli.client import ApiError, Client, connect

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A .jsonl file.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show its import until the end.")]
Url = Annotated[str, typer.Option(help="The platform's URL, if it does not run here.")]
ApiKey = Annotated[str, typer.Option(envvar="TRIGGERFISH_BOOTSTRAP_API_KEY", show_default=False)]

SHOWN_ERRORS = 5
ASK_AGAIN_SECONDS = 1.0
FINAL = ("completed", "failed")


def upload(file: File, follow: Follow = False, url: Url = "", api_key: ApiKey = "") -> None:
    """Upload a log file; with --follow, show how its lines are read.

    Ends with exit code 1 when the file is refused or its import fails.
    """
    console = Console(highlight=False, soft_wrap=True)
    try:
        with closing(connect(url, api_key)) as client:
            job_id = _send(client, file, console)
            fine = _follow(client, job_id, console) if follow else True
    except ApiError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if fine else 1)


class CountedFile(io.BufferedReader):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, on_read: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path))
        self._on_read = on_read

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._on_read(len(data))
        return data


def _send(client: Client, file: Path, console: Console) -> str:
    """Upload the file with a bar of its bytes; the id of its job."""
    columns = (
        TextColumn("uploading "),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=file.stat().st_size)
        with CountedFile(file, lambda count: bar.advance(task, count)) as content:
            job_id = client.upload(file.name, content)
    console.print(f"Job {job_id}")
    return job_id


def _follow(client: Client, job_id: str, console: Console) -> bool:
    """Show a bar of the job's lines until it has ended; whether it went well."""
    columns = (
        TextColumn("processing"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[lines]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    job: dict[str, Any] = {}
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=100, lines="")
        while job.get("status") not in FINAL:
            if job:  # the stream broke off, or tells one state at a time
                time.sleep(ASK_AGAIN_SECONDS)
            for job in client.job_states(job_id):
                elapsed = bar.tasks[0].elapsed or 0
                bar.update(task, completed=job["percent"], lines=counts(job, elapsed))
    reason = f". {job['error']}" if job["error"] else ""
    console.print(f"{job['status']}: {counts(job)}{reason}", markup=False)
    for error in client.job_errors(job_id, SHOWN_ERRORS) if job["lines"]["rejected"] else []:
        console.print(f"  line {error['line']}: {error['reason']}", markup=False)
    return bool(job["status"] == "completed")


def counts(job: dict[str, Any], seconds: float = 0) -> str:
    """`98,979 accepted, 1,021 rejected`, and the lines a second."""
    lines = job["lines"]
    text = f"{lines['accepted']:,} accepted, {lines['rejected']:,} rejected"
    return f"{text}, {lines['total'] / seconds:,.0f} lines/s" if seconds else text
