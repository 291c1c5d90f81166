"""What can go wrong with the services that the embedded host starts. Every message says what to do.

ServiceError
├── AlreadyRunning   another live process uses the same directory
├── CannotBegin      a port, an address or a folder that was chosen does not work
├── PostgresError    the database cannot be made, started or reached
└── ServiceFailed    a program ended, or was not ready in time, at the start
"""


class ServiceError(RuntimeError):
    """A service cannot be had."""


class AlreadyRunning(ServiceError):
    """Another live process uses the same directory; `pid` is its id, 0 when it is not known."""

    def __init__(self, what: str, pid: int) -> None:
        super().__init__(f"{what} is already running" + (f", pid {pid}" if pid else ""))
        self.pid = pid


class CannotBegin(ServiceError):
    """What was chosen does not work; the message names the option and the variable to change."""


class PostgresError(ServiceError):
    """The database server cannot be made, started or reached."""


class ServiceFailed(ServiceError):
    """A program ended, or was not ready in time; `log_tail` is the last it said."""

    def __init__(self, name: str, why: str, log_tail: str) -> None:
        super().__init__(f"{name} {why}\n{log_tail}".rstrip())
        self.name = name
