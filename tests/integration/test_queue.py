"""The queue on both databases: one job, one worker, one result, whoever dies, wakes up late or is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from support.studio import Studio

from core.access import WORKER
from core.audit.verify import verify
from core.canonical import now
from core.errors import Conflict, Denied
from core.jobs.queue import (
    Claim,
    Made,
    cancel,
    claim,
    end_cancelled,
    fail,
    finish,
    give_up,
    heartbeat,
    recover,
)
from core.platform import Platform
from core.tables import Attempt, AuditEvent, Job, Output


def job(studio: Studio, job_id: str) -> Job:
    with studio.platform.reading() as session:
        return session.get_one(Job, job_id)


def attempts(studio: Studio, job_id: str) -> list[str]:
    with studio.platform.reading() as session:
        query = sa.select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.number)
        return [attempt.status for attempt in session.scalars(query)]


def outputs(studio: Studio, job_id: str) -> list[str]:
    with studio.platform.reading() as session:
        return list(session.scalars(sa.select(Output.sha256).where(Output.job_id == job_id)))


def actions(studio: Studio, job_id: str) -> list[str]:
    with studio.platform.reading() as session:
        query = sa.select(AuditEvent.action).where(AuditEvent.subject == job_id).order_by(AuditEvent.index)
        return [action for action in session.scalars(query) if action.startswith("job.")]


def change(studio: Studio, **values: object) -> None:
    """Set columns of every job that is not finished, as time would."""
    with studio.platform.database.writing() as session:
        session.execute(sa.update(Job).where(Job.status.in_(("queued", "running"))).values(**values))


def expire(studio: Studio) -> None:
    change(studio, lease_expires_at=now() - timedelta(seconds=1))


def taken(studio: Studio, worker: str = "one") -> Claim:
    held = claim(studio.platform, worker)
    assert held is not None
    return held


def made(platform: Platform, held: Claim, data: bytes) -> bool:
    with platform.work(WORKER) as work:
        kept = work.keep(data, "video/mp4")
        done = finish(work, held, [Made("video", "out.mp4", kept.sha256, {"frames": 12})], {"runner": "test"})
        if not done:
            work.record("test.discarded", held.job_id)
        return done


def intact(studio: Studio) -> bool:
    with studio.platform.reading() as session:
        return verify(session, studio.platform.store, studio.platform.key.public).intact


def stop(studio: Studio, job_id: str, by: str = "engineer") -> Job:
    with studio.platform.work(studio.people[by]) as work:
        return cancel(work, job_id)


def test_jobs_are_taken_in_the_order_they_were_submitted(studio: Studio):
    first, second = studio.submit(), studio.submit()
    assert [taken(studio).job_id, taken(studio).job_id] == [first, second]
    assert claim(studio.platform, "one") is None


def test_a_finished_job_is_never_taken_again(studio: Studio):
    assert claim(studio.platform, "one") is None
    assert job(studio, studio.job).status == "succeeded"


def test_a_running_job_has_a_lease_and_a_named_worker(studio: Studio):
    job_id = studio.submit()
    before = now()
    held = taken(studio, "a worker")
    row = job(studio, job_id)
    assert (row.status, row.worker, row.attempt, held.attempt) == ("running", "a worker", 1, 1)
    assert row.lease_expires_at is not None
    assert timedelta(seconds=59) < row.lease_expires_at - before < timedelta(seconds=70)
    assert attempts(studio, job_id) == ["running"]


def test_two_who_claim_at_once_never_get_the_same_job(studio: Studio):
    jobs = {studio.submit() for _ in range(6)}
    together = threading.Barrier(4, timeout=20)

    def work(name: str) -> list[str]:
        platform = Platform.open(studio.platform.settings)
        together.wait()
        got = []
        # With PostgreSQL somebody may meet only locked jobs for a moment: it asks again while any waits.
        while waiting(platform):
            if held := claim(platform, name):
                got.append(held.job_id)
        platform.close()
        return got

    with ThreadPoolExecutor(4) as pool:
        found = [job_id for got in pool.map(work, "abcd") for job_id in got]
    assert len(found) == len(jobs)
    assert set(found) == jobs
    assert intact(studio)


def waiting(platform: Platform) -> bool:
    with platform.reading() as session:
        return session.scalar(sa.select(Job.id).where(Job.status == "queued").limit(1)) is not None


def test_a_heartbeat_renews_the_lease_and_tells_how_far_it_is(studio: Studio):
    job_id = studio.submit()
    held = taken(studio)
    change(studio, lease_expires_at=now() + timedelta(seconds=1))
    beat = heartbeat(studio.platform, held, 7.0, "x" * 900)
    row = job(studio, job_id)
    assert (beat.held, beat.cancel, row.progress, len(row.message)) == (True, False, 1.0, 500)
    assert row.lease_expires_at is not None
    assert row.lease_expires_at > now() + timedelta(seconds=30)


def test_a_lost_lease_puts_the_job_back_and_another_takes_it(studio: Studio):
    job_id = studio.submit()
    taken(studio, "dead")
    expire(studio)
    held = taken(studio, "alive")
    assert (held.job_id, held.attempt) == (job_id, 2)
    assert attempts(studio, job_id) == ["lost", "running"]
    assert actions(studio, job_id)[-2:] == ["job.lost", "job.started"]
    assert intact(studio)


STALE: dict[str, Callable[[Studio, Claim], bool]] = {
    "finish": lambda studio, held: made(studio.platform, held, b"late"),
    "fail": lambda studio, held: fail(studio.platform, held, "late", transient=False),
    "fail for now": lambda studio, held: fail(studio.platform, held, "late", transient=True),
    "heartbeat": lambda studio, held: heartbeat(studio.platform, held, 0.9, "late").held,
    "give up": lambda studio, held: give_up(studio.platform, held, "late"),
    "end as cancelled": lambda studio, held: end_cancelled(studio.platform, held),
}


@pytest.mark.parametrize("way", STALE)
def test_whoever_lost_the_lease_changes_nothing_any_more(studio: Studio, way: str):
    job_id = studio.submit()
    stale = taken(studio, "slow")
    expire(studio)
    held = taken(studio, "quick")
    before = job(studio, job_id)
    assert STALE[way](studio, stale) is False
    after = job(studio, job_id)
    assert (after.status, after.attempt, after.worker, after.message, after.progress) == (
        before.status,
        before.attempt,
        before.worker,
        before.message,
        before.progress,
    )
    assert outputs(studio, job_id) == []
    assert made(studio.platform, held, b"in time")
    assert STALE[way](studio, stale) is False
    assert len(outputs(studio, job_id)) == 1
    assert job(studio, job_id).status == "succeeded"
    assert attempts(studio, job_id) == ["lost", "succeeded"]
    assert intact(studio)


def test_two_who_finish_at_once_leave_one_result(studio: Studio):
    job_id = studio.submit()
    held = taken(studio)
    together = threading.Barrier(2, timeout=20)

    def end(data: bytes) -> bool:
        together.wait()
        return made(studio.platform, held, data)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(end, [b"one", b"two"])) == [False, True]
    assert len(outputs(studio, job_id)) == 1
    assert actions(studio, job_id).count("job.succeeded") == 1
    assert intact(studio)


def test_a_claim_that_was_never_made_changes_nothing(studio: Studio):
    job_id = studio.submit()
    held = taken(studio)
    assert not made(studio.platform, replace(held, attempt=2), b"forged")
    assert job(studio, job_id).status == "running"


def test_after_the_last_attempt_a_job_is_lost_not_failed(studio: Studio):
    job_id = studio.submit()
    for number in range(1, 4):
        assert taken(studio).attempt == number
        expire(studio)
    assert claim(studio.platform, "one") is None
    row = job(studio, job_id)
    assert (row.status, row.worker, row.lease_expires_at) == ("lost", None, None)
    assert row.finished_at is not None
    assert attempts(studio, job_id) == ["lost"] * 3


def test_a_failure_that_may_pass_waits_longer_each_time_then_is_final(studio: Studio):
    job_id = studio.submit()
    for number, pause in ((1, 5), (2, 10)):
        held = taken(studio)
        assert held.attempt == number
        before = now()
        assert fail(studio.platform, held, "no memory is free", transient=True)
        row = job(studio, job_id)
        assert (row.status, row.finished_at) == ("queued", None)
        assert row.not_before is not None
        assert timedelta(seconds=pause) <= row.not_before - before < timedelta(seconds=pause + 5)
        assert claim(studio.platform, "one") is None
        change(studio, not_before=now() - timedelta(seconds=1))
    assert fail(studio.platform, taken(studio), "no memory is free", transient=True)
    row = job(studio, job_id)
    assert (row.status, row.message) == ("failed", "no memory is free")
    assert attempts(studio, job_id) == ["failed"] * 3


def test_a_failure_that_is_final_ends_the_job_at_once(studio: Studio):
    job_id = studio.submit()
    assert fail(studio.platform, taken(studio), "the clip is upside down", transient=False)
    row = job(studio, job_id)
    assert (row.status, row.message, attempts(studio, job_id)) == ("failed", "the clip is upside down", ["failed"])
    assert row.finished_at is not None


def test_a_waiting_job_that_is_cancelled_never_runs(studio: Studio):
    job_id = studio.submit()
    stop(studio, job_id)
    assert (job(studio, job_id).status, claim(studio.platform, "one")) == ("cancelled", None)
    assert attempts(studio, job_id) == []


def test_a_running_job_learns_of_its_end_at_the_next_heartbeat(studio: Studio):
    job_id = studio.submit()
    held = taken(studio)
    assert stop(studio, job_id).status == "running"
    assert heartbeat(studio.platform, held, 0.5, "half").cancel
    assert end_cancelled(studio.platform, held)
    assert (job(studio, job_id).status, attempts(studio, job_id)) == ("cancelled", ["cancelled"])
    assert actions(studio, job_id)[-2:] == ["job.cancel_requested", "job.cancelled"]


ENDS: dict[str, Callable[[Studio, Claim], object]] = {
    "it is lost": lambda studio, held: give_up(studio.platform, held, "killed"),
    "its lease runs out": lambda studio, _: (expire(studio), claim(studio.platform, "other")),
    "its worker is found dead": lambda studio, _: recover(studio.platform, "other"),
    "it fails for now": lambda studio, held: fail(studio.platform, held, "no memory is free", transient=True),
}


@pytest.mark.parametrize("way", ENDS)
def test_a_job_that_was_asked_to_stop_is_not_tried_again_when(studio: Studio, way: str):
    job_id = studio.submit()
    held = taken(studio)
    stop(studio, job_id)
    ENDS[way](studio, held)
    row = job(studio, job_id)
    assert row.status == "cancelled"
    assert row.finished_at is not None
    assert claim(studio.platform, "one") is None
    assert intact(studio)


def test_a_finished_job_cannot_be_cancelled(studio: Studio):
    with pytest.raises(Conflict, match="already succeeded"):
        stop(studio, studio.job)


def test_only_some_may_cancel(studio: Studio):
    job_id = studio.submit()
    for by in ("legal", "auditor", "admin"):
        with pytest.raises(Denied):
            stop(studio, job_id, by)
    assert stop(studio, job_id, "manager").status == "cancelled"


def test_a_worker_that_is_alone_takes_up_all_that_was_left_running(studio: Studio):
    jobs = [studio.submit(), studio.submit()]
    taken(studio, "gone")
    taken(studio, "gone")
    assert recover(studio.platform, "new") == 2
    assert [job(studio, job_id).status for job_id in jobs] == ["queued", "queued"]
    assert [attempts(studio, job_id) for job_id in jobs] == [["lost"], ["lost"]]
    assert recover(studio.platform, "new") == 0
