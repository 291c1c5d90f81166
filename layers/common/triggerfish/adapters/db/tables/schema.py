"""What each table is declared with: the one metadata, its naming rule, the commonest columns."""

from sqlalchemy import Column, DateTime, MetaData
from sqlalchemy.dialects.postgresql import UUID

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s",
        "uq": "%(table_name)s_%(column_0_name)s_key",
    }
)


def at(name: str, *, nullable: bool = False) -> Column[object]:
    """An instant; by default it must be known."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def id_of(name: str, *, nullable: bool = False) -> Column[object]:
    """Another row's id, without a foreign key."""
    return Column(name, UUID(), nullable=nullable)
