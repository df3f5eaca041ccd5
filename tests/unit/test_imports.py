"""Heavy packages wait until the work needs them, so that a command answers at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "alembic", "cv2", "diffusers", "jinja2", "langchain", "langchain_openai", "langsmith", "lpips", "matplotlib",
    "numpy", "openai", "pandas", "playwright", "pydantic", "pyhanko", "pymunk", "ray", "reportlab", "scipy", "skimage",
    "sqlalchemy", "streamlit", "torch", "torchmetrics", "torchvision", "transformers",
)  # fmt: skip


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter holds after the statement."""
    code = f"{statement}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}}, file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(result.stderr.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import core.errors, core.settings, core.canonical",
        "import core.cli.main",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(statement: str):
    assert sorted(loaded_by(statement).intersection(HEAVY)) == []


@pytest.mark.parametrize("package", ["evaluators", "policies"])
def test_a_library_loads_without_the_platform(package: str):
    assert loaded_by(f"import {package}").isdisjoint({"core", "dashboard", "sqlalchemy", "streamlit", "torch"})
