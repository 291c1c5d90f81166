"""From a request's headers to its caller, or to the error that ends it."""

from uuid import UUID

import pytest
from fastapi import Request

from triggerfish.domain.access import Principal
from triggerfish.domain.errors import Forbidden, Unauthorised
from triggerfish.edge.auth import MAX_KEY_CHARACTERS, require

CALLER = Principal(UUID(int=1), UUID(int=2), frozenset({"triggers:read"}))


async def find(key: str) -> Principal | None:
    return CALLER if key == "right" else None


async def never(key: str) -> Principal | None:
    raise AssertionError("a key that cannot be one is not looked up")


def request(**headers: bytes) -> Request:
    raw = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": b"Bearer right"},
        {"authorization": b"bearer right"},
        {"authorization": b"BEARER   right "},
        {"x_api_key": b"right"},
        {"authorization": b"Basic dTpw", "x_api_key": b"right"},
    ],
)
async def test_the_caller_is_who_the_key_belongs_to(headers):
    assert await require("triggers:read", lambda: find)(request(**headers)) == CALLER


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": b""},
        {"authorization": b"Bearer"},
        {"authorization": b"Bearer  "},
        {"authorization": b"right"},
        {"authorization": b"Bearer sch\xc3\xbcssel"},
        {"authorization": b"Bearer \xff"},
        {"authorization": b"Bearer a\x00b"},
        {"authorization": b"Bearer a\nb"},
        {"authorization": b"Bearer " + b"k" * (MAX_KEY_CHARACTERS + 1)},
        {"x_api_key": b"\x7f"},
    ],
)
async def test_what_cannot_be_a_key_is_refused_without_asking_anyone(headers):
    with pytest.raises(Unauthorised):
        await require("triggers:read", lambda: never)(request(**headers))


async def test_a_wrong_key_and_a_missing_scope_are_different_refusals():
    with pytest.raises(Unauthorised):
        await require("triggers:read", lambda: find)(request(authorization=b"Bearer wrong"))
    with pytest.raises(Forbidden, match="triggers:write"):
        await require("triggers:write", lambda: find)(request(authorization=b"Bearer right"))
