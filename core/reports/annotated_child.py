"""The child process that writes marks into an untrusted PDF: JSON in on standard input, JSON out.

    request   {"pdf": "...", "marks": [{"page", "boxes", "colour", "title", "note"}], "left_out": n, "limits": {...}}
    answer    {"annotated": base64 PDF} or {"unseen": "why"}

A box is [page, x0, y0, x1, y1] in points from the top left corner of the page as shown, pages from 1. Started by
`core.reports.annotated` only.
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from io import BytesIO
from typing import Any

from core.reports.study_pages_child import confine

REQUEST_BYTES = 4 << 20
NOTE_SIZE, NOTE_STEP, NOTE_EDGE, NOTES_DOWN = 18.0, 22.0, 6.0, 30


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.read(REQUEST_BYTES))
    confine(request["limits"])
    try:
        answer = {"annotated": b64encode(_annotated(request)).decode()}
    except MemoryError:
        answer = {"unseen": "it needs more memory than a manuscript may"}
    except Exception as error:
        answer = {"unseen": f"its structure is broken ({type(error).__name__})"}
    sys.stdout.write(json.dumps(answer))


def _annotated(request: dict[str, Any]) -> bytes:
    from pypdf import PdfReader, PdfWriter

    reader = PdfReader(request["pdf"])
    writer = PdfWriter()
    # Pages alone: scripts, forms and actions of the document stay behind.
    for page in reader.pages:
        _without_actions(writer.add_page(page))
    notes: dict[int, int] = {}
    for mark in request["marks"]:
        _add(writer, mark, notes)
    if request["left_out"]:
        text = f"{request['left_out']} more findings are in the evaluation."
        _note(writer, 0, {"colour": "CBD2D9", "title": "Not all findings are shown", "note": text}, notes)
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _without_actions(page: Any) -> None:
    """Remove what a page does by itself, and the annotations of the file: only ours are shown."""
    for name in ("/AA", "/Annots"):
        if name in page:
            del page[name]


def _add(writer: Any, mark: dict[str, Any], notes: dict[int, int]) -> None:
    by_page: dict[int, list[list[float]]] = {}
    for page, *box in mark["boxes"]:
        by_page.setdefault(int(page) - 1, []).append(box)
    shown = [number for number in by_page if 0 <= number < len(writer.pages)]
    for number in shown:
        _highlight(writer, number, by_page[number], mark)
    if not shown:
        _note(writer, min(max(int(mark["page"]) - 1, 0), len(writer.pages) - 1), mark, notes)


def _highlight(writer: Any, number: int, boxes: list[list[float]], mark: dict[str, Any]) -> None:
    from pypdf.annotations import Highlight
    from pypdf.generic import ArrayObject, FloatObject, NameObject, RectangleObject, TextStringObject

    page = writer.pages[number]
    placed = [_in_file(page, box) for box in boxes]
    around = [min(x0 for x0, *_ in placed), min(y0 for _, y0, *_ in placed)]
    around += [max(x1 for *_, x1, _ in placed), max(y1 for *_, y1 in placed)]
    corners = [
        FloatObject(value) for x0, y0, x1, y1 in placed for value in (x0, y1, x1, y1, x0, y0, x1, y0)
    ]  # upper left, upper right, lower left, lower right
    drawn = Highlight(
        rect=RectangleObject(around), quad_points=ArrayObject(corners), highlight_color=mark["colour"], printing=True
    )
    drawn[NameObject("/T")] = TextStringObject(mark["title"])
    drawn[NameObject("/Contents")] = TextStringObject(mark["note"])
    writer.add_annotation(number, drawn)


def _note(writer: Any, number: int, mark: dict[str, Any], notes: dict[int, int]) -> None:
    """A note at the page's left edge, for what has no place on it."""
    from pypdf.annotations import Text
    from pypdf.generic import NameObject, RectangleObject, TextStringObject

    place = notes.get(number, 0) % NOTES_DOWN
    notes[number] = notes.get(number, 0) + 1
    top = NOTE_EDGE + NOTE_STEP * place
    box = _in_file(writer.pages[number], [NOTE_EDGE, top, NOTE_EDGE + NOTE_SIZE, top + NOTE_SIZE])
    drawn = Text(rect=RectangleObject(box), text=mark["note"], open=False)
    drawn[NameObject("/T")] = TextStringObject(mark["title"])
    writer.add_annotation(number, drawn)


def _in_file(page: Any, box: list[float]) -> list[float]:
    """A box of the page as shown as [left, bottom, right, top] of the file, its rotation undone."""
    left, bottom, right, top = (float(value) for value in page.cropbox)
    turned = (page.rotation or 0) % 360

    def point(x: float, y: float) -> tuple[float, float]:
        if turned == 90:
            return left + y, bottom + x
        if turned == 180:
            return right - x, bottom + y
        if turned == 270:
            return right - y, top - x
        return left + x, top - y

    (ax, ay), (bx, by) = point(box[0], box[1]), point(box[2], box[3])
    return [min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)]


if __name__ == "__main__":
    main()
