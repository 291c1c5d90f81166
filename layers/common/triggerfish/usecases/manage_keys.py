"""Create, list, look up, rotate and revoke the API keys of a project."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from triggerfish.domain.access import (
    PREFIX_CHARACTERS,
    SECRET_CHARACTERS,
    Principal,
    assemble_key,
    hash_secret,
    key_prefix,
)
from triggerfish.domain.api_key import (
    ApiKey,
    NewKey,
    ending_with,
    parse_new_key,
    refuse_gain,
    refuse_power,
    replacement,
)
from triggerfish.domain.errors import Conflict, NotFound
from triggerfish.domain.overlap import parse_overlap
from triggerfish.domain.page import Page, Place, cut, decode_cursor
from triggerfish.ports import Clock, Ids


class KeyStore(Protocol):
    async def insert(self, key: ApiKey, *, key_hash: bytes) -> None: ...

    async def get(self, project_id: UUID, key_id: UUID) -> ApiKey | None: ...

    async def page(self, project_id: UUID, *, before: Place | None, limit: int) -> list[ApiKey]: ...

    async def rotate(
        self, old: ApiKey, new: ApiKey, *, key_hash: bytes, until: datetime
    ) -> ApiKey | None:
        """Store `new` and end `old` at `until` at the latest; the old key as it is then.

        None, and nothing is stored, when `old` was revoked or rotated meanwhile.
        """
        ...

    async def revoke(self, project_id: UUID, key_id: UUID, *, now: datetime) -> ApiKey | None:
        """The key as it is then; None, and nothing changes, for the last one that administers."""
        ...


@dataclass(frozen=True, slots=True)
class ManageKeysDeps:
    clock: Clock
    ids: Ids
    keys: KeyStore


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its secret, which exists only here and with the customer."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """The new key, and the old one with the end that it has now."""

    issued: IssuedKey
    replaced: ApiKey


async def create_key(raw: object, caller: Principal, d: ManageKeysDeps) -> IssuedKey:
    """Raises InvalidInput naming every wrong field, Forbidden for what exceeds the caller's key."""
    now = d.clock.now()
    wanted = ending_with(caller.expires_at, parse_new_key(raw, now=now))
    refuse_gain(caller.scopes, wanted.scopes)
    issued = issue(wanted, caller.project_id, now=now, ids=d.ids)
    await d.keys.insert(issued.key, key_hash=hash_secret(issued.secret))
    return issued


async def list_keys(
    caller: Principal, d: ManageKeysDeps, *, limit: int, cursor: str | None
) -> Page[ApiKey]:
    """Newest first, also those that are over. Raises InvalidInput for a cursor not ours."""
    found = await d.keys.page(caller.project_id, before=decode_cursor(cursor), limit=limit + 1)
    return cut([(key.created_at, key.id, key) for key in found], limit)


async def get_key(key_id: UUID, caller: Principal, d: ManageKeysDeps) -> ApiKey:
    """Raises NotFound for an unknown key and for another project's alike."""
    key = await d.keys.get(caller.project_id, key_id)
    if key is None:
        raise NotFound("There is no such API key.")
    return key


async def rotate_key(key_id: UUID, raw: object, caller: Principal, d: ManageKeysDeps) -> Rotation:
    """Make a key's successor; the old one stays valid for the overlap that the body asks for.

    Raises InvalidInput, NotFound, Forbidden for what exceeds the caller's key, and Conflict for a
    key that is no longer in use.
    """
    now = d.clock.now()
    overlap = parse_overlap(raw)
    old = await get_key(key_id, caller, d)
    refuse_gain(caller.scopes, old.scopes)
    successor = replacement(old, maker_ends=caller.expires_at, now=now)
    issued = issue(successor, caller.project_id, now=now, ids=d.ids)
    replaced = await d.keys.rotate(
        old, issued.key, key_hash=hash_secret(issued.secret), until=now + overlap
    )
    if replaced is None:
        raise Conflict("The key was rotated or revoked just now; look it up again.")
    return Rotation(issued, replaced)


async def revoke_key(key_id: UUID, caller: Principal, d: ManageKeysDeps) -> ApiKey:
    """End a key for good; once more changes nothing. The key as it is then.

    Raises NotFound, Forbidden for a key with scopes the caller lacks, and Conflict for the last
    usable key that can administer.
    """
    refuse_power(caller.scopes, await get_key(key_id, caller, d))
    revoked = await d.keys.revoke(caller.project_id, key_id, now=d.clock.now())
    if revoked is None:
        raise Conflict("This is the last usable key that can administer; create another one first.")
    return revoked


def issue(wanted: NewKey, project_id: UUID, *, now: datetime, ids: Ids) -> IssuedKey:
    """Make up a key; storing it is the caller's."""
    secret = assemble_key(ids.alphanumeric(PREFIX_CHARACTERS), ids.alphanumeric(SECRET_CHARACTERS))
    key = ApiKey(
        id=ids.uuid7(now),
        project_id=project_id,
        name=wanted.name,
        prefix=key_prefix(secret),
        scopes=wanted.scopes,
        created_at=now,
        expires_at=wanted.expires_at,
    )
    return IssuedKey(key, secret)
