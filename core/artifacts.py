"""The content-addressed store: bytes in, their SHA-256 out; the same content is kept once.

On a local folder a file becomes visible only when it is whole and on the disk: it is written under a temporary
name, flushed, renamed, and the folder is flushed. Other fsspec stores (`s3://...`) make objects visible at once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from core.canonical import CHUNK, file_sha256, sha256, stream_sha256
from core.errors import NotFound, TamperingFound, Unavailable


@dataclass(frozen=True)
class StoredArtifact:
    """What the store keeps: digest (hex SHA-256), size in bytes."""

    sha256: str
    size: int


class ArtifactStore:
    """Artifacts under one fsspec address."""

    def __init__(self, url: str) -> None:
        """Open the store; a store that cannot be reached is `Unavailable` at the first use."""
        from fsspec.core import url_to_fs

        try:
            self._fs, self._root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise Unavailable(
                f"the artifact store '{url}' cannot be opened ({error})",
                "correct GREENLIGHT_ARTIFACTS_URL or install the extra 's3'",
            ) from error
        self._local = "file" in _protocols(self._fs)

    def put_bytes(self, data: bytes) -> StoredArtifact:
        """Store bytes and return their digest."""
        key = sha256(data)
        if not self.has(key):
            with self._incoming(key) as stream:
                stream.write(data)
        return StoredArtifact(key, len(data))

    def put_file(self, path: Path) -> StoredArtifact:
        """Store a file's content, in bounded pieces, and return its digest."""
        key, size = file_sha256(path), path.stat().st_size
        if not self.has(key):
            with path.open("rb") as source, self._incoming(key) as stream:
                while piece := source.read(CHUNK):
                    stream.write(piece)
            self.verify(key)
        return StoredArtifact(key, size)

    def has(self, key: str) -> bool:
        """Whether the store keeps that digest."""
        return bool(self._fs.exists(self._path(key)))

    def read(self, key: str) -> bytes:
        """Return an artifact's bytes; `TamperingFound` when they are not what the digest says."""
        with self.open(key) as stream:
            data = bytes(stream.read())
        if sha256(data) != key:
            raise _tampered(key)
        return data

    def verify(self, key: str) -> None:
        """Read an artifact through; `NotFound` or `TamperingFound` when it is not what the digest says."""
        with self.open(key) as stream:
            if stream_sha256(stream) != key:
                raise _tampered(key)

    @contextmanager
    def open(self, key: str) -> Iterator[Any]:
        """Yield a binary stream of an artifact, unverified; for serving ranges."""
        try:
            stream = self._fs.open(self._path(key), "rb")
        except FileNotFoundError as error:
            raise NotFound(f"the artifact {key[:12]} is missing from the store", "restore it from a backup") from error
        with stream:
            yield stream

    def fetch(self, key: str, target: Path) -> Path:
        """Copy an artifact into a file, verifying it on the way, and return the file's path."""
        with self.open(key) as stream, target.open("wb") as out:
            while piece := stream.read(CHUNK):
                out.write(piece)
        if file_sha256(target) != key:
            target.unlink()
            raise _tampered(key)
        return target

    def local_path(self, key: str) -> Path | None:
        """Return the file behind an artifact where the store is a local folder, else None."""
        return Path(self._path(key)) if self._local and self.has(key) else None

    def _path(self, key: str) -> str:
        return f"{self._root}/{key[:2]}/{key}"

    @contextmanager
    def _incoming(self, key: str) -> Iterator[IO[bytes]]:
        path = self._path(key)
        try:
            if self._local:
                with _durable_file(Path(path)) as stream:
                    yield stream
            else:
                with self._fs.open(path, "wb") as stream:
                    yield stream
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            raise Unavailable(
                "the artifact store's disk is full" if full else f"the artifact store refused a file ({error})",
                "free space and run the command again" if full else "check GREENLIGHT_ARTIFACTS_URL and its rights",
            ) from error


@contextmanager
def _durable_file(path: Path) -> Iterator[IO[bytes]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".incoming-{uuid4().hex}")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o444)
        temporary.rename(path)
        _flush_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _protocols(filesystem: Any) -> tuple[str, ...]:
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _tampered(key: str) -> TamperingFound:
    return TamperingFound(
        f"the artifact {key} is not what was stored",
        "restore it from a backup and run 'greenlight audit verify'",
    )
