"""Where the project's own files are, from wherever the command is run."""

from pathlib import Path

import local

PROJECT = Path(local.__file__).parents[1]


def default_template() -> Path:
    """`infra/template.yaml` under the current directory, else the project's own."""
    here = Path("infra", "template.yaml")
    return here.absolute() if here.exists() else PROJECT / here


def is_ours(template: Path) -> bool:
    """Whether it is the project's own template, whose functions have the project's settings."""
    return template.resolve() == (PROJECT / "infra" / "template.yaml").resolve()
