"""Postgres' own account of what a statement did."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Row, TextClause

from tests.integration.lanes import dsn
from triggerfish.adapters.db.engine import PLANNER, Database

PARAMETER = re.compile(r"(?<!:):(\w+)")


@dataclass(frozen=True)
class Plan:
    """A plan that was run: its kinds of nodes, what its index scans read, and the most rows sorted."""

    nodes: set[str]
    rows_read: float
    most_sorted: float


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from walk(child)


def cost_of(root: dict[str, Any]) -> Plan:
    nodes = list(walk(root))
    ran = [node for node in nodes if node["Actual Loops"]]
    sorts = [child for node in ran if "Sort" in node["Node Type"] for child in node["Plans"]]
    return Plan(
        {node["Node Type"] for node in ran},
        sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
            for node in ran
            if "Scan" in node["Node Type"] and "Index Name" in node
        ),
        max((child["Actual Rows"] for child in sorts), default=0),
    )


class Explaining(Database):
    """Explains what the adapter asks for, prepared and planned as the app's connections do."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=1)
        self._dsn = dsn(url)
        self.plan: Plan | None = None

    async def run(self, statement: TextClause, /, **values: Any) -> list[Row[Any]]:
        names = list(values)
        prepared = PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement.text)
        places = ", ".join(["%s"] * len(names))
        with psycopg.connect(
            self._dsn, options=PLANNER, cursor_factory=psycopg.ClientCursor
        ) as connection:
            connection.execute(f"PREPARE page AS {prepared}".encode())
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page ({places})"
            [[explained]] = connection.execute(explain.encode(), list(values.values()))
        self.plan = cost_of(explained[0]["Plan"])
        return []
