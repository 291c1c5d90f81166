"""A place for the embedded Postgres."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may enter, unlike pytest's."""
    path = Path(tempfile.mkdtemp(prefix="tf-pg-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
