"""Secrets at rest: sealed in every column, read while they were plain, moved to another key."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from standardwebhooks import Webhook
from typer.testing import CliRunner

from local.cli.main import app
from tests import functions
from tests.clock import VirtualClock
from tests.conftest import ENCRYPTION_KEYS
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.actions import create, fire
from tests.integration.lanes import Api, assert_refused, dsn, post_json
from tests.integration.test_trigger_api import an_api_key
from tests.receiver import Delivery, Receiver
from triggerfish.adapters.revisions import ROTATION_SECONDS
from triggerfish.adapters.vault import UnreadableSecretError
from triggerfish.domain.access import Principal
from triggerfish.domain.trigger import Trigger
from triggerfish.settings import Settings
from triggerfish.usecases.change_trigger import update_trigger
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.usecases.rotate_secret import rotate_secret
from triggerfish.wiring import Wiring
from triggerfish.wiring.upkeep import migrate, rekey

HOOK = "https://example.com/hook"
TRIGGERS = "/api/v1/triggers"
BODY = b'{"id": 1}'
NEW_KEY = "new:" + base64.b64encode(b"\x07" * 32).decode()
CREDENTIAL = "Bearer of-the-customer"
PROOF = "proof-of-the-sender"


def stored(database_url: str) -> list[str]:
    """Every value of a column that holds secrets."""
    query = """
        SELECT signing_secret FROM trigger_revisions
         UNION ALL SELECT previous_signing_secret FROM trigger_revisions
         UNION ALL SELECT verification_secret FROM trigger_revisions
         UNION ALL SELECT endpoint_headers FROM trigger_revisions
         UNION ALL SELECT webhook_token FROM triggers"""
    with psycopg.connect(dsn(database_url)) as connection:
        return [value for (value,) in connection.execute(query.encode()) if value is not None]


def everything(database_url: str) -> str:
    """All of both tables as text."""
    with psycopg.connect(dsn(database_url)) as connection:
        return "".join(
            row[0]
            for table in ("triggers", "trigger_revisions")
            for row in connection.execute(f"SELECT t::text FROM {table} t".encode())
        )


def with_headers(**headers: str) -> dict[str, Any]:
    return {"url": HOOK, "headers": headers}


async def rotate(parts: Wiring, caller: Principal, trigger: Trigger, seconds: int) -> Trigger:
    body = {"overlap_seconds": seconds}
    return await rotate_secret(trigger.id, body, caller, parts.rotate_secret)


async def test_no_secret_of_a_trigger_is_in_the_database_to_be_read(
    parts: Wiring, caller: Principal
) -> None:
    endpoint = with_headers(Authorization=CREDENTIAL)
    proof = {"type": "github", "secret": PROOF}
    body = an_api_trigger(HOOK, endpoint=endpoint, verification=proof)
    trigger = await create(parts, caller, body)
    old = trigger.revision.secrets.present
    rotated = await rotate(parts, caller, trigger, 60)
    content = everything(parts.settings.database_url)
    assert trigger.webhook_token
    for secret in (old, rotated.revision.secrets.present, trigger.webhook_token, CREDENTIAL, PROOF):
        assert secret not in content
    values = stored(parts.settings.database_url)
    assert len(values) == 5
    assert all(value.startswith("sealed:test:") for value in values)
    assert await get_trigger(trigger.id, caller, parts.manage_triggers) == rotated


@pytest.mark.attack("secrets at rest: tampering, swapping of rows")
async def test_secrets_swapped_between_rows_do_not_open(parts: Wiring, caller: Principal) -> None:
    mine = await create(parts, caller, a_scheduled_trigger(HOOK))
    other = await create(parts, caller, a_scheduled_trigger(HOOK))
    with psycopg.connect(dsn(parts.settings.database_url)) as connection:
        connection.execute(
            """UPDATE trigger_revisions SET signing_secret =
               (SELECT signing_secret FROM trigger_revisions WHERE trigger_id = %s)
               WHERE trigger_id = %s""",
            (other.id, mine.id),
        )
    with pytest.raises(UnreadableSecretError):
        await get_trigger(mine.id, caller, parts.manage_triggers)


async def test_what_an_older_version_stored_works_and_migrating_seals_it(
    parts: Wiring, caller: Principal, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    with psycopg.connect(dsn(parts.settings.database_url)) as connection:
        connection.execute("UPDATE triggers SET webhook_token = %s", (trigger.webhook_token,))
        secret = trigger.revision.secrets.present
        connection.execute("UPDATE trigger_revisions SET signing_secret = %s", (secret,))
    await fire(parts, trigger, BODY)
    await functions.work(parts.settings.deliveries_queue_url)
    assert verifies(secret, receiver.deliveries[0])
    assert await get_trigger(trigger.id, caller, parts.manage_triggers) == trigger
    await parts.sealed_secrets.rekey(only_plain=True)
    assert all(value.startswith("sealed:test:") for value in stored(parts.settings.database_url))
    assert await get_trigger(trigger.id, caller, parts.manage_triggers) == trigger


async def test_rekeying_moves_every_secret_to_the_first_key_in_batches(
    parts: Wiring, caller: Principal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triggerfish.adapters.db.sealed_secrets.BATCH", 2)
    endpoint = with_headers(Authorization=CREDENTIAL)
    made = [await create(parts, caller, an_api_trigger(HOOK, endpoint=endpoint)) for _ in range(5)]
    await rotate(parts, caller, made[0], 60)
    ring = settings.model_copy(update={"encryption_keys": f"{NEW_KEY},{ENCRYPTION_KEYS}"})
    assert await rekey(ring) == 5 * 3 + 1
    assert await rekey(ring) == 0
    assert all(value.startswith("sealed:new:") for value in stored(settings.database_url))
    alone = Wiring(settings.model_copy(update={"encryption_keys": NEW_KEY}), clock=parts.clock)
    seen = await get_trigger(made[1].id, caller, alone.manage_triggers)
    await alone.close()
    assert seen == made[1]


async def test_a_secret_that_changes_while_it_is_rekeyed_keeps_the_change(
    parts: Wiring, caller: Principal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    trigger = await create(parts, caller, a_scheduled_trigger(HOOK))
    ring = settings.model_copy(update={"encryption_keys": f"{NEW_KEY},{ENCRYPTION_KEYS}"})
    wiring = Wiring(ring, clock=parts.clock)
    secrets = wiring.sealed_secrets
    original = secrets._resealed

    def meanwhile(*arguments: Any) -> Any:
        found = original(*arguments)
        with psycopg.connect(dsn(settings.database_url)) as connection:
            sealed = parts.vault.seal("whsec_fresh", f"signing_secret:{trigger.id}")
            connection.execute("UPDATE trigger_revisions SET signing_secret = %s", (sealed,))
        return found

    monkeypatch.setattr(secrets, "_resealed", meanwhile)
    assert await secrets.rekey() == 0
    await wiring.close()
    shown = await get_trigger(trigger.id, caller, parts.manage_triggers)
    assert shown.revision.secrets.present == "whsec_fresh"


async def test_a_missing_key_is_reported_by_name(parts: Wiring, caller: Principal) -> None:
    await create(parts, caller, a_scheduled_trigger(HOOK))
    other = parts.settings.model_copy(update={"encryption_keys": NEW_KEY})
    with pytest.raises(UnreadableSecretError, match="'test'"):
        await rekey(other)


def test_the_command_says_how_many_it_encrypted(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("TRIGGERFISH_DATABASE_URL", database_url)
    monkeypatch.setenv("TRIGGERFISH_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("TRIGGERFISH_ENCRYPTION_KEYS", raising=False)
    monkeypatch.delenv("TRIGGERFISH_ENCRYPTION_KEYS_FILE", raising=False)
    refused = CliRunner().invoke(app, ["rekey"])
    assert refused.exit_code == 1
    keys = tmp_path / "keys"
    keys.write_text(ENCRYPTION_KEYS + "\n")
    monkeypatch.setenv("TRIGGERFISH_ENCRYPTION_KEYS_FILE", str(keys))
    done = CliRunner().invoke(app, ["rekey"])
    assert done.exit_code == 0, done.output
    assert "Encrypted 0 secrets under the key test" in done.output


async def test_migrating_with_a_key_encrypts_what_there_is(settings: Settings) -> None:
    wiring = Wiring(settings)
    await wiring.ensure_bootstrap("tf_mine")
    principal = await wiring.authenticate("tf_mine")
    assert principal
    await create(wiring, principal, a_scheduled_trigger(HOOK))
    await wiring.close()
    with psycopg.connect(dsn(settings.database_url)) as connection:
        connection.execute("UPDATE trigger_revisions SET signing_secret = 'whsec_plain'")
    await asyncio.to_thread(migrate, settings)
    [value] = stored(settings.database_url)
    assert value.startswith("sealed:test:")


# Rotation of signing secrets


async def deliver_one(parts: Wiring, trigger: Trigger, receiver: Receiver) -> Delivery:
    await fire(parts, trigger, BODY)
    await functions.work(parts.settings.deliveries_queue_url)
    return receiver.deliveries[-1]


def verifies(secret: str, delivery: Delivery) -> bool:
    """By the official library's own signature: its verifier would look at the real clock."""
    timestamp = int(delivery.headers["webhook-timestamp"])
    expected = Webhook(secret).sign(
        delivery.headers["webhook-id"],
        datetime.fromtimestamp(timestamp, UTC),
        delivery.body.decode(),
    )
    return expected in delivery.headers["webhook-signature"].split(" ")


async def test_both_secrets_sign_until_the_overlap_is_over(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    trigger = await create(parts, caller, an_api_trigger(receiver.url()))
    old = trigger.revision.secrets.present
    await deliver_one(parts, trigger, receiver)  # a worker remembers the secret
    rotated = await rotate(parts, caller, trigger, 60)
    new = rotated.revision.secrets.present
    assert rotated.revision.number == 1
    clock.advance(seconds=ROTATION_SECONDS)
    both = await deliver_one(parts, trigger, receiver)
    assert len(both.headers["webhook-signature"].split(" ")) == 2
    assert verifies(new, both)
    assert verifies(old, both)
    clock.advance(seconds=60 - ROTATION_SECONDS)
    after = await deliver_one(parts, trigger, receiver)
    assert verifies(new, after)
    assert not verifies(old, after)


async def test_an_event_that_fired_before_is_retried_with_the_present_secrets(
    parts: Wiring, caller: Principal, clock: VirtualClock, receiver: Receiver
) -> None:
    receiver.answer(500)
    retry = {"delays_seconds": [30]}
    trigger = await create(parts, caller, an_api_trigger(receiver.url(), retry=retry))
    first = await deliver_one(parts, trigger, receiver)
    await update_trigger(trigger.id, {"name": "renamed"}, caller, parts.change_trigger)
    rotated = await rotate(parts, caller, trigger, 0)
    clock.advance(seconds=60)  # the delay has jitter
    await functions.tick()
    await functions.work(parts.settings.deliveries_queue_url)
    second = receiver.deliveries[-1]
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert verifies(rotated.revision.secrets.present, second)
    assert not verifies(trigger.revision.secrets.present, second)


async def test_an_edit_during_the_overlap_keeps_both_secrets(
    parts: Wiring, caller: Principal, clock: VirtualClock
) -> None:
    trigger = await create(parts, caller, an_api_trigger(HOOK))
    rotated = await rotate(parts, caller, trigger, 60)
    edited = await update_trigger(trigger.id, {"name": "renamed"}, caller, parts.change_trigger)
    assert edited.revision.number == 2
    assert edited.revision.secrets == rotated.revision.secrets
    assert rotated.revision.secrets.previous == trigger.revision.secrets.present
    assert rotated.revision.secrets.previous_until == clock.now() + timedelta(seconds=60)
    again = await rotate(parts, caller, trigger, 60)
    assert again.revision.secrets.previous == rotated.revision.secrets.present


async def test_a_rotation_reveals_the_new_secret_once(api: Api) -> None:
    trigger = await api.create(an_api_trigger(HOOK))
    url = f"{TRIGGERS}/{trigger['id']}/rotate-secret"
    answer = await api.http.post(url)
    assert answer.status_code == 200, answer.text
    rotated = answer.json()
    assert rotated["signing_secret"].startswith("whsec_")
    assert rotated["signing_secret"] != trigger["signing_secret"]
    assert rotated["previous_secret_valid_until"] > rotated["updated_at"]
    assert rotated["webhook_url"] == trigger["webhook_url"]
    for seen in (
        await api.get(f"{TRIGGERS}/{trigger['id']}"),
        await api.get(TRIGGERS),
        await api.get(f"{TRIGGERS}/{trigger['id']}/revisions"),
    ):
        assert "whsec_" not in str(seen)
    assert (await api.http.post(url, json={"overlap_seconds": 0})).status_code == 200


async def test_a_wrong_rotation_names_its_field_and_changes_nothing(api: Api) -> None:
    trigger = await api.create(a_scheduled_trigger(HOOK))
    url = f"{TRIGGERS}/{trigger['id']}/rotate-secret"
    before = stored(api.database_url)
    wrong: list[tuple[Any, str]] = [
        ({"overlap_seconds": -1}, "overlap_seconds"),
        ({"overlap_seconds": 604_801}, "overlap_seconds"),
        ({"overlap_seconds": True}, "overlap_seconds"),
        ({"overlap_seconds": None}, "overlap_seconds"),
        ({"grace_seconds": 1}, "grace_seconds"),
        ([], "body"),
    ]
    for body, field in wrong:
        assert_refused(await api.http.post(url, json=body), 400, field)
    assert_refused(await post_json(api.http, url, b"{"), 400)
    stranger = an_api_key(api, "tf_stranger_0123456789", "triggers:read", "triggers:write")
    assert_refused(await api.http.post(url, headers=stranger), 404)
    assert_refused(await api.http.post(f"{TRIGGERS}/{UUID(int=1)}/rotate-secret"), 404)
    assert stored(api.database_url) == before
