"""The one opened installation of this process. Pages read and act through it; none keeps a database session."""

from __future__ import annotations

from functools import cache

from core.platform import Platform
from core.settings import Settings


@cache
def installation() -> Platform:
    """Open the installation at the first call; `Unavailable` says how to make one."""
    return Platform.open(Settings.load())
