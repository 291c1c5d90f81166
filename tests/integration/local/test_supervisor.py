"""The supervisor over real, tiny processes: restarts, order, patience, and nothing left after its own death."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.services.errors import ServiceFailed
from local.services.lifeline import Lifeline
from local.services.service import Service, program
from local.services.supervisor import Supervisor

ROOT = Path(__file__).parents[3]

SLEEPER = "import time; time.sleep(600)"
STUBBORN = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True); time.sleep(600)"
PARENT = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, '-c', {STUBBORN!r}])
time.sleep(600)
"""


class Scene:
    """A supervisor in this process, with what it said and a log directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[tuple[str, str]] = []
        self.supervisor = Supervisor(say=lambda name, text: self.said.append((name, text)))

    def service(self, name: str, code: str, **options: object) -> Service:
        log = self.folder / f"{name}.log"
        spawn = program([sys.executable, "-I", "-S", "-c", code], env=os.environ, log_file=log)
        return Service(name, spawn, log, **options)  # type: ignore[arg-type]

    def turn_until(self, holds: Callable[[], bool], seconds: float = 10.0) -> float:
        """Let the supervisor work until `holds`; the seconds that took."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < seconds, f"waited in vain; said: {self.said}"
            self.supervisor._turn()
        return time.monotonic() - began

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    yield scene
    scene.supervisor._impatient = True
    scene.supervisor.stop()


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_killed_service_is_back_within_half_a_second(scene: Scene) -> None:
    scene.supervisor.start(scene.service("worker", SLEEPER))
    first = scene.supervisor.pids["worker"]
    os.kill(first, signal.SIGKILL)
    seconds = scene.turn_until(lambda: scene.supervisor.pids.get("worker", first) != first)
    assert seconds < 0.8  # 0.5 s, and the machine may be busy
    assert scene.said == [("worker", "ended with exit code -9, restart in 0.2 s")]


def test_what_a_killed_service_started_is_gone_before_it_restarts(scene: Scene) -> None:
    scene.supervisor.start(scene.service("gateway", PARENT))
    scene.turn_until(lambda: scene.log("gateway").endswith("\n"))
    grandchild = int(scene.log("gateway"))
    os.kill(scene.supervisor.pids["gateway"], signal.SIGKILL)
    scene.turn_until(lambda: not alive(grandchild))


def test_start_waits_until_every_service_is_ready(scene: Scene, tmp_path: Path) -> None:
    flag = tmp_path / "ready"
    code = f"import time, pathlib; time.sleep(0.3); pathlib.Path({str(flag)!r}).touch(); time.sleep(600)"
    assert scene.supervisor.start(scene.service("slow", code, ready=flag.exists))
    assert flag.exists()


def test_a_service_that_ends_at_its_start_is_a_failure_with_its_last_words(scene: Scene) -> None:
    broken = scene.service("broken", "raise SystemExit('no such table')", ready=lambda: False)
    with pytest.raises(ServiceFailed, match=r"(?s)broken ended .* exit code 1.*no such table"):
        scene.supervisor.start(broken)


def test_the_last_words_of_a_failed_start_are_not_said_twice(scene: Scene) -> None:
    with pytest.raises(ServiceFailed, match="no such table"):
        scene.supervisor.start(
            scene.service("broken", "raise SystemExit('no such table')", ready=lambda: False)
        )
    assert "no such table" not in str(scene.said)


def test_the_end_of_the_parent_asks_for_a_stop(scene: Scene) -> None:
    scene.supervisor.parent = os.getpid()  # as if our parent had been another, and gone
    scene.supervisor.watch()
    assert scene.supervisor.stopping


def test_a_service_that_is_never_ready_is_a_failure(scene: Scene) -> None:
    with pytest.raises(ServiceFailed, match=r"was not ready after 0\.3 s"):
        scene.supervisor.start(scene.service("mute", SLEEPER, ready=lambda: False), timeout=0.3)


def test_patience_covers_ends_at_the_start(scene: Scene, tmp_path: Path) -> None:
    flag = tmp_path / "second"
    code = f"import pathlib, time; p = pathlib.Path({str(flag)!r}); p.exists() or (p.touch(), exit(1)); time.sleep(600)"
    began = time.monotonic()

    def ready() -> bool:
        return flag.exists() and time.monotonic() - began > 0.6

    assert scene.supervisor.start(scene.service("late", code, ready=ready, patience_seconds=10))
    assert scene.supervisor.pids["late"]


def test_a_one_shot_that_fails_stops_the_start(scene: Scene) -> None:
    bad = [sys.executable, "-c", "raise SystemExit('bad migration')"]
    log = scene.folder / "migrate.log"
    with pytest.raises(ServiceFailed, match="bad migration"):
        scene.supervisor.run_once("migrate", program(bad, env=os.environ, log_file=log), log)
    good = [sys.executable, "-c", "pass"]
    assert scene.supervisor.run_once("migrate", program(good, env=os.environ, log_file=log), log)


def test_services_stop_tier_by_tier_from_the_highest(scene: Scene, tmp_path: Path) -> None:
    order = tmp_path / "order"

    def slow_to_stop(name: str, seconds: float) -> str:
        return textwrap.dedent(f"""
            import signal, sys, time
            def stop(*_):
                time.sleep({seconds})
                open({str(order)!r}, 'a').write('{name} ')
                sys.exit()
            signal.signal(signal.SIGTERM, stop)
            print('set', flush=True)
            time.sleep(600)
        """)

    names = {"postgres": (0, 0.0), "broker": (1, 0.0), "gateway": (2, 0.3), "worker": (2, 0.1)}
    for name, (tier, seconds) in names.items():
        scene.supervisor.start(scene.service(name, slow_to_stop(name, seconds), tier=tier))
    scene.turn_until(lambda: all(scene.log(name) for name in names))
    scene.supervisor.stop()
    assert order.read_text().split() == ["worker", "gateway", "broker", "postgres"]


def test_a_deaf_service_is_killed_when_its_time_is_up(scene: Scene) -> None:
    scene.supervisor.start(scene.service("deaf", STUBBORN, stop_seconds=0.3))
    scene.turn_until(lambda: scene.log("deaf").endswith("\n"))
    pid = scene.supervisor.pids["deaf"]
    scene.supervisor.stop()
    assert not alive(pid)


def test_a_second_request_to_stop_kills_at_once(scene: Scene) -> None:
    scene.supervisor.start(scene.service("deaf", STUBBORN, stop_seconds=60))
    scene.turn_until(lambda: scene.log("deaf").endswith("\n"))
    scene.supervisor.request_stop()
    scene.supervisor.request_stop()
    began = time.monotonic()
    scene.supervisor.stop()
    assert time.monotonic() - began < 5


def test_a_request_to_stop_ends_a_start(scene: Scene) -> None:
    scene.supervisor.request_stop()
    assert not scene.supervisor.start(scene.service("mute", SLEEPER, ready=lambda: False))


def test_warnings_reach_the_terminal_and_the_rest_stays_in_the_log(scene: Scene) -> None:
    code = """
print('{"level": "info", "event": "quiet"}', flush=True)
print('{"level": "error", "event": "loud"}', flush=True)
import time; time.sleep(600)
"""
    scene.supervisor.start(scene.service("worker", code))
    scene.turn_until(lambda: bool(scene.said))
    assert scene.said == [("worker", "error: loud")]
    assert "quiet" in scene.log("worker")


def test_nothing_outlives_a_killed_supervisor_not_even_deaf_grandchildren(tmp_path: Path) -> None:
    code = f"""
        import os, pathlib, sys
        sys.path.insert(0, {str(ROOT)!r})
        from local.services.lifeline import Lifeline
        from local.services.service import Service, program
        from local.services.supervisor import Supervisor
        supervisor = Supervisor(say=print, lifeline=Lifeline(grace_seconds=0.5))
        for name, code in {{"gateway": {PARENT!r}, "worker": {SLEEPER!r}}}.items():
            log = pathlib.Path({str(tmp_path)!r}, name + ".log")
            spawn = program([sys.executable, "-c", code], env=os.environ, log_file=log)
            supervisor.start(Service(name, spawn, log))
        print(*supervisor.pids.values(), flush=True)
        supervisor.watch()
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    pids = [int(word) for word in process.stdout.readline().split()]
    log = tmp_path / "gateway.log"
    wait_until(lambda: log.exists() and log.read_text().endswith("\n"))
    pids.append(int(log.read_text()))
    assert len(pids) == 3
    assert all(alive(pid) for pid in pids)
    guards = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    wait_until(lambda: not any(alive(pid) for pid in pids), seconds=30)
    wait_until(lambda: not any(alive(guard.pid) for guard in guards))


def test_a_killed_guard_is_replaced_and_still_knows_everything() -> None:
    lifeline = Lifeline()
    with program(
        [sys.executable, "-c", SLEEPER], env=os.environ, log_file=Path(os.devnull)
    )() as one:
        lifeline.hold(one.pid)
        lifeline._guard.kill()
        lifeline._guard.wait()
        lifeline.release(12345678)  # unknown: nothing to tell
        lifeline.hold(one.pid)
        assert lifeline._guard.stdin
        lifeline._guard.stdin.close()  # what the kernel does when we die
        assert one.wait(10) == -signal.SIGTERM
        lifeline.close()
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, signal.SIGKILL)


BEATING = """
import os, pathlib, time
pulse = pathlib.Path({pulse!r})
while True:
    pulse.touch()
    time.sleep(0.05)
"""


def test_a_frozen_service_is_replaced_within_15_seconds(scene: Scene, tmp_path: Path) -> None:
    pulse = tmp_path / "pulse"
    scene.supervisor.start(
        scene.service("gateway", BEATING.format(pulse=str(pulse)), pulse=pulse, ready=pulse.exists)
    )
    first = scene.supervisor.pids["gateway"]
    scene.turn_until(lambda: scene.supervisor._children["gateway"].pulse.is_beating)
    os.kill(first, signal.SIGSTOP)
    seconds = scene.turn_until(
        lambda: scene.supervisor.pids.get("gateway", first) != first, seconds=15
    )
    assert seconds > 5  # what is merely slow is left alone
    assert not alive(first)
    assert "has not moved" in str(scene.said)


def test_a_pause_of_the_whole_machine_is_nobodys_silence(scene: Scene, tmp_path: Path) -> None:
    pulse = tmp_path / "pulse"
    scene.supervisor.start(
        scene.service("gateway", BEATING.format(pulse=str(pulse)), pulse=pulse, ready=pulse.exists)
    )
    first = scene.supervisor.pids["gateway"]
    scene.turn_until(lambda: scene.supervisor._children["gateway"].pulse.is_beating)
    os.kill(first, signal.SIGSTOP)
    scene.supervisor._turned_at -= 3600
    scene.supervisor._turn()
    os.kill(first, signal.SIGCONT)
    scene.turn_until(
        lambda: scene.supervisor._children["gateway"].pulse.silent_seconds == 0, seconds=5
    )
    assert scene.supervisor.pids["gateway"] == first
