"""Alembic's entry: runs the migrations on the connection that `wiring.migrate` hands over."""

from alembic import context

from triggerfish.adapters.db.job_tables import jobs

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=jobs.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
