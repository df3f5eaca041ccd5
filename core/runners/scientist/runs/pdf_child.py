"""The child process that opens an untrusted PDF: a JSON request on standard input, a JSON answer on standard output.

    request   {"path": "...", "seconds": s, "memory": bytes, "pages": n}
    answer    {"pages": n, "producer": "...", "active": [...]} or {"unreadable": "why"}

Started by `core.runners.scientist.runs.pdf` only.
"""

from __future__ import annotations

import json
import resource
import sys
from contextlib import suppress
from typing import Any

ACTIVE_AT_ROOT = {"/OpenAction": "an action on opening", "/AA": "actions on events"}
ACTIVE_NAMES = {"/JavaScript": "JavaScript", "/EmbeddedFiles": "embedded files"}
REQUEST_BYTES = 1 << 16


def main() -> None:
    """Answer the request on standard input."""
    request = json.loads(sys.stdin.read(REQUEST_BYTES))
    confine(int(request["seconds"]), int(request["memory"]))
    sys.setrecursionlimit(2_000)
    try:
        answer = described(request["path"], int(request["pages"]))
    except MemoryError:
        answer = {"unreadable": "it needs more memory than a manuscript may"}
    except Exception as error:
        answer = {"unreadable": f"its structure is broken ({type(error).__name__})"}
    sys.stdout.write(json.dumps(answer))


def confine(seconds: int, memory: int) -> None:
    """Give up the right to more time, memory, files and core dumps."""
    limits = (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, memory),
    )
    for what, most in limits:
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def described(path: str, most_pages: int) -> dict[str, Any]:
    """Read the document's outline; no page's content is interpreted."""
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with PdfReader(path, strict=False) as reader:
        if reader.is_encrypted:
            return {"unreadable": "it is encrypted"}
        pages = len(reader.pages)
        if not pages:
            return {"unreadable": "it has no page"}
        if pages > most_pages:
            return {"unreadable": f"it has {pages} pages where {most_pages} are allowed"}
        producer = str(reader.metadata.producer or "") if reader.metadata else ""
        return {"pages": pages, "producer": _plain(producer), "active": _active(reader.root_object)}


def _active(root: Any) -> list[str]:
    names = root.get("/Names", {})
    names = names.get_object() if hasattr(names, "get_object") else names
    found = [told for key, told in ACTIVE_AT_ROOT.items() if key in root and not _is_destination(root[key])]
    return [*found, *(told for key, told in ACTIVE_NAMES.items() if key in names)]


def _is_destination(action: Any) -> bool:
    """Whether an opening action only turns to a page, as LaTeX writes it."""
    return isinstance(action, list) or (isinstance(action, dict) and action.get("/S") == "/GoTo")


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)[:200]


if __name__ == "__main__":
    main()
