"""Every table, constraint and index, as SQLAlchemy Core; a test compares it with the migrations."""

from triggerfish.adapters.db.tables import access, catalogue, events, jobs, observations, triggers
from triggerfish.adapters.db.tables.schema import metadata

__all__ = ["access", "catalogue", "events", "jobs", "metadata", "observations", "triggers"]
