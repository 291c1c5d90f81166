"""API keys over HTTP: made, shown once, listed, rotated with overlap, revoked, expiring."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.conftest import API_KEY
from tests.integration.keys import an_api_key, bearer
from tests.integration.lanes import Api, assert_refused
from triggerfish.domain.access import PROJECT_SCOPES, SCOPES, hash_secret

KEYS = "/api/v1/keys"
TRIGGERS = "/api/v1/triggers"
DAY = timedelta(days=1)
VIEW = {
    "id",
    "name",
    "prefix",
    "scopes",
    "created_at",
    "expires_at",
    "revoked_at",
    "last_used_at",
    "replaced_by",
}


async def a_key(api: Api, *scopes: str, **fields: Any) -> dict[str, Any]:
    body = {"name": "ci", "scopes": list(scopes or ["triggers:read"])} | fields
    answer = await api.http.post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


async def revoke(api: Api, key: dict[str, Any]) -> httpx.Response:
    return await api.http.post(f"{KEYS}/{key['id']}/revoke")


async def is_valid(api: Api, created: dict[str, Any]) -> bool:
    answer = await api.http.get(TRIGGERS, headers=bearer(created))
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200


async def bootstrap(api: Api) -> dict[str, Any]:
    [key] = [key for key in (await api.get(KEYS))["data"] if key["name"] == "bootstrap"]
    return dict(key)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_key_is_shown_once_and_stored_as_its_hash(api: Api) -> None:
    answer = await api.http.post(KEYS, json={"name": "ci", "scopes": ["triggers:read"]})
    created = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert set(created) == VIEW | {"key"}
    assert created["key"].startswith(created["prefix"] + "_")
    assert await is_valid(api, created)
    secret = created["key"].removeprefix(created["prefix"])
    for seen in (await api.http.get(KEYS), await api.http.get(f"{KEYS}/{created['id']}")):
        assert seen.status_code == 200
        assert secret not in seen.text
        assert hash_secret(created["key"]).hex() not in seen.text
    [(stored, row)] = api.sql(
        "SELECT key_hash, k::text FROM api_keys k WHERE id = %s", created["id"]
    )
    assert bytes(stored) == hash_secret(created["key"])
    assert secret not in row


async def test_keys_are_listed_newest_first_in_pages(api: Api) -> None:
    for n in range(4):
        await a_key(api, name=str(n))
    first = await api.get(KEYS, limit=3)
    second = await api.get(KEYS, limit=3, cursor=first["next_cursor"])
    assert [key["name"] for key in first["data"]] == ["3", "2", "1"]
    assert [key["name"] for key in second["data"]] == ["0", "bootstrap"]
    assert second["next_cursor"] is None
    assert all(set(key) == VIEW for key in first["data"])
    looked_up = await api.get(f"{KEYS}/{first['data'][0]['id']}")
    assert looked_up == first["data"][0]


async def test_the_bootstrap_key_may_do_everything_and_shows_nothing_of_itself(api: Api) -> None:
    key = await bootstrap(api)
    assert key["scopes"] == list(SCOPES)
    assert not API_KEY.startswith(key["prefix"])


async def test_a_key_may_do_what_its_scopes_say_and_no_more(api: Api) -> None:
    reader = await a_key(api, "triggers:read")
    assert (await api.http.get(TRIGGERS, headers=bearer(reader))).status_code == 200
    assert_refused(await api.http.get("/api/v1/event-logs", headers=bearer(reader)), 403)
    assert_refused(await api.http.get(KEYS, headers=bearer(reader)), 403)


async def test_a_key_cannot_make_or_take_over_one_that_may_do_more(api: Api) -> None:
    admin = await a_key(api, "keys:admin", "triggers:read")
    other = await a_key(api, "triggers:read", "triggers:write")
    wanted = {"name": "more", "scopes": ["triggers:read", "triggers:write"]}
    assert_refused(await api.http.post(KEYS, json=wanted, headers=bearer(admin)), 403)
    rotated = await api.http.post(f"{KEYS}/{other['id']}/rotate", headers=bearer(admin))
    assert_refused(rotated, 403)
    assert len((await api.get(KEYS))["data"]) == 3
    less = {"name": "less", "scopes": ["triggers:read"]}
    assert (await api.http.post(KEYS, json=less, headers=bearer(admin))).status_code == 201


@pytest.mark.attack("keys: gaining time or scopes, revoking stronger ones")
async def test_a_key_that_expires_makes_none_that_outlives_it(api: Api) -> None:
    admin = await a_key(api, "keys:admin", "triggers:read", expires_in="1h")
    as_admin, wanted = bearer(admin), {"name": "heir", "scopes": ["triggers:read"]}
    for later in ({"expires_in": "2h"}, {"expires_at": "2999-01-01T00:00:00Z"}):
        assert_refused(await api.http.post(KEYS, json=wanted | later, headers=as_admin), 403)
    for given in ({}, {"expires_in": "30m"}):
        heir = await api.http.post(KEYS, json=wanted | given, headers=as_admin)
        assert heir.status_code == 201
        assert instant(heir.json()["expires_at"]) <= instant(admin["expires_at"])


@pytest.mark.attack("keys: gaining time or scopes, revoking stronger ones")
async def test_a_key_that_expires_cannot_prolong_itself_or_others_by_rotation(api: Api) -> None:
    lasting, admin = await a_key(api), await a_key(api, "keys:admin", expires_in="1h")
    api.sql(
        "UPDATE api_keys SET created_at = now() - interval '90 days' WHERE id = %s", admin["id"]
    )
    refused = await api.http.post(f"{KEYS}/{lasting['id']}/rotate", headers=bearer(admin))
    assert_refused(refused, 403)
    rotated = await api.http.post(f"{KEYS}/{admin['id']}/rotate", headers=bearer(admin))
    assert rotated.status_code == 201
    assert rotated.json()["expires_at"] == admin["expires_at"]


@pytest.mark.attack("keys: gaining time or scopes, revoking stronger ones")
async def test_a_key_cannot_revoke_one_with_scopes_it_lacks(api: Api) -> None:
    admin = await a_key(api, "keys:admin", "triggers:read")
    stronger, weaker = await a_key(api, "triggers:write"), await a_key(api, "triggers:read")
    refused = await api.http.post(f"{KEYS}/{stronger['id']}/revoke", headers=bearer(admin))
    assert_refused(refused, 403)
    assert (await api.get(f"{KEYS}/{stronger['id']}"))["revoked_at"] is None
    for own in (weaker, admin):
        revoked = await api.http.post(f"{KEYS}/{own['id']}/revoke", headers=bearer(admin))
        assert revoked.status_code == 200


async def test_a_key_is_valid_until_it_expires(api: Api) -> None:
    key = await a_key(api, expires_in="90d")
    lifetime = instant(key["expires_at"]) - instant(key["created_at"])
    assert lifetime == 90 * DAY
    assert await is_valid(api, key)
    api.sql("UPDATE api_keys SET expires_at = now() WHERE id = %s", key["id"])
    assert not await is_valid(api, key)
    assert_refused(await api.http.post(f"{KEYS}/{key['id']}/rotate"), 409)


async def test_a_revoked_key_is_refused_at_once_and_stays_in_the_list(api: Api) -> None:
    key = await a_key(api)
    revoked = (await revoke(api, key)).json()
    assert set(revoked) == VIEW
    assert instant(revoked["revoked_at"]) >= instant(key["created_at"])
    assert not await is_valid(api, key)
    assert await api.get(f"{KEYS}/{key['id']}") == revoked
    assert (await revoke(api, key)).json() == revoked
    assert_refused(await api.http.post(f"{KEYS}/{key['id']}/rotate"), 409)


async def test_a_rotated_key_and_its_successor_overlap(api: Api) -> None:
    old = await a_key(api, "triggers:read", "events:read", expires_in="90d")
    answer = await api.http.post(f"{KEYS}/{old['id']}/rotate", json={"overlap_seconds": 3600})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    new = answer.json()
    assert (new["name"], new["scopes"]) == (old["name"], old["scopes"])
    assert instant(new["expires_at"]) == instant(new["created_at"]) + 90 * DAY
    assert await is_valid(api, old)
    assert await is_valid(api, new)
    ending = await api.get(f"{KEYS}/{old['id']}")
    assert ending["replaced_by"] == new["id"]
    assert new["replaces"] == {"id": old["id"], "expires_at": ending["expires_at"]}
    assert instant(ending["expires_at"]) == instant(new["created_at"]) + timedelta(hours=1)
    assert_refused(await api.http.post(f"{KEYS}/{old['id']}/rotate"), 409)


async def test_a_rotation_overlaps_by_a_day_or_by_nothing_and_never_prolongs(api: Api) -> None:
    lasting, ending, leaked = await a_key(api), await a_key(api, expires_in="1h"), await a_key(api)
    new = (await api.http.post(f"{KEYS}/{lasting['id']}/rotate")).json()
    assert instant(new["replaces"]["expires_at"]) == instant(new["created_at"]) + DAY
    assert new["expires_at"] is None
    new = (await api.http.post(f"{KEYS}/{ending['id']}/rotate", json={})).json()
    assert new["replaces"]["expires_at"] == ending["expires_at"]
    rotation = {"overlap_seconds": 0}
    new = (await api.http.post(f"{KEYS}/{leaked['id']}/rotate", json=rotation)).json()
    assert not await is_valid(api, leaked)
    assert await is_valid(api, new)


async def test_of_rotations_at_the_same_time_one_counts(api: Api) -> None:
    key = await a_key(api)
    path = f"{KEYS}/{key['id']}/rotate"
    answers = await asyncio.gather(*(api.http.post(path) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len((await api.get(KEYS))["data"]) == 3


async def test_the_last_key_that_administers_cannot_be_revoked(api: Api) -> None:
    first = await bootstrap(api)
    await a_key(api, "triggers:read")
    expired = await a_key(api, *SCOPES)
    api.sql("UPDATE api_keys SET expires_at = now() WHERE id = %s", expired["id"])
    assert_refused(await revoke(api, first), 409)
    assert (await revoke(api, expired)).status_code == 200
    without_projects = await a_key(api, *PROJECT_SCOPES)
    assert_refused(await revoke(api, first), 409)
    second = await a_key(api, *SCOPES)
    assert (await revoke(api, first)).status_code == 200
    assert_refused(await api.http.get(KEYS), 401)
    api.http.headers.update(bearer(second))
    assert (await revoke(api, without_projects)).status_code == 200
    assert_refused(await revoke(api, second), 409)


async def test_a_key_that_was_rotated_away_does_not_count_as_one_that_stays(api: Api) -> None:
    first = await bootstrap(api)
    successor = (await api.http.post(f"{KEYS}/{first['id']}/rotate")).json()
    assert_refused(await revoke(api, successor), 409)
    assert (await revoke(api, first)).status_code == 200
    assert await is_valid(api, successor)


async def test_keys_that_revoke_each_other_at_once_leave_one(api: Api) -> None:
    keys = [await bootstrap(api), *[await a_key(api, *SCOPES) for _ in range(5)]]
    answers = await asyncio.gather(*(revoke(api, key) for key in keys))
    assert {answer.status_code for answer in answers} <= {200, 401, 409}
    usable = "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL"
    [(left,)] = api.sql(usable)
    assert left >= 1
    assert left == len(keys) - [answer.status_code for answer in answers].count(200)


async def test_another_projects_key_cannot_be_told_from_none(api: Api) -> None:
    key = await a_key(api)
    stranger = an_api_key(api, "tf_stranger_0123456789", "keys:admin", "triggers:read")
    answers = set()
    for id in (key["id"], str(uuid4())):
        for method, path in (("GET", id), ("POST", f"{id}/revoke"), ("POST", f"{id}/rotate")):
            answer = await api.http.request(method, f"{KEYS}/{path}", headers=stranger)
            assert_refused(answer, 404)
            answers.add(answer.json()["error"]["message"])
    assert len(answers) == 1
    listed = (await api.http.get(KEYS, headers=stranger)).json()["data"]
    assert [one["name"] for one in listed] == ["test"]
    assert await is_valid(api, key)


async def last_used(api: Api, key: dict[str, Any]) -> datetime | None:
    """What is noted once the writes behind the answers have ended."""
    async with asyncio.timeout(20):
        while True:
            [(at,)] = api.sql("SELECT last_used_at FROM api_keys WHERE id = %s", key["id"])
            if at is not None:
                return datetime.fromisoformat(str(at)).astimezone(UTC)
            await asyncio.sleep(0.02)


async def test_the_last_use_is_noted_at_most_once_a_minute(api: Api) -> None:
    key = await a_key(api)
    assert key["last_used_at"] is None
    await asyncio.gather(*(is_valid(api, key) for _ in range(10)))
    first = await last_used(api, key)
    assert first is not None
    assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)
    await is_valid(api, key)
    assert await last_used(api, key) == first
    seen = await api.get(f"{KEYS}/{key['id']}")
    assert instant(seen["last_used_at"]) == first


async def test_a_refused_key_does_not_count_as_used(api: Api) -> None:
    key = await a_key(api)
    await revoke(api, key)
    await is_valid(api, key)
    await last_used(api, await bootstrap(api))
    assert (await api.get(f"{KEYS}/{key['id']}"))["last_used_at"] is None
