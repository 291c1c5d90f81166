"""Cross-origin requests (WHATWG Fetch, 3.2): which sites' pages may read an answer.

What is public is open to every origin; the rest to those that TRIGGERFISH_CORS_ORIGINS names. No
answer depends on cookies, so credentials are never allowed.
"""

import os
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

VARIABLE = "TRIGGERFISH_CORS_ORIGINS"
_PUBLIC = ("/public/", "/openapi.json")
_SENT = "authorization, content-type, idempotency-key, if-match, if-none-match, x-api-key"
_SHOWN = (
    b"access-control-expose-headers",
    b"allow, etag, idempotent-replayed, location, ratelimit, ratelimit-policy, retry-after,"
    b" x-request-id",
)
_KEPT_SECONDS = 600
_FOR_ANY = (b"access-control-allow-origin", b"*")
_BY_ORIGIN = (b"vary", b"origin")

Headers = list[tuple[bytes, bytes]]


def cors_headers(path: str, origin: bytes | None) -> Headers:
    """What an answer to that origin carries; `None` is a request of no page."""
    if path.startswith(_PUBLIC):
        return [_FOR_ANY, _SHOWN] if origin is not None else []
    opened = _opened(os.environ.get(VARIABLE, ""))
    if not opened:
        return []
    if origin is None or origin_of(origin.decode("latin-1")) not in opened:
        return [_BY_ORIGIN]
    return [(b"access-control-allow-origin", origin), _SHOWN, _BY_ORIGIN]


def preflight_headers(methods: Iterable[str]) -> Headers:
    """What an origin may send that is let in, beside `cors_headers`."""
    return [
        (b"access-control-allow-methods", ", ".join(methods).encode()),
        (b"access-control-allow-headers", _SENT.encode()),
        (b"access-control-max-age", b"%d" % _KEPT_SECONDS),
    ]


def origin_of(url: str) -> str | None:
    """Scheme, host and port of a URL or an Origin header, in lower case; None when it has none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname or port is None:
        return None
    return f"{parts.scheme}://{parts.hostname}:{port}"


@lru_cache(maxsize=4)
def _opened(listed: str) -> frozenset[str | None]:
    return frozenset(origin_of(one) for one in listed.split(",")) - {None}
