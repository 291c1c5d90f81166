"""Services as forks of a process that has imported what they share.

The imports are made once instead of in each service, and lie in memory once. For Linux only:
elsewhere system libraries break in a child that forks and does not exec. The process that forks may
have no thread but one, and should have opened nothing that it would share.
"""

import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from local.services import logs

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FIRST_OTHER_FILE = 3


class Forked:
    """A child process, as far as the supervisor needs `subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        code = self._reap(0)
        assert code is not None
        return code

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def forked(
    run: Callable[[], object], *, env: Mapping[str, str], log_file: Path
) -> Callable[[], Forked]:
    """How to spawn `run` in a child: own session, no input, output appended to its log."""

    def spawn() -> Forked:
        gc.collect()
        gc.freeze()  # a child that walked over what it inherited would copy it
        was_blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        reading, writing = os.pipe()
        with logs.open_to_append(log_file) as log:
            pid = os.fork()
            if pid == 0:
                _become(run, env, log.fileno())
        signal.pthread_sigmask(signal.SIG_SETMASK, was_blocked)
        os.close(writing)
        os.read(reading, 1)  # until the child has let go of all that is ours
        os.close(reading)
        return Forked(pid)

    return spawn


def _become(run: Callable[[], object], env: Mapping[str, str], log: int) -> NoReturn:
    """Be the service in the child, and end with it."""
    code = 1
    try:
        _let_go(log)
        os.environ.clear()
        os.environ.update(env)
        run()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _let_go(log: int) -> None:
    """Leave the parent's session, signal handlers and files."""
    os.setsid()
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, standard in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(ours, standard)
    os.closerange(_FIRST_OTHER_FILE, os.sysconf("SC_OPEN_MAX"))
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout, sys.stderr = (os.fdopen(fd, "w", buffering=1, closefd=False) for fd in (1, 2))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
