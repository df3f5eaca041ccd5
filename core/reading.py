"""What people look at, read in one go: the releases, the jobs under way, everything about one release.

Pure reads. Each returns frozen values that outlive the database session; nobody's permission is needed to look,
only to act, and who may look at all is decided where people sign in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.audit.log import tree_head
from core.audit.verify import AuditReport, verify
from core.canonical import now
from core.lookup import asset_files, find, output_of
from core.platform import Platform
from core.releases import case_artifacts
from core.reports.casefile import build_document, headline_of, later_assessments
from core.reports.document import Dossier
from core.reports.evaluations import read_json
from core.signatures import SLOTS
from core.tables import (
    Artifact,
    Asset,
    AuditEvent,
    Job,
    LoginSession,
    Model,
    ModelVersion,
    Output,
    Project,
    Release,
    SignatureRecord,
    Task,
    User,
)
from core.tables import Dossier as DossierRecord
from core.tasks import open_tasks

Query = sa.Select[*tuple[Any, ...]]
Found = Any
"""A row of one of the joined queries below."""

UNDER_WAY = ("queued", "running", "waiting")
ENDED_BADLY = ("failed", "lost", "refused")
RECENT_JOBS = 8


@dataclass(frozen=True)
class Person:
    """Somebody with an account: login, printed name and roles in words."""

    id: str
    login: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class SlotLine:
    """One signature that a release needs; `signed_by` is None while nobody has given it."""

    role: str
    meaning: str
    signed_by: str | None = None
    decision: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class ReleaseLine:
    """One release in a list. `headline` is the sentence on how it stands now."""

    id: str
    project: str
    kind: str
    asset: str
    model: str
    purpose: str
    use: str
    state: str
    headline: str
    proposed_by: str
    proposed_at: datetime
    slots: tuple[SlotLine, ...]

    @property
    def next_slot(self) -> SlotLine | None:
        """The signature that is asked for now; None unless the release is still open."""
        if self.state != "candidate":
            return None
        return next((slot for slot in self.slots if slot.signed_by is None), None)


@dataclass(frozen=True)
class JobLine:
    """One job in a list; `progress` is a share in [0, 1]."""

    id: str
    project: str
    asset: str
    model: str
    status: str
    progress: float
    message: str
    submitted_by: str
    submitted_at: datetime


@dataclass(frozen=True)
class Clip:
    """One file of a case: a moving picture, or what a study left."""

    role: str
    title: str
    sha256: str
    media_type: str
    size: int


@dataclass(frozen=True)
class TaskLine:
    """A question that a run stopped at; its job waits for an answer. `by` is the id of whoever submitted the job."""

    id: str
    project: str
    asset: str
    gate: str
    question: str
    documents: tuple[Clip, ...]
    by: str
    submitted_by: str
    asked_at: datetime


@dataclass(frozen=True)
class TraceLine:
    """One clause of a judgement: how deep it lies, what it found, and whether that holds (None: unknown)."""

    depth: int
    sentence: str
    result: bool | None


@dataclass(frozen=True)
class EventLine:
    """One event of the audit log in words."""

    index: int
    at: datetime
    actor: str
    action: str
    leaf_sha256: str


@dataclass(frozen=True)
class DossierLine:
    """A sealed dossier that was made."""

    state: str
    made_at: datetime
    made_by: str
    pdf_sha256: str
    html_sha256: str


@dataclass(frozen=True)
class ReleasePage:
    """Everything about one release. `traces` has one mapping, by control, for each of the document's packs.

    `clips` are its moving pictures, `files` what a study left; both by role.
    """

    line: ReleaseLine
    document: Dossier
    clips: Mapping[str, Clip]
    files: Mapping[str, Clip]
    traces: tuple[Mapping[str, tuple[TraceLine, ...]], ...]
    dossiers: tuple[DossierLine, ...]
    history: tuple[EventLine, ...]
    log_size: int
    log_root: str


def release_list(session: Session) -> tuple[ReleaseLine, ...]:
    """Return every release, newest first."""
    signed = _signatures(session.scalars(sa.select(SignatureRecord)))
    people = _names(session)
    return tuple(_line(session, row, signed, people) for row in session.execute(_releases()))


def job_list(session: Session) -> tuple[JobLine, ...]:
    """Return the jobs that wait or run, then the newest that ended without a result."""
    waiting = _jobs().where(Job.status.in_(UNDER_WAY)).order_by(Job.submitted_at)
    ended = _jobs().where(Job.status.in_(ENDED_BADLY)).order_by(Job.finished_at.desc()).limit(RECENT_JOBS)
    people = _names(session)
    return tuple(_job(row, people) for query in (waiting, ended) for row in session.execute(query))


def task_list(session: Session) -> tuple[TaskLine, ...]:
    """Return the questions that nobody has answered, oldest first."""
    people = _names(session)
    return tuple(_task(session, row, people) for row in open_tasks(session))


def release_page(session: Session, store: ArtifactStore, release: str) -> ReleasePage:
    """Return one release; `NotFound` when there is none, `TamperingFound` when its frozen evidence was changed."""
    row = find(session, Release, release)
    job = session.get_one(Job, row.job_id)
    head = tree_head(session)
    people = _names(session)
    given = sa.select(SignatureRecord).where(SignatureRecord.release_id == row.id)
    signed = _signatures(session.scalars(given))
    return ReleasePage(
        line=_line(session, session.execute(_releases().where(Release.id == row.id)).one(), signed, people),
        document=build_document(session, store, row, at=now()),
        clips={clip.role: clip for clip in _clips(session, job)},
        files={file.role: file for file in _files(session, job)},
        traces=tuple(dict(_traces(one)) for one in _assessments(session, store, row)),
        dossiers=tuple(_dossiers(session, row, people)),
        history=tuple(_history(session, (row.id, row.job_id), people)),
        log_size=head.size,
        log_root=head.root().hex(),
    )


def verify_release(platform: Platform, release: str) -> AuditReport:
    """Recompute the whole log, and read through every artifact that one release rests on."""
    with platform.reading() as session:
        row = find(session, Release, release)
        digests = case_artifacts(session, session.get_one(Job, row.job_id)) | {row.evidence_sha256}
        return verify(session, platform.store, platform.key.public, artifacts=digests)


def person(session: Session, user: str) -> Person:
    """Return an account by its id."""
    row = find(session, User, user)
    return Person(row.id, row.login, row.name, tuple(role.replace("_", " ") for role in row.roles))


def is_signed_in(session: Session, user: str) -> bool:
    """Whether a person who is not disabled has a session that has not ended."""
    query = (
        sa.select(LoginSession.token_sha256)
        .join(User, User.id == LoginSession.user_id)
        .where(
            User.id == user,
            User.disabled_at.is_(None),
            LoginSession.ended_at.is_(None),
            LoginSession.expires_at > now(),
        )
    )
    return session.scalar(query.limit(1)) is not None


def artifact(session: Session, sha256: str) -> tuple[str, int] | None:
    """Return an artifact's media type and size in bytes, or None when the registry knows of none."""
    row = session.get(Artifact, sha256)
    return (row.media_type, row.size) if row else None


def _releases() -> Query:
    return (
        sa.select(Release, Project, Asset.name, Model.name, ModelVersion.version, Job)
        .join(Job, Job.id == Release.job_id)
        .join(Project, Project.id == Release.project_id)
        .join(Asset, Asset.id == Job.asset_id)
        .join(ModelVersion, ModelVersion.id == Job.version_id)
        .join(Model, Model.id == ModelVersion.model_id)
        .order_by(Release.proposed_at.desc(), Release.id.desc())
    )


def _line(
    session: Session, found: Found, signed: Mapping[str, list[SlotLine]], people: Mapping[str, str]
) -> ReleaseLine:
    release, project, asset, model, version, job = found
    given = signed.get(release.id, [])
    asked = [SlotLine(str(slot.role).replace("_", " "), slot.meaning) for slot in SLOTS[project.kind]]
    return ReleaseLine(
        id=release.id,
        project=project.name,
        kind=project.kind,
        asset=asset,
        model=f"{model} {version}",
        purpose=job.purpose.replace("_", " "),
        use="manuscript" if project.kind == "study" else str(job.ai_use.get("kind", "edit")).replace("_", " ").lower(),
        state=release.state,
        headline=headline_of(session, release),
        proposed_by=people.get(release.proposed_by, release.proposed_by),
        proposed_at=release.proposed_at,
        slots=(*given, *asked[len(given) :]),
    )


def _signatures(rows: sa.ScalarResult[SignatureRecord]) -> dict[str, list[SlotLine]]:
    found: dict[str, list[SlotLine]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: (one.signed_at, one.id)):
        role = row.role.replace("_", " ")
        found[row.release_id].append(SlotLine(role, row.meaning, row.printed_name, row.decision, row.signed_at))
    return found


def _names(session: Session) -> dict[str, str]:
    return {row.id: row.name for row in session.execute(sa.select(User.id, User.name))}


def _jobs() -> Query:
    return (
        sa.select(Job, Project.name, Asset.name, Model.name, ModelVersion.version)
        .join(Project, Project.id == Job.project_id)
        .join(Asset, Asset.id == Job.asset_id)
        .join(ModelVersion, ModelVersion.id == Job.version_id)
        .join(Model, Model.id == ModelVersion.model_id)
    )


def _job(found: Found, people: Mapping[str, str]) -> JobLine:
    job, project, asset, model, version = found
    return JobLine(
        id=job.id,
        project=project,
        asset=asset,
        model=f"{model} {version}",
        status=job.status,
        progress=min(max(job.progress, 0.0), 1.0),
        message=job.message,
        submitted_by=people.get(job.submitted_by, job.submitted_by),
        submitted_at=job.submitted_at,
    )


def _task(session: Session, row: Task, people: Mapping[str, str]) -> TaskLine:
    job, project, asset, _, _ = session.execute(_jobs().where(Job.id == row.job_id)).one()
    documents = tuple(_file(session, role, one["name"], one["sha256"]) for role, one in row.documents.items())
    who = people.get(job.submitted_by, job.submitted_by)
    gate = row.gate.replace("_", " ")
    return TaskLine(row.id, project, asset, gate, row.question, documents, job.submitted_by, who, row.asked_at)


def _clips(session: Session, job: Job) -> Iterator[Clip]:
    files = asset_files(session, session.get_one(Asset, job.asset_id))
    named: dict[str, str] = {role: files[role].sha256 for role in ("video", "quadmask") if role in files}
    if (output := output_of(session, job.id)) and output.role == "video":
        named["output"] = output.sha256
    titles = {"video": "Input", "quadmask": "Mask", "output": "Output"}
    for role, sha256 in named.items():
        yield _file(session, role, titles[role], sha256)


def _files(session: Session, job: Job) -> Iterator[Clip]:
    """What a study left, the manuscript first; nothing for a clip."""
    rows = list(session.scalars(sa.select(Output).where(Output.job_id == job.id).order_by(Output.role)))
    if "video" not in {row.role for row in rows}:
        for row in sorted(rows, key=lambda one: one.role != "manuscript"):
            yield _file(session, row.role, row.name, row.sha256)


def _file(session: Session, role: str, title: str, sha256: str) -> Clip:
    row = session.get_one(Artifact, sha256)
    return Clip(role, title, sha256, row.media_type, row.size)


def _assessments(session: Session, store: ArtifactStore, release: Release) -> list[Mapping[str, Any]]:
    """Return the assessments in the order of the document's packs: those of the evidence, then the export's."""
    frozen: list[Mapping[str, Any]] = read_json(store, release.evidence_sha256)["assessments"]
    return [*frozen, *later_assessments(session, release)]


def _traces(assessment: Mapping[str, Any]) -> Iterator[tuple[str, tuple[TraceLine, ...]]]:
    for verdict in assessment["verdicts"]:
        parts = (verdict["trace"].get("applies_when"), verdict["trace"].get("passes_when"))
        yield verdict["control_id"], tuple(line for part in parts if part for line in _trace(part, 0))


def _trace(node: Mapping[str, Any], depth: int) -> Iterator[TraceLine]:
    result = {"true": True, "false": False}.get(str(node["result"]).lower())
    yield TraceLine(depth, str(node["sentence"]), result)
    for child in node.get("children") or ():
        yield from _trace(child, depth + 1)


def _dossiers(session: Session, release: Release, people: Mapping[str, str]) -> Iterator[DossierLine]:
    query = sa.select(DossierRecord).where(DossierRecord.release_id == release.id)
    for row in session.scalars(query.order_by(DossierRecord.made_at.desc())):
        yield DossierLine(row.state, row.made_at, people.get(row.made_by, row.made_by), row.pdf_sha256, row.html_sha256)


def _history(session: Session, subjects: tuple[str, ...], people: Mapping[str, str]) -> Iterator[EventLine]:
    query = sa.select(AuditEvent).where(AuditEvent.subject.in_(subjects)).order_by(AuditEvent.index)
    for row in session.scalars(query):
        actor = people.get(row.actor, row.actor.replace("system:", "Greenlight "))
        yield EventLine(row.index, row.at, actor, row.action.replace(".", ": ").replace("_", " "), row.leaf_sha256)
