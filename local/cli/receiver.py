"""An endpoint to try things out with: answers 200, or what is asked for, and keeps what it got."""

import re
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any, Self

import typer

from local.cli.host import ensure_port_is_free
from local.cli.refusal import refuse
from local.services.errors import CannotBegin

KEPT = 1000
LARGEST_BODY = 4 * 2**20
_SHOWN_BYTES = 200


@dataclass(frozen=True)
class Delivery:
    """One request as it arrived; header names are in lower case."""

    at: datetime
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        """The `webhook-id`: the same for every attempt at one event."""
        return self.headers.get("webhook-id", "-")

    def line(self) -> str:
        """One printable line, whatever the body holds."""
        shown = self.body[:_SHOWN_BYTES].decode(errors="replace")
        text = "".join(char if char.isprintable() else "�" for char in shown)
        more = "…" if len(self.body) > _SHOWN_BYTES else ""
        at = self.at.isoformat(timespec="milliseconds").removesuffix("+00:00")
        return f"{at}Z {self.path} webhook-id={self.event_id} {text}{more}"


class ReceiverServer:
    """Serves in threads of its own: usable within any program, as a context manager or not.

    Every POST is a delivery and gets a 200, or below `/status/410` (any 4xx or 5xx) that answer; a
    GET only asks whether we are there. The last 1,000 `deliveries` are kept; `on_delivery` is
    called for one at a time.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        """Listen at once; port 0 takes a free one. Raises OSError when the port is not free."""
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self._on_delivery = on_delivery
        self._arrived = threading.Condition()
        self._server = _Server((host, port), _Handler)
        self._server.keep = self._keep
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/") -> str:
        """Where deliveries are taken, as this machine reaches it."""
        return f"http://127.0.0.1:{self.port}{path}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_for(
        self, wanted: Callable[[Delivery], bool], *, timeout_seconds: float
    ) -> Delivery | None:
        """The first kept delivery that is wanted, as soon as there is one; None after the wait."""

        def found() -> Delivery | None:
            return next(filter(wanted, self.deliveries), None)

        with self._arrived:
            return self._arrived.wait_for(found, timeout_seconds)

    def _keep(self, delivery: Delivery) -> None:
        with self._arrived:
            self.deliveries.append(delivery)
            self._arrived.notify_all()
            if self._on_delivery:
                self._on_delivery(delivery)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    keep: Callable[[Delivery], None]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is nothing to report; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _asked_for(path: str) -> HTTPStatus:
    """The answer that a path asks for, so that failures and retries can be tried out."""
    asked = re.match(r"/status/([45]\d\d)(?:[/?]|$)", path)
    known = {status.value: status for status in HTTPStatus}
    return known.get(int(asked[1]), HTTPStatus.OK) if asked else HTTPStatus.OK


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # the worker's connections stay open
    timeout = 60  # seconds without a request, or within one
    server: _Server

    def do_GET(self) -> None:
        self._answer(HTTPStatus.OK)

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > LARGEST_BODY:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.keep(Delivery(datetime.now(UTC), self.path, headers, body))
            self._answer(_asked_for(self.path))

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True  # the unread body would be taken for the next request
        self._answer(status)

    def _answer(self, status: HTTPStatus) -> None:
        text = f"{status.phrase}\n".encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a delivery's line says more than an access log's."""


def receiver(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 9000,
) -> None:
    """Take deliveries like a customer's endpoint: print each as a line, answer 200.

    Below /status/503, or another 4xx or 5xx, that is the answer.
    """
    try:
        ensure_port_is_free(host, port, has_variables=False)
    except CannotBegin as error:
        refuse(str(error))
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # in every thread, so that sigwait gets them
    with ReceiverServer(host, port, on_delivery=_say) as server:
        print(f"Taking deliveries on {server.url()}", flush=True)
        signal.sigwait(ends)


def _say(delivery: Delivery) -> None:
    print(delivery.line(), flush=True)
