"""Where each peer is installed: an environment of its own below .cache/league, never ours."""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "league"
WORKERS = Path(__file__).parent / "workers"
STAMP = "installed.json"


class NotInstalled(Exception):
    """A peer cannot be had on this machine; the text says why."""


def python(name: str, requirements: Sequence[str]) -> None:
    """A virtual environment with these packages; made once."""
    folder = CACHE / name
    if _is_done(folder, requirements):
        return
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "install", *requirements])
    _mark_done(folder, requirements)


def npm(name: str, *packages: str) -> None:
    """A folder of packages from npm; made once."""
    folder = CACHE / name
    if _is_done(folder, packages):
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), *packages])
    _mark_done(folder, packages)


def go(name: str) -> None:
    """The program in workers/NAME, built from the versions in its go.mod."""
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    own = {"GOFLAGS": "-modcacherw -mod=readonly", "GOMODCACHE": str(CACHE / "go" / "modules")}
    own["GOCACHE"] = str(CACHE / "go" / "build")
    _run(["go", "build", "-o", str(folder / name), "."], cwd=WORKERS / name, environment=own)


def program(name: str, file: str) -> str:
    """A program of an environment."""
    return str(CACHE / name / "bin" / file)


def version(name: str, package: str) -> str:
    """The version of a package in a peer's environment."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    return output([program(name, "python"), "-c", code])


def output(command: Sequence[str]) -> str:
    """What a short command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _is_done(folder: Path, wanted: Sequence[str]) -> bool:
    stamp = folder / STAMP
    return stamp.exists() and json.loads(stamp.read_text()) == _stamp(wanted)


def _mark_done(folder: Path, wanted: Sequence[str]) -> None:
    (folder / STAMP).write_text(json.dumps(_stamp(wanted)))


def _stamp(wanted: Sequence[str]) -> list[str]:
    return [sys.version, *wanted]


def _run(
    command: list[str], *, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    try:
        subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
    except FileNotFoundError:
        raise NotInstalled(f"`{command[0]}` is not on this machine") from None
    except subprocess.CalledProcessError as error:
        said = str(error.stdout).strip().splitlines()[-3:]
        raise NotInstalled(f"`{' '.join(command[:4])}` failed: {' / '.join(said)}") from None
