"""One attempt in its own process: `launch` starts it, `python -m core.jobs.child FOLDER` is what it runs.

The attempt's folder holds
    specification.json   what to run
    out/                 what the runner writes
    progress.jsonl       one line per sign of life
    log.txt              what it printed
and, at the end, written at once and never in part, either
    manifest.json        what it made
    failure.json         why it made nothing
An attempt that leaves neither has vanished: it was killed or crashed, and its job is lost, not failed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import core
from core.errors import GreenlightError, RunFailed, TransientFailure
from core.jobs.judging import spared_key
from core.jobs.process import die_with_parent, end_session, session_memory, without_secrets
from core.runners.base import Cancelled, Manifest, RunContext, RunOutput, RunSpecification
from core.settings import Settings

SPECIFICATION, OUT, PROGRESS, LOG = "specification.json", "out", "progress.jsonl", "log.txt"
MANIFEST, FAILURE = "manifest.json", "failure.json"
LOG_BYTES = 16 << 20
PROGRESS_PAUSE_S = 0.2
LOOK_S = 0.5
"""How often memory and log are looked at."""
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
class Stopped:
    """The attempt was cancelled."""


@dataclass(frozen=True)
class Vanished:
    """The process ended without a word: by a signal, or with an exit code."""

    signal: int | None
    exit_code: int | None


Outcome = Finished | Failed | Stopped | Vanished


@dataclass(frozen=True)
class Progress:
    """The share done in [0, 1] and what is being done."""

    done: float
    message: str


class Child:
    """A launched attempt, seen from its supervisor. Not for several threads at once."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, settings: Settings) -> None:
        self._process, self._folder, self._settings = process, folder, settings
        self._cancelled = self._too_big = False
        self._read = 0
        self._kill_at: float | None = None
        self._next_look = 0.0

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
            self._cancelled = True
            self._kill_at = time.monotonic() + grace_s
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def kill(self) -> None:
        """End the attempt and everything that it started, now."""
        end_session(self.pid, signal.SIGKILL)

    def outcome(self) -> Outcome | None:
        """How the attempt ended, or None while it runs. Call it often: it also enforces memory and log limits."""
        if self._process.poll() is None:
            self._enforce()
            return None
        end_session(self.pid, signal.SIGKILL)
        return self._judge(self._process.returncode)

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
        self._next_look = time.monotonic() + LOOK_S
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
        if self._too_big:
            limit = self._settings.max_rss >> 20
            return Failed(
                f"the run used more than {limit} MiB of memory",
                "raise GREENLIGHT_MAX_RSS or give a smaller clip",
                False,
            )
        if (self._folder / FAILURE).is_file():
            record = _load(self._folder / FAILURE)
            return (
                Failed(str(record["what"]), str(record["next_step"]), bool(record["transient"]))
                if record["what"]
                else Stopped()
            )
        if self._cancelled:
            return Stopped()
        return Vanished(-code, None) if code < 0 else Vanished(None, code)


def launch(specification: RunSpecification, folder: Path, settings: Settings) -> Child:
    """Start an attempt in an empty folder and return at once.

    Call it from a thread that outlives the attempt: on Linux the child ends with the thread that started it.
    """
    folder = folder.absolute()
    (folder / OUT).mkdir(parents=True)
    record = {
        "runner": specification.runner,
        "inputs": {role: str(path.absolute()) for role, path in specification.inputs.items()},
        "parameters": dict(specification.parameters),
        "seed": specification.seed,
        "model": dict(specification.model),
        "most_file_bytes": settings.max_media_bytes,
        "parent": os.getpid(),
    }
    _write_whole(folder / SPECIFICATION, record)
    root = str(Path(core.__file__).parent.parent)
    environment = without_secrets(os.environ, spared_key(specification)) | {"PYTHONPATH": root, "PYTHONUNBUFFERED": "1"}
    with (folder / LOG).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "core.jobs.child", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=root,
            env=environment,
            start_new_session=True,
        )
    return Child(process, folder, settings)


def _finished(folder: Path) -> Outcome:
    """Read the manifest, believing nothing about its files."""
    record = _load(folder / MANIFEST)
    out = (folder / OUT).resolve()
    outputs = []
    for item in record["outputs"]:
        path = out / str(item["path"])
        real = path.is_file() and not path.is_symlink() and path.resolve().is_relative_to(out)
        if not real or not path.stat().st_size:
            return Failed(
                f"the run names '{item['path']}' as its {item['role']} but it is not there", "read its log", False
            )
        outputs.append(RunOutput(str(item["role"]), path.resolve(), str(item["media_type"])))
    return Finished(Manifest(tuple(outputs), record["facts"], tuple(record["notes"])))


def _load(path: Path) -> Mapping[str, Any]:
    record: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def _write_whole(path: Path, record: Mapping[str, object]) -> None:
    """Write JSON so that the file is there whole or not at all."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as stream:
        json.dump(record, stream, allow_nan=False)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Reporter:
    """The runner's `progress`: writes a line now and then, and stops the run when somebody asked for it."""

    def __init__(self, folder: Path) -> None:
        self.stop = False
        self._stream = (folder / PROGRESS).open("a", encoding="utf-8")
        self._next = 0.0

    def __call__(self, done: float, message: str) -> None:
        if self.stop:
            raise Cancelled
        now = time.monotonic()
        if now >= self._next or done >= 1:
            line = {"done": min(1.0, max(0.0, done)), "message": message[:200]}
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
            self._next = now + PROGRESS_PAUSE_S


def main(folder: Path) -> int:
    """Run the attempt described in the folder and leave its manifest or its failure."""
    reporter = _Reporter(folder)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        reporter.stop = True

    signal.signal(signal.SIGTERM, stop)
    record = _load(folder / SPECIFICATION)
    die_with_parent(int(record["parent"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (record["most_file_bytes"],) * 2)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        manifest = _run(record, folder, reporter)
    except Cancelled:
        _write_whole(folder / FAILURE, {"what": "", "next_step": "", "transient": False})
        return 0
    except Exception as error:
        traceback.print_exc()
        _write_whole(folder / FAILURE, _failure(str(record["runner"]), error))
        return 1
    _write_whole(folder / MANIFEST, manifest)
    return 0


def _run(record: Mapping[str, Any], folder: Path, reporter: _Reporter) -> dict[str, object]:
    from core.runners.registry import runner

    out = (folder / OUT).resolve()
    inputs = {role: Path(path) for role, path in record["inputs"].items()}
    specification = RunSpecification(record["runner"], inputs, record["parameters"], record["seed"], record["model"])
    reporter(0.0, "starting")
    manifest = runner(specification.runner).run(specification, RunContext(out, reporter))
    outputs = [
        {"role": item.role, "path": str(item.path.resolve().relative_to(out)), "media_type": item.media_type}
        for item in manifest.outputs
    ]
    made: dict[str, object] = {"outputs": outputs, "facts": dict(manifest.facts), "notes": list(manifest.notes)}
    json.dumps(made, allow_nan=False)
    return made


def _failure(name: str, error: Exception) -> dict[str, object]:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        error = TransientFailure("the disk is full", "free some space and try again")
    elif isinstance(error, OSError) and error.errno == errno.EFBIG:
        error = RunFailed(
            "the run wrote a file beyond the size limit", "raise GREENLIGHT_MAX_MEDIA_BYTES if that is right"
        )
    elif isinstance(error, MemoryError):
        error = RunFailed("the run needs more memory than there is", "give a smaller clip or a larger machine")
    elif not isinstance(error, GreenlightError):
        error = RunFailed(
            f"the runner '{name}' stopped with {type(error).__name__}: {str(error)[:500]}", "read the attempt's log"
        )
    return {"what": error.what, "next_step": error.next_step, "transient": isinstance(error, TransientFailure)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
