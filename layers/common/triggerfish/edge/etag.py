"""Conditional requests: a page that its reader has is 304, a change of what has changed is 412."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from fastapi import Request, Response

from triggerfish.domain.errors import Stale
from triggerfish.edge.http import Json

# Private: an answer belongs to one key. No-cache: it may be kept, but is asked for again.
OF_ONE_KEY = {"cache-control": "private, no-cache", "vary": "authorization, x-api-key"}
# The same for everybody.
OF_EVERYBODY = {"cache-control": "public, no-cache"}


def conditional(
    request: Request,
    content: Any,
    whose: Mapping[str, str] = OF_ONE_KEY,
    *,
    version: str | None = None,
) -> Response:
    """The content as JSON with an ETag, or 304 when the request says it has it (RFC 9110)."""
    answer = Json(content)
    headers = {"etag": etag(answer.body, version), **whose}
    if _has(request.headers.get("if-none-match", ""), headers["etag"]):
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def etag(body: bytes | memoryview, version: str | None = None) -> str:
    """`"version-hash"` of a thing that is changed under `If-Match`, `W/"hash"` of any other.

    The hash covers what the answer shows, the version what its owner changed: counters and times
    that move by themselves make an answer new, but no change stale.
    """
    digest = blake2b(body, digest_size=16).hexdigest()
    return f'W/"{digest}"' if version is None else f'"{version}-{digest}"'


def tagged(answer: Json, version: str) -> Json:
    """A thing as it has become, with the ETag to change it under."""
    answer.headers["etag"] = etag(answer.body, version)
    return answer


def version_of(*changed: object) -> str:
    """What tells one state that an owner made from another."""
    return blake2b(repr(changed).encode(), digest_size=8).hexdigest()


def unless_stale(request: Request) -> Callable[[str], None]:
    """A check of the present version: it raises Stale when `If-Match` names others only."""
    given = request.headers.getlist("if-match")
    wanted = {tag.strip().removeprefix("W/") for one in given for tag in one.split(",")}
    versions = {tag.strip('"').partition("-")[0] for tag in wanted}

    def check(version: str) -> None:
        if given and "*" not in wanted and version not in versions:
            raise Stale("It has been changed since: its ETag is not one that If-Match names.")

    return check


def _has(if_none_match: str, etag: str) -> bool:
    """By weak comparison: `W/"x"` and `"x"` are the same."""
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
