"""The local worker: leases a job, runs its runner and then the evaluators in children, keeps the results.

It supervises: the child computes, the worker heartbeats, watches and cancels. Whatever it made is kept only if
the lease is still its own; a worker that was believed dead finds its update refused and throws its work away.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from core.access import WORKER
from core.errors import GreenlightError, RunFailed, TransientFailure, Unavailable
from core.evaluation import record_evaluations
from core.jobs.checkpoints import RUN, Checkpoints
from core.jobs.child import Asked, Child, Failed, Finished, Outcome, Stopped
from core.jobs.environment import environment
from core.jobs.measuring import MEASURED, measure_request, weight_files
from core.jobs.queue import (
    UNFINISHED,
    Claim,
    Made,
    claim,
    end_cancelled,
    fail,
    finish,
    give_up,
    hand_back,
    heartbeat,
    recover,
    suspend,
)
from core.jobs.specification import specification_of
from core.jobs.warm import WarmProcess
from core.lookup import output_of
from core.platform import Platform, Work
from core.runners.base import Manifest, Needs, RunSpecification, produces
from core.runners.registry import runner
from core.tables import Job

IDLE_S = 1.0
POLL_S = 0.05
REPORT_S = 1.0
RUN_SHARE = 0.6
"""How much of a job's progress bar belongs to its runner; the rest is measuring."""
CLIP = ("frames", "width", "height", "fps", "codec")
"""What is measured on an output clip's own file."""


@dataclass(frozen=True)
class Sign:
    """A sign of life for whoever watches: job, share done in [0, 1], message."""

    job_id: str
    done: float
    message: str


Observer = Callable[[Sign], None]


class _Discarded(Exception):
    """The lease was lost; whatever was made does not count."""


class _Halted(Exception):
    """This worker is asked to stop."""


class Worker:
    """One worker on this machine. `stop` may be called from a signal handler."""

    def __init__(self, platform: Platform, observer: Observer = lambda _sign: None) -> None:
        self.platform = platform
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._observer = observer
        self._stopping = threading.Event()
        self._warm = WarmProcess(platform.settings)
        self._checkpoints = Checkpoints(platform.settings.home)

    def stop(self) -> None:
        """Stop after giving the running job back to the queue."""
        self._stopping.set()

    def run(self, *, drain: bool = False) -> int:
        """Work until stopped, or until nothing waits with `drain`; returns how many attempts were made."""
        attempts = 0
        weight_files(self.platform.settings)
        with _alone(self.platform), closing(self):
            if self.platform.database.is_sqlite:
                recover(self.platform, self.name)
            self._sweep()
            while not self._stopping.is_set():
                held = claim(self.platform, self.name)
                if held is not None:
                    self.attempt(held)
                    self._sweep()
                    attempts += 1
                elif drain and not self._waiting():
                    break
                else:
                    self._warm.drop_when_idle()
                    self._stopping.wait(IDLE_S)
        return attempts

    def close(self) -> None:
        """End the process that holds a loaded model; `run` does it at its end."""
        self._warm.drop()

    def attempt(self, held: Claim) -> None:
        """Run one claimed attempt to its end, whatever that is."""
        folder = self.platform.settings.home.absolute() / "attempts" / f"{held.job_id}-{held.attempt}"
        try:
            self._attempt(held, folder)
        except _Discarded:
            self._observer(Sign(held.job_id, 0.0, "discarded: another worker has taken the job"))
        except _Halted:
            hand_back(self.platform, held)
        except GreenlightError as error:
            fail(self.platform, held, str(error), transient=isinstance(error, TransientFailure))
            self._observer(Sign(held.job_id, 0.0, str(error)))
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            reason = "the disk is full; free space." if full else f"the attempt's folder failed ({error})."
            fail(self.platform, held, reason, transient=full)
            self._observer(Sign(held.job_id, 0.0, reason))
        except Exception as error:
            # One job's surprise must not end the worker, nor leave the job running for ever.
            traceback.print_exc()
            reason = f"the worker stopped the attempt with {type(error).__name__}: {str(error)[:500]}"
            fail(self.platform, held, reason, transient=False)
            self._observer(Sign(held.job_id, 0.0, reason))
        finally:
            self._clear(held, folder)

    def _clear(self, held: Claim, folder: Path) -> None:
        """Delete the attempt's folder, less what a retry can go on from."""
        try:
            with self.platform.reading() as session:
                job = session.get_one(Job, held.job_id)
            if job.status in UNFINISHED:
                self._checkpoints.rescue(folder, job)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _attempt(self, held: Claim, folder: Path) -> None:
        specification = specification_of(self.platform, held, self._checkpoints, folder / "inputs")
        chosen = runner(specification.runner)
        self._make_room(chosen.needs)
        role = produces(chosen)
        measured = role in MEASURED
        made = self._child(held, specification, folder / RUN, (0.0, RUN_SHARE if measured else 1.0))
        if made is None:
            return
        if not any(output.role == role for output in made.outputs):
            raise RunFailed(f"the runner {specification.runner} made no {role}", "read its log")
        evaluation = self._measure(held, specification, made, role, folder / "measure") if measured else None
        if evaluation is not None or not measured:
            self._keep(held, specification, made, role, evaluation)

    def _measure(
        self, held: Claim, specification: RunSpecification, made: Manifest, role: str, folder: Path
    ) -> Mapping[str, object] | None:
        request = measure_request(self.platform.settings, specification, made, role, self._ai_use(held))
        measured = self._child(held, request, folder, (RUN_SHARE, 1.0))
        if measured is None:
            return None
        result: Mapping[str, object] = json.loads(measured.outputs[0].path.read_text(encoding="utf-8"))
        return result

    def _keep(
        self,
        held: Claim,
        specification: RunSpecification,
        made: Manifest,
        role: str,
        evaluation: Mapping[str, object] | None,
    ) -> None:
        """Store outputs, measurements and their audit events in one transaction, if the lease is still held."""
        with self.platform.work(WORKER) as work:
            files = _made(work, made, {role: _facts(made, evaluation or {})})
            if not finish(work, held, files, environment(specification.runner)):
                raise _Discarded
            if evaluation is not None:
                job = work.get(Job, held.job_id, "job")
                output = output_of(work.session, job.id)
                assert output is not None  # noqa: S101 - finish has just stored it
                record_evaluations(work, job, output, evaluation)
        self._observer(Sign(held.job_id, 1.0, "done"))

    def _child(
        self, held: Claim, specification: RunSpecification, folder: Path, span: tuple[float, float]
    ) -> Manifest | None:
        """Run a child to its end; its manifest, or None when the attempt ended here as cancelled, lost or waiting."""
        child = self._warm.launch(specification, folder, self._checkpoints.folder(held.job_id))
        try:
            outcome = self._watch(held, child, span)
        except BaseException:
            child.kill()
            child.wait()
            self._warm.ended(child, None)
            raise
        self._warm.ended(child, outcome)
        match outcome:
            case Finished(manifest):
                return manifest
            case Failed(what, next_step, transient):
                raise (TransientFailure if transient else RunFailed)(what, next_step)
            case Asked(gate, question, documents):
                task = suspend(self.platform, held, gate, question, documents)
                self._observer(Sign(held.job_id, 0.0, f"waits for a decision: {task.id}" if task else "discarded"))
            case Stopped():
                end_cancelled(self.platform, held)
                self._observer(Sign(held.job_id, 0.0, "cancelled"))
            case vanished:
                cause = f"signal {vanished.signal}" if vanished.signal else f"exit code {vanished.exit_code}"
                give_up(self.platform, held, f"its process ended without a word ({cause})")
                self._observer(Sign(held.job_id, 0.0, f"lost: its process ended without a word ({cause})"))
        return None

    def _watch(self, held: Claim, child: Child, span: tuple[float, float]) -> Outcome:
        done, message = span[0], "starting"
        beat_at = reported_at = 0.0
        changed = True
        while (outcome := child.outcome()) is None:
            if (news := child.progress()) is not None:
                done, message = span[0] + news.done * (span[1] - span[0]), news.message
                self._observer(Sign(held.job_id, done, message))
                changed = True
            moment = time.monotonic()
            if moment >= beat_at or (changed and moment >= reported_at):
                beat_at, reported_at, changed = moment + self.platform.settings.heartbeat_s, moment + REPORT_S, False
                beat = heartbeat(self.platform, held, done, message)
                if not beat.held:
                    raise _Discarded
                if beat.cancel:
                    child.cancel()
            if self._stopping.wait(POLL_S):
                raise _Halted
        return outcome

    def _make_room(self, needs: Needs) -> None:
        """Check the declared needs; a loaded model that nothing uses now gives way."""
        try:
            _check_needs(needs)
        except TransientFailure:
            self._warm.drop()
            _check_needs(needs)

    def _ai_use(self, held: Claim) -> Mapping[str, object]:
        with self.platform.reading() as session:
            return dict(session.get_one(Job, held.job_id).ai_use)

    def _sweep(self) -> None:
        """Delete what ended attempts left: a killed worker leaves copies of its inputs behind.

        The checkpoint of a job that will be tried again is kept.
        """
        folders = self.platform.settings.home.absolute() / "attempts"
        with self.platform.reading() as session:
            jobs = session.scalars(sa.select(Job).where(Job.status.in_(UNFINISHED)))
            unfinished = {job.id: job for job in jobs}
        running = {f"{job.id}-{job.attempt}" for job in unfinished.values() if job.status == "running"}
        for folder in folders.glob("job_*-*") if folders.is_dir() else ():
            if folder.name not in running:
                if job := unfinished.get(folder.name.rpartition("-")[0]):
                    self._checkpoints.rescue(folder, job)
                shutil.rmtree(folder, ignore_errors=True)
        self._checkpoints.forget(unfinished)

    def _waiting(self) -> bool:
        with self.platform.reading() as session:
            return session.scalar(sa.select(Job.id).where(Job.status == "queued").limit(1)) is not None


def _made(work: Work, made: Manifest, facts: Mapping[str, Mapping[str, object]]) -> list[Made]:
    """Put what a run made into the store; `facts` by role."""
    return [
        Made(output.role, output.path.name, sha256, facts.get(output.role, {}))
        for output in made.outputs
        for sha256 in [work.keep(output.path, output.media_type).sha256]
    ]


def _facts(made: Manifest, evaluation: Mapping[str, object]) -> dict[str, object]:
    """What is known of the main output: what the runner says, overruled by what was measured on a clip's file."""
    measured = evaluation.get("output")
    clip = measured if isinstance(measured, Mapping) else {}
    return {
        "runner": dict(made.facts),
        "notes": list(made.notes),
        **{name: clip[name] for name in CLIP if name in clip},
    }


def _check_needs(needs: Needs) -> None:
    import psutil

    free = psutil.virtual_memory().available
    if free < needs.memory:
        raise TransientFailure(
            f"the run needs {needs.memory >> 20} MiB of memory and {free >> 20} are free", "end other work first"
        )
    if needs.gpu:
        raise RunFailed("this worker has no GPU that it may use", "run it on a machine with one")


@contextmanager
def _alone(platform: Platform) -> Iterator[None]:
    """Hold the embedded database's only worker place; PostgreSQL takes any number of workers."""
    if not platform.database.is_sqlite:
        yield
        return
    import fcntl

    path = platform.settings.home / "worker.lock"
    with path.open("a+", encoding="utf-8") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            stream.seek(0)
            raise Unavailable(
                f"another worker serves this database already (process {stream.read().strip() or 'unknown'})",
                "let it work or stop it; PostgreSQL allows several",
            ) from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield
