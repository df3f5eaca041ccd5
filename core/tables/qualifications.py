"""The record that an evaluator was studied: what it notices, what it misses, and by which study."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class Qualification(Base):
    """One evaluator's part in one study. Only a full study makes its measures count as qualified."""

    __tablename__ = "qualifications"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    evaluator: Mapped[str] = mapped_column(Name)
    evaluator_version: Mapped[str] = mapped_column(Word)
    study_version: Mapped[str] = mapped_column(Word)
    full: Mapped[bool]
    measures: Mapped[list[str]]
    figures: Mapped[list[Any]]
    """One entry for each studied pair of measure and corruption, failures included."""
    machine: Mapped[str] = mapped_column(Text)
    study_sha256: Mapped[str] = mapped_column(Digest, sa.ForeignKey("artifacts.sha256"))
    recorded_by: Mapped[str] = mapped_column(Id)
    recorded_at: Mapped[datetime]
