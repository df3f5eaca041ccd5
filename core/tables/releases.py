"""Assessments at the gates, releases, signatures and dossiers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class AssessmentRecord(Base):
    """One pack judged at one gate; the facts it judged are kept as an artifact."""

    __tablename__ = "assessments"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"))
    release_id: Mapped[str | None] = mapped_column(sa.ForeignKey("releases.id"))
    gate: Mapped[str] = mapped_column(Word)
    pack_id: Mapped[str] = mapped_column(Name)
    pack_version: Mapped[str] = mapped_column(Word)
    pack_digest: Mapped[str] = mapped_column(Digest)
    facts_sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    opens: Mapped[bool]
    headline: Mapped[str] = mapped_column(Text)
    verdicts: Mapped[list[Any]]
    judged_at: Mapped[datetime]


class Release(Base):
    """A job's output put up for release, with its evidence frozen by digest."""

    __tablename__ = "releases"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"))
    state: Mapped[str] = mapped_column(Word)
    headline: Mapped[str] = mapped_column(Text)
    evidence_sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    proposed_by: Mapped[str] = mapped_column(Id)
    proposed_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    exported_at: Mapped[datetime | None]


class SignatureRecord(Base):
    """A person's electronic signature over a release's evidence (21 CFR 11.50, 11.70)."""

    __tablename__ = "signatures"
    __table_args__ = (sa.UniqueConstraint("release_id", "user_id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    release_id: Mapped[str] = mapped_column(sa.ForeignKey("releases.id"))
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    printed_name: Mapped[str] = mapped_column(Name)
    role: Mapped[str] = mapped_column(Word)
    meaning: Mapped[str] = mapped_column(Word)
    decision: Mapped[str] = mapped_column(Word)
    reason: Mapped[str] = mapped_column(Text)
    record_sha256: Mapped[str] = mapped_column(Digest)
    authenticated_at: Mapped[datetime]
    signed_at: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(Digest)
    signature: Mapped[str] = mapped_column(Text)


class Dossier(Base):
    """A sealed report of a release in one of its states."""

    __tablename__ = "dossiers"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    release_id: Mapped[str] = mapped_column(sa.ForeignKey("releases.id"))
    state: Mapped[str] = mapped_column(Word)
    pdf_sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    html_sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))
    made_by: Mapped[str] = mapped_column(Id)
    made_at: Mapped[datetime]
