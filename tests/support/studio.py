"""A staffed installation with one finished job: made once in a run, copied for each test, on both databases."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import argon2
import pytest
from filelock import FileLock

from core import consents, identity, registry
from core.access import WORKER, Actor
from core.jobs.queue import Made, claim, finish
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.platform import Platform
from core.settings import Settings
from support.clips import write_case, write_output
from support.databases import TEMPLATE, PostgresServer

PASSWORD = "a password for tests"
PEOPLE = {
    "admin": ["administrator"],
    "engineer": ["engineer"],
    "legal": ["legal_lead"],
    "clinical": ["clinical_lead"],
    "manager": ["release_manager"],
    "auditor": ["auditor"],
}
AGREEMENTS = ("sag-aftra-tv-2026", "part-11")
PROJECT, CLIP, BARE_CLIP, PERFORMER, MODEL = "Pilot", "crossing", "undeclared", "Performer", "remover@1"
PROVENANCE = {"vendor": "unknown", "model": "unknown"}


@dataclass(frozen=True)
class Studio:
    """An opened installation with people, a project, two clips (one without declaration) and one finished job.

    The job `job` removed the performer from the clip `crossing`, with consent and a lawyer's review on record.
    """

    platform: Platform
    folder: Path
    people: Mapping[str, Actor]
    job: str
    consent: str

    def proof(self, login: str, password: str = PASSWORD) -> identity.Proof:
        """Give a password anew."""
        return identity.authenticate(self.platform, login, password)

    @property
    def clip(self) -> Path:
        """A clip folder as a user has it."""
        return self.folder / "clip"

    @property
    def output(self) -> Path:
        """An output made elsewhere for `clip`."""
        return self.folder / "made.mp4"

    def request(self, **changes: Any) -> JobRequest:
        """A job that ingests `output` for the clip, as the finished one did."""
        usual: dict[str, Any] = {
            "asset": CLIP,
            "version": MODEL,
            "runner": "ingest",
            "files": {"output": self.output},
            "provenance": PROVENANCE,
            "ai_use": {"kind": "REMOVAL", "script_delta": "none"},
        }
        return JobRequest(**{**usual, **changes})

    def submit(self, **changes: Any) -> str:
        """Submit such a job as the engineer and return its id."""
        with self.platform.work(self.people["engineer"]) as work:
            return submit(work, self.request(**changes)).job.id


def finish_without_running(studio: Studio, job: str) -> None:
    """Give a waiting job its output as a worker would, without measurements and the seconds that they take."""
    held = claim(studio.platform, "tests")
    assert held is not None
    assert held.job_id == job
    with studio.platform.work(WORKER) as work:
        kept = work.keep(studio.output, "video/mp4")
        facts = {"frames": 12, "width": 64, "height": 48}
        assert finish(work, held, [Made("video", "output.mp4", kept.sha256, facts)], {})


def found(settings: Settings) -> dict[str, str]:
    """Make an installation with people, project, clips and one finished job; returns the ids to remember."""
    folder = settings.home.parent
    clip = write_case(folder / "clip")
    write_output(folder / "made.mp4")
    platform = Platform.open(settings)
    people = hire(platform)
    engineer, legal, manager = people["engineer"], people["legal"], people["manager"]
    with platform.work(manager) as work:
        registry.create_project(
            work,
            name=PROJECT,
            kind="production",
            agreements=AGREEMENTS,
            final_deliverable=True,
            first_photography="2026-08-03",
            strikes=[],
        )
    with platform.work(engineer) as work:
        registry.create_model(work, name="remover", origin="vendor")
        registry.create_version(work, model="remover", version="1", licence="Apache-2.0", network_egress=False)
    registry.create_clip(platform, engineer, project=PROJECT, folder=clip, name=CLIP)
    registry.create_clip(platform, engineer, project=PROJECT, folder=clip, name=BARE_CLIP)
    with platform.work(legal) as work:
        subject = consents.create_subject(work, name=PERFORMER, union="SAG-AFTRA", minor=False, deceased=False)
        consents.declare_persons(work, asset=CLIP, persons={subject.id: "removed"}, basis="watched the whole clip")
        consent = give_consent(work, subject.id)
        consents.attest(work, project=PROJECT, asset=CLIP, kind="removal_reviewed", statement="Nothing else changes.")
    studio = Studio(platform, folder, people, "", consent)
    job = studio.submit()
    Worker(platform).run(drain=True)
    platform.close()
    return {"job": job, "consent": consent}


def hire(platform: Platform) -> dict[str, Actor]:
    """Add everybody of `PEOPLE`."""
    first, *others = PEOPLE
    identity.create_first_user(platform, login=first, name=first.title(), password=PASSWORD, roles=PEOPLE[first])
    people = {first: identity.authenticate(platform, first, PASSWORD).actor}
    for login in others:
        with platform.work(people[first]) as work:
            people[login] = identity.actor_of(
                identity.create_user(work, login=login, name=login.title(), password=PASSWORD, roles=PEOPLE[login])
            )
    return people


def give_consent(work: Any, subject: str, **changes: Any) -> str:
    """Record a rider for the removal in the project, signed a month ago, and return its id."""
    usual = {
        "instrument": "rider",
        "description": "Removal from one shot",
        "uses": ["REMOVAL"],
        "project": PROJECT,
        "given_by": PERFORMER,
        "given_by_role": "self",
        "signed_at": work.at - timedelta(days=30),
        "separately_signed": True,
        "conspicuous": True,
    }
    return consents.record_consent(work, subject=subject, **{**usual, **changes}).id


def people_of(platform: Platform) -> dict[str, Actor]:
    """The actors of `PEOPLE` in an installation that has them."""
    import sqlalchemy as sa

    from core.tables import User

    with platform.reading() as session:
        return {user.login: identity.actor_of(user) for user in session.scalars(sa.select(User))}


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords at the least cost here: hundreds are given in a run. Child processes hash at the real cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            argon2, "PasswordHasher", partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        )
        yield


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture
def studio_original(
    database_kind: str, shared_folder: Path, migrated_sqlite: Path, request: pytest.FixtureRequest
) -> Path:
    """The folder of the run's one studio on this kind of database; made by whichever worker asks first."""
    original = shared_folder / f"studio-{database_kind}"
    with FileLock(f"{original}.lock"):
        if not (original / "studio.json").is_file():
            shutil.rmtree(original, ignore_errors=True)
            home = original / "home"
            home.mkdir(parents=True)
            if database_kind == "sqlite":
                shutil.copyfile(migrated_sqlite, home / "greenlight.db")
                known = found(Settings(home=home))
            else:
                server: PostgresServer = request.getfixturevalue("migrated_postgres")
                name = server.create(TEMPLATE)
                known = found(Settings(home=home, database_url=server.address(name))) | {"database": name}
            (original / "studio.json").write_text(json.dumps(known), encoding="utf-8")
    return original


@pytest.fixture
def studio_settings(
    database_kind: str, studio_original: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    """Settings of a studio of one's own, on each database in turn."""
    folder = tmp_path / "studio"
    shutil.copytree(studio_original, folder)
    if database_kind == "sqlite":
        yield Settings(home=folder / "home")
        return
    server: PostgresServer = request.getfixturevalue("migrated_postgres")
    name = server.create(json.loads((folder / "studio.json").read_text(encoding="utf-8"))["database"])
    yield Settings(home=folder / "home", database_url=server.address(name))
    server.drop(name)


@pytest.fixture
def studio(studio_settings: Settings) -> Iterator[Studio]:
    """A studio of one's own, opened, on each database in turn."""
    folder = studio_settings.home.parent
    known = json.loads((folder / "studio.json").read_text(encoding="utf-8"))
    platform = Platform.open(studio_settings)
    yield Studio(platform, folder, people_of(platform), known["job"], known["consent"])
    platform.close()
