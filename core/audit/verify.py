"""Recompute everything the log vouches for: events, tree, checkpoints, records and artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.audit.checkpoint import open_checkpoint
from core.audit.log import record_key, tree_head
from core.audit.merkle import Frontier, leaf_hash
from core.canonical import canonical_json, timestamp
from core.errors import GreenlightError
from core.keys import VerifyingKey
from core.tables import (
    Artifact,
    AssessmentRecord,
    Attestation,
    AuditCheckpoint,
    AuditEvent,
    Base,
    Dossier,
    EvaluationRecord,
    MeasurementRecord,
    Output,
    PersonsDeclaration,
    Qualification,
    SignatureRecord,
    record_digest,
)

EVIDENCE: tuple[type[Base], ...] = (
    Artifact,
    AssessmentRecord,
    Attestation,
    Dossier,
    EvaluationRecord,
    MeasurementRecord,
    Output,
    PersonsDeclaration,
    Qualification,
    SignatureRecord,
)
"""Tables of which every row must be vouched for by an event."""

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Finding:
    """Something that is not what was recorded: where, and what is wrong."""

    where: str
    what: str


@dataclass(frozen=True)
class AuditReport:
    """What a verification saw: how much, the recomputed root, and every finding."""

    events: int
    artifacts: int
    records: int
    checkpoints: int
    root: str
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(
    session: Session,
    store: ArtifactStore,
    key: VerifyingKey,
    *,
    outside_checkpoints: tuple[str, ...] = (),
    artifacts: Collection[str] | None = None,
    progress: Progress = lambda _done, _message: None,
) -> AuditReport:
    """Recompute the log from its events and compare it with all that it vouches for.

    `outside_checkpoints` are signed notes kept elsewhere; they show a log that was rewritten as a whole.
    `artifacts` limits which digests are read through; None means all.
    """
    tree = _Tree()
    findings = list(tree.read(session))
    findings += _tree_head(session, tree)
    notes = [row.note for row in session.scalars(sa.select(AuditCheckpoint).order_by(AuditCheckpoint.size))]
    for note in (*notes, *outside_checkpoints):
        findings += _checkpoint(note, key, tree)
    findings += _records(session, tree.records)
    known = session.scalars(sa.select(Artifact.sha256).order_by(Artifact.sha256))
    chosen = [digest for digest in known if artifacts is None or digest in artifacts]
    for number, digest in enumerate(chosen):
        progress(number / len(chosen), f"artifact {number + 1} of {len(chosen)}")
        findings += _artifact(store, digest)
    return AuditReport(
        events=tree.frontier.size,
        artifacts=len(chosen),
        records=len(tree.records),
        checkpoints=len(notes) + len(outside_checkpoints),
        root=tree.frontier.root().hex(),
        findings=tuple(findings),
    )


class _Tree:
    """The log as recomputed: its frontier, the root at every size, and the newest digest of each record."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.roots: dict[int, bytes] = {0: self.frontier.root()}
        self.records: dict[str, str] = {}

    def read(self, session: Session) -> Iterator[Finding]:
        for event in session.scalars(sa.select(AuditEvent).order_by(AuditEvent.index)):
            where = f"event {event.index}"
            if event.index != self.frontier.size:
                yield Finding(where, f"event {self.frontier.size} is missing before it")
            if leaf_hash(event.body.encode()).hex() != event.leaf_sha256:
                yield Finding(where, "its text or its stored hash was changed")
            elif not _columns_match(event):
                yield Finding(where, "its columns differ from its text")
            # The stored hash goes into the tree: a changed text is then one finding, not a broken tree as well.
            self.frontier = self.frontier.append(bytes.fromhex(event.leaf_sha256))
            self.roots[self.frontier.size] = self.frontier.root()
            self.records.update(_vouched(event))


def _columns_match(event: AuditEvent) -> bool:
    try:
        body = json.loads(event.body)
    except ValueError:
        return False
    columns = {
        "index": event.index,
        "at": timestamp(event.at),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
    }
    return canonical_json(body).decode() == event.body and columns == {name: body.get(name) for name in columns}


def _vouched(event: AuditEvent) -> dict[str, str]:
    try:
        records = json.loads(event.body).get("records", {})
    except ValueError:
        return {}
    return {str(key): str(value) for key, value in records.items()}


def _tree_head(session: Session, tree: _Tree) -> Iterator[Finding]:
    stored = tree_head(session)
    if stored.size > tree.frontier.size:
        yield Finding("audit tree", f"{stored.size - tree.frontier.size} events at its end are missing")
    elif (stored.size, stored.root()) != (tree.frontier.size, tree.frontier.root()):
        yield Finding("audit tree", "the stored tree head does not follow from the events")


def _checkpoint(note: str, key: VerifyingKey, tree: _Tree) -> Iterator[Finding]:
    try:
        checkpoint = open_checkpoint(note, key)
    except GreenlightError as error:
        yield Finding("checkpoint", error.what)
        return
    where = f"checkpoint at {checkpoint.size} events"
    if checkpoint.size not in tree.roots:
        yield Finding(where, f"the log has only {tree.frontier.size} events now: its end was cut off")
    elif tree.roots[checkpoint.size] != checkpoint.root:
        yield Finding(where, "the log no longer leads to the signed root: its history was rewritten")


def _records(session: Session, vouched: dict[str, str]) -> Iterator[Finding]:
    seen = set()
    for table in {key.partition("/")[0] for key in vouched} | {model.__tablename__ for model in EVIDENCE}:
        model = _model(table)
        if model is None:
            yield Finding(table, "the log names a table that does not exist")
            continue
        for row in session.scalars(sa.select(model)):
            key = record_key(row)
            seen.add(key)
            if key in vouched and record_digest(row) != vouched[key]:
                yield Finding(key, "the record was changed after it was logged")
            elif key not in vouched and model in EVIDENCE:
                yield Finding(key, "no event tells of this record")
    for key in sorted(set(vouched) - seen):
        yield Finding(key, "the record is gone")


def _model(table: str) -> type[Base] | None:
    for mapper in Base.registry.mappers:
        if mapper.class_.__tablename__ == table:
            return mapper.class_
    return None


def _artifact(store: ArtifactStore, digest: str) -> Iterator[Finding]:
    try:
        store.verify(digest)
    except GreenlightError as error:
        yield Finding(f"artifact {digest}", error.what)
