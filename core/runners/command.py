"""`command`: run an outside program in its own folder and judge it by what it leaves there.

Programs swallow errors and exit 0, or finish their work and exit 1: the exit code is kept as a fact, never believed.
The program is an argument list, never a shell line.

Parameters
    argv              list of strings; `{input:ROLE}`, `{folder}` and `{seed}` are replaced in each
    artifacts         list of {"role", "pattern", "media_type", "required" (default true)}; patterns are globs
                      below the folder. One has the role `video`
    layout            {path below the folder: input's role}: the program finds copies of the inputs there
    wall_s            seconds before it is ended (default 3600)
    progress_pattern  regular expression over one printed line, with the group `percent`, or `done` and `total`
    environment       further variables
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import RunFailed, TransientFailure
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.frames import clip_format, count_frames
from core.runners.log import BoundedLog

KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "SSL_CERT_FILE")
PLACEHOLDER = re.compile(r"\{(?:input:(?P<role>[\w.-]+)|(?P<word>folder|seed))\}")
DEFAULT_WALL_S, GRACE_S, LOOK_S = 3600.0, 5.0, 0.1
WORK, LOG = "program", "program.log"


@dataclass(frozen=True)
class Artifact:
    """A file that the program must, or may, leave."""

    role: str
    pattern: str
    media_type: str
    required: bool


@dataclass(frozen=True)
class Plan:
    """The checked parameters."""

    argv: tuple[str, ...]
    layout: Mapping[Path, Path]
    """Where in the folder each copied input goes, and where it comes from."""
    artifacts: tuple[Artifact, ...]
    wall_s: float
    progress_pattern: re.Pattern[str] | None
    environment: Mapping[str, str]


class CommandRunner:
    """Run somebody else's program."""

    name = "command"
    version = "1"
    needs = Needs(memory=4 << 30)

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Run the program and return the artifacts that it left; none, or unreadable ones, is a `RunFailed`."""
        work = (context.folder / WORK).absolute()
        work.mkdir()
        plan = read_plan(specification, work)
        for target, source in plan.layout.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        started = time.monotonic()
        with BoundedLog(context.folder / LOG) as log:
            code = _execute(plan, work, log, context)
        facts = {
            "argv": specification.parameters["argv"],
            "exit_code": code,
            "seconds": round(time.monotonic() - started, 3),
        }
        outputs, clip = _collect(plan, work, code)
        if (context.folder / LOG).stat().st_size:
            outputs = (*outputs, RunOutput("log", context.folder / LOG, "text/plain"))
        notes = () if code == 0 else (f"The program ended with exit code {code} but left its artifacts.",)
        return Manifest(outputs, {**facts, **clip}, notes)


def read_plan(specification: RunSpecification, work: Path) -> Plan:
    """Check the parameters and fill the placeholders; whatever is unusable is a `RunFailed`."""
    parameters = specification.parameters
    argv = parameters.get("argv")
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        raise RunFailed("the parameter 'argv' is not a list of words", "give the program and its arguments as a list")
    artifacts = tuple(_artifact(item) for item in _list(parameters.get("artifacts")))
    if not any(artifact.role == "video" and artifact.required for artifact in artifacts):
        raise RunFailed(
            "no required artifact has the role 'video'", "declare which file the program leaves as its output"
        )
    wall = parameters.get("wall_s", DEFAULT_WALL_S)
    if not isinstance(wall, int | float) or not 0 < wall <= 7 * 86400:
        raise RunFailed("the parameter 'wall_s' is not a time", "give seconds, at most a week")
    environment = parameters.get("environment") or {}
    if not isinstance(environment, Mapping):
        raise RunFailed("the parameter 'environment' is not a table", "give names and values")
    words = tuple(_fill(word, specification, work) for word in argv)
    extra = {str(name): _fill(str(value), specification, work) for name, value in environment.items()}
    layout = _layout(parameters.get("layout") or {}, specification, work)
    return Plan(words, layout, artifacts, float(wall), _pattern(parameters.get("progress_pattern")), extra)


def _layout(value: object, specification: RunSpecification, work: Path) -> dict[Path, Path]:
    if not isinstance(value, Mapping):
        raise RunFailed("the parameter 'layout' is not a table", "give paths below the folder and the inputs' roles")
    found = {}
    for place, role in value.items():
        if not _below(str(place)):
            raise RunFailed(f"the place '{place}' leaves the program's folder", "give a path below that folder")
        found[work / str(place)] = _input(str(role), specification)
    return found


def _below(text: str) -> bool:
    """Whether a path or pattern stays below the folder that it starts from."""
    path = Path(text)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _artifact(item: object) -> Artifact:
    if not isinstance(item, Mapping) or not all(
        isinstance(item.get(key), str) for key in ("role", "pattern", "media_type")
    ):
        raise RunFailed("an artifact is not declared whole", "give its role, pattern and media_type")
    if not _below(item["pattern"]):
        raise RunFailed(
            f"the pattern '{item['pattern']}' leaves the program's folder", "give a pattern below that folder"
        )
    return Artifact(item["role"], item["pattern"], item["media_type"], bool(item.get("required", True)))


def _pattern(value: object) -> re.Pattern[str] | None:
    if value is None:
        return None
    try:
        pattern = re.compile(str(value))
    except re.error as error:
        raise RunFailed(f"the progress pattern is no regular expression ({error})", "correct it") from error
    if not ({"percent"} <= pattern.groupindex.keys() or {"done", "total"} <= pattern.groupindex.keys()):
        raise RunFailed("the progress pattern names no group 'percent', nor 'done' and 'total'", "name the groups")
    return pattern


def _fill(word: str, specification: RunSpecification, work: Path) -> str:
    def value(match: re.Match[str]) -> str:
        if match["word"]:
            return str(work) if match["word"] == "folder" else str(specification.seed)
        return str(_input(match["role"], specification))

    return PLACEHOLDER.sub(value, word)


def _input(role: str, specification: RunSpecification) -> Path:
    if role not in specification.inputs:
        raise RunFailed(f"the program wants the input '{role}'", "give it or change 'argv' or 'layout'")
    return specification.inputs[role].absolute()


def _execute(plan: Plan, work: Path, log: BoundedLog, context: RunContext) -> int:
    """Run to the end, to the wall limit or until cancelled; the program's whole group ends with it."""
    try:
        process = subprocess.Popen(
            plan.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=work,
            env=_environment(plan, work),
            process_group=0,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
    except (OSError, ValueError) as error:
        raise RunFailed(
            f"the program '{plan.argv[0]}' cannot be started ({error})", "check that it is installed"
        ) from error
    reader = threading.Thread(target=log.read_from, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        return _wait(process, plan, log, context)
    finally:
        _end_group(process)
        reader.join(GRACE_S)


def _wait(process: subprocess.Popen[bytes], plan: Plan, log: BoundedLog, context: RunContext) -> int:
    deadline = time.monotonic() + plan.wall_s
    done = 0.0
    while True:
        try:
            return process.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            done = max(done, _share(plan.progress_pattern, log.newest))
            context.progress(0.95 * done, log.newest or "running")
        if time.monotonic() > deadline:
            raise RunFailed(f"the program ran longer than {plan.wall_s:g} s", "raise 'wall_s' or give less work")


def _share(pattern: re.Pattern[str] | None, line: str) -> float:
    match = pattern.search(line) if pattern else None
    if not match:
        return 0.0
    found = match.groupdict()
    try:
        share = float(found["percent"]) / 100 if found.get("percent") else float(found["done"]) / float(found["total"])
    except (ValueError, KeyError, TypeError, ZeroDivisionError):
        return 0.0
    return min(1.0, max(0.0, share))


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _environment(plan: Plan, work: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    scratch = work.parent / "tmp"
    scratch.mkdir(exist_ok=True)
    return {**kept, "HOME": str(work), "TMPDIR": str(scratch), **plan.environment}


def _collect(plan: Plan, work: Path, code: int) -> tuple[tuple[RunOutput, ...], dict[str, object]]:
    """The artifacts that are there, and the facts of the output clip."""
    outputs: list[RunOutput] = []
    facts: dict[str, object] = {}
    for artifact in plan.artifacts:
        found = _matches(work, artifact)
        if not found and artifact.required:
            raise _missing(artifact, code)
        if artifact.role == "video" and len(found) > 1:
            raise RunFailed(f"the program left {len(found)} files for its output", "narrow the artifact's pattern")
        for path in found:
            if artifact.media_type.startswith("video/"):
                form = clip_format(path)
                clip = {"frames": count_frames(path, lambda _: None), "width": form.width, "height": form.height}
                facts |= {**clip, "fps": round(float(form.fps), 6)} if artifact.role == "video" else {}
            outputs.append(RunOutput(artifact.role, path, artifact.media_type))
    return tuple(outputs), facts


def _matches(work: Path, artifact: Artifact) -> list[Path]:
    """Regular non-empty files below the folder; side-by-side previews are never an output."""
    found = []
    for path in sorted(work.glob(artifact.pattern)):
        inside = path.resolve().is_relative_to(work.resolve())
        tuple_preview = artifact.role == "video" and path.stem.endswith("_tuple")
        if path.is_file() and not path.is_symlink() and inside and path.stat().st_size and not tuple_preview:
            found.append(path)
    return found


def _missing(artifact: Artifact, code: int) -> RunFailed:
    what = f"the program left no {artifact.role} matching '{artifact.pattern}' (exit code {code})"
    if code < 0:
        return TransientFailure(
            f"{what}; it was ended by signal {-code}", "try again, with more memory if it was SIGKILL"
        )
    return RunFailed(what, "read the program's log")
