"""The audit log: events as leaves of a Merkle tree, the tree's frontier, and signed checkpoints."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Text


class AuditEvent(Base):
    """One change of state. `body` is the canonical JSON that the leaf hash covers, byte for byte."""

    __tablename__ = "audit_events"
    vouched = False

    index: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(sa.String(48))
    action: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(80), index=True)
    body: Mapped[str] = mapped_column(Text)
    leaf_sha256: Mapped[str] = mapped_column(Digest)


class AuditFrontier(Base):
    """The right edge of the tree (one row): what the next append needs, O(log n)."""

    __tablename__ = "audit_frontier"
    vouched = False

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    nodes: Mapped[list[str]]


class AuditCheckpoint(Base):
    """A signed tree head in C2SP tlog-checkpoint form."""

    __tablename__ = "audit_checkpoints"
    vouched = False

    size: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    root_sha256: Mapped[str] = mapped_column(Digest)
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime]
