"""A manuscript's pages and a study's figures as pictures, drawn in a child process with limits.

Both may have been made elsewhere, or by a program that a language model wrote: they are never decoded here before the
child has drawn them anew.
"""

from __future__ import annotations

import binascii
import json
import subprocess
import sys
import tempfile
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.children import ROOT, plain_environment

SECONDS, MEMORY, ANSWER_BYTES, PIXELS = 40, 2 << 30, 64 << 20, 50_000_000
LIMITS = {"seconds": SECONDS, "memory": MEMORY, "answer": ANSWER_BYTES, "pixels": PIXELS}
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Drawn:
    """Encoded PNG pictures in the order they were asked for; None for one that cannot be drawn.

    `count` is the number of pages of the PDF, None where there is none; `unseen` is why nothing could be drawn.
    """

    pictures: tuple[bytes | None, ...]
    count: int | None = None
    unseen: str | None = None


def draw_pages(pdf: Path, pages: Sequence[int], width: int) -> Drawn:
    """Draw pages (from 0) of a PDF, `width` pixels wide or less; pages past its end are left out."""
    return _drawn(pdf, pages, (), width)


def draw_figures(paths: Sequence[Path], width: int) -> Drawn:
    """Draw picture files anew on white, `width` pixels wide or less."""
    return _drawn(None, (), paths, width) if paths else Drawn(())


def _drawn(pdf: Path | None, pages: Sequence[int], figures: Sequence[Path], width: int) -> Drawn:
    request: dict[str, object] = {
        "pdf": str(pdf.absolute()) if pdf else None,
        "pages": list(pages),
        "figures": [str(path.absolute()) for path in figures],
        "width": width,
        "limits": LIMITS,
    }
    found = ask_child("core.reports.study_pages_child", request)
    if "unseen" in found:
        return Drawn((), None, str(found["unseen"])[:200])
    count = found.get("count")
    return Drawn(tuple(_picture(one) for one in found["pictures"]), count if isinstance(count, int) else None)


def ask_child(module: str, request: dict[str, object]) -> dict[str, Any]:
    """A child's answer, written into a file that cannot grow past the limit; `unseen` says why there is none."""
    with tempfile.TemporaryFile() as answer:
        try:
            subprocess.run(
                [sys.executable, "-m", module],
                input=json.dumps(request).encode(),
                stdout=answer,
                stderr=subprocess.DEVNULL,
                cwd=ROOT,
                env=plain_environment(),
                timeout=SECONDS,
                check=False,
            )
            answer.seek(0)
            found = json.loads(answer.read(ANSWER_BYTES))
        except subprocess.TimeoutExpired:
            return {"unseen": f"it takes more than {SECONDS} seconds to draw"}
        except (ValueError, RecursionError):
            return {"unseen": "it broke what draws it, or the limits"}
    return found if isinstance(found, dict) else {"unseen": "it broke what draws it"}


def _picture(encoded: object) -> bytes | None:
    """A picture that begins as a PNG of a sane size, or None."""
    try:
        data = b64decode(encoded, validate=True) if isinstance(encoded, str) else b""
    except binascii.Error:
        return None
    across, down = (int.from_bytes(data[start : start + 4], "big") for start in (16, 20))
    return data if data.startswith(PNG) and 0 < across * down <= PIXELS else None
