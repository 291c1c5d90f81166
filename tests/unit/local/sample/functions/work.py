"""A queue function: each body says what shall become of its message.

`done` collects the bodies of finished ones.
"""

import asyncio
import json
from typing import Any

done: list[str] = []


async def native(event: dict[str, Any], context: Any) -> dict[str, Any]:
    failures = []
    for record in event["Records"]:
        job = json.loads(record["body"])
        await asyncio.sleep(job.get("seconds", 0))
        if job.get("fail"):
            failures.append({"itemIdentifier": record["messageId"]})
        else:
            done.append(job["name"])
    return {"batchItemFailures": failures}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return asyncio.get_event_loop().run_until_complete(native(event, context))


handler.native = native  # type: ignore[attr-defined]
