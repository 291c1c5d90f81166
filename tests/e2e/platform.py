"""A whole platform of real processes, as `triggerfish up` makes it, driven from outside over HTTP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import boto3
import httpx
import psutil

from local.cli.host import free_port
from tests.e2e import template
from tests.e2e.api import Api
from tests.e2e.waiting import until

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 45.0
NOBODY = 65534


def _own_code(root: Path) -> str:
    return os.pathsep.join((str(root), str(root / "layers" / "common")))


PYTHONPATH = os.pathsep.join(
    [_own_code(ROOT), *(path for path in sys.path if "site-packages" in path)]
)
"""This checkout, and what is installed for it, for whichever interpreter."""
ELASTICMQ_URL = os.environ.get("ELASTICMQ_URL", "")
"""A real queue service to use instead of the embedded broker (tests/elasticmq/run.py)."""


class Platform(Api):
    """One platform in `folder`. `settings` are TRIGGERFISH_* variables without their prefix.

    A second object over the same folder finds the first one's data. With an ElasticMQ given, every
    folder has queues of its own there, so platforms neither share nor inherit messages.
    """

    running: ClassVar[list["Platform"]] = []
    """Those that are up now; their logs are worth reading when a test fails."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        visibility_seconds: int | None = None,
        user: int | None = None,
        python: str = sys.executable,
        root: Path = ROOT,
    ) -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        self.port = free_port()
        super().__init__(f"http://127.0.0.1:{self.port}")
        self._user = user
        self.python = python
        self.root = root
        self._settings = dict(settings or {})
        self._output = folder / "up.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.template = template.DEFAULT
        self._queues = f"{folder.name}-deliveries" if ELASTICMQ_URL else template.QUEUE
        if ELASTICMQ_URL or visibility_seconds:
            self.template = template.write(
                folder, queues=self._queues, visibility=visibility_seconds
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; an error takes the end of every log with it."""
        if error:
            for name, tail in self.log_tails():
                error.add_note(f"--- end of {name}.log\n{tail}")
        self.close()

    def start(self) -> float:
        """Start and wait until it says that it is up; the seconds that took."""
        began = time.monotonic()
        said_before = self._said().count("is up after")
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                self.command("up", "--end-with-parent"),  # as `make up` does it
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
                start_new_session=True,
            )
        self.running.append(self)
        process = self._process
        until(
            lambda: self._said().count("is up after") > said_before or process.poll() is not None,
            START_SECONDS,
            what="the platform to be up",
        )
        assert process.poll() is None, f"the platform did not start:\n{self._said()}"
        self.use_key(self.api_key)
        return time.monotonic() - began

    def stop(self, number: int = signal.SIGINT) -> None:
        """Ask the platform to stop, as Ctrl-C does, and wait until it has."""
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(STOP_SECONDS)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None
            self.running.remove(self)

    def close(self) -> None:
        self.stop()
        self.hang_up()
        if "sqs" in self.__dict__:
            self.sqs.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def note(self) -> dict[str, Any]:
        """What platform.json says now."""
        return dict(json.loads((self.state_dir / "platform.json").read_text()))

    @property
    def api_key(self) -> str:
        return (self.state_dir / "api-key").read_text().strip()

    @property
    def database_url(self) -> str:
        return str(self.note["database_url"])

    @property
    def sqs_endpoint_url(self) -> str:
        return str(self.note["sqs_endpoint_url"])

    def command(self, *arguments: str) -> list[str]:
        """A `triggerfish` command line; commands that read the template get this platform's."""
        given = ["--template", str(self.template)] if self.template != template.DEFAULT else []
        wants = arguments[0] in ("up", "scheduler", "worker", "gateway", "invoke", "dlq")
        return [self.python, "-m", "local.cli", *arguments, *(given if wants else [])]

    def environment(self) -> dict[str, str]:
        """For commands in this platform's name: nothing of the caller's own Triggerfish."""
        foreign = ("TRIGGERFISH_", "AWS_", "RUNTIME_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        settings = {f"TRIGGERFISH_{name}": value for name, value in self._settings.items()}
        if ELASTICMQ_URL:
            settings["TRIGGERFISH_SQS_ENDPOINT_URL"] = ELASTICMQ_URL
        return {
            **own,
            "PYTHONPATH": PYTHONPATH if self.root == ROOT else _own_code(self.root),
            "TRIGGERFISH_STATE_DIR": str(self.state_dir),
            "TRIGGERFISH_PORT": str(self.port),
            **settings,
        }

    def service_environment(self) -> dict[str, str]:
        """For one more service beside the platform's own."""
        return {
            **self.environment(),
            **self.note["environment"],
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        }

    def answers(self) -> bool:
        """Whether the API takes requests."""
        try:
            return self.request("GET", "/health/ready").is_success
        except httpx.TransportError:
            return False

    def processes(self) -> list[psutil.Process]:
        """Every process of the platform, the supervisor's guards included."""
        parent = psutil.Process(self.pid)
        return [parent, *parent.children(recursive=True)]

    def kill(self, service: str) -> int:
        """SIGKILL one service, with what it started, by process id; the id that is gone now."""
        pid = int(self.note["services"][service])
        victim = psutil.Process(pid)
        for process in (victim, *victim.children(recursive=True)):
            process.kill()
        return pid

    def is_restarted(self, service: str, killed: int) -> bool:
        return self.note["services"].get(service) not in (None, killed)

    @contextmanager
    def without_queue(self) -> Iterator[None]:
        """Lose every message, and have no queue while the block lasts.

        The broker, which keeps messages in memory, is killed, and the supervisor frozen, so that
        it starts no other. A real queue is only purged.
        """
        if "broker" not in self.note["services"]:
            self.sqs.purge_queue(QueueUrl=self.queue_url())
            yield
            return
        os.kill(self.pid, signal.SIGSTOP)
        try:
            self.kill("broker")
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    @cached_property
    def sqs(self) -> "SQSClient":
        return boto3.client(
            "sqs",
            endpoint_url=self.sqs_endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def queue_url(self, suffix: str = "") -> str:
        """The queue of deliveries; with suffix "-dlq" its dead-letter queue."""
        return self.sqs.get_queue_url(QueueName=self._queues + suffix)["QueueUrl"]

    def notifications_url(self) -> str:
        """The queue of the catalogue's notifications."""
        return self.sqs.get_queue_url(QueueName=template.notifications(self._queues))["QueueUrl"]

    def kill_parent(self) -> None:
        """SIGKILL the parent alone, as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None
        self.running.remove(self)

    def log_tails(self, characters: int = 4000) -> Iterator[tuple[str, str]]:
        yield "up", self._said()[-characters:]
        for path in sorted((self.state_dir / "logs").glob("*.log")):
            yield path.stem, path.read_text(errors="replace")[-characters:]

    def _said(self) -> str:
        return self._output.read_text() if self._output.exists() else ""


@contextmanager
def folder() -> Iterator[Path]:
    """A directory that every user may enter (unlike pytest's), since Postgres may run as another."""
    path = Path(tempfile.mkdtemp(prefix="tf-e2e-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def platform(settings: Mapping[str, str] | None = None, **options: Any) -> Iterator[Platform]:
    """A platform of one's own while the block lasts."""
    with folder() as path, Platform(path, settings, **options) as one:
        one.start()
        yield one


def gone(processes: Iterable[psutil.Process]) -> bool:
    """Whether none of these runs any more."""
    return not any(
        process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes
    )
