"""The empty audit tree, and evidence made append-only: triggers refuse UPDATE, DELETE and TRUNCATE.

Revision 0002, after 0001.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "artifacts",
    "asset_files",
    "assessments",
    "attestations",
    "audit_checkpoints",
    "audit_events",
    "dossiers",
    "evaluations",
    "measurements",
    "outputs",
    "persons_declarations",
    "qualifications",
    "signatures",
)


def upgrade() -> None:
    op.execute("INSERT INTO audit_frontier (id, size, nodes) VALUES (1, 0, '[]')")
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            _guard_sqlite(table)
        return
    op.execute(
        "CREATE FUNCTION greenlight_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% is append-only: refused by trigger', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        _guard_postgresql(table)


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in APPEND_ONLY:
        for verb in ("update", "delete") if sqlite else ("change", "truncate"):
            op.execute(f"DROP TRIGGER append_only_{table}_{verb}" + ("" if sqlite else f" ON {table}"))
    if not sqlite:
        op.execute("DROP FUNCTION greenlight_append_only()")
    op.execute("DELETE FROM audit_frontier")


def _guard_sqlite(table: str) -> None:
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER append_only_{table}_{verb} BEFORE {verb.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: refused by trigger'); END"
        )


def _guard_postgresql(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER append_only_{table}_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION greenlight_append_only()"
    )
    op.execute(
        f"CREATE TRIGGER append_only_{table}_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION greenlight_append_only()"
    )
