"""Alembic's entry point: one connection, one transaction, constraints named by the models' convention."""

from alembic import context

from core.database import Database
from core.tables import Base

database = Database(context.config.attributes["url"])

with database.engine.execution_options(greenlight_writing=True).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
database.close()
