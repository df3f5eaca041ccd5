"""Assets, the people in them, and what those people allow."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text, Word


class Asset(Base):
    """An input: clip with quadmask, dataset or manuscript. `digest` covers all its files."""

    __tablename__ = "assets"
    __table_args__ = (sa.UniqueConstraint("project_id", "name"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Word)
    digest: Mapped[str] = mapped_column(Digest)
    facts: Mapped[dict[str, Any]]
    notes: Mapped[list[str]]
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class AssetFile(Base):
    """One file of an asset, by role (`video`, `quadmask`, `prompt`, `scale`, `reference`)."""

    __tablename__ = "asset_files"

    asset_id: Mapped[str] = mapped_column(sa.ForeignKey("assets.id"), primary_key=True)
    role: Mapped[str] = mapped_column(Word, primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    sha256: Mapped[str] = mapped_column(sa.ForeignKey("artifacts.sha256"))


class Subject(Base):
    """A performer or a cohort."""

    __tablename__ = "subjects"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(Name)
    kind: Mapped[str] = mapped_column(Word)
    union: Mapped[str | None] = mapped_column(Name)
    minor: Mapped[bool | None]
    deceased: Mapped[bool | None]
    notice_at: Mapped[datetime | None]
    engaged_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class PersonsDeclaration(Base):
    """Somebody said who is visible in an asset. The newest declaration counts; none means nobody has said."""

    __tablename__ = "persons_declarations"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    asset_id: Mapped[str] = mapped_column(sa.ForeignKey("assets.id"))
    basis: Mapped[str] = mapped_column(Text)
    persons: Mapped[list[Any]]
    """`[{"subject": id, "treatment": removed|affected|visible}]`."""
    declared_by: Mapped[str] = mapped_column(Id)
    declared_at: Mapped[datetime]


class Consent(Base):
    """What a subject allows: instrument, scope, dates and evidence."""

    __tablename__ = "consents"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    subject_id: Mapped[str] = mapped_column(sa.ForeignKey("subjects.id"))
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    instrument: Mapped[str] = mapped_column(Name)
    separately_signed: Mapped[bool | None]
    conspicuous: Mapped[bool | None]
    description: Mapped[str] = mapped_column(Text)
    uses: Mapped[list[str]]
    territory: Mapped[str | None] = mapped_column(Name)
    given_by: Mapped[str] = mapped_column(Name)
    given_by_role: Mapped[str] = mapped_column(Word)
    signed_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    evidence_sha256: Mapped[str | None] = mapped_column(Digest)
    revoked_at: Mapped[datetime | None]
    created_by: Mapped[str] = mapped_column(Id)
    created_at: Mapped[datetime]


class Attestation(Base):
    """A named person's determination on a question that no measure answers."""

    __tablename__ = "attestations"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    project_id: Mapped[str] = mapped_column(sa.ForeignKey("projects.id"))
    asset_id: Mapped[str | None] = mapped_column(sa.ForeignKey("assets.id"))
    kind: Mapped[str] = mapped_column(Word)
    statement: Mapped[str] = mapped_column(Text)
    made_by: Mapped[str] = mapped_column(Id)
    made_by_name: Mapped[str] = mapped_column(Name)
    role: Mapped[str] = mapped_column(Word)
    made_at: Mapped[datetime]
