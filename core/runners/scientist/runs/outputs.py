"""Write what was read as the outputs of a study: results, idea, review, log, code, figures and the record."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Set
from pathlib import Path, PurePosixPath

from core.runners.base import Manifest, RunContext, RunOutput
from core.runners.scientist.runs.detect import Found
from core.runners.scientist.runs.pdf import PdfFacts
from core.runners.scientist.runs.reading import TEXT_BYTES
from core.runners.scientist.runs.record import Account, Search
from core.runners.scientist.runs.tree import Tree, Unreadable

RESULTS, RECORD, REVIEW = "greenlight.run-results/1", "greenlight.run-record/1", "greenlight.run-review/1"
PNG = b"\x89PNG\r\n\x1a\n"
MOST_FIGURES, FIGURE_BYTES, FIGURE_PIXELS = 40, 20 << 20, 50_000_000
ROLE_LENGTH = 40


class Writer:
    """Writes outputs into the attempt's folder and remembers them."""

    def __init__(self, context: RunContext, tree: Tree) -> None:
        self._context, self._tree = context, tree
        self._outputs: list[RunOutput] = []

    def add(self, role: str, path: Path, media_type: str) -> None:
        """Remember a file that is already in the folder."""
        self._outputs.append(RunOutput(role, path, media_type))

    def account(self, account: Account) -> None:
        """Write all that a reader made of a run."""
        if account.raw or account.runs:
            self._json("results", {"schema": RESULTS, "runs": account.runs, "raw": account.raw})
        if account.idea is not None:
            self._json("idea", account.idea)
        if account.reviews:
            content = {"schema": REVIEW, "by": account.framework, "trusted": False, "reviews": list(account.reviews)}
            self._json("review", content)
        self._lines("log", account.steps)
        self._lines("calls", account.calls)
        self._copy("manuscript_tex", account.tex, "manuscript.tex", "text/x-tex")
        self._copy("code", account.code, "code.py", "text/x-python")
        self._figures(account.figures)

    def record(self, kind: Found | None, search: Search, pdf: PdfFacts) -> None:
        """Write the record: how the run was recognised, every part, every file with its digest, what was left out."""
        content = {
            "schema": RECORD,
            "framework": kind.framework if kind else None,
            "recognised_by": list(kind.signs) if kind else [],
            "start": kind.start if kind else "",
            "manuscript": pdf.to_json(),
            "parts": [part.to_json() for part in search.parts],
            "files": [self._file(path, size) for path, size in self._tree.sizes.items()],
            "left_out": dict(self._tree.left_out),
            "notes": search.notes,
        }
        self._json("record", content)

    def manifest(self, facts: Mapping[str, object], notes: Iterable[str]) -> Manifest:
        """What was made."""
        self._context.progress(1.0, "taken in")
        return Manifest(tuple(self._outputs), facts, tuple(notes))

    def _json(self, role: str, content: object) -> None:
        path = self._context.folder / f"{role}.json"
        text = json.dumps(content, indent=1, ensure_ascii=True, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
        self.add(role, path, "application/json")

    def _lines(self, role: str, items: Iterable[Mapping[str, object]]) -> None:
        lines = [json.dumps(item, ensure_ascii=True, allow_nan=False) for item in items]
        if lines:
            path = self._context.folder / f"{role}.ndjson"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            self.add(role, path, "application/x-ndjson")

    def _copy(self, role: str, source: str | None, name: str, media_type: str) -> None:
        """Copy a text byte for byte; one that is empty or too large stays in the archive."""
        if source is None:
            return
        try:
            data = self._tree.read(source, TEXT_BYTES)
        except Unreadable:
            return
        if data:
            (self._context.folder / name).write_bytes(data)
            self.add(role, self._context.folder / name, media_type)

    def _figures(self, paths: Iterable[str]) -> None:
        """Copy PNG pictures of a sane size; the rest stays in the archive."""
        roles: set[str] = set()
        for path in paths:
            if len(roles) >= MOST_FIGURES:
                return
            role = figure_role(path, roles)
            try:
                data = self._tree.read(path, FIGURE_BYTES)
            except Unreadable:
                continue
            if is_picture(data):
                roles.add(role)
                target = self._context.folder / f"{role}.png"
                target.write_bytes(data)
                self.add(role, target, "image/png")

    def _file(self, path: str, size: int) -> dict[str, object]:
        self._context.progress(0.7, "taking digests of all files")
        hasher = hashlib.sha256()
        try:
            for piece in self._tree.pieces(path):
                hasher.update(piece)
        except Unreadable as error:
            return {"path": path, "bytes": size, "sha256": None, "reason": str(error)}
        return {"path": path, "bytes": size, "sha256": hasher.hexdigest()}


def figure_role(path: str, taken: Set[str]) -> str:
    """A role that a picture's name makes: small letters, digits, dashes, and a number where it is taken."""
    stem = re.sub("[^a-z0-9]+", "-", PurePosixPath(path).stem.lower()).strip("-") or "unnamed"
    role = f"figure_{stem}"[:ROLE_LENGTH].rstrip("-")
    number = 1
    while role in taken:
        number += 1
        role = f"figure_{stem}"[: ROLE_LENGTH - 4].rstrip("-") + f"-{number}"
    return role


def is_picture(data: bytes) -> bool:
    """Whether it begins as a PNG of a size that can be shown; nothing is decoded."""
    if not data.startswith(PNG) or data[12:16] != b"IHDR":
        return False
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return 0 < width * height <= FIGURE_PIXELS
