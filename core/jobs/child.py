"""An attempt in its own process, seen from its supervisor: `launch` starts it, `core.jobs.attempt` is what it runs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import core
from core.jobs.asked import spared_keys
from core.jobs.attempt import FAILURE, LOG, MANIFEST, OUT, PROGRESS, SPECIFICATION, WAITING, load_record, write_whole
from core.jobs.process import end_session, session_memory, without_secrets
from core.runners.base import Manifest, RunOutput, RunSpecification
from core.settings import Settings

LOG_BYTES = 16 << 20
FIRST_LOOK_S, LOOK_S = 0.05, 0.5
"""How long until memory and log are looked at again, at first and at most; seconds."""
RECORD_BYTES = 16 << 20


@dataclass(frozen=True)
class Finished:
    """The runner made its outputs; their paths are absolute."""

    manifest: Manifest


@dataclass(frozen=True)
class Failed:
    """The runner said that it cannot; `transient` means that another attempt may succeed."""

    what: str
    next_step: str
    transient: bool


@dataclass(frozen=True)
class Asked:
    """The runner stopped where a person must decide; the paths of what there is to read are absolute."""

    gate: str
    question: str
    documents: tuple[RunOutput, ...]


@dataclass(frozen=True)
class Stopped:
    """The attempt was cancelled."""


@dataclass(frozen=True)
class Vanished:
    """The process ended without a word: by a signal, or with an exit code."""

    signal: int | None
    exit_code: int | None


Outcome = Finished | Failed | Asked | Stopped | Vanished


@dataclass(frozen=True)
class Progress:
    """The share done in [0, 1] and what is being done."""

    done: float
    message: str


class Child:
    """A launched attempt, seen from its supervisor. Not for several threads at once."""

    def __init__(
        self, process: subprocess.Popen[bytes], folder: Path, settings: Settings, *, stays: bool = False
    ) -> None:
        """With `stays` the process waits for another attempt when this one has ended."""
        self._process, self._folder, self._settings, self._stays = process, folder, settings, stays
        self._too_big = False
        self.cancelled = False
        """Whether somebody asked it to stop."""
        self._read = 0
        self._kill_at: float | None = None
        self._next_look, self._pause = 0.0, FIRST_LOOK_S

    @property
    def pid(self) -> int:
        """The process id, which is also its session's and its group's."""
        return self._process.pid

    def progress(self) -> Progress | None:
        """The newest progress since the last call, if there is any."""
        try:
            with (self._folder / PROGRESS).open("rb") as stream:
                stream.seek(self._read)
                text = stream.read(RECORD_BYTES)
        except FileNotFoundError:
            return None
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        if not whole:
            return None
        line = json.loads(whole.splitlines()[-1])
        return Progress(float(line["done"]), str(line["message"]))

    def cancel(self, grace_s: float = 10.0) -> None:
        """Ask the attempt to stop; `outcome` kills it when it is still there after the grace."""
        if self._process.poll() is None:
            self.cancelled = True
            self._kill_at = time.monotonic() + grace_s
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """End the attempt and everything that it started, now."""
        end_session(self.pid, signal.SIGKILL)

    def outcome(self) -> Outcome | None:
        """How the attempt ended, or None while it runs. Call it often: it also enforces memory and log limits."""
        if self._process.poll() is not None:
            end_session(self.pid, signal.SIGKILL)
            return self._judge(self._process.returncode)
        if self._stays and self._told():
            end_session(self.pid, signal.SIGKILL, spared=self.pid)
            return self._judge(0)
        self._enforce()
        return None

    def next(self, specification: RunSpecification, folder: Path, checkpoints: Path | None = None) -> Child | None:
        """Start another attempt in this process, which stays and has ended its last; None when it is gone."""
        if self._process.poll() is not None:
            return None
        _prepare(specification, folder, self._settings, checkpoints)
        child = Child(self._process, folder.absolute(), self._settings, stays=True)
        return child if child._tell() else None

    def end(self) -> None:
        """End the process that stays, with everything that it started, and wait until it is gone."""
        self.kill()
        self._process.wait()
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _told(self) -> bool:
        return any((self._folder / name).is_file() for name in (MANIFEST, FAILURE, WAITING))

    def _tell(self) -> bool:
        """Name the folder to the process; False when nobody listens any more."""
        assert self._process.stdin is not None  # noqa: S101 - opened by `launch` for a process that stays
        try:
            self._process.stdin.write(json.dumps(str(self._folder)).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def wait(self, timeout_s: float | None = None, pause_s: float = 0.05) -> Outcome | None:
        """Watch the attempt until it ends or the time is over (None)."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while (outcome := self.outcome()) is None:
            if deadline is not None and time.monotonic() > deadline:
                return None
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(pause_s)
        return outcome

    def _enforce(self) -> None:
        if self._kill_at is not None and time.monotonic() > self._kill_at:
            self.kill()
        if time.monotonic() < self._next_look:
            return
        # Soon at first, so that a short attempt is looked at too, then ever more seldom.
        self._next_look, self._pause = time.monotonic() + self._pause, min(2 * self._pause, LOOK_S)
        if session_memory(self.pid) > self._settings.max_rss:
            self._too_big = True
            self.kill()
        log = self._folder / LOG
        with contextlib.suppress(FileNotFoundError):
            if log.stat().st_size > LOG_BYTES:
                os.truncate(log, 0)

    def _judge(self, code: int) -> Outcome:
        if (self._folder / MANIFEST).is_file():
            return _finished(self._folder)
        if (self._folder / WAITING).is_file():
            return _asked(self._folder)
        if self._too_big:
            limit = self._settings.max_rss >> 20
            return Failed(
                f"the run used more than {limit} MiB of memory",
                "raise GREENLIGHT_MAX_RSS or give a smaller clip",
                False,
            )
        if (self._folder / FAILURE).is_file():
            record = load_record(self._folder / FAILURE)
            return (
                Failed(str(record["what"]), str(record["next_step"]), bool(record["transient"]))
                if record["what"]
                else Stopped()
            )
        if self.cancelled:
            return Stopped()
        return Vanished(-code, None) if code < 0 else Vanished(None, code)


def launch(
    specification: RunSpecification,
    folder: Path,
    settings: Settings,
    *,
    stays: bool = False,
    checkpoints: Path | None = None,
) -> Child:
    """Start an attempt in an empty folder and return at once. With `stays` its process serves `Child.next` afterwards.

    `checkpoints` is the folder that the job keeps between its attempts.
    Call it from a thread that outlives the process: on Linux the child ends with the thread that started it.
    """
    folder = folder.absolute()
    _prepare(specification, folder, settings, checkpoints)
    root = str(Path(core.__file__).parent.parent)
    environment = without_secrets(os.environ, *spared_keys(specification)) | {
        "PYTHONPATH": root,
        "PYTHONUNBUFFERED": "1",
    }
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.jobs.attempt", *([] if stays else [str(folder)])],
            stdin=subprocess.PIPE if stays else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=root,
            env=environment,
            start_new_session=True,
        )
    child = Child(process, folder, settings, stays=stays)
    if stays:
        child._tell()
    return child


def _prepare(specification: RunSpecification, folder: Path, settings: Settings, checkpoints: Path | None) -> None:
    """Make the attempt's folder and write what to run."""
    (folder / OUT).mkdir(parents=True, exist_ok=True)
    record = {
        "runner": specification.runner,
        "inputs": {role: str(path.absolute()) for role, path in specification.inputs.items()},
        "parameters": dict(specification.parameters),
        "seed": specification.seed,
        "model": dict(specification.model),
        "most_file_bytes": settings.max_media_bytes,
        "parent": os.getpid(),
        "checkpoints": str(checkpoints.absolute()) if checkpoints else None,
    }
    write_whole(folder / SPECIFICATION, record)


def _finished(folder: Path) -> Outcome:
    """Read the manifest."""
    record = load_record(folder / MANIFEST)
    outputs = _files(record["outputs"], folder)
    if isinstance(outputs, Failed):
        return outputs
    return Finished(Manifest(outputs, record["facts"], tuple(record["notes"])))


def _asked(folder: Path) -> Outcome:
    """Read the question."""
    record = load_record(folder / WAITING)
    documents = _files(record["documents"], folder)
    if isinstance(documents, Failed):
        return documents
    return Asked(str(record["gate"]), str(record["question"]), documents)


def _files(items: Sequence[Mapping[str, object]], folder: Path) -> tuple[RunOutput, ...] | Failed:
    """Find the files that a run names, believing nothing about them."""
    out = (folder / OUT).resolve()
    found = []
    for item in items:
        path = out / str(item["path"])
        real = path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(out)
        if not real or not path.stat().st_size:
            return Failed(
                f"the run names '{item['path']}' as its {item['role']} but it is not there", "read its log", False
            )
        found.append(RunOutput(str(item["role"]), path.resolve(), str(item["media_type"])))
    return tuple(found)
