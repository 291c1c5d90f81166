"""A Docker engine of one's own for the compose smoke test, where the machine runs none."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STATE = Path(tempfile.gettempdir(), "triggerfish-compose-engine")
"""Images and layers, about 1 GB, kept from run to run; delete it while no engine runs."""
START_SECONDS, STOP_SECONDS = 60, 30
PACKAGES = {"dockerd": "docker.io", "iptables": "iptables", "mmdebstrap": "mmdebstrap"}


class NoEngineError(Exception):
    """There is none, and none can be started here; says why."""


def is_running() -> bool:
    """Whether an engine answers where DOCKER_HOST, or Docker's default, leads."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0


@contextmanager
def own_engine() -> Iterator[dict[str, str]]:
    """Start `dockerd`; gives the variables that lead clients to it. Raises NoEngineError.

    The machine's packet filter, which the engine changes, is put back when the block ends.
    """
    _install()
    STATE.mkdir(parents=True, exist_ok=True)
    host = f"unix://{STATE}/docker.sock"
    environment = {"DOCKER_HOST": host, "DOCKER_BUILDKIT": "0"}
    rules = subprocess.run(["iptables-save"], check=False, capture_output=True).stdout
    command = ["dockerd", "--host", host, "--pidfile", str(STATE / "docker.pid")]
    command += ["--data-root", str(STATE / "data"), "--exec-root", str(STATE / "exec")]
    (STATE / "docker.pid").unlink(missing_ok=True)
    with (STATE / "dockerd.log").open("wb") as log:
        engine = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_it_answers(engine, environment)
        yield environment
    finally:
        _stop(engine)
        subprocess.run(["ip", "link", "delete", "docker0"], check=False, capture_output=True)
        subprocess.run(["iptables-restore"], input=rules, check=False, capture_output=True)


def _install() -> None:
    missing = [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    if sys.platform != "linux" or os.geteuid() != 0:
        raise NoEngineError("Docker does not run, and only root on Linux can start an engine here")
    if missing and shutil.which("apt-get") is None:
        raise NoEngineError(
            "Docker does not run; to start an engine here, install: " + " ".join(missing)
        )
    if missing:
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(
                ["apt-get", "-qq", *command], env=environment, check=False, capture_output=True
            )
            if done.returncode:
                raise NoEngineError(f"apt-get {command[0]} failed: {done.stderr.decode()[-300:]}")


def _wait_until_it_answers(engine: "subprocess.Popen[bytes]", environment: dict[str, str]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and engine.poll() is None:
        command = ["docker", "info"]
        environ = os.environ | environment
        if not subprocess.run(command, env=environ, check=False, capture_output=True).returncode:
            return
        time.sleep(0.5)
    log = (STATE / "dockerd.log").read_text(errors="replace")
    raise NoEngineError("dockerd did not start:\n" + log[-1000:])


def _stop(engine: "subprocess.Popen[bytes]") -> None:
    engine.terminate()
    try:
        engine.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        engine.kill()
        engine.wait()
