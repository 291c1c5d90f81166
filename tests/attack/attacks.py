"""The attacks. Each runs for the scene's seconds, and says in words what came of it.

A new one is a function below and its line in ATTACKS.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from itertools import count, cycle
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.attack.receivers import endless_receiver
from tests.attack.scene import Scene, status_of
from tests.integration.catalogue.test_catalogue_plans import FILL

Attack = Callable[[Scene], Awaitable[str]]

EVENTS, LINES = 100_000, 300_000
LOG_LINES = """
    WITH job AS (
        INSERT INTO jobs (id, project_id, file_name, size, status, created_at, started_at,
                          completed_at, next_line, accepted, percent)
        SELECT gen_random_uuid(), p.id, 'large.jsonl', 30000000, 'completed', now(), now(), now(),
               %(lines)s + 1, %(lines)s, 100
          FROM projects p WHERE p.name = 'attacker'
        RETURNING id
    )
    INSERT INTO log_entries (job_id, line_no, timestamp, level, service, message, attributes)
    SELECT job.id, n, now(), 'INFO', 'shop', repeat(md5(n::text), 3), '{}'
      FROM job, generate_series(1, %(lines)s) AS n
"""


async def nothing(scene: Scene) -> str:
    """What the other tenant waits when nobody attacks."""
    await asyncio.sleep(scene.seconds)
    return "-"


async def nested_fragments(scene: Scene) -> str:
    links = " ".join(f"fragment f{n} on Job {{ ...f{n + 1} ...f{n + 1} }}" for n in range(29))
    query = f'{{ job(id: "x") {{ ...f0 }} }} {links} fragment f29 on Job {{ id }}'
    async with scene.session(scene.attacker) as session:
        await scene.flood(4, lambda: status_of(session.post("/graphql", json={"query": query})))
    return _statuses(scene)


async def errors_without_end(scene: Scene) -> str:
    """Payloads with thousands of errors about one large object."""
    costly: list[tuple[dict[str, Any], Any]] = [
        ({"propertyNames": {"pattern": "^x"}}, {f"a{n}": 1 for n in range(2_400)}),
        ({"propertyNames": {"pattern": "^x"}}, {f"a{n}{'y' * 84}": 1 for n in range(2_500)}),
        ({"required": [f"r{n}" for n in range(1_900)]}, {f"a{n}": 1 for n in range(4_900)}),
        ({"dependentRequired": {"a0": [f"r{n}" for n in range(1_900)]}}, {f"a{n}": 1 for n in range(4_900)}),
    ]  # fmt: skip
    headers = {"content-type": "application/json"}
    async with scene.session(scene.attacker) as session:
        calls = cycle([(await _hook(session, s), json.dumps(p).encode()) for s, p in costly])

        async def fire() -> int:
            path, body = next(calls)
            return await status_of(session.post(path, data=body, headers=headers))

        await scene.flood(4, fire)
    return _statuses(scene)


async def public_searches(scene: Scene) -> str:
    scene.sql(FILL, {"rows": EVENTS, "cities": EVENTS})
    scene.sql("VACUUM ANALYZE catalogue_events")
    places = ["a", "hall", "town", "ll ", "own", *(f"{n:02x}" for n in range(15))]
    numbers = count()

    def path() -> str:
        shown = quote(",".join(f"{place}{next(numbers) % 7}" for place in places))
        return f"/public/events?locations={shown}&limit=100"

    async with scene.session() as session:
        await scene.flood(20, lambda: status_of(session.get(path())))
    return _statuses(scene)


async def searches_of_an_import(scene: Scene) -> str:
    scene.sql(LOG_LINES, {"lines": LINES})
    scene.sql("VACUUM ANALYZE log_entries")
    async with scene.session(scene.attacker) as session:
        async with session.get("/api/v1/jobs") as answer:
            job = (await answer.json())["data"][0]["id"]
        path = f"/api/v1/jobs/{job}/entries?text=nowhere"
        await scene.flood(20, lambda: status_of(session.get(path)))
    return _statuses(scene)


async def silent_sockets(scene: Scene) -> str:
    """Handshakes without a key, again and again; one with a key must still get in."""
    end, opened, waits = time.monotonic() + scene.seconds, 0, list[float]()
    async with AsyncExitStack() as held, scene.session() as session:
        while time.monotonic() < end:
            for _ in range(100):
                with suppress(aiohttp.ClientError):
                    await held.enter_async_context(session.ws_connect("/ws/jobs/no-id"))
                    opened += 1
            waits.append(await _prove(scene))
    return f"{opened} sockets; one with a key was heard after {max(waits):.0f} ms"


async def _prove(scene: Scene) -> float:
    """Milliseconds until a socket with a key is told that its job does not exist."""
    began = time.monotonic()
    async with scene.session() as session, session.ws_connect("/ws/jobs/no-id") as socket:
        await socket.send_json({"api_key": scene.tenant})
        await socket.receive()
        assert socket.close_code == 4404, socket.close_code
    return (time.monotonic() - began) * 1000


async def endless_answers(scene: Scene) -> str:
    """Deliveries to a receiver that sends informational answers without end."""
    async with endless_receiver() as port, scene.session(scene.attacker) as session:
        urls = [f"http://127.0.0.1:{port}/{n}" for n in range(20)]
        hooks = cycle([await _hook(session, {}, url) for url in urls])
        await scene.flood(1, lambda: _fire_slowly(session, next(hooks)))
    return f"{_statuses(scene)[:40]}; {_delivered(scene)}"


async def dead_names(scene: Scene) -> str:
    """Deliveries to 40 names whose name server never answers."""
    async with scene.session(scene.attacker) as session:
        urls = [f"http://dead{n}.test/hook" for n in range(40)]
        hooks = cycle([await _hook(session, {}, url) for url in urls])
        await scene.flood(1, lambda: _fire_slowly(session, next(hooks)))
    return f"{_statuses(scene)[:40]}; {_delivered(scene)}"


async def _fire_slowly(session: aiohttp.ClientSession, hook: str) -> int:
    await asyncio.sleep(0.02)
    return await status_of(session.post(hook, json={}))


def _delivered(scene: Scene) -> str:
    """What the attacker's deliveries have come to so far."""
    page = scene.platform.request(
        "GET",
        "/event-logs",
        params={"limit": 100},
        headers={"authorization": f"Bearer {scene.attacker}"},
    ).json()["data"]
    reasons = Counter(str(event["last_error"])[:60] for event in page if event["last_error"])
    return ", ".join(f"{reason}: {n}" for reason, n in reasons.most_common(2))


async def _hook(
    session: aiohttp.ClientSession, schema: dict[str, Any], url: str = "https://example.com/hook"
) -> str:
    new = {"type": "api", "name": "attack", "schema": schema, "endpoint": {"url": url}}
    async with session.post("/api/v1/triggers", json=new) as answer:
        hook: str = (await answer.json())["webhook_url"]
    return "/api/" + hook.partition("/api/")[2]


def _statuses(scene: Scene) -> str:
    total = sum(scene.answers.values())
    shares = ", ".join(f"{status}: {n}" for status, n in sorted(scene.answers.items()))
    return f"{total} answers ({shares})"


ATTACKS: dict[str, Attack] = {
    "nothing": nothing,
    "GraphQL: 30 levels of doubling fragments": nested_fragments,
    "payloads with thousands of errors": errors_without_end,
    f"public searches of {EVENTS:,} events, 20 at once": public_searches,
    f"searches of an import of {LINES:,} lines, 20 at once": searches_of_an_import,
    "sockets that show no key": silent_sockets,
    "receivers that answer 102 without end": endless_answers,
    "40 names that nobody answers for": dead_names,
}
