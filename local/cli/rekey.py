"""`triggerfish rekey`: encrypt stored secrets under the first key of the ring, while it runs."""

import asyncio

import typer

from local.cli.invoke import join_running_platform
from local.cli.settings import DATABASE, read_settings


def rekey() -> None:
    """Encrypt every stored secret anew, under the first key of TRIGGERFISH_ENCRYPTION_KEYS.

    Every process must know that key already. Afterwards the other keys can be taken off the ring.
    """
    from triggerfish.wiring.upkeep import rekey

    join_running_platform(DATABASE)
    settings = read_settings()
    first = settings.key_ring.first
    if first is None:
        typer.echo("TRIGGERFISH_ENCRYPTION_KEYS is not set; see docs/security.md.", err=True)
        raise typer.Exit(1)
    changed = asyncio.run(rekey(settings))
    typer.echo(f"Encrypted {changed} secrets under the key {first}; the others were already.")
