"""What `triggerfish up` waits for before it says that the platform is up."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from local.cli.probes import accepts, components_are_up


@contextmanager
def health_page(status: int, body: bytes) -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/health"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def components(**states: str) -> bytes:
    return json.dumps({"components": {k: {"status": v} for k, v in states.items()}}).encode()


def test_a_service_is_ready_once_all_its_components_are_up() -> None:
    with health_page(200, components(scheduler="up", retention="up")) as url:
        assert components_are_up(url, ("scheduler", "retention"))()


def test_one_component_that_is_down_is_enough_to_wait() -> None:
    with health_page(503, components(scheduler="up", retention="down")) as url:
        assert not components_are_up(url, ("scheduler", "retention"))()


def test_what_another_service_lacks_does_not_hold_up_this_one() -> None:
    with health_page(503, components(database="up", worker="down")) as url:
        assert components_are_up(url, ("database",))()


def test_a_component_that_the_page_does_not_know_is_not_up() -> None:
    with health_page(200, components(database="up")) as url:
        assert not components_are_up(url, ("queue",))()


def test_a_page_that_is_no_health_page_shows_nothing() -> None:
    for body in (b"<html>", b"[]", b'{"components": []}'):
        with health_page(200, body) as url:
            assert not components_are_up(url, ("database",))()


def test_where_nobody_listens_nothing_is_ready() -> None:
    assert not accepts("127.0.0.1", 9)()
    assert not components_are_up("http://127.0.0.1:9/health", ("database",))()
