"""What every path has by HTTP itself: HEAD, OPTIONS, origins, codings, limits, and clients that leave."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from triggerfish.adapters.clock import SystemClock
from triggerfish.adapters.ids import SystemIds
from triggerfish.adapters.rate_limits import RateLimits
from triggerfish.domain.gzip_stream import PIECE_BYTES
from triggerfish.domain.rate import Rate
from triggerfish.edge.cors import VARIABLE
from triggerfish.edge.encodings import takes_gzip
from triggerfish.edge.http import Json, build_app, read_body

LIMIT = 1_000_000
SITE = "https://app.example.com"


def an_app(*, inflates: bool = False) -> FastAPI:
    app = build_app(inflates=inflates)

    @app.get("/things/{id}")
    async def get(id: str, size: int = 0) -> Json:
        return Json({"id": id, "text": "x" * size}, headers={"etag": '"1"'})

    @app.patch("/things/{id}")
    @app.post("/things/{id}")
    async def take(id: str, request: Request) -> Json:
        return Json({"size": len(await read_body(request, LIMIT))})

    @app.get("/public/events")
    async def public() -> Json:
        return Json([])

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        return StreamingResponse(for_ever(), media_type="text/event-stream")

    return app


async def for_ever() -> AsyncIterator[bytes]:
    while True:
        yield b"data: x\n\n"
        await asyncio.sleep(0.01)


def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://app")


def told(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


@pytest.mark.parametrize("path", ["/things/1", "/things/1?size=5000", "/nothing", "/public/events"])
async def test_head_is_get_without_its_body(path: str) -> None:
    async with client(an_app()) as http:
        got, head = await http.get(path), await http.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert told(head) == told(got)


async def test_head_of_a_stream_does_not_wait_for_its_end() -> None:
    async with client(an_app()) as http:
        head = await asyncio.wait_for(http.head("/endless"), 5)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream")


async def test_options_says_what_a_path_has() -> None:
    async with client(an_app()) as http:
        options = await http.options("/things/1")
        unknown = await http.options("/nothing")
    assert (options.status_code, options.content) == (204, b"")
    assert options.headers["allow"] == "GET, HEAD, OPTIONS, PATCH, POST"
    assert options.headers["x-request-id"]
    assert unknown.status_code == 404


async def preflight(path: str, origin: str) -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    async with client(an_app()) as http:
        return await http.options(path, headers=headers)


async def test_the_api_is_open_to_no_site_unless_a_setting_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert "access-control-allow-origin" not in (await preflight("/things/1", SITE)).headers
    monkeypatch.setenv(VARIABLE, f"https://other.example, {SITE}/")
    opened = await preflight("/things/1", SITE)
    assert opened.headers["access-control-allow-origin"] == SITE
    assert "POST" in opened.headers["access-control-allow-methods"]
    assert "authorization" in opened.headers["access-control-allow-headers"]
    for other in ("http://app.example.com", f"{SITE}:8443", f"{SITE}.evil", "null", "http://["):
        answer = await preflight("/things/1", other)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "origin"


async def test_an_open_site_may_read_answers_and_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, SITE)
    async with client(an_app()) as http:
        for path in ("/things/1", "/nothing"):
            answer = await http.get(path, headers={"origin": SITE})
            assert answer.headers["access-control-allow-origin"] == SITE
            assert "x-request-id" in answer.headers["access-control-expose-headers"]


async def test_what_is_public_is_open_to_every_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    async with client(an_app()) as http:
        answer = await http.get("/public/events", headers={"origin": "https://any.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("accepted", "is_taken"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
        ("identity", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(accepted: str, is_taken: bool) -> None:
    assert takes_gzip(accepted.encode()) is is_taken


@pytest.mark.parametrize("size", [500_000, 2_000])
async def test_answers_of_a_kilobyte_and_more_are_compressed(size: int) -> None:
    async with client(an_app()) as http:
        path = f"/things/1?size={size}"
        packed = await http.get(path, headers={"accept-encoding": "gzip"})
        plain = await http.get(path, headers={"accept-encoding": "identity"})
        small = await http.get("/things/1?size=900", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < size / 10
    assert packed.json() == plain.json()
    assert (packed.headers["etag"], plain.headers["etag"]) == ('W/"1"', '"1"')
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in small.headers


async def sent(content: bytes | AsyncIterator[bytes], coding: str, app: FastAPI) -> httpx.Response:
    headers = {"content-type": "application/json", "content-encoding": coding}
    async with client(app) as http:
        return await http.post("/things/1", content=content, headers=headers)


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("size", [1, 7, 1000, 10_000_000])
@pytest.mark.parametrize("length", [0, 10, PIECE_BYTES, LIMIT])
async def test_a_body_in_gzip_is_read_however_it_comes(size: int, length: int) -> None:
    packed = gzip.compress(b"x" * length)
    answer = await sent(pieces(packed, size), "gzip", an_app(inflates=True))
    assert (answer.status_code, answer.json()) == (200, {"size": length})


async def test_a_body_of_several_gzip_members_is_one() -> None:
    packed = gzip.compress(b"[1,") + gzip.compress(b"") + gzip.compress(b"2]")
    answer = await sent(pieces(packed, 5), "gzip", an_app(inflates=True))
    assert answer.json() == {"size": 5}


@pytest.mark.attack("bodies in gzip: bombs, broken streams")
async def test_the_content_of_a_body_in_gzip_has_the_limits_of_a_plain_one() -> None:
    bomb = gzip.compress(bytes(50_000_000), 9)
    answer = await sent(bomb, "gzip", an_app(inflates=True))
    assert answer.status_code == 413


STORED = b"\x00\x00\x00\xff\xff"  # a block of nothing
WRONG = {
    "no gzip": b"{}",
    "broken off": gzip.compress(b"x" * 1000)[:-1],
    "a wrong checksum": gzip.compress(b"x" * 1000)[:-8] + bytes(8),
    "bytes behind it": gzip.compress(b"{}") + b"x",
    "blocks of nothing": gzip.compress(b"")[:10] + STORED * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
@pytest.mark.attack("bodies in gzip: bombs, broken streams")
async def test_what_is_no_whole_gzip_stream_is_refused(body: bytes) -> None:
    answer = await sent(body, "gzip", an_app(inflates=True))
    assert answer.status_code == 400
    assert answer.json()["error"]["details"][0]["field"] == "Content-Encoding"


async def test_others_are_served_while_a_body_inflates() -> None:
    """However much one packet inflates to, the loop is free between two pieces of it."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    watching = asyncio.create_task(watch())
    await sent(gzip.compress(bytes(LIMIT), 9), "gzip", an_app(inflates=True))
    watching.cancel()
    assert longest < 0.1


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd", "x", "gzip"])
async def test_another_coding_is_refused_saying_which_is_taken(coding: str) -> None:
    inflates = coding != "gzip"
    answer = await sent(b"{}", coding, an_app(inflates=inflates))
    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == ("gzip" if inflates else "identity")
    assert answer.json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"


async def test_a_body_that_is_as_it_is_may_say_so() -> None:
    assert (await sent(b"{}", "identity", an_app())).json() == {"size": 2}


async def test_a_client_that_leaves_within_its_body_is_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        pass

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/things/1", "headers": headers}
    await an_app()({**scope, "query_string": b"", "path_params": {}}, receive, send)
    [line] = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["level"]) == ("client_gone", "info")


def limited(rate: float, now: Callable[[], None] = lambda: None) -> FastAPI:
    app, id = build_app(), SystemIds().uuid7(SystemClock().now())
    limits = RateLimits("key", Rate(rate), SystemClock())

    @app.get("/")
    async def get() -> Json:
        limits.take(id)
        return Json({})

    @app.get("/free")
    async def free() -> Json:
        return Json({})

    return app


async def test_an_answer_under_a_limit_says_what_is_left() -> None:
    async with client(limited(0.2)) as http:
        answers = [await http.get("/") for _ in range(2)]
        free = await http.get("/free")
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=1;w=5'
    assert answers[0].headers["ratelimit"] == '"key";r=0;t=5'
    assert answers[1].headers["ratelimit"].startswith('"key";r=0;t=')
    assert "ratelimit" not in free.headers


async def test_without_a_limit_nothing_is_said_of_one() -> None:
    async with client(limited(0)) as http:
        assert "ratelimit" not in (await http.get("/")).headers


def test_what_is_left_comes_to_nothing_when_the_next_one_is_refused() -> None:
    rate, now, due = Rate(10), 1000.0, 0.0
    seen = []
    for _ in range(60):
        due, wait = rate.admit(due, now)
        allowance = rate.allowance("key", due, now)
        assert allowance is not None
        seen.append((allowance.remaining, bool(wait)))
    assert seen[:50] == [(left, False) for left in range(49, -1, -1)]
    assert seen[50:] == [(0, True)] * 10
