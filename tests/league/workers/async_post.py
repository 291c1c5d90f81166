"""POST of a job by a worker that is a coroutine, over kept connections."""

import json

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=10)
JSON = {"Content-Type": "application/json"}
_sessions = []


async def post(job_id, url):
    """Raises unless the answer is 2xx."""
    if not _sessions:
        connector = aiohttp.TCPConnector(limit=0)
        _sessions.append(aiohttp.ClientSession(connector=connector, timeout=TIMEOUT))
    async with _sessions[0].post(url, data=json.dumps({"id": job_id}), headers=JSON) as answer:
        await answer.read()
        if answer.status // 100 != 2:
            raise RuntimeError(f"answered {answer.status}")
