"""Reviews of manuscripts: who is asked, what they said, and who has a conflict of interest.

Revision 0005, after 0004.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APPEND_ONLY = ("review_conflicts", "reviews")
append_only = import_module("migrations.versions.0002_append_only")


def upgrade() -> None:
    _assignments()
    _reviews()
    _conflicts()
    guard = append_only._guard_sqlite if op.get_bind().dialect.name == "sqlite" else append_only._guard_postgresql
    for table in APPEND_ONLY:
        guard(table)


def downgrade() -> None:
    for table in ("review_conflicts", "reviews", "review_assignments"):
        op.drop_table(table)


def _assignments() -> None:
    table = "review_assignments"
    op.create_table(
        table,
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("job_id", sa.String(length=48), nullable=False),
        sa.Column("output_id", sa.String(length=48), nullable=False),
        sa.Column("rubric_id", sa.String(length=200), nullable=False),
        sa.Column("rubric_version", sa.String(length=40), nullable=False),
        sa.Column("rubric_sha256", sa.String(length=64), nullable=False),
        sa.Column("reviewer_id", sa.String(length=48), nullable=False),
        sa.Column("reviewer_name", sa.String(length=200), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("assigned_by", sa.String(length=48), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        *_foreign(table, "job_id", "jobs.id"),
        *_foreign(table, "output_id", "outputs.id"),
        *_foreign(table, "rubric_sha256", "artifacts.sha256"),
        *_foreign(table, "reviewer_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_review_assignments_job_id"), table, ["job_id"])
    op.create_index(op.f("ix_review_assignments_reviewer_id"), table, ["reviewer_id"])


def _reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("assignment_id", sa.String(length=48), nullable=True),
        sa.Column("job_id", sa.String(length=48), nullable=False),
        sa.Column("output_id", sa.String(length=48), nullable=False),
        sa.Column("output_sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("rubric_id", sa.String(length=200), nullable=False),
        sa.Column("rubric_version", sa.String(length=40), nullable=False),
        sa.Column("rubric_sha256", sa.String(length=64), nullable=False),
        sa.Column("reviewer_id", sa.String(length=200), nullable=False),
        sa.Column("reviewer_name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("disputed", sa.JSON(), nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        *_foreign("reviews", "assignment_id", "review_assignments.id"),
        *_foreign("reviews", "job_id", "jobs.id"),
        *_foreign("reviews", "output_id", "outputs.id"),
        *_foreign("reviews", "rubric_sha256", "artifacts.sha256"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("assignment_id", name=op.f("uq_reviews_assignment_id")),
    )
    op.create_index(op.f("ix_reviews_job_id"), "reviews", ["job_id"])


def _conflicts() -> None:
    table = "review_conflicts"
    op.create_table(
        table,
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("asset_id", sa.String(length=48), nullable=False),
        sa.Column("user_id", sa.String(length=48), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.String(length=48), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        *_foreign(table, "asset_id", "assets.id"),
        *_foreign(table, "user_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f("ix_review_conflicts_asset_id"), table, ["asset_id"])


def _foreign(table: str, column: str, target: str) -> tuple[sa.ForeignKeyConstraint]:
    other = target.partition(".")[0]
    return (sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}_{other}")),)
