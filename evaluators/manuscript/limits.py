"""Reading in a child process with limits on time, memory and files, since a manuscript is anybody's file.

    request   {"path": "...", "source": "pdf", "root": null or "...", "seconds": 60, "memory": 3000000000}
    answer    {"manuscript": {...}} or {"rejected": "one sentence"}

The limits are set before the first byte of the file is read. Started by `read_in_child` only.
"""

from __future__ import annotations

import json
import os
import resource
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.base import EvaluatorError
from evaluators.children import ROOT, plain_environment
from evaluators.manuscript.codec import from_json, to_json
from evaluators.manuscript.document import Manuscript, Source

ANSWER_BYTES = 400_000_000
_REQUEST_BYTES = 1 << 16
_WATCH_S = 0.2


@dataclass(frozen=True)
class Limits:
    """What one manuscript may cost: seconds of computing, seconds of waiting, bytes of memory."""

    seconds: int = 90
    wall: int = 600
    memory: int = 3_000_000_000


def read_in_child(path: Path, source: Source, root: Path | None, limits: Limits | None = None) -> Manuscript:
    """Read a file in a child process. Raises `EvaluatorError` for what cannot be read and what costs too much."""
    limits = limits or Limits()
    request: dict[str, object] = {
        "path": str(path.resolve()),
        "source": source,
        "root": str(root.resolve()) if root else None,
    }
    request |= {"seconds": limits.seconds, "memory": limits.memory}
    with subprocess.Popen(
        [sys.executable, "-m", "evaluators.manuscript.limits"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=plain_environment(),
        start_new_session=True,
    ) as child:
        try:
            assert child.stdin is not None  # noqa: S101 - asked for as a pipe
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            answer = _received(child, path.name, limits)
            return _manuscript(answer, child.wait(), path.name)
        finally:
            child.kill()


def _received(child: subprocess.Popen[bytes], name: str, limits: Limits) -> bytes:
    """Everything the child writes; the child is watched meanwhile, since macOS holds no limit on memory."""
    import psutil

    assert child.stdout is not None  # noqa: S101 - asked for as a pipe
    deadline = time.monotonic() + limits.wall
    parts: list[bytes] = []
    total = 0
    watched = psutil.Process(child.pid)
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if selector.select(_WATCH_S):
                part = os.read(child.stdout.fileno(), 1 << 20)
                if not part:
                    return b"".join(parts)
                parts.append(part)
                total += len(part)
            if total > ANSWER_BYTES or _memory(watched) > limits.memory:
                raise EvaluatorError(f"{name} needs more memory than a manuscript may; give a smaller file.")
            if time.monotonic() > deadline:
                raise EvaluatorError(f"{name} takes more than {limits.wall} s to read; give a smaller file.")


def _memory(process: Any) -> int:
    import psutil

    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _manuscript(answer: bytes, code: int, name: str) -> Manuscript:
    try:
        found = json.loads(answer)
    except ValueError:
        raise EvaluatorError(
            f"{name} broke its reader or the limits on time and memory ({_told(code)}); give a smaller, whole file."
        ) from None
    if "rejected" in found:
        raise EvaluatorError(found["rejected"])
    return from_json(found["manuscript"])


def _told(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit {code}"


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.read(_REQUEST_BYTES))
    confine(int(request["seconds"]), int(request["memory"]))
    sys.stdout.write(json.dumps(_answer(request)))


def _answer(request: dict[str, Any]) -> dict[str, object]:
    from evaluators.manuscript.reading import read_here

    path = Path(request["path"])
    root = Path(request["root"]) if request["root"] else None
    try:
        return {"manuscript": to_json(read_here(path, request["source"], root))}
    except EvaluatorError as error:
        return {"rejected": str(error)}
    except MemoryError:
        return {"rejected": f"{path.name} needs more memory than a manuscript may; give a smaller file."}
    except RecursionError:
        return {"rejected": f"{path.name} is nested deeper than a manuscript may be; give a simpler file."}


def confine(seconds: int, memory: int) -> None:
    """Give up the right to more time, memory, written files and open files than the limits allow."""
    for what, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_AS, memory),
    ):
        # macOS refuses a limit on address space: there the parent's watch over resident memory stands alone.
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    main()
