"""Run code that nobody vouches for: `run_code`."""

from __future__ import annotations

import re
import shutil
import signal
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.errors import RunFailed
from core.runners.scientist.sandbox.box import Box
from core.runners.scientist.sandbox.bwrap import Manner, usual_manner
from core.runners.scientist.sandbox.outputs import Taking
from core.runners.scientist.sandbox.values import Limits, Ran, Reason

INPUT_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")
INSIDE = {"processes": Reason.PROCESSES, "memory": Reason.MEMORY, "cpu_s": Reason.CPU_TIME}
SIGNALS: dict[int, Reason] = {signal.SIGXCPU: Reason.CPU_TIME, signal.SIGXFSZ: Reason.FILE_SIZE}
DETAILS = {
    Reason.FINISHED: "the code ended with exit code 0",
    Reason.WALL_TIME: "the code ran longer than {0.wall_s:g} s",
    Reason.CPU_TIME: "the code used more than {0.cpu_s:g} s of processor time",
    Reason.MEMORY: "the code used more than {0.memory} bytes of memory",
    Reason.PROCESSES: "the code had more than {0.processes} processes and threads",
    Reason.DISK: "the code filled /outputs, /tmp or /dev/shm, {0.disk} bytes each",
    Reason.FILES: "the code made more than {0.files} files in /outputs, /tmp or /dev/shm",
    Reason.FILE_SIZE: "the code made a file larger than {0.file_size} bytes",
    Reason.PRINTED: "the code printed more than {0.printed} bytes",
}
LAST_WORDS = (
    (re.compile(r"([\w.]*)MemoryError\b"), Reason.MEMORY),
    (re.compile(r"OSError: \[Errno 27\]"), Reason.FILE_SIZE),
    (re.compile(r"OSError: \[Errno 28\]"), Reason.DISK),
    (re.compile(r"BlockingIOError: \[Errno 11\]|RuntimeError: can't start new thread"), Reason.PROCESSES),
)
"""How Python reports a limit that the kernel holds."""


def run_code(
    code: Path | str,
    inputs: Mapping[str, Path],
    folder: Path,
    limits: Limits | None = None,
    watch: Callable[[float], None] | None = None,
    manner: Manner | None = None,
) -> Ran:
    """Run a Python program in the sandbox, and return how it ended; whatever it does, this call returns.

    The program is text or a file. It finds each input, a file, as `/inputs/NAME`, starts in `/outputs`, where it leaves
    its files, and may write to `/tmp`; it sees the Python environment in use, and nothing else of this machine.
    `folder` must be empty or new; `folder/outputs` gets the files taken back. `watch(seconds)` is called several times
    a second and may raise, for instance `Cancelled`: then everything inside is ended before the exception goes on.

    `manner` is the way to give the code no rights, by default the usual one here.
    `Unavailable` when there is no sandbox here; the code never runs without. `RunFailed` for unusable arguments.
    """
    limits = limits or Limits()
    folder.mkdir(parents=True, exist_ok=True)
    program, given = _place(code, folder), _inputs(inputs, folder)
    with Box(manner or usual_manner(), limits, program, given) as box:
        started = time.monotonic()
        passed = _follow(box, started, watch)
        seconds = time.monotonic() - started
        taking = Taking(folder / "outputs", limits)
        taking.take(box.folders[0])
        report = box.report or {}
        if report.get("reason") == "start":
            raise RunFailed(
                f"the code could not be started in the sandbox ({report['detail']})",
                "make the Python environment readable for every user",
            )
        printed = {name: tail.text() for name, tail in box.tails.items()}
        reason = passed or _reason(report, box.full(), printed["stderr"])
    return Ran(
        reason,
        _detail(reason, report, limits),
        report.get("exit"),
        printed["stdout"],
        printed["stderr"],
        taking.taken,
        tuple(taking.refused),
        round(seconds, 3),
        report.get("cpu"),
        report.get("peak"),
    )


def _place(code: Path | str, folder: Path) -> Path:
    """A copy of the program that the user inside may read."""
    program = folder / "main.py"
    if isinstance(code, str):
        program.write_text(code, encoding="utf-8")
    else:
        shutil.copyfile(code, program)
    program.chmod(0o644)
    return program.resolve()


def _inputs(inputs: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """The inputs as files that the user inside may read; those that others may not are copied."""
    found = {}
    for name, path in inputs.items():
        if not INPUT_NAME.fullmatch(name) or not path.is_file():
            raise RunFailed(
                f"the input {name!r} is no file with a plain name", "give files, by letters, digits and dots"
            )
        place = path.resolve()
        if not place.stat().st_mode & stat.S_IROTH:
            place = folder.resolve() / "inputs" / name
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, place)
            place.chmod(0o644)
        found[name] = place
    return found


def _follow(box: Box, started: float, watch: Callable[[float], None] | None) -> Reason | None:
    """Watch the code to its end; the limit that it was ended for, if that was seen from outside."""
    passed = None
    for limit in box.run():
        if limit and not passed:
            passed = limit
            box.kill()
        if watch:
            watch(time.monotonic() - started)
    return passed


def _reason(report: Mapping[str, Any], full: Reason | None, stderr: str) -> Reason:
    """Why the code ended, when nobody outside ended it.

    Some limits only show as an error in the code itself. They are told from what is left: a full folder, or the last
    line that Python printed.
    """
    if report.get("reason"):
        return INSIDE[report["reason"]]
    if full:
        return full
    if report.get("exit") == 0:
        return Reason.FINISHED
    if report.get("exit") is None:
        return SIGNALS.get(report.get("signal", 0), Reason.SIGNAL)
    last = (stderr.strip().splitlines() or [""])[-1]
    return next((reason for pattern, reason in LAST_WORDS if pattern.match(last)), Reason.FAILED)


def _detail(reason: Reason, report: Mapping[str, Any], limits: Limits) -> str:
    if reason is Reason.FAILED:
        return f"the code ended with exit code {report['exit']}"
    if reason is Reason.SIGNAL:
        number = report.get("signal")
        return f"the code was ended by signal {number}" if number else "the sandbox was ended from outside"
    return DETAILS[reason].format(limits)
