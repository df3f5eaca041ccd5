"""Waivers: a signed, expiring decision by an allowed person that one verdict may stand unmet.

A waiver is bound to one control and version, one gate and one subject, and its signature to exactly this
content. That the signature is authentic is for the caller to check; that it fits is checked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policies import moments
from policies.digests import digest
from policies.errors import OperandError
from policies.pack import Control, Pack
from policies.wording import listing, words


@dataclass(frozen=True)
class Waiver:
    """Moments are RFC 3339 text in UTC. `record_sha256` is what was signed: `content_sha256()` when made."""

    id: str
    pack_id: str
    control_id: str
    control_version: str
    gate: str
    subject_sha256: str
    by: str
    by_name: str
    role: str
    reason: str
    signed_at: str
    expires_at: str
    record_sha256: str = ""

    def content_sha256(self) -> str:
        """Return the digest that the waiver's signature must cover: every field but the signature itself."""
        content = {key: value for key, value in vars(self).items() if key != "record_sha256"}
        return digest(content)


def subject_sha256(facts: Mapping[str, object]) -> str:
    """Return the digest of what is judged: project, model, asset and, once there is one, output."""
    named = (("project", "id"), ("model", "digest"), ("asset", "sha256"), ("output", "sha256"))
    content: dict[str, object] = {}
    for record, key in named:
        held = facts.get(record)
        content[record] = held.get(key) if isinstance(held, Mapping) else None
    return digest(content)


def concerns(waiver: Waiver, pack: Pack, control: Control, gate: str) -> bool:
    """Whether the waiver was written for this control at this gate at all, in whatever version."""
    return (waiver.pack_id, waiver.control_id, waiver.gate) == (pack.id, control.id, gate)


def objection(waiver: Waiver, control: Control, facts: Mapping[str, object]) -> str | None:
    """Say why a waiver that concerns the control does not count, as the end of a sentence; None if it does."""
    record = facts.get("submitter")
    submitter = record.get("id") if isinstance(record, Mapping) else None
    if not control.waivable_by:
        return "this rule cannot be waived"
    if waiver.role not in control.waivable_by:
        return f"only the {listing((words(role) for role in control.waivable_by), 'or')} may waive this rule"
    if submitter is None:
        return "nobody has recorded who submitted this, so it may be the submitter's own"
    if submitter == waiver.by:
        return "the submitter cannot waive a rule for their own submission"
    if waiver.control_version != control.version:
        return f"it was signed for version {waiver.control_version} of the rule, which is now {control.version}"
    if waiver.subject_sha256 != subject_sha256(facts):
        return "it was signed for another model, input or output"
    if not waiver.reason.strip() or not waiver.by.strip():
        return "it names no signer or no reason"
    if waiver.record_sha256 != waiver.content_sha256():
        return "its signature does not cover its content"
    return _date_objection(waiver, facts.get("at"))


def _date_objection(waiver: Waiver, at: object) -> str | None:
    try:
        now = moments.parse(at, "at")
        signed = moments.parse(waiver.signed_at, "the waiver's signing moment")
        expires = moments.parse(waiver.expires_at, "the waiver's expiry")
    except OperandError:
        return "its dates cannot be read"
    if now.earliest < signed.latest:
        return f"it is signed only on {waiver.signed_at}"
    if now.latest >= expires.latest:
        return f"it expired on {waiver.expires_at}"
    return None
