"""`triggerfish issue-key`: the operator's way back into a project, past all of its keys."""

import asyncio
from typing import Annotated

import typer

from local.cli.invoke import join_running_platform


def issue_key(
    project: Annotated[str, typer.Argument(help="Its name; the first one is `default`.")],
    name: Annotated[str, typer.Option(help="What the key is called in lists.")] = "operator",
    scope: Annotated[
        list[str] | None,
        typer.Option(help="One it may use (repeatable); without, a project's all."),
    ] = None,
    expires_in: Annotated[str, typer.Option(help='How long it is valid, e.g. "90d".')] = "",
) -> None:
    """Make an API key for a project and print it, whatever keys the project has left.

    Uses the database of the platform that runs in the state directory, unless the environment names
    another: who reaches the database needs no key.
    """
    from triggerfish.domain.access import PROJECT_SCOPES
    from triggerfish.domain.errors import InvalidInput, TriggerfishError
    from triggerfish.settings import Settings
    from triggerfish.wiring.upkeep import issue_key_for

    join_running_platform()
    wanted: dict[str, object] = {"name": name, "scopes": scope or list(PROJECT_SCOPES)}
    if expires_in:
        wanted["expires_in"] = expires_in
    try:
        key = asyncio.run(issue_key_for(Settings(), project, wanted))
    except TriggerfishError as error:
        details = error.details if isinstance(error, InvalidInput) else ()
        lines = [error.message, *(f"{one.field} {one.message}" for one in details)]
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(2) from None
    typer.echo(key)
