"""Recompute everything the log vouches for: events, tree, checkpoints, records and artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.audit.checkpoint import open_checkpoint
from core.audit.log import tree_head
from core.audit.merkle import Frontier, leaf_hash
from core.audit.rows import UNREADABLE, Found, read_rows
from core.canonical import canonical_json, timestamp
from core.errors import GreenlightError
from core.keys import VerifyingKey
from core.tables import Artifact, AuditCheckpoint, AuditEvent, Base, record_digest

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
    kept = list(read_rows(session, AuditCheckpoint))
    for found in kept:
        findings += _kept_checkpoint(found, key, tree)
    for note in outside_checkpoints:
        findings += _checkpoint(note, key, tree)
    findings += _records(session, tree.records)
    known = [digest for (digest,), _ in read_rows(session, Artifact)]
    chosen = [digest for digest in known if artifacts is None or digest in artifacts]
    for number, digest in enumerate(chosen):
        progress(number / len(chosen), f"artifact {number + 1} of {len(chosen)}")
        findings += _artifact(store, digest)
    return AuditReport(
        events=tree.frontier.size,
        artifacts=len(chosen),
        records=len(tree.records),
        checkpoints=len(kept) + len(outside_checkpoints),
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
        """Grow the tree by every stored event and say what is wrong with each."""
        expected = 0
        for (index,), event in read_rows(session, AuditEvent):
            where = f"event {index}"
            if index != expected:
                yield Finding(where, f"event {expected} is missing before it")
            expected = index + 1 if isinstance(index, int) else expected + 1
            if problem := _problem(event):
                yield Finding(where, problem)
            self.frontier = self.frontier.append(_leaf(session, index, event))
            self.roots[self.frontier.size] = self.frontier.root()
            self.records.update(_vouched(event))


def _problem(event: AuditEvent | None) -> str | None:
    if event is None:
        return "it cannot be read"
    if not isinstance(event.body, str) or leaf_hash(event.body.encode()).hex() != event.leaf_sha256:
        return "its text or its stored hash was changed"
    return None if _columns_match(event) else "its columns differ from its text"


def _leaf(session: Session, index: object, event: AuditEvent | None) -> bytes:
    """The stored hash: a changed text is then one finding, not a broken tree as well."""
    query = sa.select(AuditEvent.leaf_sha256).where(AuditEvent.index == index)
    try:
        return bytes.fromhex(event.leaf_sha256 if event else session.scalars(query).one())
    except UNREADABLE:
        return leaf_hash(event.body.encode() if event and isinstance(event.body, str) else b"")


def _columns_match(event: AuditEvent) -> bool:
    columns = {
        "index": event.index,
        "at": timestamp(event.at),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
    }
    body = _body(event)
    return columns == {name: body.get(name) for name in columns}


def _body(event: AuditEvent | None) -> dict[str, object]:
    """An event's text as a record; empty when it is not canonical JSON of one."""
    if event is None:
        return {}
    try:
        body = json.loads(event.body)
        whole = isinstance(body, dict) and canonical_json(body).decode() == event.body
    except (*UNREADABLE, RecursionError, GreenlightError):
        return {}
    return dict(body) if whole else {}


def _vouched(event: AuditEvent | None) -> dict[str, str]:
    records = _body(event).get("records")
    return {str(key): str(value) for key, value in records.items()} if isinstance(records, dict) else {}


def _tree_head(session: Session, tree: _Tree) -> Iterator[Finding]:
    try:
        stored = tree_head(session)
    except UNREADABLE:
        yield Finding("audit tree", "the stored tree head cannot be read")
        return
    if stored.size > tree.frontier.size:
        yield Finding("audit tree", f"{stored.size - tree.frontier.size} events at its end are missing")
    elif (stored.size, stored.root()) != (tree.frontier.size, tree.frontier.root()):
        yield Finding("audit tree", "the stored tree head does not follow from the events")


def _kept_checkpoint(found: Found, key: VerifyingKey, tree: _Tree) -> Iterator[Finding]:
    where = f"checkpoint at {found.key[0]} events"
    if found.row is None or not isinstance(found.row.note, str):
        yield Finding(where, "it cannot be read")
        return
    yield from _checkpoint(found.row.note, key, tree)
    with suppress(GreenlightError):
        signed = open_checkpoint(found.row.note, key)
        if (signed.size, signed.root.hex()) != (found.row.size, found.row.root_sha256):
            yield Finding(where, "its columns differ from its signed text")


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
    """Every row of every vouched table must be as the newest event that names it says, and none may be gone."""
    models = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers if mapper.class_.vouched}
    seen = set()
    for table, model in sorted(models.items()):
        for key, row in read_rows(session, model):
            name = f"{table}/{'|'.join(str(value) for value in key)}"
            seen.add(name)
            if row is None:
                yield Finding(name, "the record cannot be read")
            elif name not in vouched:
                yield Finding(name, "no event tells of this record")
            elif _digest(row) != vouched[name]:
                yield Finding(name, "the record was changed after it was logged")
    for name in sorted(set(vouched) - seen):
        known = name.partition("/")[0] in models
        yield Finding(name, "the record is gone" if known else "the log names a table that does not exist")


def _digest(row: Base) -> str | None:
    try:
        return record_digest(row)
    except (*UNREADABLE, GreenlightError):
        return None


def _artifact(store: ArtifactStore, digest: str) -> Iterator[Finding]:
    try:
        store.verify(digest)
    except GreenlightError as error:
        yield Finding(f"artifact {digest}", error.what)
