"""Webhook calls that must prove where they come from, on the raw bytes, through both lanes."""

import time
from typing import Any

import pytest

from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.lanes import Api, assert_refused, post_json
from tests.integration.vault import VAULT
from tests.unit.domain.test_verification import BODY, SECRET, TYPES, WHSEC, WRONG, proof
from triggerfish.adapters.db.sealed_columns import verification_context

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"


def verified_by(type: str, **fields: Any) -> dict[str, Any]:
    secret = WHSEC if type == "standard-webhooks" else SECRET
    return {"type": type, "secret": secret} | fields


def now() -> int:
    return int(time.time())


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.attack("forged, replayed and mangled webhook calls")
async def test_only_a_call_that_proves_itself_becomes_an_event(api: Api, type: str) -> None:
    trigger = await api.create(an_api_trigger(HOOK, verification=verified_by(type)))
    url = trigger["webhook_url"]
    accepted = await post_json(api.http, url, BODY, **proof(type, at=now()))
    assert accepted.status_code == 202, accepted.text
    other = "another-secret-16" if type != "standard-webhooks" else "whsec_" + "A" * 44
    refused: list[tuple[bytes, dict[str, str]]] = [
        (BODY, {}),
        (b"not json", {}),
        (BODY, proof(type, at=now(), secret=other)),
    ]
    if type != "header":
        refused.append((BODY + b" ", proof(type, at=now())))
    if type in ("standard-webhooks", "stripe"):
        refused.append((BODY, proof(type, at=now() - 302)))
    answers = [await post_json(api.http, url, body, **headers) for body, headers in refused]
    for answer in answers:
        assert_refused(answer, 401)
    assert len({answer.json()["error"]["message"] for answer in answers}) == 1
    assert api.stored()["event_logs_active"] == 1


@pytest.mark.attack("forged, replayed and mangled webhook calls")
async def test_a_repeated_call_with_a_key_must_prove_itself_too(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK, verification=verified_by("github")))
    url, key = trigger["webhook_url"], {"idempotency-key": "one"}
    first = await post_json(api.http, url, BODY, **proof("github"), **key)
    assert first.status_code == 202
    assert_refused(await post_json(api.http, url, BODY, **key), 401)
    again = await post_json(api.http, url, BODY, **proof("github"), **key)
    assert again.json() == first.json()


async def test_the_secret_is_sealed_and_never_shown(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK, verification=verified_by("github")))
    shown = {"type": "github"}
    assert trigger["verification"] == shown
    path = f"{TRIGGERS}/{trigger['id']}"
    edited = await api.http.patch(path, json={"name": "renamed"})
    assert edited.json()["verification"] == shown
    seen = [await api.get(where) for where in (path, TRIGGERS, f"{path}/revisions")]
    answers = [edited.text, *map(str, seen)]
    for answer in answers:
        assert "github" in answer
        assert SECRET not in answer
    rows = api.sql("SELECT verification_secret, r::text FROM trigger_revisions r")
    assert len(rows) == 2
    for sealed, row in rows:
        assert SECRET not in row
        assert VAULT.open(sealed, verification_context(trigger["id"])) == SECRET
    call = await post_json(api.http, trigger["webhook_url"], BODY, **proof("github"))
    assert call.status_code == 202


async def test_a_verification_is_changed_and_taken_away(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    assert "verification" not in trigger
    path, url = f"{TRIGGERS}/{trigger['id']}", trigger["webhook_url"]
    await api.fire(trigger, BODY)  # a gateway remembers the trigger as it was
    await api.http.patch(path, json={"verification": verified_by("github")})
    assert_refused(await post_json(api.http, url, BODY), 401)
    await api.http.patch(path, json={"verification": verified_by("header", header="X-Shop")})
    assert_refused(await post_json(api.http, url, BODY, **proof("github")), 401)
    accepted = await post_json(api.http, url, BODY, **{"X-Shop": SECRET})
    assert accepted.status_code == 202
    await api.http.patch(path, json={"verification": None})
    await api.fire(trigger, BODY)


async def test_a_wrong_verification_is_refused_at_creation(api: Api) -> None:
    for raw, field in WRONG:
        body = an_api_trigger(HOOK, verification=raw)
        assert_refused(await api.http.post(TRIGGERS, json=body), 400, field)
    scheduled = a_scheduled_trigger(HOOK, verification=verified_by("github"))
    assert_refused(await api.http.post(TRIGGERS, json=scheduled), 400, "verification")
