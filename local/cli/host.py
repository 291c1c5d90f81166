"""The embedded host: which services make a platform on one machine, in which order they start."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from errno import EACCES, EADDRINUSE
from pathlib import Path
from types import MappingProxyType

from local.cli import probes
from local.cli.environment import FIRST_KEY, for_children, worth_sharing
from local.cli.preload import preload
from local.cli.state import Platform, StateDir
from local.runtime.watchdog import PULSE_FILE
from local.services import logs
from local.services.errors import CannotBegin
from local.services.forked import forked
from local.services.postgres import Postgres
from local.services.service import Process, Service, program
from local.services.supervisor import Supervisor

DATABASE = "triggerfish"
LOOPBACK = "127.0.0.1"
NOTHING: Mapping[str, str] = MappingProxyType({})
POSTGRES_TIER, BROKER_TIER, FUNCTION_TIER = range(3)
"""Stopped from the highest: first what takes and makes events, then what keeps them."""

# Not the worker's own state: after downtime it is down until old work is done.
READY_WHEN_UP = {
    "gateway": ("database",),
    "scheduler": ("scheduler", "retention"),
    "worker": ("queue",),
}
"""By which components of `/health` a service shows that it works; the worker makes the queues."""


@dataclass(frozen=True)
class Options:
    """How large a platform to run, and where."""

    host: str
    port: int
    workers: int
    processes: int
    template: Path
    invoke_port: int = 0


class EmbeddedHost:
    """One platform in one held state directory: `run` starts it, and returns when it stopped."""

    def __init__(
        self, options: Options, state: StateDir, environ: Mapping[str, str], supervisor: Supervisor
    ) -> None:
        self.options = options
        self.state = state
        self.url = f"http://localhost:{options.port}"
        self.invoke_url = f"http://{LOOPBACK}:{options.invoke_port}" if options.invoke_port else ""
        self.supervisor = supervisor
        given_database = environ.get("TRIGGERFISH_DATABASE_URL")
        given_sqs = environ.get("TRIGGERFISH_SQS_ENDPOINT_URL")
        own = Postgres(state.postgres, log_file=state.log("postgres"))
        self.postgres = None if given_database else own
        self.broker_port = None if given_sqs else free_port()
        self.api_key = state.ensure_api_key(environ.get(FIRST_KEY))
        self.environment = for_children(
            environ,
            state_dir=state.path,
            host=options.host,
            port=options.port,
            database_url=given_database or own.url(DATABASE),
            sqs_endpoint_url=given_sqs or f"http://{LOOPBACK}:{self.broker_port}",
            encryption_keys_file=None
            if environ.get("TRIGGERFISH_ENCRYPTION_KEYS")
            else state.ensure_encryption_keys(),
        )

    def run(self, greet: Callable[[], None]) -> None:
        """Start everything, call `greet`, keep it running until a signal, stop everything.

        Raises a `ServiceError` when something does not start.
        """
        if self.options.invoke_port:
            self.state.ensure_invoke_secret(os.environ.get("TRIGGERFISH_INVOKE_SECRET"))
        self.supervisor.stop_on_signals()
        self.supervisor.changed = self._announce
        try:
            if self._start():
                greet()
                self.supervisor.watch()
        finally:
            self.supervisor.stop()
            if self.postgres:
                self.postgres.stop()

    def _start(self) -> bool:
        return (
            self.supervisor.start(*self._stores())
            and self._migrate()
            and self.supervisor.start(*self._functions())
        )

    def _stores(self) -> list[Service]:
        stores = []
        if self.postgres:
            stores.append(
                Service(
                    "postgres",
                    self.postgres.spawn,
                    self.postgres.log_file,
                    ready=self.postgres.is_ready,
                    tier=POSTGRES_TIER,
                    stop_signal=signal.SIGINT,  # Postgres's fast shutdown
                    patience_seconds=12.0,  # a killed platform's server may still be going
                    show=logs.alarming_postgres,
                )
            )
        if self.broker_port:
            stores.append(self._service("broker", BROKER_TIER, "--port", str(self.broker_port)))
        return stores

    def _migrate(self) -> bool:
        if self.postgres:
            self.postgres.ensure_database(DATABASE)
        log = self.state.log("migrate")
        words = ["migrate", *(["--queues-are-new"] if self.broker_port else [])]
        spawn = self._command(log, *words, more={FIRST_KEY: self.api_key})
        return self.supervisor.run_once("migrate", spawn, log)

    def _functions(self) -> list[Service]:
        options = self.options
        place = ("--host", options.host, "--port", str(options.port))
        invoke = ("--invoke-port", str(options.invoke_port))
        gateway = (*place, "--processes", str(options.processes), *invoke)
        numbers = range(1, options.workers + 1)
        names = ["worker"] if options.workers == 1 else [f"worker-{number}" for number in numbers]
        return [
            self._service("gateway", FUNCTION_TIER, *gateway),
            self._service("scheduler", FUNCTION_TIER),
            *(self._service(name, FUNCTION_TIER, "--name", name) for name in names),
        ]

    def _service(self, name: str, tier: int, *arguments: str) -> Service:
        role = name.partition("-")[0]
        log, pulse = self.state.log(name), self.state.pulse(name)
        words = (role, "--template", str(self.options.template), *arguments)
        spawn = self._command(log, *words, more={PULSE_FILE: str(pulse)})
        return Service(name, spawn, log, ready=self._probe(role), tier=tier, pulse=pulse)

    def _command(
        self, log: Path, *words: str, more: Mapping[str, str] = NOTHING
    ) -> Callable[[], Process]:
        """How to run one of our own commands, with `more` variables: as a fork where it is safe."""
        environment = {**self.environment, **more}
        if sys.platform != "linux":
            command = [sys.executable, "-m", "local.cli", *words]
            return program(command, env=environment, log_file=log)

        def run() -> None:
            from local.cli.main import app  # which imports us

            sys.argv = [sys.argv[0], *words]  # as if it had been started by itself
            app(list(words))

        fork = forked(run, env=environment, log_file=log)

        def spawn() -> Process:
            preload(self.options.template)
            return fork()

        return spawn

    def _probe(self, role: str) -> Callable[[], bool]:
        """Functions are ready when the platform's own health says so, so that "up" means up."""
        if role == "broker" and self.broker_port:
            return probes.accepts(LOOPBACK, self.broker_port)
        host = LOOPBACK if self.options.host in ("0.0.0.0", "::", "") else self.options.host
        url = f"http://{f'[{host}]' if ':' in host else host}:{self.options.port}/health"
        return probes.components_are_up(url, READY_WHEN_UP[role])

    def _announce(self, pids: Mapping[str, int]) -> None:
        self.state.announce(
            Platform(
                pid=os.getpid(),
                url=self.url,
                api_key_file=str(self.state.api_key_file),
                database_url=self.environment["TRIGGERFISH_DATABASE_URL"],
                sqs_endpoint_url=self.environment["TRIGGERFISH_SQS_ENDPOINT_URL"],
                services=pids,
                environment=worth_sharing(self.environment),
                invoke_url=self.invoke_url,
            )
        )


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def ensure_port_is_free(
    host: str, port: int, option: str = "--port", *, has_variables: bool = True
) -> None:
    """Raise `CannotBegin` now, rather than let a service fail in its log.

    `has_variables`: the command takes TRIGGERFISH_HOST and TRIGGERFISH_PORT as well as options.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            wrong = option if error.errno in (EADDRINUSE, EACCES) else "--host"
            name = wrong[2:].upper().replace("-", "_")
            variable = f" or TRIGGERFISH_{name}" if has_variables else ""
            raise CannotBegin(
                f"Nothing can listen on {host}, port {port} ({error.strerror}):"
                f" choose another with {wrong}{variable}."
            ) from None
