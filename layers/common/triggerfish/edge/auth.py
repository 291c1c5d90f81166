"""Who calls: the API key of a request becomes a Principal, or the request ends here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Forbidden, Unauthorised

MAX_KEY_CHARACTERS = 200

Authenticate = Callable[[str], Awaitable[Principal | None]]


@dataclass(frozen=True)
class Guard:
    """A FastAPI dependency: the caller, who must hold `scope`. Raises Unauthorised or Forbidden."""

    scope: str
    authenticate: Callable[[], Authenticate]

    async def __call__(self, request: Request) -> Principal:
        principal = await self.authenticate()(_key(request))
        if principal is None:
            raise Unauthorised("The API key is not valid.")
        if self.scope not in principal.scopes:
            raise Forbidden(f"The API key needs the scope {self.scope}.")
        return principal


def require(scope: str, authenticate: Callable[[], Authenticate]) -> Guard:
    """The guard of a route; the API document reads its scope from there."""
    return Guard(scope, authenticate)


def _key(request: Request) -> str:
    """The key of `Authorization: Bearer` or `X-API-Key`; always visible ASCII."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    key = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if not key:
        raise Unauthorised(_how_to_send(scheme))
    if len(key) > MAX_KEY_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise Unauthorised("The API key is not valid.")
    return key


def _how_to_send(scheme: str) -> str:
    """What an `Authorization` header without a key lacks; it may hold a secret, so no quotes."""
    if not scheme or scheme.lower() == "bearer":
        return "Send an API key as Authorization: Bearer <key>."
    return "The Authorization header must begin with Bearer: Authorization: Bearer <key>."
