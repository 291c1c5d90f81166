"""The gateway as an ASGI app: who is routed where."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from local.runtime.gateway import Gateway
from local.runtime.loader import LoadError
from local.runtime.template import Template, TemplateError, load
from tests.unit.local.sample.paths import SAMPLE_TEMPLATE

INVOKE = "/2015-03-31/functions/plain/invocations"


def sample() -> Template:
    return load(SAMPLE_TEMPLATE, sqs_endpoint="http://sqs", environ={})


@pytest.fixture(params=[False, True], ids=["native lane", "event lane"])
async def gateway(request: pytest.FixtureRequest) -> AsyncIterator[Gateway]:
    gateway = Gateway(sample(), event_lane=request.param)
    yield gateway
    gateway.close()


def client(gateway: Gateway, address: str = "127.0.0.1") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(gateway, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway")


async def test_a_request_reaches_the_function_of_its_route(gateway: Gateway) -> None:
    async with client(gateway) as http:
        item = await http.get("/items/a%20b?x=1", headers={"cookie": "flavour=sweet"})
        plain = await http.post("/plain/bob", content=b"hi", headers={"content-type": "text/a"})
    assert item.json() == {
        "item_id": "a b",
        "query": [["x", "1"]],
        "cookie": "sweet",
        "tags": None,
    }
    assert plain.json()["event"]["pathParameters"] == {"name": "bob"}
    assert plain.json()["event"]["body"] == "hi"


async def test_an_answer_keeps_status_bytes_and_each_cookie(gateway: Gateway) -> None:
    content = b"\x00\xff" * 1000
    async with client(gateway) as http:
        answer = await http.post("/items", content=content, headers={"content-type": "image/png"})
    assert (answer.status_code, answer.content) == (201, content)
    assert [c.split(";")[0] for c in answer.headers.get_list("set-cookie")] == ["a=1", "b=2"]


async def test_an_unknown_path_is_answered_as_api_gateway_does(gateway: Gateway) -> None:
    async with client(gateway) as http:
        for path, method in (("/nothing", "GET"), ("/plain/x", "GET"), ("/items/a/b", "GET")):
            answer = await http.request(method, path)
            assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("fail", 500, "Internal Server Error"),
        ("unspeakable", 500, "Internal Server Error"),
        ("late", 503, "Service Unavailable"),
    ],
)
async def test_a_failing_plain_function_is_a_5xx(
    gateway: Gateway, name: str, status: int, message: str
) -> None:
    async with client(gateway) as http:
        answer = await http.post(f"/plain/{name}")
    assert (answer.status_code, answer.json()) == (status, {"message": message})


async def test_a_body_over_ten_megabytes_is_refused_by_the_event_lane(gateway: Gateway) -> None:
    async with client(gateway) as http:
        answer = await http.post("/plain/big", content=b"x" * (10 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()) == (413, {"message": "Request Entity Too Large"})


@pytest.mark.attack("invocation of functions from outside")
async def test_the_listener_of_the_functions_invokes_nobody(gateway: Gateway) -> None:
    async with client(gateway) as http:
        for method, path in (("POST", INVOKE), ("GET", "/2015-03-31/functions/")):
            answer = await http.request(method, path, headers={"origin": "https://evil.example"})
            assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


async def test_a_websocket_without_a_route_is_refused(gateway: Gateway) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await gateway({"type": "websocket", "path": "/nothing", "headers": []}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_a_function_that_does_not_import_fails_at_boot() -> None:
    template = sample()
    template.functions["web"] = replace(template.functions["web"], module="not.there")
    with pytest.raises(LoadError, match="Unable to import"):
        Gateway(template)


def test_one_route_cannot_belong_to_two_functions() -> None:
    template = sample()
    template.functions["twin"] = replace(template.functions["web"], name="twin")
    with pytest.raises(TemplateError, match="another function's route"):
        Gateway(template)
