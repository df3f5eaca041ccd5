"""Subjects, who is visible in an asset, consents, and attestations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from core.access import Permission, Role
from core.canonical import new_id
from core.errors import Conflict, Denied, InputError
from core.lookup import find
from core.platform import Work
from core.registry import clean_name, clean_text
from core.tables import Asset, Attestation, Consent, PersonsDeclaration, Project, Subject

TREATMENTS = ("removed", "affected", "visible")
SUBJECT_KINDS = ("performer", "cohort")
GIVERS = ("self", "authorised_representative", "union")
USES = ("REMOVAL", "ALTERATION", "REPLICA", "SYNTHETIC", "TRAINING")
ATTESTING_ROLES = (Role.LEGAL_LEAD, Role.CLINICAL_LEAD, Role.RELEASE_MANAGER)


def create_subject(
    work: Work,
    *,
    name: str,
    kind: str = "performer",
    union: str | None = None,
    minor: bool | None = None,
    deceased: bool | None = None,
    notice_at: datetime | None = None,
    engaged_at: datetime | None = None,
) -> Subject:
    """Add a performer or a cohort; what is not said stays unknown."""
    work.require(Permission.PERSONS_DECLARE)
    _choice(kind, SUBJECT_KINDS, "kind of subject")
    union = clean_name(union, "union") if union is not None else None
    subject = work.add(
        Subject(
            id=new_id("sub"),
            name=clean_name(name, "subject"),
            kind=kind,
            union=union,
            minor=minor,
            deceased=deceased,
            notice_at=notice_at,
            engaged_at=engaged_at,
            created_by=work.actor.id,
            created_at=work.at,
        )
    )
    work.record("subject.created", subject.id, kind=kind)
    return subject


def declare_persons(work: Work, *, asset: str, persons: Mapping[str, str], basis: str) -> PersonsDeclaration:
    """Say who is visible in an asset and what the edit does to each: `{subject: removed|affected|visible}`.

    An empty mapping is the statement that nobody is visible. `basis` says how the speaker knows.
    """
    work.require(Permission.PERSONS_DECLARE)
    basis = clean_text(basis, "basis (how you know, such as 'watched the whole clip')")
    row = find(work.session, Asset, asset)
    listed = []
    for subject, treatment in persons.items():
        _choice(treatment, TREATMENTS, "treatment")
        listed.append({"subject": find(work.session, Subject, subject).id, "treatment": treatment})
    declaration = work.add(
        PersonsDeclaration(
            id=new_id("dec"),
            asset_id=row.id,
            basis=basis,
            persons=listed,
            declared_by=work.actor.id,
            declared_at=work.at,
        )
    )
    work.record("persons.declared", row.id, count=len(listed))
    return declaration


def record_consent(
    work: Work,
    *,
    subject: str,
    project: str,
    instrument: str,
    description: str,
    uses: Sequence[str],
    given_by: str,
    given_by_role: str,
    signed_at: datetime,
    separately_signed: bool | None = None,
    conspicuous: bool | None = None,
    territory: str | None = None,
    expires_at: datetime | None = None,
    evidence: Path | bytes | None = None,
) -> Consent:
    """Record what a subject allows in a project. The paper itself is kept as an artifact and never logged."""
    work.require(Permission.CONSENT_RECORD)
    _check_scope(work, uses, given_by_role, signed_at, expires_at)
    if isinstance(evidence, Path) and not evidence.is_file():
        raise InputError(f"there is no evidence file {evidence}", "check the path")
    checked = {
        "subject_id": find(work.session, Subject, subject).id,
        "project_id": find(work.session, Project, project).id,
        "instrument": clean_name(instrument, "instrument"),
        "description": clean_text(description, "description"),
        "territory": clean_name(territory, "territory") if territory is not None else None,
        "given_by": clean_name(given_by, "giver"),
    }
    # Kept last, so that a refused record leaves no paper behind.
    kept = work.keep(evidence, "application/octet-stream") if evidence is not None else None
    consent = work.add(
        Consent(
            id=new_id("con"),
            separately_signed=separately_signed,
            conspicuous=conspicuous,
            uses=list(uses),
            given_by_role=given_by_role,
            signed_at=signed_at,
            expires_at=expires_at,
            evidence_sha256=kept.sha256 if kept else None,
            created_by=work.actor.id,
            created_at=work.at,
            **checked,
        )
    )
    work.record("consent.recorded", consent.id, person=consent.subject_id, uses=consent.uses)
    return consent


def revoke_consent(work: Work, *, consent: str, reason: str) -> Consent:
    """Record that a subject took a consent back; it stops covering anything from now on."""
    work.require(Permission.CONSENT_RECORD)
    reason = clean_text(reason, "reason")
    row = find(work.session, Consent, consent)
    if row.revoked_at:
        raise Conflict(
            f"the consent was revoked on {row.revoked_at:%d %B %Y}", "record a new one if it was given again"
        )
    row.revoked_at = work.at
    work.record("consent.revoked", row.id, row, reason=reason)
    return row


def attest(work: Work, *, project: str, kind: str, statement: str, asset: str | None = None) -> Attestation:
    """Record a named person's determination on a question that no measure answers."""
    work.require(Permission.ATTEST)
    role = next((role for role in ATTESTING_ROLES if role in work.actor.roles), None)
    if role is None:
        raise Denied("an attestation needs a lead or a release manager", "ask one of them")
    statement = clean_text(statement, "statement (what you determined, and why)")
    attestation = work.add(
        Attestation(
            id=new_id("att"),
            project_id=find(work.session, Project, project).id,
            asset_id=find(work.session, Asset, asset).id if asset else None,
            kind=clean_name(kind, "determination", 40),
            statement=statement,
            made_by=work.actor.id,
            made_by_name=work.actor.name,
            role=role,
            made_at=work.at,
        )
    )
    work.record("attestation.made", attestation.id, kind=attestation.kind)
    return attestation


def _check_scope(
    work: Work, uses: Sequence[str], given_by_role: str, signed_at: datetime, expires_at: datetime | None
) -> None:
    _choice(given_by_role, GIVERS, "role of the giver")
    if not uses:
        raise InputError("a consent needs at least one use", f"name what it allows: {', '.join(USES)}")
    for use in uses:
        _choice(use, USES, "use")
    if signed_at > work.at:
        raise InputError("a consent cannot be signed in the future", "correct the date")
    if expires_at is not None and expires_at <= signed_at:
        raise InputError("the consent expires before it is signed", "correct the dates")


def _choice(value: str, allowed: tuple[str, ...], what: str) -> None:
    if value not in allowed:
        raise InputError(f"'{value[:40]}' is no {what}", f"use one of {', '.join(allowed)}")
