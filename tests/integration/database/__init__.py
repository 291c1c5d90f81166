"""Postgres as the platform uses it: the pool, migrations, query plans, the invariants."""
