"""Lambda's Invoke API on a listener of its own: it answers those who sign with the secret."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.runtime.gateway import Gateway
from local.runtime.invocation import InvokeAccess
from local.runtime.template import load
from tests.unit.local.sample.paths import SAMPLE_TEMPLATE

SECRET = "the secret of the state folder"
PORT = 3001
BASE = f"http://127.0.0.1:{PORT}"
FUNCTIONS = f"{BASE}/2015-03-31/functions/"
INVOKE = f"{FUNCTIONS}plain/invocations"
INVALID = (403, "InvalidSignatureException")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    template = load(SAMPLE_TEMPLATE, sqs_endpoint="http://sqs", environ={})
    gateway = Gateway(template, invoke=InvokeAccess(PORT, SECRET))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway)) as client:
        yield client
    gateway.close()


def signed(
    method: str,
    url: str,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    *,
    secret: str = SECRET,
    age: timedelta = timedelta(0),
) -> dict[str, Any]:
    """The request as botocore signs it, `age` ago."""
    request = AWSRequest(method, url, headers=headers or {}, data=body)
    auth = SigV4Auth(Credentials("triggerfish", secret), "lambda", "us-east-1")
    stamp = (datetime.now(UTC) - age).strftime(SIGV4_TIMESTAMP)
    request.context["timestamp"] = stamp
    request.headers["X-Amz-Date"] = stamp
    signature = auth.signature(
        auth.string_to_sign(request, auth.canonical_request(request)), request
    )
    auth._inject_signature_to_request(request, signature)  # type: ignore[attr-defined]
    return {"method": method, "url": url, "content": body, "headers": dict(request.headers.items())}


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.headers.get("x-amzn-errortype")


async def test_a_signed_call_invokes_the_function(http: httpx.AsyncClient) -> None:
    answer = await http.request(**signed("POST", INVOKE, b'{"name": "x"}'))
    assert answer.json()["name"] == "x"
    assert answer.headers["x-amz-executed-version"] == "$LATEST"


async def test_the_functions_are_listed(http: httpx.AsyncClient) -> None:
    answer = await http.request(**signed("GET", f"{FUNCTIONS}?MaxItems=50"))
    plain = next(f for f in answer.json()["Functions"] if f["FunctionName"] == "plain")
    assert plain["FunctionArn"].endswith(":function:plain")


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer tf_some_key"},
        {"authorization": SECRET},
        {"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/r/lambda/aws4_request"},
        {"x-forwarded-for": "127.0.0.1"},
    ],
)
@pytest.mark.attack("invocation of functions from outside")
async def test_without_a_signature_nothing_is_answered(
    http: httpx.AsyncClient, method: str, headers: dict[str, str]
) -> None:
    url = INVOKE if method == "POST" else FUNCTIONS
    assert outcome(await http.request(method, url, headers=headers)) == INVALID


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=1)])
@pytest.mark.attack("invocation of functions from outside")
async def test_an_old_or_postdated_signature_is_refused(
    http: httpx.AsyncClient, age: timedelta
) -> None:
    assert outcome(await http.request(**signed("POST", INVOKE, b"{}", age=age))) == INVALID


@pytest.mark.parametrize(
    "change",
    [
        {"content": b'{"name": "other"}'},
        {"url": f"{FUNCTIONS}fail/invocations"},
        {"url": f"{INVOKE}?Qualifier=x"},
        {"method": "PUT"},
    ],
)
@pytest.mark.attack("invocation of functions from outside")
async def test_a_signature_covers_body_path_query_and_method(
    http: httpx.AsyncClient, change: dict[str, Any]
) -> None:
    assert outcome(await http.request(**{**signed("POST", INVOKE, b"{}"), **change})) == INVALID


@pytest.mark.attack("invocation of functions from outside")
async def test_a_stated_hash_does_not_stand_for_the_body(http: httpx.AsyncClient) -> None:
    request = signed("POST", INVOKE, b"{}", {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert outcome(await http.request(**request)) == INVALID


@pytest.mark.attack("invocation of functions from outside")
async def test_another_secret_is_refused(http: httpx.AsyncClient) -> None:
    assert outcome(await http.request(**signed("POST", INVOKE, secret="a guess"))) == INVALID


async def test_the_functions_own_routes_are_not_on_this_listener(http: httpx.AsyncClient) -> None:
    answer = await http.request(**signed("GET", f"{BASE}/items/1"))
    assert outcome(answer) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("content", "headers", "status", "kind"),
    [
        (b"{", {}, 400, "InvalidRequestContentException"),
        (b"[" * 100_000, {}, 400, "InvalidRequestContentException"),
        (b"{}", {"x-amz-invocation-type": "No"}, 400, "InvalidParameterValueException"),
        (b" " * (6 * 1024 * 1024 + 1), {}, 413, "RequestTooLargeException"),
    ],
)
async def test_a_bad_invocation_is_refused_in_lambdas_words(
    http: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, kind: str
) -> None:
    answer = await http.request(**signed("POST", INVOKE, content, headers))
    assert outcome(answer) == (status, kind)


async def test_an_answer_that_is_not_json_is_a_marshalling_error(http: httpx.AsyncClient) -> None:
    answer = await http.request(**signed("POST", INVOKE, b'{"name": "unspeakable"}'))
    assert answer.headers["x-amz-function-error"] == "Unhandled"
    assert answer.json()["errorType"] == "Runtime.MarshalError"
