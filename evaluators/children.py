"""What a child process that reads somebody else's file is given of this one's environment: next to nothing."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""Where the packages lie, and where such a child starts."""
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH")
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


def plain_environment() -> dict[str, str]:
    """Return only what the interpreter needs, with one thread for the libraries that would start many; no secret."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **THREADS, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
