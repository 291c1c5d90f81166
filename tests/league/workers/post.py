"""POST of a job by a thread that keeps its connection, with nothing but the standard library."""

import http.client
import json
import threading
from urllib.parse import urlsplit

_own = threading.local()
TIMEOUT_SECONDS = 10


def post(job_id, url):
    """Raises unless the answer is 2xx. An idle connection that was closed is opened again."""
    parts = urlsplit(url)
    for last in (False, True):
        connection = _connection(parts.netloc)
        try:
            connection.request(
                "POST", parts.path, json.dumps({"id": job_id}), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
            break
        except (http.client.RemoteDisconnected, ConnectionError):
            _own.connections.pop(parts.netloc).close()
            if last:
                raise
    if answer.status // 100 != 2:
        raise RuntimeError(f"answered {answer.status}")


def _connection(netloc):
    if not hasattr(_own, "connections"):
        _own.connections = {}
    if netloc not in _own.connections:
        _own.connections[netloc] = http.client.HTTPConnection(netloc, timeout=TIMEOUT_SECONDS)
    return _own.connections[netloc]
