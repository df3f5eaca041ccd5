"""Approved protocols, and batches of studies that are run as one benchmark."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class ProtocolApproval(Base):
    """Somebody's approval of a study before it runs, sealed with the installation's key and bound to its digest."""

    __tablename__ = "protocol_approvals"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    asset_id: Mapped[str] = mapped_column(sa.ForeignKey("assets.id"), index=True)
    asset_sha256: Mapped[str] = mapped_column(Digest)
    protocol_sha256: Mapped[str] = mapped_column(Digest)
    statement: Mapped[str] = mapped_column(Text)
    approved_by: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    printed_name: Mapped[str] = mapped_column(Name)
    role: Mapped[str] = mapped_column(Word)
    authenticated_at: Mapped[datetime]
    approved_at: Mapped[datetime]
    key_id: Mapped[str] = mapped_column(Digest)
    signature: Mapped[str] = mapped_column(Text)


class Batch(Base):
    """A benchmark's suite as it was first run; its digest names it, so that the same suite goes on where it was."""

    __tablename__ = "batches"
    __table_args__ = (sa.UniqueConstraint("project_id", "digest"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    name: Mapped[str] = mapped_column(Name)
    digest: Mapped[str] = mapped_column(Digest)
    suite: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class BatchCell(Base):
    """A job that was submitted for one cell of a batch; the newest one of a cell counts."""

    __tablename__ = "batch_cells"

    batch_id: Mapped[str] = mapped_column(sa.ForeignKey("batches.id"), primary_key=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), primary_key=True)
    task: Mapped[str] = mapped_column(Name)
    case_name: Mapped[str] = mapped_column(Name)
    mode: Mapped[str] = mapped_column(Word)
    submitted_at: Mapped[datetime]
