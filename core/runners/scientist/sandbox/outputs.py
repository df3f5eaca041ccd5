"""Take files out of the folder that hostile code has filled: regular ones, with plain names, within the limits.

Call it when every process inside has ended, so that nothing changes between the look and the copy.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from pathlib import Path

from core.runners.scientist.sandbox.values import Limits, Refusal

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,99}")
DEEPEST = 8
KINDS = ((stat.S_ISLNK, "a symbolic link"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"))


class Taking:
    """One taking of a folder, given as an open descriptor, into `target`."""

    def __init__(self, target: Path, limits: Limits) -> None:
        self._target, self._limits, self._bytes = target, limits, 0
        self.taken: dict[str, Path] = {}
        """Copies by their path in the folder, with `/` between its parts."""
        self.refused: list[Refusal] = []

    def take(self, folder: int, parts: tuple[str, ...] = ()) -> None:
        """Copy what may be taken, and note what may not."""
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            if len(self.taken) + len(self.refused) >= self._limits.files:
                return
            here = (*parts, name)
            try:
                why = self._one(folder, here)
            except OSError as error:
                why = f"it cannot be read ({error.strerror})"
            if why:
                self.refused.append(Refusal(ascii("/".join(here))[1:-1][:200], why))

    def _one(self, folder: int, parts: tuple[str, ...]) -> str:
        """Take an entry; return why not, or nothing."""
        name = parts[-1]
        if not PLAIN.fullmatch(name):
            return "its name is not plain"
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            return self._folder(folder, parts)
        if not stat.S_ISREG(found.st_mode):
            return f"it is {next((kind for is_one, kind in KINDS if is_one(found.st_mode)), 'a device')}"
        if found.st_nlink > 1:
            return "it is a hard link"
        if found.st_size > self._limits.file_size or self._bytes + found.st_size > self._limits.disk:
            return "it is too large"
        self._bytes += found.st_size
        self._copy(folder, parts)
        return ""

    def _folder(self, folder: int, parts: tuple[str, ...]) -> str:
        if len(parts) >= DEEPEST:
            return "it lies too deep"
        inner = os.open(parts[-1], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            self.take(inner, parts)
        finally:
            os.close(inner)
        return ""

    def _copy(self, folder: int, parts: tuple[str, ...]) -> None:
        copy = self._target.joinpath(*parts)
        copy.parent.mkdir(parents=True, exist_ok=True)
        source = os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(source, "rb") as reader, copy.open("xb") as writer:
            shutil.copyfileobj(reader, writer)
        self.taken["/".join(parts)] = copy
