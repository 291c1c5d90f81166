"""Runs an ASGI app under uvicorn: processes that share sockets, and a graceful stop."""

import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import connection, parent_process

import uvicorn
from uvicorn.supervisors import Multiprocess

from local.runtime.asgi import App
from local.runtime.log import adopt_libraries, get_logger
from local.runtime.patience import PatientProtocol
from local.runtime.watchdog import LoopWatch

GRACE_SECONDS = 10
OPEN_FILES = 65_536
MAX_SOCKET_MESSAGE_BYTES = 128 * 1024  # as on API Gateway
_BACKLOG = 2048
_log = get_logger("gateway")


@dataclass(frozen=True)
class _Build:
    """Builds the app where it is served. A child process ends when its parent is gone, and any
    process when its loop is stuck."""

    factory: Callable[[], App]

    def __call__(self) -> App:
        adopt_libraries("gateway")
        parent = parent_process()
        if parent is not None:
            watcher = threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True)
            watcher.start()
        app = self.factory()
        LoopWatch().start()
        return app


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def serve(
    factory: Callable[[], App], addresses: Sequence[tuple[str, int]], *, processes: int = 1
) -> None:
    """Block until SIGTERM or SIGINT, then finish what is in flight within GRACE_SECONDS and return.

    Raises whatever the factory raises; OSError when an address is taken.
    """
    _open_many_files()
    config = uvicorn_config(_Build(factory), processes)
    listeners = [_listen(host, port) for host, port in addresses]
    if processes > 1:
        factory()  # what does not import fails here, once, not in every child again
    host, port = listeners[0].getsockname()[:2]
    _log.info("listening", host=host, port=port, processes=processes)
    if processes > 1:
        adopt_libraries("gateway")
        Multiprocess(config, listeners).run()
    else:
        _serve_here(config, listeners)


def _open_many_files() -> None:
    """Each connection is a file, and the usual soft limit of 1,024 is taken by one caller."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _serve_here(config: uvicorn.Config, listeners: list[socket.socket]) -> None:
    # uvicorn raises the signal that stopped it once more when it is done; let that be harmless.
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, lambda *_: None)
    uvicorn.Server(config).run(sockets=listeners)


def uvicorn_config(factory: Callable[[], App], processes: int = 1) -> uvicorn.Config:
    """How the gateway serves: patient with slow clients, but not for ever."""
    return uvicorn.Config(
        factory,
        factory=True,
        http=PatientProtocol,
        lifespan="off",
        workers=processes,
        access_log=False,  # paths hold webhook tokens
        log_config=None,
        server_header=False,
        proxy_headers=False,  # nothing here asks for the client's address or scheme
        ws="websockets-sansio",
        ws_max_size=MAX_SOCKET_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # its state costs memory for each socket, messages are small
        timeout_keep_alive=75,
        timeout_graceful_shutdown=GRACE_SECONDS,
        backlog=_BACKLOG,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(_BACKLOG)
    listener.set_inheritable(True)
    return listener
