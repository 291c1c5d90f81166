"""HTTP/1.1 as RFC 9112 has it, where uvicorn's `httptools` protocol departs from it.

- A request that asks for another protocol than WebSocket (`Upgrade: h2c`, the default of Java's
  client) is answered as if it had not asked: its body is read as a body. `httptools` takes all
  that follows such a head for the other protocol, and uvicorn goes on reading it as HTTP: what was
  a body became the next request.
- `Host` must be sent exactly once, and name a host (RFC 9112, 3.2).
"""

import json
import re
import sys

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

_HOST = re.compile(rb"(\[[0-9a-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]*)(:\d*)?", re.ASCII)
_OF_A_BODY = (b"content-length", b"transfer-encoding")


class RefusedError(ValueError):
    """A request that is not valid HTTP; the text says why."""


class StrictProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, with one reading of every request."""

    _data = b""
    _to_read = b""
    _reason = "The request is not valid HTTP."

    def data_received(self, data: bytes) -> None:
        self._to_read = data
        while self._to_read:
            self._data, self._to_read = self._to_read, b""
            super().data_received(self._data)

    def on_headers_complete(self) -> None:
        try:
            self._check_head()
        except RefusedError as error:
            self._reason = str(error)
            raise
        if not self._is_misread():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self._is_misread():
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """With a body that says what is wrong."""
        body = json.dumps({"message": self._reason}).encode()
        head = (
            b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        ) % len(body)
        self.transport.write(STATUS_LINE[400] + head + body)
        self.transport.close()

    def _check_head(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            raise RefusedError("This server is no proxy: CONNECT is not answered.")
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) > 1:
            raise RefusedError("The header Host is sent more than once.")
        if not hosts and self.parser.get_http_version() == "1.1":
            raise RefusedError("The header Host is missing.")
        if hosts and not _HOST.fullmatch(hosts[0]):
            raise RefusedError("The header Host names no host.")

    def _should_upgrade(self) -> bool:
        """To a WebSocket only, and only a GET without a body asks for one (RFC 6455, 4.1)."""
        if self.parser.get_method() != b"GET" or not super()._should_upgrade():
            return False
        return not any(name in _OF_A_BODY for name, _ in self.headers)

    def _is_misread(self) -> bool:
        return self.parser.should_upgrade() and not self._should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """The parser has stopped after the head: have the request read without its `Upgrade`."""
        stopped = sys.exc_info()[1]
        assert isinstance(stopped, httptools.HttpParserUpgrade)
        start = b"%s %s HTTP/%s\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        lines = [b"%s: %s\r\n" % line for line in self.headers if line[0] != b"upgrade"]
        rest = self._data[stopped.args[0] :]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._to_read = b"".join([start, *lines, b"\r\n", rest])
