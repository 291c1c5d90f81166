"""Tables filled by COPY: many rows like one that the platform wrote itself."""

from collections.abc import Mapping

import psycopg

from tests.bench.bench import Bench

COLUMNS = """
    SELECT column_name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position
"""


def multiply(
    bench: Bench, table: str, count: int, changes: Mapping[str, str], *, into: str = ""
) -> None:
    """Copy a row of `table` so many times, `into` another if given.

    `changes` are SQL expressions over `n`, from 1 to `count`, by column; the rest stays.
    """
    columns = [name for (name,) in bench.sql(COLUMNS, table)]
    values = ", ".join(changes.get(name, f"one.{name}") for name in columns)
    chosen = (
        f"SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) one, generate_series(1, {count}) n"
    )
    target = f"COPY {into or table} ({', '.join(columns)}) FROM STDIN"
    with (
        psycopg.connect(bench.dsn) as source,
        psycopg.connect(bench.dsn) as sink,
        source.cursor().copy(f"COPY ({chosen}) TO STDOUT".encode()) as rows,
        sink.cursor().copy(target.encode()) as copy,
    ):
        for block in rows:
            copy.write(block)


def uuid_of(number: str, *, prefix: str) -> str:
    """SQL for an id of its own for each number; `prefix`, four hexadecimal digits, tells kinds apart."""
    return f"CAST('{prefix}' || lpad(to_hex({number}), 28, '0') AS uuid)"
