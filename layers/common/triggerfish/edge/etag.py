"""Conditional answers: a page that its reader already has is answered 304, without its bytes."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response

from triggerfish.edge.http import Json

# Private: an answer belongs to one key. No-cache: it may be kept, but is asked for again.
OF_ONE_KEY = {"cache-control": "private, no-cache", "vary": "authorization, x-api-key"}
# The same for everybody.
OF_EVERYBODY = {"cache-control": "public, no-cache"}


def conditional(request: Request, content: Any, whose: Mapping[str, str] = OF_ONE_KEY) -> Response:
    """The content as JSON with a weak ETag, or 304 when the request says it has it (RFC 9110)."""
    answer = Json(content)
    etag = f'W/"{blake2b(answer.body, digest_size=16).hexdigest()}"'
    headers = {"etag": etag, **whose}
    if _has(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def _has(if_none_match: str, etag: str) -> bool:
    """By weak comparison: `W/"x"` and `"x"` are the same."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
