"""The demonstration: real services, simulated clips (or a clip of your own), two decisions from end to end.

Nothing here is a shortcut: it creates people, submits, works the queue, judges, signs and exports through the same
services as everybody else, and it says of every statement it makes that it is a demonstration.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import sqlalchemy as sa

from core import consents, identity, registry, releases
from core.access import Actor
from core.errors import Conflict, RunFailed
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Observer, Worker
from core.platform import Platform
from core.releases import Proposal
from core.reports.dossier import make_dossier, write_dossier
from core.settings import Settings
from core.tables import Asset, Job, Model, Project

PEOPLE_FILE = "demo-people.json"
PEOPLE = {
    "demo-admin": ("Demo administrator", "administrator"),
    "demo-engineer": ("Demo engineer", "engineer"),
    "demo-legal": ("Demo legal lead", "legal_lead"),
    "demo-clinical": ("Demo clinical lead", "clinical_lead"),
    "demo-manager": ("Demo release manager", "release_manager"),
    "demo-auditor": ("Demo auditor", "auditor"),
}
AGREEMENTS = ("sag-aftra-tv-2026", "netflix-genai", "part-11", "greenlight-quality")
INPUT_AGREEMENTS = ("sag-aftra-tv-2026", "part-11", "greenlight-quality")
STATED = ("no_identifiable_unowned_material", "written_approval")
PLATE = "clean-plate"
STAND_IN = "a simulated scene; the object that is removed stands in for a performer"
STATEMENT = "Demonstration only: stated by the demo about a simulated scene that it drew itself."

Tell = Callable[[str], None]


class Ending(NamedTuple):
    """How one demo case ended: the release's id and state, why, and where its dossier lies."""

    release: str
    state: str
    headline: str
    reasons: tuple[tuple[str, str], ...]
    pdf: Path
    html: Path
    exported: Path | None = None


@dataclass(frozen=True)
class Cast:
    """The demo's people: who acts, and their passwords."""

    passwords: Mapping[str, str]
    actors: Mapping[str, Actor]

    def proof(self, platform: Platform, login: str) -> identity.Proof:
        """Give a password anew, as a signature demands."""
        return identity.authenticate(platform, login, self.passwords[login])


@dataclass(frozen=True)
class Stage:
    """What every step of the demo needs."""

    platform: Platform
    cast: Cast
    folder: Path
    observer: Observer
    tell: Tell


def set_stage(settings: Settings, folder: Path, observer: Observer, tell: Tell) -> Stage:
    """Open or make the demo's installation; one that is not the demo's own is left alone (`Conflict`)."""
    people = settings.home / PEOPLE_FILE
    if not people.is_file():
        if settings.database_url or (settings.home / "greenlight.db").exists():
            raise Conflict(
                f"{settings.home} holds a Greenlight that is not a demonstration",
                "run the demo in another folder or with another GREENLIGHT_HOME",
            )
        _hire(settings, people)
    platform = Platform.open(settings)
    passwords = _joined(platform, people)
    actors = {login: identity.authenticate(platform, login, password).actor for login, password in passwords.items()}
    return Stage(platform, Cast(passwords, actors), folder, observer, tell)


def run_simulated(stage: Stage) -> tuple[Ending, Ending]:
    """Run both simulated cases: one that is refused, one that is signed, sealed and exported."""
    from evaluators.qualification.scenes import hanging_scene, passing_scene, write_scene

    project = _project(stage, "Demo production", AGREEMENTS, final=False)
    with TemporaryDirectory() as temporary:
        stage.tell("Drawing two simulated clips, each with what would have happened without the object.")
        hanging = write_scene(hanging_scene(), Path(temporary) / "shelf")
        passing = write_scene(passing_scene(), Path(temporary) / "passer-by")
        stage.tell("Case 1: the support of an object is removed, and no performer's consent is on record.")
        first = _asset(stage, project, hanging, persons={_performer(stage, "Demo performer A"): "removed"})
        _attest(stage, project, first, STATED)
        refused = _decide(stage, first, purpose="internal_trial")
        stage.tell("Case 2: a passer-by is removed, with consent, and everybody who must sign does.")
        performer = _performer(stage, "Demo performer B")
        _consent(stage, project, performer)
        second = _asset(stage, project, passing, persons={performer: "removed"})
        _attest(stage, project, second, (*STATED, "removal_reviewed"))
        return refused, _decide(stage, second, purpose="release")


def run_input(stage: Stage, folder: Path, *, nobody: bool) -> Ending:
    """Run one clip of your own; unless you state that nobody is visible, it stays an internal trial."""
    name = folder.resolve().name
    project = _project(stage, f"Demo of {name}", INPUT_AGREEMENTS, final=False)
    stage.tell(f"Taking in {name}: probing within limits, checking every mask value.")
    asset = _asset(stage, project, folder, persons={} if nobody else None)
    return _decide(stage, asset, purpose="release" if nobody else "internal_trial")


def _hire(settings: Settings, people: Path) -> None:
    """Make the installation with its first person; the others join."""
    login = next(iter(PEOPLE))
    password = secrets.token_urlsafe(12)
    platform = Platform.create(settings)
    name, role = PEOPLE[login]
    identity.create_first_user(platform, login=login, name=name, password=password, roles=[role])
    platform.close()
    _write(people, {login: password})


def _joined(platform: Platform, people: Path) -> dict[str, str]:
    """The passwords of everybody, those included whom an earlier version's demo did not know."""
    passwords: dict[str, str] = json.loads(people.read_text(encoding="utf-8"))
    missing = {login: secrets.token_urlsafe(12) for login in PEOPLE if login not in passwords}
    if missing:
        admin = next(iter(PEOPLE))
        actor = identity.authenticate(platform, admin, passwords[admin]).actor
        with platform.work(actor) as work:
            for login, password in missing.items():
                name, role = PEOPLE[login]
                identity.create_user(work, login=login, name=name, password=password, roles=[role])
        _write(people, passwords | missing)
    return passwords | missing


def _write(people: Path, passwords: Mapping[str, str]) -> None:
    """Keep the passwords, readable by the owner only."""
    part = people.with_name(people.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(passwords, stream, indent=2)
    part.replace(people)


def _project(stage: Stage, name: str, agreements: tuple[str, ...], *, final: bool) -> Project:
    with stage.platform.reading() as session:
        known = session.scalar(sa.select(Project).where(Project.name == name))
        if known is not None:
            return known
    with stage.platform.work(stage.cast.actors["demo-manager"]) as work:
        return registry.create_project(
            work,
            name=name,
            kind="production",
            agreements=agreements,
            final_deliverable=final,
            first_photography="2026-08-03",
            tools={
                "stores_production_data": False,
                "trains_on_production_data": False,
                "enterprise_secured": True,
            },
            strikes=[],
        )


def _asset(stage: Stage, project: Project, folder: Path, persons: Mapping[str, str] | None) -> Asset:
    engineer = stage.cast.actors["demo-engineer"]
    name = free_name(stage, project, folder.resolve().name)
    asset = registry.create_clip(stage.platform, engineer, project=project.id, folder=folder, name=name)
    if persons is not None:
        basis = f"Demonstration: {STAND_IN}" if persons else "stated by whoever ran the demo with --nobody"
        with stage.platform.work(engineer) as work:
            consents.declare_persons(work, asset=asset.id, persons=persons, basis=basis)
    return asset


def free_name(stage: Stage, project: Project, name: str) -> str:
    """The name, numbered where the project has one like it already."""
    with stage.platform.reading() as session:
        taken = set(session.scalars(sa.select(Asset.name).where(Asset.project_id == project.id)))
    numbered = (f"{name} {number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(free for free in numbered if free not in taken)


def _performer(stage: Stage, name: str) -> str:
    with stage.platform.work(stage.cast.actors["demo-legal"]) as work:
        subject = consents.create_subject(work, name=name, union="SAG-AFTRA", minor=False, deceased=False)
    return subject.id


def _consent(stage: Stage, project: Project, subject: str) -> None:
    with stage.platform.work(stage.cast.actors["demo-legal"]) as work:
        consents.record_consent(
            work,
            subject=subject,
            project=project.id,
            instrument="digital alteration rider",
            description="Removal of the performer's figure from one shot of this production",
            uses=["REMOVAL"],
            given_by="Demo performer B",
            given_by_role="self",
            signed_at=work.at - timedelta(days=30),
            separately_signed=True,
            conspicuous=True,
            evidence=b"Demonstration: a signed rider would be kept here.",
        )


def _attest(stage: Stage, project: Project, asset: Asset, kinds: tuple[str, ...]) -> None:
    for kind in kinds:
        with stage.platform.work(stage.cast.actors["demo-legal"]) as work:
            consents.attest(work, project=project.id, asset=asset.id, kind=kind, statement=STATEMENT)


def _decide(stage: Stage, asset: Asset, *, purpose: str) -> Ending:
    """Take one asset from submission to its dossier."""
    register_builtin(stage, PLATE, "plate", "Clean plate, without weights")
    request = JobRequest(
        asset=asset.id,
        version=f"{PLATE}@1",
        runner="plate",
        purpose=purpose,
        ai_use={"kind": "REMOVAL", "script_delta": "none", "operations": ["object removal"]},
    )
    return release(stage, run_job(stage, request), ("demo-legal", "demo-manager"))


def release(stage: Stage, job: str, signers: tuple[str, ...]) -> Ending:
    """Put a finished job up for release; where the gate opens, everybody signs and the output leaves."""
    proposal = releases.propose(stage.platform, stage.cast.actors["demo-engineer"], job)
    exported = _sign_and_export(stage, proposal.release.id, signers) if proposal.decision.opens else None
    return _ending(stage, proposal, exported)


def run_job(stage: Stage, request: JobRequest) -> str:
    """Submit a job as the engineer and run it here; returns its id."""
    with stage.platform.work(stage.cast.actors["demo-engineer"]) as work:
        submission = submit(work, request)
    if not submission.decision.opens:
        raise RunFailed(submission.decision.headline, "resolve what keeps the gate closed")
    Worker(stage.platform, stage.observer).run(drain=True)
    with stage.platform.reading() as session:
        job = session.get_one(Job, submission.job.id)
        if job.status != "succeeded":
            raise RunFailed(f"the job ended as {job.status}: {job.message}", "see 'greenlight job show'")
    return submission.job.id


def register_builtin(stage: Stage, name: str, runner: str, description: str) -> None:
    """Register a built-in method as the model that it is, once."""
    with stage.platform.reading() as session:
        if session.scalar(sa.select(Model.id).where(Model.name == name)):
            return
    with stage.platform.work(stage.cast.actors["demo-engineer"]) as work:
        registry.create_model(work, name=name, origin="builtin", description=description)
        registry.create_version(
            work, model=name, version="1", licence="Apache-2.0", network_egress=False, card={"runner": runner}
        )
    with stage.platform.work(stage.cast.actors["demo-legal"]) as work:
        registry.clear_licence(work, version=f"{name}@1", cleared=True)


def _sign_and_export(stage: Stage, release: str, signers: tuple[str, ...]) -> Path:
    for login in signers:
        proof = stage.cast.proof(stage.platform, login)
        releases.sign(stage.platform, proof, release, reason="Demonstration")
        stage.tell(f"{proof.actor.name} signed, after giving the password anew.")
    return releases.export(stage.platform, stage.cast.actors["demo-manager"], release, stage.folder)


def _ending(stage: Stage, proposal: Proposal, exported: Path | None) -> Ending:
    auditor = stage.cast.actors["demo-auditor"]
    files = make_dossier(stage.platform, auditor, proposal.release.id)
    pdf, html = write_dossier(files, stage.folder)
    decision = proposal.decision
    return Ending(proposal.release.id, files.record.state, decision.headline, decision.reasons, pdf, html, exported)


def sign_in(stage: Stage) -> str:
    """Open a session for the demo's auditor, who may look at everything and change nothing."""
    return identity.open_session(stage.platform, stage.cast.proof(stage.platform, "demo-auditor"))
