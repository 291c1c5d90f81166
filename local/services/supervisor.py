"""Keeps a platform's processes running: starts and stops them in order, replaces dead ones.

Each runs in a session of its own, so that Ctrl-C reaches the supervisor first, and is held by a
lifeline, so that a killed supervisor leaves behind neither it nor any process that it started.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.services import logs
from local.services.errors import ServiceError, ServiceFailed
from local.services.lifeline import Lifeline, signal_group
from local.services.service import SILENT_SECONDS, Child, Process, Pulse, Service

TURN_SECONDS = 0.1
START_SECONDS = 60.0


@dataclass
class Supervisor:
    """Starts, watches and stops services; use it from the main thread.

    `say` is given (service name, text) for the terminal; `verbose` passes every log line on.
    `changed` is called with the services' process ids whenever one was started. With `parent`, a
    process id, the end of that parent asks for a stop too.
    """

    say: Callable[[str, str], None]
    changed: Callable[[Mapping[str, int]], None] = lambda pids: None
    verbose: bool = False
    parent: int | None = None
    stopping: bool = False
    lifeline: Lifeline = field(default_factory=Lifeline)
    _children: dict[str, Child] = field(default_factory=dict)
    _impatient: bool = False
    _turned_at: float = field(default_factory=time.monotonic)

    def stop_on_signals(self) -> None:
        """Let SIGINT, SIGTERM and SIGHUP ask for a stop. A second one kills what is slow."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.request_stop)

    def request_stop(self, *_: object) -> None:
        self._impatient = self.stopping
        self.stopping = True

    @property
    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items() if child.pid}

    def start(self, *services: Service, timeout: float = START_SECONDS) -> bool:
        """Start services together and wait until all are ready; False when a stop was asked for.

        Raises `ServiceFailed` when one ends before that, or after `timeout` seconds.
        """
        began = time.monotonic()
        waiting = [self._add(service) for service in services]
        while waiting and not self.stopping:
            for child in waiting:
                child.was_ready = child.process is not None and child.service.ready()
            waiting = [child for child in waiting if not child.was_ready]
            for child in waiting:
                self._check_start(child, time.monotonic() - began, timeout)
            if waiting:
                self._turn()
        return not self.stopping

    def run_once(self, name: str, spawn: Callable[[], Process], log_file: Path) -> bool:
        """Run a program to its end, e.g. a migration; False when a stop was asked for.

        Raises `ServiceFailed` when it fails.
        """
        follower = logs.Follower(log_file)
        process = spawn()
        self.lifeline.hold(process.pid)
        while process.poll() is None and not self.stopping:
            self._turn()
        if self.stopping:
            signal_group(process.pid, signal.SIGTERM)
            process.wait()
        self.lifeline.release(process.pid)
        if process.returncode and not self.stopping:
            said = "\n".join(follower.new_lines())
            raise ServiceFailed(name, f"failed with exit code {process.returncode}", said)
        return not self.stopping

    def watch(self) -> None:
        """Restart what dies and pass on what it says, until a stop is asked for."""
        while not self.stopping:
            self._turn()

    def stop(self) -> None:
        """Stop everything, the highest tier first, each service within its `stop_seconds`."""
        self.stopping = True
        for tier in sorted({child.service.tier for child in self._children.values()}, reverse=True):
            self._stop_tier([c for c in self._children.values() if c.service.tier == tier])
        self.lifeline.close()

    def _add(self, service: Service) -> Child:
        child = Child(service, logs.Follower(service.log_file), Pulse(service.pulse))
        self._children[service.name] = child
        self._spawn(child)
        return child

    def _spawn(self, child: Child) -> None:
        child.pulse.begin()
        child.process = child.service.spawn()
        child.started_at = time.monotonic()
        self.lifeline.hold(child.process.pid, child.service.stop_signal)
        self.changed(self.pids)

    def _check_start(self, child: Child, waited: float, timeout: float) -> None:
        service = child.service
        tail = logs.tail(service.log_file)
        if child.deaths and waited >= service.patience_seconds:
            why = f"ended at its start with exit code {child.exit_code}"
            raise ServiceFailed(service.name, why, tail)
        if waited > timeout:
            raise ServiceFailed(service.name, f"was not ready after {timeout:g} s", tail)

    def _turn(self) -> None:
        time.sleep(TURN_SECONDS)
        if self.parent and os.getppid() != self.parent and not self.stopping:
            self.request_stop()
        passed = time.monotonic() - self._turned_at
        self._turned_at += passed
        for child in self._children.values():
            self._tend(child, time.monotonic(), passed)
            self._pass_on(child)

    def _tend(self, child: Child, now: float, passed: float) -> None:
        """Notice a death or a silence, or start again what died before."""
        if child.process is None:
            if now >= child.restart_at and not self.stopping:
                self._restart(child)
        elif child.process.poll() is not None:
            self._bury(child)
            child.died(now, child.process.returncode)
            wait = f"restart in {child.restart_at - now:.1f} s"
            self.say(child.service.name, f"ended with exit code {child.exit_code}, {wait}")
        elif child.pulse.is_silent(passed):
            self.say(child.service.name, f"killed: it has not moved for {SILENT_SECONDS:g} s")
            self._bury(child)

    def _restart(self, child: Child) -> None:
        try:
            self._spawn(child)
        except (ServiceError, OSError) as error:
            child.started_at = time.monotonic()
            child.died(time.monotonic(), None)
            self.say(child.service.name, str(error))

    def _bury(self, child: Child) -> None:
        """Kill what is left of a process group, e.g. a dead gateway's workers."""
        if child.process:
            signal_group(child.process.pid, signal.SIGKILL)
            self.lifeline.release(child.process.pid)

    def _pass_on(self, child: Child) -> None:
        if not (child.was_ready or self.verbose):
            return  # should its start fail, its last words are in the error
        for line in child.follower.new_lines():
            text = line if self.verbose else child.service.show(line)
            if text:
                self.say(child.service.name, text)
        logs.bound(child.service.log_file)

    def _stop_tier(self, children: Sequence[Child]) -> None:
        running = [child for child in children if child.process]
        for child in running:
            if child.process and child.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.process.pid, child.service.stop_signal)
        began = time.monotonic()
        while running:
            waited = time.monotonic() - began
            running = [child for child in running if not self._stopped(child, waited)]
            if running:
                time.sleep(0.02)
        for child in children:
            self._pass_on(child)

    def _stopped(self, child: Child, waited: float) -> bool:
        """Whether it has ended; kills it, and what it started, once its time is up."""
        if child.process is None:
            return True
        hurried = self._impatient and child.service.stop_signal == signal.SIGTERM
        late = hurried or waited > child.service.stop_seconds
        if child.process.poll() is None and not late:
            return False
        self._bury(child)
        child.process.wait()
        return True
