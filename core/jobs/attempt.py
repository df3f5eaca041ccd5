"""What an attempt's process runs: `python -m core.jobs.attempt FOLDER`, or without a folder one after another.

Without an argument it serves: each line of its standard input names an attempt's folder, and a runner of the same name
is used again with all that it has loaded. A folder holds
    specification.json   what to run
    out/                 what the runner writes
    progress.jsonl       one line per sign of life
    log.txt              what it printed
and, at the end, written at once and never in part, either
    manifest.json        what it made
    failure.json         why it made nothing
    waiting.json         what a person must decide before it can go on
An attempt that leaves none of them has vanished: it was killed or crashed, and its job is lost, not failed.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from core.errors import GreenlightError, RunFailed, TransientFailure
from core.jobs.process import die_with_parent
from core.runners.base import Cancelled, Manifest, RunContext, Runner, RunOutput, RunSpecification, Waiting

SPECIFICATION, OUT, PROGRESS, LOG = "specification.json", "out", "progress.jsonl", "log.txt"
MANIFEST, FAILURE, WAITING = "manifest.json", "failure.json", "waiting.json"
PROGRESS_PAUSE_S = 0.2


def load_record(path: Path) -> Mapping[str, Any]:
    """Read one of the attempt's JSON files."""
    record: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def write_whole(path: Path, record: Mapping[str, object]) -> None:
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

    def close(self) -> None:
        self._stream.close()


class _Process:
    """This process: it runs one attempt at a time, and a request to stop reaches the one that runs."""

    def __init__(self) -> None:
        self._reporter: _Reporter | None = None
        self._runners: dict[str, Runner] = {}
        self._settled = False

    def attempt(self, folder: Path) -> int:
        """Run the attempt described in the folder and leave its manifest, question or failure; 0 unless it failed."""
        record = load_record(folder / SPECIFICATION)
        self._reporter = _Reporter(folder)
        try:
            self._settle(record)
            name, result = self._run(record, folder, self._reporter)
        except Cancelled:
            write_whole(folder / FAILURE, {"what": "", "next_step": "", "transient": False})
            return 0
        except Exception as error:
            traceback.print_exc()
            write_whole(folder / FAILURE, _failure(str(record["runner"]), error))
            return 1
        finally:
            reporter, self._reporter = self._reporter, None
            reporter.close()
        write_whole(folder / name, result)
        return 0

    def _settle(self, record: Mapping[str, Any]) -> None:
        """What holds for the whole process, set once."""
        if self._settled:
            return
        signal.signal(signal.SIGTERM, self._stop)
        die_with_parent(int(record["parent"]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (record["most_file_bytes"],) * 2)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self._settled = True

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self._reporter is not None:
            self._reporter.stop = True

    def _run(self, record: Mapping[str, Any], folder: Path, reporter: _Reporter) -> tuple[str, dict[str, object]]:
        """The file to leave and its content: what was made, or what a person must decide first."""
        out = (folder / OUT).resolve()
        inputs = {role: Path(path) for role, path in record["inputs"].items()}
        specification = RunSpecification(
            record["runner"], inputs, record["parameters"], record["seed"], record["model"]
        )
        kept = record["checkpoints"]
        reporter(0.0, "starting")
        try:
            made = self._runner(specification.runner).run(
                specification, RunContext(out, reporter, Path(kept) if kept else None)
            )
        except Waiting as asked:
            documents = _files(asked.documents, out)
            return WAITING, {"gate": asked.gate, "question": asked.question, "documents": documents}
        return MANIFEST, _described(made, out)

    def _runner(self, name: str) -> Runner:
        from core.runners.registry import runner

        if name not in self._runners:
            self._runners[name] = runner(name)
        return self._runners[name]


def _described(manifest: Manifest, out: Path) -> dict[str, object]:
    made: dict[str, object] = {
        "outputs": _files(manifest.outputs, out),
        "facts": dict(manifest.facts),
        "notes": list(manifest.notes),
    }
    json.dumps(made, allow_nan=False)
    return made


def _files(outputs: Sequence[RunOutput], out: Path) -> list[dict[str, str]]:
    return [
        {"role": item.role, "path": str(item.path.resolve().relative_to(out)), "media_type": item.media_type}
        for item in outputs
    ]


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


def main(arguments: Sequence[str]) -> int:
    """Run the attempt in the given folder, or serve."""
    process = _Process()
    if arguments:
        return process.attempt(Path(arguments[0]))
    for folder in _folders():
        _log_to(folder / LOG)
        process.attempt(folder)
    return 0


def _folders() -> Iterator[Path]:
    """Folders as standard input names them, a JSON text a line; a runner finds nothing there to read."""
    with os.fdopen(os.dup(0), encoding="utf-8") as stream:
        _become(os.open(os.devnull, os.O_RDONLY), 0)
        for line in stream:
            yield Path(json.loads(line))


def _log_to(path: Path) -> None:
    """Print to this file from now on, as whatever is started here does."""
    sys.stdout.flush()
    sys.stderr.flush()
    _become(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1, 2)


def _become(descriptor: int, *numbers: int) -> None:
    for number in numbers:
        os.dup2(descriptor, number)
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
