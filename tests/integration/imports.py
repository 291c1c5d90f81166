"""Files of log lines, and what tests ask of imports again and again."""

import json
from typing import Any

from tests import functions
from tests.integration.lanes import Api
from triggerfish.settings import Settings

UPLOAD = "/api/v1/files/upload"
JOBS = "/api/v1/jobs"


def a_line(number: int = 1, **changes: Any) -> bytes:
    """One line of a file, without its end."""
    entry = {
        "timestamp": f"2026-03-02T12:00:{number % 60:02}Z",
        "level": "INFO",
        "message": f"request {number} done",
        "service": "checkout",
        "attributes": {"number": number},
    }
    return json.dumps(entry | changes).encode()


def lines(count: int) -> bytes:
    return b"".join(a_line(number) + b"\n" for number in range(1, count + 1))


async def upload(api: Api, content: bytes, name: str = "app.jsonl") -> str:
    """Upload a file; the id of its job."""
    answer = await api.http.post(UPLOAD, files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "queued"
    return str(answer.json()["job_id"])


async def imported(api: Api, settings: Settings, content: bytes) -> dict[str, Any]:
    """Upload a file and process it to its end; the job."""
    job_id = await upload(api, content)
    await functions.work_imports(settings.imports_queue_url)
    return dict(await api.get(f"{JOBS}/{job_id}"))


async def reasons(api: Api, job: dict[str, Any]) -> dict[int, str]:
    """Line number → why it was rejected."""
    page = await api.get(f"{JOBS}/{job['id']}/errors")
    return {error["line"]: error["reason"] for error in page["data"]}
