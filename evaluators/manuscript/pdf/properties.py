"""What a PDF carries beside its pages: scripts, attachments, properties and remarks. Nothing of it is ever run."""

from __future__ import annotations

import ctypes
from typing import Any

from evaluators.manuscript.build import instructs
from evaluators.manuscript.document import HiddenText, Place

_MOST_REMARKS = 200
_MARKS = ((b"/JavaScript", "JavaScript"), (b"/Launch", "a command to start a program"))


def look_at_file(document: Any, data: bytes, hidden: list[HiddenText], notes: list[str]) -> None:
    """Note scripts and attachments; tell of properties and remarks that speak to a machine."""
    import pypdfium2.raw as c

    told = {name for mark, name in _MARKS if mark in data}
    if c.FPDFDoc_GetJavaScriptActionCount(document.raw) > 0:
        told.add("JavaScript")
    notes.extend(f"The file holds {name}; it was not run." for name in sorted(told))
    if (count := c.FPDFDoc_GetAttachmentCount(document.raw)) > 0:
        notes.append(f"The file has {count} attached files; they were not read.")
    for name, value in document.get_metadata_dict().items():
        if instructs(value):
            why = f"The file's property {name!r} speaks to whoever reads it by machine."
            hidden.append(HiddenText(value[:4000], why, Place("")))
    _look_at_remarks(document, hidden)


def _look_at_remarks(document: Any, hidden: list[HiddenText]) -> None:
    import pypdfium2.raw as c

    left = _MOST_REMARKS
    for index in range(min(len(document), 50)):
        page = c.FPDF_LoadPage(document.raw, index)
        if not page:
            continue
        for number in range(min(c.FPDFPage_GetAnnotCount(page), left)):
            left -= 1
            remark = c.FPDFPage_GetAnnot(page, number)
            text = _contents(remark)
            c.FPDFPage_CloseAnnot(remark)
            if text and instructs(text):
                why = "A remark attached to the page speaks to whoever reads it by machine."
                hidden.append(HiddenText(text[:4000], why, Place("", index + 1)))
        c.FPDF_ClosePage(page)


def _contents(remark: Any) -> str:
    import pypdfium2.raw as c

    size = c.FPDFAnnot_GetStringValue(remark, b"Contents", None, 0)
    if not 2 < size < 100_000:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    c.FPDFAnnot_GetStringValue(remark, b"Contents", buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")
