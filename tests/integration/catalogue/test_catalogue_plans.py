"""What a search of a large catalogue costs, by Postgres' own account: indexes used, rows read."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.databases import Databases
from tests.integration.database.plans import PARAMETER, walk
from tests.integration.lanes import dsn
from triggerfish.adapters.db.catalogue_events import COUNT, PAGE, PLAN_FOR_PLACES, PLAN_FOR_VALUES
from triggerfish.adapters.db.engine import PLANNER

ROWS = 40_000
CITIES = 4000

FILL = """
    INSERT INTO catalogue_events
           (id, title, start_at, end_at, location, location_folded, status, created_by, updated_at,
            version)
    SELECT CAST(lpad(to_hex(n), 32, '0') AS uuid), 'Event ' || n, at, at + interval '2 hours', place,
           lower(place), (ARRAY['DRAFT', 'PUBLISHED', 'CANCELLED'])[1 + n %% 3], 'test', at, 1
      FROM (SELECT n, timestamptz '2030-01-01T00:00Z' + n * interval '10 minutes' AS at,
                   'Hall ' || n %% 7 || ', Town' || md5(CAST(n %% %(cities)s AS text)) AS place
              FROM generate_series(1, %(rows)s) AS n) AS numbered
"""
EVERYTHING: dict[str, Any] = {
    "statuses": ["PUBLISHED", "CANCELLED"],
    "since": None,
    "until": None,
    "places": None,
    "limit": 20,
    "offset": 0,
}
ONE_TOWN = ["%town" + "c4ca4238a0b923820dcc509a6f75849b" + "%"]  # md5('1')


@pytest.fixture(scope="module")
def large(databases: Databases) -> Iterator[psycopg.Connection[Any]]:
    with (
        databases.lent() as url,
        psycopg.connect(dsn(url), autocommit=True, options=PLANNER) as connection,
    ):
        connection.execute(FILL, {"rows": ROWS, "cities": CITIES})
        connection.execute("VACUUM ANALYZE catalogue_events")
        yield connection


def plan(connection: psycopg.Connection[Any], statement: object, **filters: Any) -> dict[str, Any]:
    """The plan of a statement that was run as the API runs it: its planner settings, its values."""
    text = PARAMETER.sub(r"%(\1)s", f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
    with connection.transaction():
        settings = PLAN_FOR_PLACES if "places" in filters else PLAN_FOR_VALUES
        connection.execute(str(settings).encode())
        [(found,)] = connection.execute(text.encode(), EVERYTHING | filters).fetchall()
    root: dict[str, Any] = (found if isinstance(found, list) else json.loads(found))[0]["Plan"]
    return root


def scans(root: dict[str, Any]) -> set[tuple[str, str]]:
    """How each table or index is read."""
    return {
        (str(node["Node Type"]), str(node.get("Index Name", node.get("Relation Name"))))
        for node in walk(root)
        if "Scan" in node["Node Type"]
    }


@pytest.mark.parametrize("statement", [COUNT, PAGE], ids=["count", "page"])
def test_a_part_of_a_location_is_looked_up_by_trigrams(
    large: psycopg.Connection[Any], statement: object
) -> None:
    root = plan(large, statement, places=ONE_TOWN)
    assert ("Bitmap Index Scan", "catalogue_events_location_idx") in scans(root)
    read = max(node["Actual Rows"] for node in walk(root))
    assert read <= 2 * len(ONE_TOWN) * ROWS / CITIES


def test_several_locations_are_looked_up_as_well(large: psycopg.Connection[Any]) -> None:
    root = plan(large, COUNT, places=[*ONE_TOWN, "%nowhere%"])
    assert ("Bitmap Index Scan", "catalogue_events_location_idx") in scans(root)


def test_the_total_of_all_that_is_public_is_counted_in_an_index_alone(
    large: psycopg.Connection[Any],
) -> None:
    root = plan(large, COUNT)
    assert scans(root) == {("Index Only Scan", "catalogue_events_start_idx")}


@pytest.mark.parametrize("statement", [COUNT, PAGE], ids=["count", "page"])
def test_a_range_of_days_reads_its_part_of_the_index(
    large: psycopg.Connection[Any], statement: object
) -> None:
    days = {"since": "2030-02-01T00:00:00Z", "until": "2030-02-02T00:00:00Z"}
    root = plan(large, statement, **days)
    assert {index for _, index in scans(root)} == {"catalogue_events_start_idx"}
    assert max(node["Actual Rows"] for node in walk(root)) <= 24 * 6


def test_a_page_reads_no_more_than_what_comes_before_it(large: psycopg.Connection[Any]) -> None:
    root = plan(large, PAGE, offset=40)
    assert scans(root) == {("Index Scan", "catalogue_events_start_idx")}
    assert max(node["Actual Rows"] for node in walk(root)) == 60
