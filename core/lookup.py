"""Reads that several services share: find a row by id or name, and follow what belongs to it."""

from __future__ import annotations

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import InputError, NotFound
from core.tables import (
    Asset,
    AssetFile,
    Base,
    Consent,
    LineageLink,
    Model,
    ModelVersion,
    Output,
    PersonsDeclaration,
    ProtocolApproval,
    Release,
    SignatureRecord,
    Subject,
)

Row = TypeVar("Row", bound=Base)
JUDGED = ("video", "manuscript")
"""The roles of outputs that are judged and released."""
LISTED = {"subject": "consent subjects"}
"""The commands that list records where it is not `<noun> list`."""


def asset_files(session: Session, asset: Asset) -> dict[str, AssetFile]:
    """Return an asset's files by role."""
    return {row.role: row for row in session.scalars(sa.select(AssetFile).where(AssetFile.asset_id == asset.id))}


def find(session: Session, model: type[Row], key: str) -> Row:
    """Return a row by id or, where the table has names, by name; `NotFound` lists what there is."""
    row = session.get(model, key)
    if row is not None:
        return row
    what = model.__name__.lower()
    names: list[str] = []
    column = getattr(model, "name", None)
    if column is not None:
        found = list(session.scalars(sa.select(model).where(column == key).limit(8)))
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(sorted(str(sa.inspect(model).primary_key_from_instance(row)[0]) for row in found))
            raise InputError(f"several {what}s are named '{key}'", f"give the {what}'s id, one of {ids}")
        names = list(session.scalars(sa.select(column).limit(8)))
    known = f"known: {', '.join(names)}" if names else f"see 'greenlight {LISTED.get(what, f'{what} list')}'"
    raise NotFound(f"there is no {what} '{key[:80]}'", known)


def find_version(session: Session, key: str) -> ModelVersion:
    """Return a model version by id or as `model@version`."""
    if row := session.get(ModelVersion, key):
        return row
    model_name, _, version = key.rpartition("@")
    if not model_name:
        raise NotFound(f"there is no model version '{key}'", "name it as model@version; see 'greenlight model list'")
    owner = find(session, Model, model_name)
    query = sa.select(ModelVersion).where(ModelVersion.model_id == owner.id, ModelVersion.version == version)
    if row := session.scalar(query):
        return row
    raise NotFound(f"{model_name} has no version '{version}'", "see 'greenlight model list'")


def lineage(session: Session, version: ModelVersion) -> list[tuple[str, ModelVersion]]:
    """Return all that a version was made from, nearest first, as (relation, version)."""
    found: list[tuple[str, ModelVersion]] = []
    queue = [version.id]
    while queue:
        links = session.scalars(sa.select(LineageLink).where(LineageLink.version_id == queue.pop(0)))
        for link in links:
            parent = session.get_one(ModelVersion, link.parent_id)
            if parent.id not in {row.id for _, row in found}:
                found.append((link.relation, parent))
                queue.append(parent.id)
    return found


def current_declaration(session: Session, asset: Asset) -> PersonsDeclaration | None:
    """Return the newest declaration of who is visible, or None when nobody has said."""
    query = sa.select(PersonsDeclaration).where(PersonsDeclaration.asset_id == asset.id)
    return session.scalar(query.order_by(PersonsDeclaration.declared_at.desc(), PersonsDeclaration.id.desc()).limit(1))


def consents_of(session: Session, subject: Subject) -> list[Consent]:
    """Return every consent of a subject, oldest first, revoked ones included."""
    query = sa.select(Consent).where(Consent.subject_id == subject.id)
    return list(session.scalars(query.order_by(Consent.signed_at, Consent.id)))


def signatures_of(session: Session, release: Release) -> list[SignatureRecord]:
    """Return a release's signatures in the order they were given."""
    query = sa.select(SignatureRecord).where(SignatureRecord.release_id == release.id)
    return list(session.scalars(query.order_by(SignatureRecord.signed_at, SignatureRecord.id)))


def output_of(session: Session, job_id: str) -> Output | None:
    """Return the output of a job that is judged, a clip or a manuscript, or None while there is none."""
    query = sa.select(Output).where(Output.job_id == job_id, Output.role.in_(JUDGED))
    # A clip stands before a manuscript that describes it.
    return session.scalar(query.order_by(Output.role.desc()).limit(1))


def approval_of(session: Session, asset: Asset) -> ProtocolApproval | None:
    """Return the newest approval of a study's protocol, or None while nobody has approved it."""
    query = sa.select(ProtocolApproval).where(ProtocolApproval.asset_id == asset.id)
    return session.scalar(query.order_by(ProtocolApproval.approved_at.desc(), ProtocolApproval.id.desc()).limit(1))
