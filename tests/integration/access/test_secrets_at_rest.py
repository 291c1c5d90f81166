"""Secrets at rest: sealed in every column, read while they were plain, moved to another key."""

import asyncio
import base64
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from local.cli.main import app
from tests import functions
from tests.conftest import ENCRYPTION_KEYS
from tests.factories import a_scheduled_trigger, an_api_trigger
from tests.integration.access.secrets import BODY, HOOK, rotate, stored, verifies
from tests.integration.actions import create, fire
from tests.integration.lanes import dsn
from tests.receiver import Receiver
from triggerfish.adapters.vault import UnreadableSecretError
from triggerfish.domain.access import Principal
from triggerfish.settings import Settings
from triggerfish.usecases.manage_triggers import get_trigger
from triggerfish.wiring import Wiring
from triggerfish.wiring.upkeep import migrate, rekey

NEW_KEY = "new:" + base64.b64encode(b"\x07" * 32).decode()
CREDENTIAL = "Bearer of-the-customer"
PROOF = "proof-of-the-sender"


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
