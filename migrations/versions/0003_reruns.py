"""Jobs that repeat another job, and what the comparison found.

Revision 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reruns",
        sa.Column("job_id", sa.String(length=48), nullable=False),
        sa.Column("original_id", sa.String(length=48), nullable=False),
        sa.Column("requested_by", sa.String(length=48), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("equal", sa.Boolean(), nullable=True),
        sa.Column("report_sha256", sa.String(length=64), nullable=True),
        sa.Column("compared_by", sa.String(length=48), nullable=True),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_reruns_job_id_jobs")),
        sa.ForeignKeyConstraint(["original_id"], ["jobs.id"], name=op.f("fk_reruns_original_id_jobs")),
        sa.ForeignKeyConstraint(
            ["report_sha256"], ["artifacts.sha256"], name=op.f("fk_reruns_report_sha256_artifacts")
        ),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_reruns")),
    )


def downgrade() -> None:
    op.drop_table("reruns")
