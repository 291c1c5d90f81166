"""Secrets of triggers as tests handle them: as stored, rotated, and proved by a signature."""

from datetime import UTC, datetime

import psycopg
from standardwebhooks import Webhook

from tests.integration.lanes import dsn
from tests.receiver import Delivery
from triggerfish.domain.access import Principal
from triggerfish.domain.trigger import Trigger
from triggerfish.usecases.rotate_secret import rotate_secret
from triggerfish.wiring import Wiring

HOOK = "https://example.com/hook"
BODY = b'{"id": 1}'


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


async def rotate(parts: Wiring, caller: Principal, trigger: Trigger, seconds: int) -> Trigger:
    body = {"overlap_seconds": seconds}
    return await rotate_secret(trigger.id, body, caller, parts.rotate_secret)


def verifies(secret: str, delivery: Delivery) -> bool:
    """By the official library's own signature: its verifier would look at the real clock."""
    timestamp = int(delivery.headers["webhook-timestamp"])
    expected = Webhook(secret).sign(
        delivery.headers["webhook-id"],
        datetime.fromtimestamp(timestamp, UTC),
        delivery.body.decode(),
    )
    return expected in delivery.headers["webhook-signature"].split(" ")
