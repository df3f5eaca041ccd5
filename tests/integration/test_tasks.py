"""A run that asks a person waits, costs nothing while it does, and goes on or ends by the decision."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from support.asking import offer
from support.studio import Studio

from core.audit.verify import verify
from core.errors import Conflict, Denied, InputError
from core.jobs.queue import cancel, claim, suspend
from core.jobs.worker import Worker
from core.runners.base import RunOutput
from core.tables import Attempt, Job, Output, Task
from core.tasks import decide, open_tasks, tasks_of


@pytest.fixture
def asked(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Studio, str]:
    """A job that has been run to its question."""
    offer(tmp_path, monkeypatch)
    job = studio.submit(runner="asks", provenance=None, files={})
    Worker(studio.platform).run(drain=True)
    return studio, job


def state(studio: Studio, job: str) -> Job:
    with studio.platform.reading() as session:
        return session.get_one(Job, job)


def question(studio: Studio, job: str) -> Task:
    with studio.platform.reading() as session:
        return tasks_of(session, job)[-1]


def decided(studio: Studio, task: str, decision: str, reason: str = "", by: str = "clinical") -> Task:
    proof = studio.proof(by)
    with studio.platform.work(studio.people[by]) as work:
        return decide(work, proof, task, decision, reason)


def intact(studio: Studio) -> bool:
    with studio.platform.reading() as session:
        return verify(session, studio.platform.store, studio.platform.key.public).intact


def test_an_approved_run_goes_on_with_what_it_had_paid_for(asked: tuple[Studio, str]):
    studio, job = asked
    task = question(studio, job)
    assert (state(studio, job).status, task.gate, task.decision) == ("waiting", "execution", None)
    assert studio.platform.store.read(task.documents["plan"]["sha256"]) == b"the plan"
    before = state(studio, job).max_attempts
    done = decided(studio, task.id, "approve")
    assert (done.role, done.decided_by_name, state(studio, job).status) == ("clinical_lead", "Clinical", "queued")
    Worker(studio.platform).run(drain=True)
    row = state(studio, job)
    assert (row.status, row.attempt, row.max_attempts) == ("succeeded", 2, before + 1)
    with studio.platform.reading() as session:
        note = session.scalars(sa.select(Output).where(Output.job_id == job)).one()
        statuses = list(
            session.scalars(sa.select(Attempt.status).where(Attempt.job_id == job).order_by(Attempt.number))
        )
        assert open_tasks(session) == []
    assert studio.platform.store.read(note.sha256) == b"Clinical; once\nonce\n"
    assert statuses == ["waiting", "succeeded"]
    assert not (studio.platform.settings.home / "checkpoints" / job).exists()
    assert intact(studio)


def test_a_rejected_run_ends_with_the_reason(asked: tuple[Studio, str]):
    studio, job = asked
    decided(studio, question(studio, job).id, "reject", "the cohort is too small")
    Worker(studio.platform).run(drain=True)
    row = state(studio, job)
    assert row.status == "failed"
    assert "the cohort is too small" in row.message


def test_a_waiting_job_is_cancelled_at_once_and_its_question_withdrawn(asked: tuple[Studio, str]):
    studio, job = asked
    with studio.platform.work(studio.people["engineer"]) as work:
        assert cancel(work, job).status == "cancelled"
    task = question(studio, job)
    assert (task.decision, task.decided_by_name) == ("withdrawn", "Engineer")
    with pytest.raises(Conflict, match="closed"):
        decided(studio, task.id, "approve")
    assert Worker(studio.platform).run(drain=True) == 0
    assert not (studio.platform.settings.home / "checkpoints" / job).exists()
    assert intact(studio)


def test_only_a_clinical_lead_with_the_password_just_given_decides_and_only_once(asked: tuple[Studio, str]):
    studio, job = asked
    task = question(studio, job).id
    for by in ("engineer", "manager", "auditor", "admin"):
        with pytest.raises(Denied):
            decided(studio, task, "approve", by=by)
    with studio.platform.work(studio.people["clinical"]) as work, pytest.raises(Denied, match="somebody else"):
        decide(work, studio.proof("manager"), task, "approve", "")
    with pytest.raises(InputError, match="needs a reason"):
        decided(studio, task, "reject", "  ")
    with pytest.raises(InputError, match="no decision"):
        decided(studio, task, "maybe")
    decided(studio, task, "approve")
    with pytest.raises(Conflict, match=r"closed \(approve\)"):
        decided(studio, task, "reject", "too late")


def test_a_decision_cannot_be_smuggled_in_as_a_parameter(studio: Studio):
    with pytest.raises(InputError, match="decisions"):
        studio.submit(parameters={"decisions": {"execution": {"decision": "approve"}}})


def test_whoever_lost_the_lease_asks_nothing_and_a_stopped_job_ends_instead(studio: Studio, tmp_path: Path):
    plan = tmp_path / "plan.txt"
    plan.write_text("plan")
    documents = [RunOutput("plan", plan, "text/plain")]
    studio.submit()
    held = claim(studio.platform, "one")
    assert held is not None
    stale = type(held)(held.job_id, held.attempt + 1, "other")
    assert suspend(studio.platform, stale, "execution", "?", documents) is None
    with studio.platform.work(studio.people["engineer"]) as work:
        cancel(work, held.job_id)
    assert suspend(studio.platform, held, "execution", "?", documents) is None
    assert state(studio, held.job_id).status == "cancelled"
    with studio.platform.reading() as session:
        assert tasks_of(session, held.job_id) == []
    assert intact(studio)
