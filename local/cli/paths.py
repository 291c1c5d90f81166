"""Where the project's own files are, from wherever the command is run."""

from pathlib import Path

import local

PROJECT = Path(local.__file__).parents[1]


def default_template() -> Path:
    """`infra/template.yaml` under the current directory, else the project's own."""
    here = Path("infra", "template.yaml")
    return here.absolute() if here.exists() else PROJECT / here
