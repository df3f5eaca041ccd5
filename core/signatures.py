"""Electronic signatures over a release's frozen evidence (21 CFR 11.50, 11.70, 11.200).

Who must sign, and in which order, is a table. A signature binds the digest of the evidence and is sealed with the
installation's key, so that it cannot be moved to another record.
"""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from sqlalchemy.orm import Session

from core.access import Permission, Role
from core.canonical import canonical_json, new_id, timestamp
from core.errors import Conflict, Denied, InputError, TamperingFound
from core.identity import Proof
from core.keys import VerifyingKey
from core.lookup import signatures_of
from core.platform import Work
from core.registry import clean_text
from core.tables import Job, Project, Release, SignatureRecord

SCHEMA = "greenlight.signature/1"
DECISIONS = ("signed", "declined")


class Slot(NamedTuple):
    """One signature that a release needs: who gives it and what it means."""

    role: Role
    meaning: str


SLOTS: dict[str, tuple[Slot, ...]] = {
    "production": (Slot(Role.LEGAL_LEAD, "review"), Slot(Role.RELEASE_MANAGER, "approval")),
    "study": (Slot(Role.CLINICAL_LEAD, "review"), Slot(Role.RELEASE_MANAGER, "approval")),
}


def open_slots(session: Session, release: Release) -> tuple[Slot, ...]:
    """Return the signatures that are still to be given, next one first."""
    project = session.get_one(Project, release.project_id)
    return SLOTS[project.kind][len(signatures_of(session, release)) :]


def next_slot(work: Work, release: Release, proof: Proof) -> Slot:
    """Return the signature that the actor may give now: the next one, theirs by role, proven within the last minute.

    `Denied` or `Conflict` says why not.
    """
    work.require(Permission.RELEASE_SIGN)
    proof.require_fresh(work.at)
    if proof.actor.id != work.actor.id:
        raise Denied("the password belongs to somebody else", "sign with your own")
    return _slot(work, release)


def add_signature(work: Work, release: Release, proof: Proof, decision: str, reason: str) -> SignatureRecord:
    """Sign or decline a release's evidence as the next signer; see `next_slot` for who that is."""
    slot = next_slot(work, release, proof)
    if decision not in DECISIONS:
        raise InputError(f"'{decision[:40]}' is no decision", f"use {' or '.join(DECISIONS)}")
    if decision == "declined" and not reason.strip():
        raise InputError("declining needs a reason", "say what must change")
    work.store.verify(release.evidence_sha256)
    row = SignatureRecord(
        id=new_id("sig"),
        release_id=release.id,
        user_id=work.actor.id,
        printed_name=work.actor.name,
        role=slot.role,
        meaning=slot.meaning,
        decision=decision,
        reason=clean_text(reason, "reason") if reason.strip() else "",
        record_sha256=release.evidence_sha256,
        authenticated_at=proof.at,
        signed_at=work.at,
        key_id=work.key.public.key_id,
        signature="",
    )
    row.signature = base64.b64encode(work.key.sign(signed_content(row))).decode()
    work.add(row)
    work.record(
        f"release.{decision}", release.id, signature=row.id, meaning=row.meaning, record_sha256=row.record_sha256
    )
    return row


def signed_content(row: SignatureRecord) -> bytes:
    """Return the canonical bytes that a signature record's seal covers: everything but the seal."""
    return canonical_json(
        {
            "schema": SCHEMA,
            "id": row.id,
            "release": row.release_id,
            "user": row.user_id,
            "printed_name": row.printed_name,
            "role": str(row.role),
            "meaning": row.meaning,
            "decision": row.decision,
            "reason": row.reason,
            "record_sha256": row.record_sha256,
            "authenticated_at": timestamp(row.authenticated_at),
            "signed_at": timestamp(row.signed_at),
        }
    )


def check_signature(row: SignatureRecord, release: Release, key: VerifyingKey) -> None:
    """Raise `TamperingFound` unless the seal is this installation's and covers this release's evidence."""
    try:
        sealed = key.verifies(base64.b64decode(row.signature, validate=True), signed_content(row))
    except binascii.Error:
        sealed = False
    sealed = sealed and row.key_id == key.key_id
    if not sealed or row.record_sha256 != release.evidence_sha256 or row.release_id != release.id:
        raise TamperingFound(
            f"the signature {row.id} does not belong to the evidence of {release.id}", "run 'greenlight audit verify'"
        )


def _slot(work: Work, release: Release) -> Slot:
    if any(row.user_id == work.actor.id for row in signatures_of(work.session, release)):
        raise Conflict(f"{work.actor.name} has signed this release already", "another person must sign next")
    slots = open_slots(work.session, release)
    if not slots:
        raise Conflict("every signature was given", "nothing is left to sign")
    slot = slots[0]
    if slot.role not in work.actor.roles:
        role = slot.role.replace("_", " ")
        raise Denied(
            f"the next signature is the {slot.meaning} by a {role}, which {work.actor.name} is not", f"ask a {role}"
        )
    job = work.session.get_one(Job, release.job_id)
    if work.actor.id in (job.submitted_by, release.proposed_by) and slot.meaning == "approval":
        raise Denied("whoever submitted or proposed a release cannot approve it", "ask another release manager")
    return slot
