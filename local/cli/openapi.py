"""`triggerfish openapi`: renew the checked-in API document from the functions' routes."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from local.cli.paths import PROJECT, default_template

DOCUMENTED = Path("docs", "openapi.json")
SERVED = Path("layers", "common", "triggerfish", "edge", "openapi", "files", "openapi.json")


def openapi(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if stale.")] = False,
) -> None:
    """Write docs/openapi.json, and the copy that /openapi.json serves."""
    texts = rendered()
    stale = [path for path, text in texts.items() if _read(PROJECT / path) != text]
    if check and stale:
        typer.echo(f"Out of date: {', '.join(map(str, stale))}. Run: make openapi", err=True)
        raise typer.Exit(1)
    for path in stale:
        (PROJECT / path).write_text(texts[path], encoding="utf-8")
        typer.echo(f"Wrote {path}")


def rendered() -> dict[Path, str]:
    """The document as it should be checked in: to read, and to serve."""
    document = asyncio.run(_document())
    return {
        DOCUMENTED: json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        SERVED: json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n",
    }


async def _document() -> dict[str, Any]:
    """Apps for Lambda are made on an event loop."""
    from local.runtime.loader import load_handler
    from local.runtime.template import load
    from triggerfish.edge.openapi.document import merged

    template = load(default_template(), sqs_endpoint="http://127.0.0.1:1", environ={})
    functions = [function for function in template.functions.values() if function.routes]
    return merged(load_handler(function).app for function in functions)  # type: ignore[attr-defined]


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
