"""Projects, models with their versions and lineage, and artifacts known to the registry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class Project(Base):
    """A production or a study, with the agreements (packs) and jurisdictions that govern it."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)
    kind: Mapped[str] = mapped_column(Word)
    agreements: Mapped[list[str]]
    jurisdictions: Mapped[list[str]]
    final_deliverable: Mapped[bool | None]
    first_photography: Mapped[str | None] = mapped_column(sa.String(10))
    tools: Mapped[dict[str, Any]]
    strikes: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    """`[{"union", "starts_at", "ends_at"}]`; None means that nobody has looked."""
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class Model(Base):
    """A model, in-house, a vendor's, or built into Greenlight."""

    __tablename__ = "models"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Name, unique=True)
    origin: Mapped[str] = mapped_column(Word)
    description: Mapped[str] = mapped_column(Text)
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class ModelVersion(Base):
    """Weights by digest, with licence and card."""

    __tablename__ = "model_versions"
    __table_args__ = (sa.UniqueConstraint("model_id", "version"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    model_id: Mapped[str] = mapped_column(sa.ForeignKey("models.id"))
    version: Mapped[str] = mapped_column(Name)
    digest: Mapped[str] = mapped_column(Digest)
    licence: Mapped[str] = mapped_column(Name)
    licence_cleared: Mapped[bool | None]
    weights_format: Mapped[str] = mapped_column(Word)
    weights: Mapped[list[Any]]
    network_egress: Mapped[bool | None]
    card: Mapped[dict[str, Any]]
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class LineageLink(Base):
    """A version was made from another: as its base or with it as an adapter."""

    __tablename__ = "lineage_links"

    version_id: Mapped[str] = mapped_column(sa.ForeignKey("model_versions.id"), primary_key=True)
    parent_id: Mapped[str] = mapped_column(sa.ForeignKey("model_versions.id"), primary_key=True)
    relation: Mapped[str] = mapped_column(Word)


class Artifact(Base):
    """Bytes that the store keeps; the digest names them."""

    __tablename__ = "artifacts"

    sha256: Mapped[str] = mapped_column(Digest, primary_key=True)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    media_type: Mapped[str] = mapped_column(Name)
    stored_at: Mapped[datetime]
