"""Jobs over HTTP: listed, looked up with their lines, deleted with all they have."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests import functions
from tests.integration.imports import JOBS, a_line, imported, lines, upload
from tests.integration.keys import an_api_key
from tests.integration.lanes import Api, assert_refused, dsn
from triggerfish.adapters.db.log_entries import SCANNED_BYTES, SCANNED_LINES
from triggerfish.settings import Settings

MORE_LINES = """
    INSERT INTO log_entries (job_id, line_no, timestamp, level, service, message, attributes)
    SELECT job_id, n, timestamp, 'DEBUG', service, repeat('x', CAST(%(length)s AS int)) || n, attributes
      FROM log_entries, generate_series(CAST(%(first)s AS int), %(last)s) AS n
     WHERE job_id = %(job)s AND line_no = 1
"""


async def test_jobs_are_listed_newest_first_in_pages(api: Api, settings: Settings) -> None:
    first = (await imported(api, settings, lines(1)))["id"]
    second, third = [await upload(api, lines(1)) for _ in range(2)]
    page = await api.get(JOBS, limit=2)
    assert [job["id"] for job in page["data"]] == [third, second]
    rest = await api.get(JOBS, limit=2, cursor=page["next_cursor"])
    assert [job["id"] for job in rest["data"]] == [first]
    assert rest["next_cursor"] is None
    done = await api.get(JOBS, status="completed")
    assert [job["id"] for job in done["data"]] == [first]


async def test_entries_are_read_in_the_order_of_the_file(api: Api, settings: Settings) -> None:
    job = await imported(api, settings, lines(5))
    path = f"{JOBS}/{job['id']}/entries"
    page = await api.get(path, limit=3)
    assert [entry["line"] for entry in page["data"]] == [1, 2, 3]
    assert page["data"][0] == {
        "line": 1,
        "timestamp": "2026-03-02T12:00:01Z",
        "level": "INFO",
        "service": "checkout",
        "message": "request 1 done",
        "attributes": {"number": 1},
    }
    rest = await api.get(path, limit=3, cursor=page["next_cursor"])
    assert [entry["line"] for entry in rest["data"]] == [4, 5]
    assert rest["next_cursor"] is None


async def test_entries_are_filtered_by_level_time_and_text(api: Api, settings: Settings) -> None:
    content = b"\n".join(
        [
            a_line(1, level="warn", message="Disk almost full"),
            a_line(2, level="ERROR", message="disk FULL"),
            a_line(3, message="100%_sure"),
        ]
    )
    job = await imported(api, settings, content)

    async def found(**query: str) -> list[int]:
        page = await api.get(f"{JOBS}/{job['id']}/entries", **query)
        return [entry["line"] for entry in page["data"]]

    assert await found(level="WARNING") == await found(level="warn") == [1]
    assert await found(text="full") == [1, 2]
    assert await found(text="%_") == [3]
    assert await found(text="full", level="error") == [2]
    assert await found(**{"from": "2026-03-02T12:00:02Z"}) == [2, 3]
    assert await found(to="2026-03-02T13:00:02+01:00") == [1, 2]


async def test_a_wrong_query_is_refused_by_name(api: Api) -> None:
    job_id = await upload(api, lines(1))
    wrong = [
        ("level", "LOUD"),
        ("text", ""),
        ("text", "a\0b"),
        ("text", "x" * 201),
        ("from", "yesterday"),
        ("cursor", "bm90IG91cnM="),
        ("cursor", "W3RydWVd"),
        ("limit", "0"),
        ("colour", "red"),
    ]
    for field, value in wrong:
        answer = await api.http.get(f"{JOBS}/{job_id}/entries", params={field: value})
        assert_refused(answer, 400, field)
    assert_refused(await api.http.get(JOBS, params={"status": "uploading"}), 400, "status")


async def test_a_deleted_job_is_gone_with_its_object_and_lines(
    api: Api, settings: Settings
) -> None:
    job = await imported(api, settings, lines(3) + b"bad\n")
    kept = await imported(api, settings, lines(2) + b"bad\n")
    assert (await api.http.delete(f"{JOBS}/{job['id']}")).status_code == 204
    for path in ("", "/entries", "/errors"):
        assert_refused(await api.http.get(f"{JOBS}/{job['id']}{path}"), 404)
    assert_refused(await api.http.delete(f"{JOBS}/{job['id']}"), 404)
    folder = Path(settings.object_store.removeprefix("file:"))
    assert [path.name for path in folder.iterdir()] == [kept["id"]]
    left = "SELECT (SELECT count(*) FROM log_entries), (SELECT count(*) FROM job_errors)"
    assert api.sql(left) == [(2, 1)]


async def test_a_job_that_is_deleted_while_it_waits_is_not_processed(
    api: Api, settings: Settings
) -> None:
    job_id = await upload(api, lines(1))
    await api.http.delete(f"{JOBS}/{job_id}")
    await functions.work_imports(settings.imports_queue_url)
    assert api.sql("SELECT count(*) FROM log_entries") == [(0,)]


async def test_another_projects_job_is_no_job(api: Api, settings: Settings) -> None:
    job = await imported(api, settings, lines(1))
    other = an_api_key(api, "tf_other", "jobs:read", "jobs:write")
    for method, path in (("GET", ""), ("GET", "/entries"), ("GET", "/errors"), ("DELETE", "")):
        answer = await api.http.request(method, f"{JOBS}/{job['id']}{path}", headers=other)
        assert_refused(answer, 404)
    listed = await api.http.get(JOBS, headers=other)
    assert listed.json()["data"] == []
    assert_refused(await api.http.get(f"{JOBS}/{uuid4()}"), 404)


@pytest.mark.attack("searches: many at once, endless, of a large import")
@pytest.mark.parametrize(
    ("count", "length"),
    [(2 * SCANNED_LINES, 1), (100, SCANNED_BYTES // 40)],
    ids=["lines", "bytes"],
)
async def test_a_filter_that_fits_little_scans_so_much_and_goes_on_by_cursor(
    api: Api, settings: Settings, count: int, length: int
) -> None:
    job = await imported(api, settings, lines(1))
    last = {"job": job["id"], "first": 2, "last": count, "length": length}
    with psycopg.connect(dsn(settings.database_url), autocommit=True) as connection:
        connection.execute(MORE_LINES, last)
    path, query = f"{JOBS}/{job['id']}/entries", {"text": f"x{count}", "level": "debug"}
    page = await api.get(path, **query)
    assert page["data"] == []
    seen, pages = [], 1
    while page["next_cursor"]:
        page = await api.get(path, **query, cursor=page["next_cursor"])
        seen += [entry["line"] for entry in page["data"]]
        pages += 1
    assert (seen, pages) == ([count], 2 if length == 1 else 3)
