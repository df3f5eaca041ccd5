"""The migrations build what the models describe, on both databases, and know which version is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.database import Database, alembic_config, is_current, migrate
from core.errors import Unavailable
from core.platform import Platform
from core.settings import Settings
from core.tables import Base


def test_the_models_equal_the_replayed_migrations(database: Database):
    with database.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_every_constraint_of_the_models_is_in_the_database(database: Database):
    # Autogeneration compares neither checks nor names of keys.
    inspector = sa.inspect(database.engine)
    for table in Base.metadata.sorted_tables:
        found = {check["name"] for check in inspector.get_check_constraints(table.name)}
        wanted = {str(check.name) for check in table.constraints if isinstance(check, sa.CheckConstraint)}
        assert wanted <= found, table.name


def test_the_migrations_are_one_line_without_a_fork():
    scripts = ScriptDirectory.from_config(alembic_config("sqlite://"))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_an_installation_of_an_older_schema_is_refused_with_the_way_out(empty_database_url: str, tmp_path: Path):
    first = ScriptDirectory.from_config(alembic_config(empty_database_url)).get_base()
    migrate(empty_database_url, first)
    database = Database(empty_database_url)
    assert not is_current(database)
    database.close()
    with pytest.raises(Unavailable, match="greenlight init"):
        Platform.open(Settings(home=tmp_path, database_url=empty_database_url))


def test_migrating_twice_changes_nothing(database_url: str):
    migrate(database_url)
    database = Database(database_url)
    assert is_current(database)
    database.close()
