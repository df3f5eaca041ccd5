"""A run folder or its archive as one read-only tree of plain files, checked against limits before anything is read.

Links, special files and leftovers of tools are left out and named. An archive that cheats (paths out of the folder,
encrypted, overlapping or exploding entries) is refused as a whole with `MediaRejected`.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

from core.errors import MediaRejected

CHUNK = 1 << 20
STAMP = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can say: an archive tells nothing of when it was packed."""
LEFTOVERS = frozenset({".git", "__pycache__", ".ipynb_checkpoints", "__MACOSX", ".DS_Store", ".venv", "node_modules"})
BAD_NAME = "its name is not plain UTF-8"
DRIVE = re.compile("[A-Za-z]:")
RATIO, RATIO_FROM = 250, 1 << 20
END, END_SEARCH, END_SIZE = b"PK\x05\x06", (1 << 16) + 22, 22


@dataclass(frozen=True)
class Limits:
    """What a run may hold. The bytes stay below what a zip can hold without its 64-bit extension."""

    files: int = 20_000
    total_bytes: int = 2_000_000_000
    file_bytes: int = 1_000_000_000
    depth: int = 16
    name_bytes: int = 512
    index_bytes: int = 32 << 20


class Unreadable(Exception):
    """One file cannot be used; the argument says why."""


@dataclass(frozen=True)
class Tree:
    """Plain files by their path below the run, sorted, with their sizes in bytes."""

    sizes: Mapping[str, int]
    opener: Callable[[str], AbstractContextManager[IO[bytes]]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Paths that are not part of the tree, with the reason."""

    def __contains__(self, path: str) -> bool:
        return path in self.sizes

    @property
    def total(self) -> int:
        """The bytes of all files together."""
        return sum(self.sizes.values())

    def match(self, *patterns: str) -> list[str]:
        """Paths that match one of the patterns; `*` does not cross a slash."""
        return [path for path in self.sizes if any(_matches(path, pattern) for pattern in patterns)]

    def folders(self) -> set[str]:
        """Every folder that holds a file, itself or deeper."""
        return {str(parent) for path in self.sizes for parent in PurePosixPath(path).parents if str(parent) != "."}

    def below(self, folder: str) -> Tree:
        """The tree of a folder in this one; the empty name is the tree itself."""
        if not folder:
            return self
        start = f"{folder}/"
        sizes = {path.removeprefix(start): size for path, size in self.sizes.items() if path.startswith(start)}
        left_out = {path.removeprefix(start): why for path, why in self.left_out.items() if path.startswith(start)}
        return replace(self, sizes=sizes, left_out=left_out, opener=lambda path: self.opener(start + path))

    def read(self, path: str, most: int) -> bytes:
        """A file's bytes; `Unreadable` when it is missing, larger than `most` bytes or broken."""
        if path not in self.sizes:
            raise Unreadable("it is not there")
        if self.sizes[path] > most:
            raise Unreadable(f"it has {self.sizes[path]:,} bytes where {most:,} are read")
        return b"".join(self.pieces(path))

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes in pieces, exactly as many as its size says; `Unreadable` when that is not so."""
        left = self.sizes[path]
        try:
            with self.opener(path) as stream:
                while piece := stream.read(CHUNK):
                    left -= len(piece)
                    if left < 0:
                        break
                    yield piece
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise Unreadable(f"it cannot be read ({type(error).__name__})") from error
        if left:
            raise Unreadable("it is not as long as it was said to be")


def folder_tree(folder: Path, limits: Limits | None = None) -> Tree:
    """Look through a folder on the disk. `MediaRejected` when it holds more than the limits allow."""
    limits = limits or Limits()
    if not folder.is_dir():
        raise MediaRejected(f"{shown(folder.name)} is not a folder", "give a run's folder, its zip or a PDF")
    sizes: dict[str, int] = {}
    left_out: dict[str, str] = {}
    seen = 0
    pending = [(folder, PurePosixPath())]
    while pending:
        place, name = pending.pop()
        for entry in _listed(place):
            seen += 1
            if seen > 2 * limits.files:
                raise _too_many(limits)
            path = name / entry.name
            if why := _unwanted(entry, path):
                left_out[_ascii(str(path))] = why
            elif entry.is_dir(follow_symlinks=False):
                _check_name(path, limits)
                pending.append((Path(entry.path), path))
            else:
                sizes[str(path)] = entry.stat(follow_symlinks=False).st_size
                _check(path, sizes[str(path)], limits)
    _check_sum(sizes, limits)
    return Tree(dict(sorted(sizes.items())), lambda path: _open_plain(folder / path), dict(sorted(left_out.items())))


@contextmanager
def zip_tree(archive: Path, limits: Limits | None = None) -> Iterator[Tree]:
    """Look through a zip archive, open until left. `MediaRejected` when it cheats or is beyond the limits."""
    limits = limits or Limits()
    _check_index(archive, limits)
    try:
        opened = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise MediaRejected("the archive is no readable zip", "pack the run's folder again") from error
    with opened:
        yield _members(opened, archive.stat().st_size, limits)


def _members(opened: zipfile.ZipFile, size: int, limits: Limits) -> Tree:
    infos = [info for info in opened.infolist() if not info.is_dir()]
    if sum(info.compress_size for info in infos) > size:
        raise MediaRejected("the archive's entries overlap", "pack the run's folder again")
    found: dict[str, zipfile.ZipInfo] = {}
    left_out: dict[str, str] = {}
    for info in infos:
        path = _inside(info.filename)
        if why := _unwanted_entry(info, path):
            left_out[_ascii(str(path))] = why
            continue
        if str(path) in found:
            raise MediaRejected(f"the archive holds '{shown(path)}' twice", "pack the run's folder again")
        _check_entry(info)
        _check(path, info.file_size, limits)
        found[str(path)] = info
    sizes = {path: info.file_size for path, info in sorted(found.items())}
    _check_sum(sizes, limits)
    return Tree(sizes, lambda path: opened.open(found[path]), dict(sorted(left_out.items())))


def pack(tree: Tree, target: Path) -> None:
    """Write a tree as a zip that depends on names and bytes alone: sorted, stored, one date for all."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path, size in tree.sizes.items():
            info = zipfile.ZipInfo(path, STAMP)
            info.create_system, info.external_attr, info.file_size = 3, 0o644 << 16, size
            try:
                with archive.open(info, "w") as out:
                    for piece in tree.pieces(path):
                        out.write(piece)
            except Unreadable as error:
                raise MediaRejected(
                    f"'{shown(path)}' cannot be packed: {error}", "wait until the run is finished, then try again"
                ) from error


def shown(name: object, most: int = 120) -> str:
    """A hostile name, safe to print and to store: control and direction characters replaced, bounded in length."""
    text = str(name)[: most + 1]
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _matches(path: str, pattern: str) -> bool:
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted))


def _listed(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise MediaRejected(f"the folder '{shown(place.name)}' cannot be read", "check its rights") from error


def _unwanted(entry: os.DirEntry[str], path: PurePosixPath) -> str:
    if entry.name in LEFTOVERS:
        return "left by a tool"
    if entry.is_symlink():
        return "a link"
    if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
        return "no plain file"
    return "" if _usable(str(path)) else BAD_NAME


def _unwanted_entry(info: zipfile.ZipInfo, path: PurePosixPath) -> str:
    if LEFTOVERS.intersection(path.parts):
        return "left by a tool"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "a link"
    if kind not in (0, stat.S_IFREG):
        return "no plain file"
    return "" if _usable(str(path)) else BAD_NAME


def _usable(text: str) -> bool:
    if not text.isprintable() or "\\" in text or DRIVE.match(text):
        return False
    return text.encode("utf-8", "replace").decode("utf-8") == text


def _inside(name: str) -> PurePosixPath:
    """The path of an archive's entry; one that leads out of the folder is refused."""
    path = PurePosixPath(name.removeprefix("./"))
    if path.is_absolute() or ".." in path.parts or not path.parts or str(path) != name.removeprefix("./"):
        raise MediaRejected(
            f"the archive names '{shown(name)}', a place that is not plainly inside it", "pack the run's folder again"
        )
    return path


def _check_entry(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & 1:
        raise MediaRejected(f"'{shown(info.filename)}' is encrypted", "pack the run's folder without a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MediaRejected(
            f"'{shown(info.filename)}' is packed by a method that is not read", "pack it stored or deflated"
        )
    if info.file_size > RATIO_FROM and info.file_size > RATIO * info.compress_size:
        raise MediaRejected(
            f"'{shown(info.filename)}' would grow more than {RATIO} times", "pack the run's folder without compression"
        )


def _check(path: PurePosixPath, size: int, limits: Limits) -> None:
    _check_name(path, limits)
    if size > limits.file_bytes:
        raise MediaRejected(
            f"'{shown(path)}' has more than {limits.file_bytes:,} bytes", "leave data sets and weights out of the run"
        )


def _check_sum(sizes: Mapping[str, int], limits: Limits) -> None:
    if len(sizes) > limits.files:
        raise _too_many(limits)
    if sum(sizes.values()) > limits.total_bytes:
        raise MediaRejected(
            f"the run holds more than {limits.total_bytes:,} bytes", "leave data sets and weights out of it"
        )


def _check_name(path: PurePosixPath, limits: Limits) -> None:
    if len(path.parts) > limits.depth:
        raise MediaRejected(f"'{shown(path)}' lies deeper than {limits.depth} folders", "give the run's own folder")
    if len(str(path).encode()) > limits.name_bytes:
        raise MediaRejected(f"'{shown(path)}' has a name that is too long", "rename it")


def _check_index(archive: Path, limits: Limits) -> None:
    """Read the archive's last record: how large its index says it is, before anybody reads the index."""
    with archive.open("rb") as stream:
        stream.seek(max(0, archive.stat().st_size - END_SEARCH))
        tail = stream.read(END_SEARCH)
    at = tail.rfind(END)
    record = tail[at : at + END_SIZE] if at >= 0 else b""
    if len(record) < END_SIZE:
        raise MediaRejected("the archive is no readable zip", "pack the run's folder again")
    entries, index = int.from_bytes(record[10:12], "little"), int.from_bytes(record[12:16], "little")
    if entries > 2 * limits.files or index > limits.index_bytes:
        raise _too_many(limits)


def _open_plain(path: Path) -> IO[bytes]:
    """Open a file that was plain when it was listed, and no link that took its place."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.fdopen(descriptor, "rb")


def _too_many(limits: Limits) -> MediaRejected:
    return MediaRejected(f"the run holds more than {limits.files:,} files", "leave data sets and caches out of it")


def _ascii(text: str) -> str:
    return ascii(text)[1:-1]
