"""An earlier version of the project beside ours: its tree, with an environment of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.platform import ROOT

TREES = ROOT / ".cache" / "bench"


@dataclass(frozen=True)
class Tree:
    """A version that can be started: where it lies, and the interpreter that has its packages."""

    name: str
    root: Path
    python: str


OURS = Tree("now", ROOT, sys.executable)


def newest_tag() -> str | None:
    tags = _git("tag", "--sort=-creatordate").split()
    return tags[0] if tags else None


def earlier(revision: str) -> Tree:
    """The tree of a tag or commit, made and installed unless it is there from a run before."""
    commit = _git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()
    root = TREES / commit
    if not root.exists():
        _git("worktree", "prune")
        _git("worktree", "add", "--detach", str(root), commit)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run(
        ["make", "-s", f"PYTHON={sys.executable}", ".venv/.installed-runtime"],
        cwd=root,
        env=environment,
        check=True,
        stdout=sys.stderr,
    )
    return Tree(revision, root, str(root / ".venv" / "bin" / "python"))


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
