"""The reference for webhook accepts: a bare FastAPI app that inserts the same row, one commit each.

The table is a copy of `event_logs_active` with all its indexes and checks.

Run as a process: `DSN=… python -m tests.bench.processes.reference PORT`.
"""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request
from psycopg_pool import AsyncConnectionPool

TABLE = """
    CREATE TABLE IF NOT EXISTS reference_events (LIKE event_logs_active INCLUDING ALL)
"""
INSERT = """
    INSERT INTO reference_events
           (id, project_id, trigger_id, revision_id, trigger_type, source, is_test, scheduled_for,
            fired_at, payload, endpoint_key, status, attempt, next_attempt_at)
    VALUES (%s, %s, %s, %s, 'api', 'api', false, %s, %s, %s, %s, 'pending', 0, %s)
"""

pool = AsyncConnectionPool(os.environ.get("DSN", ""), min_size=8, max_size=8, open=False)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        yield


app = FastAPI(lifespan=lifespan)
ROW = [uuid4() for _ in range(3)]


@app.post("/accept", status_code=202)
async def accept(request: Request) -> dict[str, str]:
    body = await request.body()
    event_id = uuid4()
    now = datetime.now(UTC)
    async with pool.connection() as connection:
        await connection.execute(
            INSERT, (event_id, *ROW, now, now, body.decode(), "reference", now)
        )
    return {"event_id": str(event_id), "status": "pending"}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
