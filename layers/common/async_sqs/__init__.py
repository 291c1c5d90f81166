"""An asynchronous SQS client: botocore's credentials and signatures over aiohttp's connections.

It speaks the AWS JSON protocol. botocore's own calls need a thread each and three times the CPU
(0.7 ms a call, measured against 0.24), which is most of what a message costs.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.session import Session

CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
ATTEMPTS = 2

__all__ = ["SqsAway", "SqsClient", "SqsError", "SqsRefusal"]


class SqsError(Exception):
    """A call that came to nothing."""


class SqsAway(SqsError):
    """The service did not answer, or not sensibly; trying again later may help."""


class SqsRefusal(SqsError):
    """The service refused; `code` is its error code, such as `QueueDoesNotExist`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SqsClient:
    """Calls the SQS at `endpoint_url`, or AWS's own if that is None.

    Region, endpoint and credentials are found where boto3 finds them. Usable from several event
    loops, each of which keeps its own connections until `close`.
    """

    def __init__(self, endpoint_url: str | None = None) -> None:
        session = Session()
        self._region: str = session.get_config_variable("region") or "us-east-1"
        self._url = (endpoint_url or _own_endpoint(self._region)).rstrip("/") + "/"
        self._credentials: Any = session.get_credentials()
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = (
            WeakKeyDictionary()
        )

    async def call(
        self, operation: str, parameters: Mapping[str, Any], *, wait_seconds: float = 0.0
    ) -> dict[str, Any]:
        """Perform an operation by its AWS name; `wait_seconds` is how long it may wait by itself.

        Raises SqsRefusal and SqsAway.
        """
        body = json.dumps(parameters, separators=(",", ":")).encode()
        for left in reversed(range(ATTEMPTS)):
            try:
                return await self._attempt(operation, body, wait_seconds)
            except SqsAway:
                if not left:
                    raise
        raise AssertionError

    async def close(self) -> None:
        """Close the running loop's connections."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _attempt(self, operation: str, body: bytes, wait_seconds: float) -> dict[str, Any]:
        headers = await self._signed(operation, body)
        timeout = aiohttp.ClientTimeout(
            sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS + wait_seconds
        )
        try:
            async with self._session().post(
                self._url, data=body, headers=headers, timeout=timeout
            ) as answer:
                raw = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SqsAway(f"{type(error).__name__}: {error}") from error
        return _read_answer(answer.status, raw)

    async def _signed(self, operation: str, body: bytes) -> dict[str, str]:
        request = AWSRequest(
            "POST",
            self._url,
            data=body,
            headers={
                "X-Amz-Target": f"AmazonSQS.{operation}",
                "Content-Type": "application/x-amz-json-1.0",
            },
        )
        try:
            SigV4Auth(await self._frozen(), "sqs", self._region).add_auth(request)
        except BotoCoreError as error:
            raise SqsAway(str(error)) from error
        return dict(request.headers.items())

    async def _frozen(self) -> Any:
        """The credentials as they are now. Renewing them blocks, so a thread does it."""
        refresh_needed = getattr(self._credentials, "refresh_needed", None)
        if refresh_needed is not None and refresh_needed():
            return await asyncio.to_thread(self._credentials.get_frozen_credentials)
        return self._credentials and self._credentials.get_frozen_credentials()

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=60,
                happy_eyeballs_delay=None,
                # aiodns, where it is installed, keeps a name's address for as long as the name's
                # server says: ten minutes in Docker, where a restarted queue has another one.
                resolver=aiohttp.ThreadedResolver(),
            )
            session = self._sessions[loop] = aiohttp.ClientSession(
                connector=connector,
                trust_env=self._url.startswith("https:"),  # proxies; reads a file at every call
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return session


def _own_endpoint(region: str) -> str:
    """Where AWS has SQS in this region. botocore would read megabytes to say the same."""
    given = os.environ.get("AWS_ENDPOINT_URL_SQS") or os.environ.get("AWS_ENDPOINT_URL")
    china = ".cn" if region.startswith("cn-") else ""
    return given or f"https://sqs.{region}.amazonaws.com{china}"


def _read_answer(status: int, raw: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(raw) if raw else {}
    except ValueError:
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    if status < 500 and isinstance(answer, dict):
        code = str(answer.get("__type", status)).rpartition("#")[2]
        raise SqsRefusal(code, str(answer.get("message") or answer.get("Message") or ""))
    raise SqsAway(f"SQS answered {status}: {raw[:200].decode(errors='replace')}")
