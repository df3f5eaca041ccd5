"""Who reviews which manuscript, what they said, and who may not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class ReviewAssignment(Base):
    """A person's task to review one manuscript on one form: `open`, `submitted`, `declined` or `withdrawn`."""

    __tablename__ = "review_assignments"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    output_id: Mapped[str] = mapped_column(sa.ForeignKey("outputs.id"))
    rubric_id: Mapped[str] = mapped_column(Name)
    rubric_version: Mapped[str] = mapped_column(Word)
    rubric_sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    """The rubric's own file as it was when the review was asked for."""
    reviewer_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"), index=True)
    reviewer_name: Mapped[str] = mapped_column(Name)
    blind: Mapped[bool]
    """Whether reviewer and authors are kept from each other's names."""
    assigned_by: Mapped[str] = mapped_column(Id)
    assigned_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(Word)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it was declined or withdrawn."""
    closed_at: Mapped[datetime | None]


class Review(Base):
    """A filled rubric: by a `person`, by a `judge` (a language model), or the `adjudication` of what people dispute."""

    __tablename__ = "reviews"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    assignment_id: Mapped[str | None] = mapped_column(sa.ForeignKey("review_assignments.id"), unique=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    output_id: Mapped[str] = mapped_column(sa.ForeignKey("outputs.id"))
    output_sha256: Mapped[str] = mapped_column(Digest)
    kind: Mapped[str] = mapped_column(Word)
    rubric_id: Mapped[str] = mapped_column(Name)
    rubric_version: Mapped[str] = mapped_column(Word)
    rubric_sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    reviewer_id: Mapped[str] = mapped_column(Name)
    """A person's id, or the language model's name."""
    reviewer_name: Mapped[str] = mapped_column(Name)
    role: Mapped[str] = mapped_column(Word)
    blind: Mapped[bool]
    statement: Mapped[str] = mapped_column(Text)
    """A person's statement on conflicts of interest, or an adjudicator's reasons."""
    answers: Mapped[dict[str, Any]]
    """By item of the rubric: `{"value", "reason", "quote"}`."""
    scores: Mapped[dict[str, Any]]
    """The answers rolled up, each share from 0 (worst) to 1 (best)."""
    disputed: Mapped[list[Any]]
    """On what people's reviews on this form differed too much when this one was given; empty once adjudicated."""
    parameters: Mapped[dict[str, Any]]
    """A judge's: model, prompt version, samples, tokens, cost. Empty for people."""
    authenticated_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime]


class ReviewConflict(Base):
    """That a person has an interest in a study, and so cannot review what comes of it."""

    __tablename__ = "review_conflicts"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    asset_id: Mapped[str] = mapped_column(sa.ForeignKey("assets.id"), index=True)
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    statement: Mapped[str] = mapped_column(Text)
    declared_by: Mapped[str] = mapped_column(Id)
    declared_at: Mapped[datetime]
