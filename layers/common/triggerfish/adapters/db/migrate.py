"""Brings a database to the current schema: Alembic's migrations, one migrator at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

MIGRATIONS = Path(__file__).parents[2] / "migrations"

# Held while migrating, so that several hosts may start at once. The number is arbitrary but fixed.
LOCK = text("SELECT pg_advisory_xact_lock(7160116)")


def upgrade(database_url: str) -> None:
    """Run all missing migrations; safe to repeat and to run from several places at once."""
    engine = create_engine(database_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            connection.execute(LOCK)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
