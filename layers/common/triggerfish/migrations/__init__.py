"""Alembic migrations; `versions/` in order."""
