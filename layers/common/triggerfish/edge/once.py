"""Calls that create something, carried out once for an idempotency key however often they come."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol
from uuid import UUID

import orjson
from fastapi import Request, Response

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Conflict, TryLater
from triggerfish.domain.idempotency import HEADER, FirstAnswer, checked_answer, idempotency_key
from triggerfish.edge.http import MAX_BODY_BYTES, whole_body

REPLAYED = {"idempotent-replayed": "true"}
_SHOWN_AGAIN = ("cache-control", "content-type", "location")


class KeyedRequests(Protocol):
    """What each key of a project was first used for, by operation."""

    async def claim(self, project_id: UUID, operation: str, key: str) -> UUID | None:
        """Take a key for a request that is to be carried out; None when it is taken."""
        ...

    async def find(self, project_id: UUID, operation: str, key: str) -> FirstAnswer | None:
        """The first answer; None while its request is being carried out."""
        ...

    async def finish(self, claim: UUID, answer: FirstAnswer) -> None: ...

    async def release(self, claim: UUID) -> None: ...


async def once(
    request: Request,
    caller: Principal,
    requests: KeyedRequests,
    carry_out: Callable[[], Awaitable[Response]],
    *,
    max_bytes: int = MAX_BODY_BYTES,
    fingerprint: Callable[[], Awaitable[bytes]] | None = None,
) -> Response:
    """The answer of `carry_out`, or the one that the same key was first answered.

    `fingerprint` tells one body from another, where it is too large to be read as a whole. A
    request that fails gives its key back. Raises KeyReused for a key that came with another body,
    and Conflict while the first request with it is still being carried out.
    """
    key = idempotency_key(request.headers.getlist(HEADER))
    if key is None:
        return await carry_out()

    async def of_body() -> bytes:
        return hashlib.sha256(await whole_body(request, max_bytes)).digest()

    operation = f"{request.method} {request.url.path}?{request.url.query}"
    claim = await requests.claim(caller.project_id, operation, key)
    if claim is None:
        first = await requests.find(caller.project_id, operation, key)
        if first is None:
            raise Conflict("The first request with this key is still being carried out.")
        return _again(checked_answer(await (fingerprint or of_body)(), first))
    return await _first(claim, requests, carry_out, fingerprint or of_body)


async def _first(
    claim: UUID,
    requests: KeyedRequests,
    carry_out: Callable[[], Awaitable[Response]],
    fingerprint: Callable[[], Awaitable[bytes]],
) -> Response:
    try:
        answer = await carry_out()
        body_hash = await fingerprint()
    except BaseException:
        with suppress(TryLater):  # the claim ends by itself
            await requests.release(claim)
        raise
    headers = {name: answer.headers[name] for name in _SHOWN_AGAIN if name in answer.headers}
    kept = orjson.dumps([headers, bytes(answer.body).decode()]).decode()
    with suppress(TryLater):  # it was carried out, and its caller is to know
        await requests.finish(claim, FirstAnswer(body_hash, answer.status_code, kept))
    return answer


def _again(first: FirstAnswer) -> Response:
    headers, body = orjson.loads(first.text)
    return Response(body, first.status, headers | REPLAYED)
