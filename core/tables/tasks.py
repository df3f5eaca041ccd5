"""What a job asks a person before it goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Id, Name, Text, Word


class Task(Base):
    """A question that a run stopped at. Its job waits until somebody decides, or is cancelled."""

    __tablename__ = "tasks"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    job_id: Mapped[str] = mapped_column(sa.ForeignKey("jobs.id"), index=True)
    attempt: Mapped[int]
    gate: Mapped[str] = mapped_column(Word)
    """The step that the run will not take alone: `execution`, `manuscript` ..."""
    question: Mapped[str] = mapped_column(Text)
    documents: Mapped[dict[str, Any]]
    """What there is to read, by role: `{role: {"name", "sha256", "media_type"}}`."""
    asked_at: Mapped[datetime]
    decision: Mapped[str | None] = mapped_column(Word)
    """`approve`, `reject`, or `withdrawn` where the job was cancelled; None while it is open."""
    reason: Mapped[str | None] = mapped_column(Text)
    decided_by: Mapped[str | None] = mapped_column(Id)
    decided_by_name: Mapped[str | None] = mapped_column(Name)
    role: Mapped[str | None] = mapped_column(Word)
    authenticated_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
