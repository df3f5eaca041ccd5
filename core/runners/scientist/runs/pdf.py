"""Look at an untrusted PDF in a child process of its own: pages, encryption, and parts that act by themselves.

The child gives up its rights to memory, time and files before it opens the PDF; whatever breaks it is one sentence.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import core
from core.runners.scientist.runs.tree import Unreadable

HEAD = b"%PDF-"
HEAD_SEARCH = 1024
MOST_BYTES, MOST_PAGES = 200_000_000, 2_000
SECONDS, MEMORY = 30, 1 << 30
ROOT = Path(core.__file__).parent.parent


@dataclass(frozen=True)
class PdfFacts:
    """What a PDF says about itself; `active` names what its root tells to act by itself."""

    pages: int
    producer: str
    active: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The facts as plain JSON."""
        return {"pages": self.pages, "producer": self.producer, "active": list(self.active)}


def require_head(path: Path) -> None:
    """Raise `Unreadable` unless the file begins as a PDF and is not too large; opens nothing else of it."""
    size = path.stat().st_size
    if not size:
        raise Unreadable("it is empty")
    if size > MOST_BYTES:
        raise Unreadable(f"it has {size:,} bytes where {MOST_BYTES:,} are allowed")
    with path.open("rb") as stream:
        if HEAD not in stream.read(HEAD_SEARCH):
            raise Unreadable("it is no PDF by its content")


def probe_pdf(path: Path) -> PdfFacts:
    """Describe a PDF, or raise `Unreadable` with the reason."""
    require_head(path)
    limits = {"seconds": SECONDS, "memory": MEMORY, "pages": MOST_PAGES}
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "core.runners.scientist.runs.pdf_child"],
            input=json.dumps({"path": str(path.absolute()), **limits}),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**kept, "PYTHONPATH": str(ROOT)},
            timeout=SECONDS,
            check=False,
        )
        found: dict[str, Any] = json.loads(answer.stdout)
    except subprocess.TimeoutExpired as error:
        raise Unreadable(f"it takes more than {SECONDS} seconds to read") from error
    except ValueError as error:
        raise Unreadable("it broke its reader or the reader's limits") from error
    if "unreadable" in found:
        raise Unreadable(str(found["unreadable"])[:200])
    return PdfFacts(int(found["pages"]), str(found["producer"]), tuple(map(str, found["active"])))
