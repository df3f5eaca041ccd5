"""The worker with real children: results stand once and whole, whoever is killed, cancelled, stopped or breaks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
from support.requirements import PROJECT
from support.studio import Studio

from core.audit.verify import verify
from core.canonical import file_sha256, now
from core.errors import InputError, Unavailable
from core.identity import open_session
from core.jobs.queue import cancel
from core.jobs.worker import Sign, Worker
from core.platform import Platform
from core.settings import Settings
from core.tables import Attempt, AuditEvent, EvaluationRecord, Job, MeasurementRecord, Output

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
# Tells its process id, waits until a file is there, then leaves the clip that it was given.
PROGRAM = """
import os, pathlib, shutil, sys, threading
mark, gate, clip = map(pathlib.Path, sys.argv[1:])
mark.write_text(str(os.getpid()))
pause = threading.Event()
while not gate.exists():
    pause.wait(0.02)
shutil.copyfile(clip, "out.mp4")
"""


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is so and return it."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about"
        pause.wait(0.05)
    return found


def waiting_job(studio: Studio) -> str:
    """Submit a run of `PROGRAM`; it goes on when the file `gate` is in the studio's folder."""
    argv = [sys.executable, "-c", PROGRAM, str(studio.folder / "mark"), str(studio.folder / "gate"), "{input:output}"]
    artifacts = [{"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"}]
    return studio.submit(runner="command", provenance=None, parameters={"argv": argv, "artifacts": artifacts})


def program(studio: Studio) -> int | None:
    """The process id of `PROGRAM` once it runs."""
    mark = studio.folder / "mark"
    return int(mark.read_text() or 0) if mark.exists() else None


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def job(studio: Studio, job_id: str) -> Job:
    with studio.platform.reading() as session:
        return session.get_one(Job, job_id)


def attempts(studio: Studio, job_id: str) -> list[Attempt]:
    with studio.platform.reading() as session:
        return list(session.scalars(sa.select(Attempt).where(Attempt.job_id == job_id).order_by(Attempt.number)))


def outputs(studio: Studio, job_id: str) -> dict[str, Output]:
    with studio.platform.reading() as session:
        return {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == job_id))}


def measured(studio: Studio, job_id: str) -> list[MeasurementRecord]:
    query = sa.select(MeasurementRecord).join(EvaluationRecord).where(EvaluationRecord.job_id == job_id)
    with studio.platform.reading() as session:
        return list(session.scalars(query))


def actions(studio: Studio, job_id: str) -> list[str]:
    with studio.platform.reading() as session:
        events = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.index))
        return [event.action for event in events if job_id in event.body]


def intact(studio: Studio) -> bool:
    with studio.platform.reading() as session:
        return verify(session, studio.platform.store, studio.platform.key.public).intact


@pytest.fixture
def quick(studio: Studio) -> Iterator[Studio]:
    """The same installation with short leases."""
    platform = Platform.open(replace(studio.platform.settings, lease_s=2.0, heartbeat_s=0.2))
    yield replace(studio, platform=platform)
    platform.close()


@contextmanager
def worker_process(studio: Studio) -> Iterator[subprocess.Popen[bytes]]:
    """A real `greenlight worker run`, ended with SIGKILL if it is still there at the end."""
    settings, engineer = studio.platform.settings, studio.proof("engineer")
    environment = {
        **os.environ,
        "GREENLIGHT_HOME": str(settings.home),
        "GREENLIGHT_DATABASE_URL": settings.database_url,
        "GREENLIGHT_LEASE_S": "2",
        "GREENLIGHT_HEARTBEAT_S": "0.2",
        "GREENLIGHT_TOKEN": open_session(studio.platform, engineer),
    }
    command = [sys.executable, "-c", "from core.cli.main import run; run()", "worker", "run"]
    said = studio.folder / "said"
    with said.open("w") as out, subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=out, stderr=out) as one:
        try:
            yield one
        except AssertionError as error:
            raise AssertionError(f"{error}; the worker said: {said.read_text()}") from error
        finally:
            one.kill()


@contextmanager
def working(studio: Studio) -> Iterator[Worker]:
    """A worker in a thread of this process, until nothing waits."""
    worker = Worker(studio.platform)
    thread = threading.Thread(target=worker.run, kwargs={"drain": True})
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(60)
    assert not thread.is_alive()


def test_a_job_ends_with_outputs_measurements_and_events_as_one(studio: Studio):
    row, (attempt,) = job(studio, studio.job), attempts(studio, studio.job)
    assert (row.status, row.progress, row.worker, row.lease_expires_at) == ("succeeded", 1.0, None, None)
    assert attempt.status == "succeeded"
    assert {"runner", "python", "greenlight", "torch"} <= set(attempt.environment)
    video = outputs(studio, studio.job)["video"]
    assert video.sha256 == file_sha256(studio.output)
    assert (video.facts["frames"], video.facts["width"], video.facts["height"]) == (12, 64, 48)
    found = {row.name: row for row in measured(studio, studio.job)}
    assert len(found) >= 8
    assert all((row.value is None) != (row.reason is None) for row in found.values())
    assert found["preservation_psnr"].value is not None
    assert actions(studio, studio.job)[-2:] == ["job.succeeded", "output.evaluated"]
    with studio.platform.reading() as session:
        evaluations = {row.sha256 for row in session.scalars(sa.select(EvaluationRecord))}
    kept = [json.loads(studio.platform.store.read(sha256)) for sha256 in evaluations]
    assert all("series" in json.dumps(one) for one in kept)
    assert intact(studio)
    assert list((studio.platform.settings.home / "attempts").iterdir()) == []


def test_a_worker_killed_in_the_middle_of_a_job_costs_one_attempt_and_nothing_else(quick: Studio):
    job_id = waiting_job(quick)
    with worker_process(quick) as dead:
        pid = until(lambda: program(quick))
        until(lambda: job(quick, job_id).status == "running")
        if quick.platform.database.is_sqlite:
            with pytest.raises(
                Unavailable, match=rf"another worker serves this database already \(process {dead.pid}\)"
            ):
                Worker(quick.platform).run(drain=True)
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        until(lambda: gone(pid), 10)
    assert job(quick, job_id).status == "running"
    (quick.folder / "gate").touch()
    lease = job(quick, job_id).lease_expires_at
    until(lambda: quick.platform.database.is_sqlite or lease < now())
    assert Worker(quick.platform).run(drain=True) == 1
    assert job(quick, job_id).status == "succeeded"
    assert [attempt.status for attempt in attempts(quick, job_id)] == ["lost", "succeeded"]
    assert set(outputs(quick, job_id)) == {"video"}
    assert actions(quick, job_id).count("job.succeeded") == 1
    assert len({row.name for row in measured(quick, job_id)}) == len(measured(quick, job_id)) > 0
    assert list((quick.platform.settings.home / "attempts").iterdir()) == []
    assert intact(quick)


@SQLITE
def test_a_running_job_that_is_cancelled_ends_soon_with_its_program(quick: Studio, database_kind: str):
    job_id = waiting_job(quick)
    with working(quick):
        pid = until(lambda: program(quick))
        with quick.platform.work(quick.people["engineer"]) as work:
            cancel(work, job_id)
        until(lambda: job(quick, job_id).status != "running")
    assert job(quick, job_id).status == "cancelled"
    assert gone(pid)
    assert outputs(quick, job_id) == {}
    assert intact(quick)


@SQLITE
def test_a_worker_that_is_stopped_gives_its_job_back_however_often(quick: Studio, database_kind: str):
    job_id = waiting_job(quick)
    with quick.platform.database.writing() as session:
        session.execute(sa.update(Job).where(Job.id == job_id).values(max_attempts=1))
    with working(quick):
        pid = until(lambda: program(quick))
    assert gone(pid)
    assert job(quick, job_id).status == "queued"
    assert [attempt.reason for attempt in attempts(quick, job_id)] == ["its worker was stopped"]
    (quick.folder / "gate").touch()
    Worker(quick.platform).run(drain=True)
    assert job(quick, job_id).status == "succeeded"
    assert intact(quick)


@SQLITE
def test_a_program_that_leaves_nothing_fails_the_job_with_the_reason(studio: Studio, database_kind: str):
    artifacts = [{"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"}]
    parameters = {"argv": [sys.executable, "-c", "print('all is well')"], "artifacts": artifacts}
    job_id = studio.submit(runner="command", provenance=None, parameters=parameters)
    signs: list[Sign] = []
    Worker(studio.platform, signs.append).run(drain=True)
    row = job(studio, job_id)
    assert row.status == "failed"
    assert "left no video matching 'out.mp4' (exit code 0)" in row.message
    assert signs[-1].message == row.message
    assert outputs(studio, job_id) == {}
    assert intact(studio)


@SQLITE
def test_who_watches_sees_the_work_go_on_to_its_end(studio: Studio, database_kind: str):
    studio.submit()
    signs: list[Sign] = []
    Worker(studio.platform, signs.append).run(drain=True)
    shares = [sign.done for sign in signs]
    assert shares == sorted(shares)
    assert (signs[-1].done, signs[-1].message) == (1.0, "done")


def wreck_nan(studio: Studio, _job_id: str) -> None:
    with studio.platform.database.writing() as session:
        session.execute(sa.text("UPDATE jobs SET parameters = '{\"strength\": NaN}' WHERE status = 'queued'"))


def wreck_artifact(studio: Studio, job_id: str) -> None:
    sha256 = job(studio, job_id).extra_inputs["output"]
    path = studio.platform.store.local_path(sha256)
    assert path
    path.chmod(0o644)
    path.write_bytes(b"another clip")


def wreck_folder(studio: Studio, _job_id: str) -> None:
    folder = studio.platform.settings.home / "attempts"
    folder.rmdir()
    folder.write_text("in the way", encoding="utf-8")


def wreck_database(studio: Studio, _job_id: str) -> None:
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON measurements BEGIN SELECT RAISE(ABORT, 'no more'); END"
    with studio.platform.database.writing() as session:
        session.execute(sa.text(refuse))


@SQLITE
@pytest.mark.parametrize(
    ("wreck", "told"),
    [
        (wreck_nan, "ValueError"),
        (wreck_artifact, "is not what was stored"),
        (wreck_folder, "the attempt's folder failed"),
        (wreck_database, "no more"),
    ],
)
def test_one_broken_job_ends_with_its_reason_and_leaves_the_worker_and_the_record_whole(
    studio: Studio, wreck: Callable[[Studio, str], None], told: str, database_kind: str
):
    job_id = studio.submit()
    wreck(studio, job_id)
    assert Worker(studio.platform).run(drain=True) == 1
    row = job(studio, job_id)
    assert row.status == "failed"
    assert told in row.message
    assert outputs(studio, job_id) == {}
    assert "job.succeeded" not in actions(studio, job_id)
    assert [attempt.status for attempt in attempts(studio, job_id)] == ["failed"]


@SQLITE
def test_what_dead_workers_left_is_swept_and_what_runs_is_kept(studio: Studio, database_kind: str):
    folder = studio.platform.settings.home / "attempts"
    for name in (f"{studio.job}-1", "job_unknown-2", "something else"):
        (folder / name / "inputs").mkdir(parents=True)
    Worker(studio.platform).run(drain=True)
    assert [path.name for path in folder.iterdir()] == ["something else"]


@SQLITE
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"runner": "magic"}, "no runner 'magic'; use one of"),
        ({"purpose": "fun"}, "'fun' is no purpose"),
        ({"origin": "found"}, "'found' is no origin"),
        ({"ai_use": {"kind": "DREAM"}}, "'DREAM' is no kind of AI use"),
        ({"seed": -1}, "the seed -1 is out of range"),
        ({"files": {"output": Path("missing.mp4")}}, "there is no file missing.mp4"),
        ({"files": {"video": Path(__file__)}}, "'video'"),
        ({"files": {"../up": Path(__file__)}}, "'../up'"),
        ({"parameters": {"strength": float("nan")}}, "cannot be stored as JSON"),
        ({"provenance": {"vendor": "a", "model": "b", "parameters": 2**70}}, "cannot be stored as JSON"),
        ({"asset": "nothing"}, "no asset 'nothing'; known: crossing, undeclared"),
        ({"version": "remover@7"}, "no version '7'"),
    ],
)
def test_what_cannot_run_is_told_at_once_and_leaves_no_job(
    studio: Studio, changes: dict[str, Any], told: str, database_kind: str
):
    with pytest.raises(InputError) as error:
        studio.submit(**changes)
    assert told in str(error.value)
    with studio.platform.reading() as session:
        assert list(session.scalars(sa.select(Job.id))) == [studio.job]


@SQLITE
def test_settings_reach_the_children(studio: Studio, database_kind: str):
    settings: Settings = replace(studio.platform.settings, max_rss=8 << 20)
    job_id = studio.submit()
    with closing(Platform.open(settings)) as platform:
        Worker(platform).run(drain=True)
    row = job(studio, job_id)
    assert row.status == "failed"
    assert "more than 8 MiB of memory; raise GREENLIGHT_MAX_RSS" in row.message
