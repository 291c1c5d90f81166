"""`python -m local.cli`: the command where it is not on the PATH."""

from local.cli.main import app

app(prog_name="triggerfish")
