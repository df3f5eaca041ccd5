"""Jobs, their attempts and what they made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class Job(Base):
    """One run of a model version on an asset. `attempt` is the fencing token of whoever runs it now."""

    __tablename__ = "jobs"
    volatile = frozenset(
        {
            "status",
            "attempt",
            "max_attempts",
            "worker",
            "lease_expires_at",
            "not_before",
            "cancel_requested_at",
            "progress",
            "message",
            "finished_at",
        }
    )
    __table_args__ = (sa.Index("ix_jobs_claim", "status", "submitted_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    asset_id: Mapped[str] = mapped_column(sa.ForeignKey("assets.id"))
    version_id: Mapped[str] = mapped_column(sa.ForeignKey("model_versions.id"))
    runner: Mapped[str] = mapped_column(Word)
    purpose: Mapped[str] = mapped_column(Word)
    origin: Mapped[str] = mapped_column(Word)
    ai_use: Mapped[dict[str, Any]]
    parameters: Mapped[dict[str, Any]]
    provenance: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    extra_inputs: Mapped[dict[str, Any]]
    """Files by role beside the asset's own, such as an output made elsewhere: `{role: sha256}`."""
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    status: Mapped[str] = mapped_column(Word)
    attempt: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    worker: Mapped[str | None] = mapped_column(Name)
    lease_expires_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(Text, default="")
    submitted_by: Mapped[str] = mapped_column(Id)
    submitted_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One try of a job: `running`, `succeeded`, `failed` (it said so), `lost` (contact lost), `cancelled` or `waiting`.

    `waiting` means that it stopped to ask a person something; see `Task`.
    """

    __tablename__ = "attempts"

    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(Name)
    status: Mapped[str] = mapped_column(Word)
    reason: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    environment: Mapped[dict[str, Any]]


class Rerun(Base):
    """A job that repeats another one from its record, and what the comparison found once both had succeeded."""

    __tablename__ = "reruns"

    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    original_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"))
    requested_by: Mapped[str] = mapped_column(Id)
    requested_at: Mapped[datetime]
    equal: Mapped[bool | None]
    """Whether the main output has the same digest; None until compared."""
    report_sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    compared_by: Mapped[str | None] = mapped_column(Id)
    compared_at: Mapped[datetime | None]


class Output(Base):
    """An artifact that a job made; the one to be judged has the role `video` or `manuscript`."""

    __tablename__ = "outputs"
    __table_args__ = (sa.UniqueConstraint("job_id", "role"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"))
    attempt: Mapped[int]
    role: Mapped[str] = mapped_column(Word)
    name: Mapped[str] = mapped_column(Name)
    sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    facts: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class EvaluationRecord(Base):
    """What one evaluator found in one output, once per evaluator version."""

    __tablename__ = "evaluations"
    __table_args__ = (sa.UniqueConstraint("output_id", "evaluator", "version"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"))
    output_id: Mapped[str] = mapped_column(sa.ForeignKey("outputs.id"))
    evaluator: Mapped[str] = mapped_column(Name)
    version: Mapped[str] = mapped_column(Word)
    parameters: Mapped[dict[str, Any]]
    notes: Mapped[list[str]]
    sha256: Mapped[str] = mapped_column(Digest)
    """Digest of the whole evaluation's canonical JSON, kept as an artifact with every series."""
    created_at: Mapped[datetime]


class MeasurementRecord(Base):
    """One measurement: a value, or the reason why there is none."""

    __tablename__ = "measurements"
    __table_args__ = (sa.CheckConstraint("(value IS NULL) <> (reason IS NULL)", name="value_or_reason"),)

    evaluation_id: Mapped[str] = mapped_column(sa.ForeignKey("evaluations.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Word, primary_key=True)
    value: Mapped[float | None]
    reason: Mapped[str | None] = mapped_column(Text)
    low: Mapped[float | None]
    high: Mapped[float | None]
    level: Mapped[float | None]
    unit: Mapped[str] = mapped_column(Word)
    direction: Mapped[str] = mapped_column(Word)
    count: Mapped[int]
    version: Mapped[str] = mapped_column(Word)
