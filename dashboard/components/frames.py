"""Single frames of a case, decoded on demand and kept for a while."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from core.reading import ReleasePage
from core.reports.document import FrameRow
from core.reports.pictures import frame_rows
from dashboard.installation import installation

KEPT = 96
"""Frames kept in memory; each is four small pictures, about 200 KB together."""


def frame_of(page: ReleasePage, number: int) -> FrameRow | None:
    """Return one frame of a release as input, mask, output and difference; None where it cannot be decoded."""
    digests = tuple(page.clips[role].sha256 for role in ("video", "quadmask", "output") if role in page.clips)
    if len(digests) != 3:
        return None
    return _decoded(*digests, number, page.document.asset.fps)


@lru_cache(maxsize=KEPT)
def _decoded(video: str, quadmask: str, output: str, number: int, fps: float | None) -> FrameRow | None:
    rows = frame_rows(local_file(video), local_file(quadmask), local_file(output), {number: ""}, fps)
    return rows[0] if rows else None


def local_file(sha256: str) -> Path:
    """Return a file with an artifact's content: the store's own, or a copy where the store is elsewhere."""
    store = installation().store
    if (path := store.local_path(sha256)) is not None:
        return path
    copy = Path(_folder().name) / sha256
    return copy if copy.is_file() else store.fetch(sha256, copy)


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="greenlight-frames-")
