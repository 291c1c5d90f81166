"""Run a command against a real ElasticMQ server: `python tests/elasticmq/run.py [command ...]`.

Fetches the server's jars with Maven, starts it on a free loopback port with infra/elasticmq.conf,
sets ELASTICMQ_URL and the status of the command as its own. Without a command it runs the SQS
conformance suite, the dead letters' tests and those end-to-end tests that are about the queue;
`make test` runs all of them on the embedded broker. With --fetch it only fetches the jars.
"""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".cache" / "elasticmq"
START_SECONDS = 60
PACKAGES = {"java": "default-jre-headless", "mvn": "maven"}
TESTS = [
    "-m",
    "pytest",
    *("-n", "3", "--dist", "loadfile"),
    "-m",
    "elasticmq or queue",
    "tests/contract/sqs",
    "tests/e2e",
]


def main() -> int:
    require_tools()
    if sys.argv[1:] == ["--fetch"]:
        fetch_jars()
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped too
    command = sys.argv[1:] or [sys.executable, *TESTS]
    with elasticmq(fetch_jars()) as url:
        environment = {**os.environ, "ELASTICMQ_URL": url}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def require_tools() -> None:
    missing = [package for tool, package in PACKAGES.items() if shutil.which(tool) is None]
    if missing:
        sys.exit(
            "ElasticMQ needs Java and Maven. Install the Debian packages: " + " ".join(missing)
        )


def fetch_jars() -> Path:
    """The folder of the jars; one per pom.xml, so a new version is fetched and an old one is not used."""
    pom = HERE / "pom.xml"
    jars = CACHE / hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    if not jars.exists():
        partial = jars.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
        subprocess.run(["mvn", "-q", "-B", "-f", str(pom), *goal], check=True)
        partial.rename(jars)
    return jars


@contextmanager
def elasticmq(jars: Path) -> Iterator[str]:
    """A server on a free loopback port; its log goes to .cache/elasticmq/server.log."""
    port = free_port()
    options = {
        "config.file": ROOT / "infra" / "elasticmq.conf",
        "rest-sqs.bind-hostname": "127.0.0.1",
        "rest-sqs.bind-port": port,
        "node-address.port": port,
    }
    command = ["java", "-Xmx256m", "-XX:+UseSerialGC"]
    command += [f"-D{name}={value}" for name, value in options.items()]
    command += ["-cp", f"{jars}/*", "org.elasticmq.server.Main"]
    with (CACHE / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield wait_until_healthy(f"http://127.0.0.1:{port}", server)
    finally:
        stop(server)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, server: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/health", timeout=2).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
        else:
            return url
    sys.exit("ElasticMQ did not start:\n" + (CACHE / "server.log").read_text())


def stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
