"""Reading a manuscript of any known form.

    from evaluators.manuscript.reading import read_manuscript
    manuscript = read_manuscript("paper.pdf")

The form is told from the content, not from the name.
"""

from __future__ import annotations

import re
from pathlib import Path

from evaluators.base import EvaluatorError
from evaluators.manuscript.document import Manuscript, Source
from evaluators.manuscript.limits import Limits, read_in_child

_HEAD_BYTES = 200_000
_LATEX = re.compile(rb"\\(?:documentclass|begin\s*\{|section\s*\{|title\s*\{|usepackage)")


def read_manuscript(path: str | Path, root: str | Path | None = None, limits: Limits | None = None) -> Manuscript:
    """The manuscript in a PDF, LaTeX or Markdown file, or in a folder that holds one; read in a child process.

    `root` is the folder that a LaTeX source may read files from, by default its own. Raises `EvaluatorError` when there
    is no such file, its form is unknown, or it breaks a limit.
    """
    file = main_file(Path(path))
    return read_in_child(file, source_of(file), None if root is None else Path(root), limits)


def read_here(path: Path, source: Source, root: Path | None = None) -> Manuscript:
    """Read in this process, whatever the file costs."""
    if source == "latex":
        from evaluators.manuscript.latex.reader import read_latex

        return read_latex(path, root)
    if source == "pdf":
        from evaluators.manuscript.pdf.reader import read_pdf

        return read_pdf(path)
    from evaluators.manuscript.markdown import read_markdown

    return read_markdown(path, root)


def main_file(path: Path) -> Path:
    """The file itself, or the main file of a folder: the one PDF or the one .tex file with a document class."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise EvaluatorError(f"There is no file {str(path)!r}; give a PDF, a LaTeX source or a Markdown file.")
    sources = [f for f in sorted(path.glob("*.tex")) if f.is_file() and b"\\documentclass" in _head(f)]
    for found in (sources, sorted(path.glob("*.pdf")), sorted(path.glob("*.md"))):
        if len(found) == 1:
            return found[0]
    raise EvaluatorError(f"The folder {path.name!r} holds no single manuscript; name the file.")


def source_of(path: Path) -> Source:
    """The form of a file, told from its first bytes."""
    head = _head(path)
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if b"\0" in head[:4096] or not head.strip():
        raise EvaluatorError(f"{path.name} is neither a PDF nor text; give a PDF, a LaTeX source or a Markdown file.")
    if _LATEX.search(head) and (path.suffix.lower() != ".md" or b"\\documentclass" in head[:4096]):
        return "latex"
    return "markdown"


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise EvaluatorError(
            f"{path.name} cannot be opened ({error.strerror}); check the file and its rights."
        ) from error
