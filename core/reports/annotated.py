"""The manuscript with its findings highlighted where they stand, each with its sentence as a note.

The file is untrusted: it is opened in a child process with limits, and one that acts by itself is not annotated.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.reports.study_pages import LIMITS, ask_child

MOST_MARKS, MOST_BOXES, LONGEST_NOTE = 300, 40, 600
COLOURS = {"high": "F59E73", "medium": "F2B705", "low": "8FBCE6", "note": "CBD2D9"}
"""By severity: dark enough to see, light enough to read through."""


@dataclass(frozen=True)
class Annotated:
    """The file, or why there is none; `marks` counts the findings that it shows."""

    pdf: bytes | None
    marks: int = 0
    reason: str | None = None


def annotate(paper: Path, findings: Sequence[Mapping[str, Any]]) -> Annotated:
    """Return a PDF with a highlight or note for each finding (in the JSON form of `Finding`), severest first.

    A finding without a page is a note on the first page. More than 300 findings are cut off, which a note says.
    """
    if not findings:
        return Annotated(None, reason="there is no finding to show")
    request: dict[str, object] = {
        "pdf": str(paper.absolute()),
        "marks": [_mark(one) for one in findings[:MOST_MARKS]],
        "left_out": max(0, len(findings) - MOST_MARKS),
        "limits": LIMITS,
    }
    found = ask_child("core.reports.annotated_child", request)
    encoded = found.get("annotated")
    if not isinstance(encoded, str):
        return Annotated(None, reason=str(found.get("unseen") or "it cannot be annotated")[:200])
    data = b64decode(encoded)
    if not data.startswith(b"%PDF-"):
        return Annotated(None, reason="it broke what annotates it")
    return Annotated(data, len(findings[:MOST_MARKS]))


def _mark(finding: Mapping[str, Any]) -> dict[str, object]:
    place = finding["place"]
    boxes = [[int(box[0]), *(float(one) for one in box[1:])] for box in (place.get("boxes") or ())[:MOST_BOXES]]
    severity = str(finding["severity"])
    expected = f"\nExpected: {finding['expected']}" if finding.get("expected") else ""
    note = f"{finding['message']}{expected}\nConfidence {float(finding['confidence']):.0%}"
    return {
        "page": place.get("page") or 1,
        "boxes": boxes,
        "colour": COLOURS.get(severity, COLOURS["note"]),
        "title": f"{severity.upper()}: {finding['rule']}",
        "note": note[:LONGEST_NOTE],
    }
