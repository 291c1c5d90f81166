"""How a command says that it was used wrongly: one sentence, before it has begun anything."""

from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

USED_WRONGLY = 2


def refuse(sentence: str) -> NoReturn:
    """Name the option, the variable or the file to change, and end with exit code 2."""
    typer.echo(sentence, err=True)
    raise typer.Exit(USED_WRONGLY)


class Commands(TyperGroup):
    """Commands whose wrong options are named in one sentence, by option and variable."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as wrong:
            refuse(_sentence(wrong))


def _sentence(wrong: typer.BadParameter) -> str:
    if wrong.param is None or not wrong.message:
        return wrong.format_message()
    names = [*wrong.param.opts[:1], *([wrong.param.envvar] if wrong.param.envvar else [])]
    problem = wrong.message.replace("Input should be", "must be").partition(", unable to")[0]
    return f"{' or '.join(map(str, names))}: {problem.removesuffix('.')}."
