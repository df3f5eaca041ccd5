"""Rules of the house that a linter does not know, and the proof that each of them bites."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "evaluators", "policies", "dashboard")
PARAGRAPH_HOMES = ("core/reports/typeset.py", "core/runners/scientist/writing/pdf.py")
"""The dossier's and the manuscript's: a runner knows no report."""
PICKLES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}


def sources() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def raw_paragraphs(source: str) -> int:
    """ReportLab's Paragraph reads markup, embeds local files and makes links: made in one helper only."""
    tree = ast.parse(source)
    renamed = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("reportlab")
        for alias in node.names
        if alias.name in ("Paragraph", "XPreformatted", "ParaFrag")
    }
    return sum(
        called(node) in renamed or called(node).endswith((".Paragraph", ".XPreformatted")) for node in calls(tree)
    )


def unpicklings(source: str) -> list[str]:
    """Unpickling runs code: no pickle, and torch.load only with weights_only=True."""
    tree = ast.parse(source)
    found = [name for name in imported(tree) if name.split(".")[0] in PICKLES]
    for node in calls(tree):
        if called(node) == "torch.load":
            safe = any(
                word.arg == "weights_only" and isinstance(word.value, ast.Constant) and word.value.value is True
                for word in node.keywords
            )
            found += [] if safe else ["torch.load"]
        if called(node).endswith(("np.load", "numpy.load")):
            unsafe = any(
                word.arg == "allow_pickle" and getattr(word.value, "value", None) is not False for word in node.keywords
            )
            found += ["numpy.load"] if unsafe else []
    return found


def sessions(source: str) -> list[str]:
    """A page that holds a database session keeps it past its transaction: pages call services."""
    return [name for name in imported(ast.parse(source)) if name.split(".")[0] in ("sqlalchemy", "alembic")]


def test_paragraphs_are_made_in_one_helper_of_each_kind_of_document() -> None:
    found = {path: raw_paragraphs(source) for path, source in sources() if raw_paragraphs(source)}
    assert found == dict.fromkeys(PARAGRAPH_HOMES, 1)


def test_nothing_unpickles() -> None:
    assert {path: unpicklings(source) for path, source in sources() if unpicklings(source)} == {}


def test_pages_hold_no_database_session() -> None:
    pages = [(path, source) for path, source in sources() if path.startswith("dashboard/")]
    assert {path: sessions(source) for path, source in pages if sessions(source)} == {}


@pytest.mark.parametrize(
    "source",
    [
        "from reportlab.platypus import Paragraph\nParagraph('x')",
        "from reportlab.platypus import Paragraph as P\nP('x')",
        "from reportlab import platypus\nplatypus.Paragraph('x')",
        "from reportlab.platypus import XPreformatted\nXPreformatted('x')",
    ],
)
def test_a_raw_paragraph_is_found(source: str) -> None:
    assert raw_paragraphs(source) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib",
        "import torch\ntorch.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
    ],
)
def test_unpickling_is_found(source: str) -> None:
    assert unpicklings(source)


@pytest.mark.parametrize(
    "source", ["import torch\ntorch.load('x', weights_only=True)", "import numpy as np\nnp.load('x')"]
)
def test_safe_loading_is_allowed(source: str) -> None:
    assert not unpicklings(source)


@pytest.mark.parametrize("source", ["from sqlalchemy.orm import Session", "import sqlalchemy as sa"])
def test_a_session_in_a_page_is_found(source: str) -> None:
    assert sessions(source)
