"""The vault of the tests' key ring: what the database holds sealed, opened."""

from typing import Any

from tests.conftest import ENCRYPTION_KEYS
from tests.integration.lanes import Api
from triggerfish.adapters.db.sealed_columns import signing_context
from triggerfish.adapters.ids import SystemIds
from triggerfish.adapters.vault import Vault
from triggerfish.domain.key_ring import parse_key_ring

VAULT = Vault(parse_key_ring(ENCRYPTION_KEYS), SystemIds().nonce)


def secrets_of(api: Api, trigger: dict[str, Any]) -> set[str]:
    """The signing secret in every revision of the trigger."""
    rows = api.sql(
        "SELECT signing_secret FROM trigger_revisions WHERE trigger_id = %s", trigger["id"]
    )
    return {VAULT.open(row[0], signing_context(trigger["id"])) for row in rows}
