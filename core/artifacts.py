"""The content-addressed store: bytes in, their SHA-256 out; the same content is kept once.

On a local folder a file becomes visible only when it is whole and on the disk: it is written under a temporary
name, flushed, renamed, and the folder is flushed. Other fsspec stores (`s3://...`) make objects visible at once.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from core.canonical import CHUNK, file_sha256, sha256, stream_sha256
from core.errors import InputError, NotFound, TamperingFound, Unavailable


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
        """Store a file's content, in bounded pieces, and return its digest.

        A file that cannot be read, or that changes meanwhile, is an `InputError`.
        """
        try:
            key, size = file_sha256(path), path.stat().st_size
            if not self.has(key):
                with path.open("rb") as source, self._incoming(key) as stream:
                    _copy(source, stream, key, path.name)
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror})", "check the path and its rights") from error
        return StoredArtifact(key, size)

    def has(self, key: str) -> bool:
        """Whether the store keeps that digest."""
        with _explained():
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
            with _explained():
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
        opened = _durable_file(Path(path)) if self._local else _remote_file(self._fs, path)
        with _explained(), opened as stream:
            yield stream


@contextmanager
def _explained() -> Iterator[None]:
    """Say what is wrong with the store; a missing file is for the caller to tell."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise Unavailable(
            "the artifact store's disk is full" if full else f"the artifact store refused a file ({error})",
            "free space and run the command again" if full else "check GREENLIGHT_ARTIFACTS_URL and its rights",
        ) from error


def _copy(source: IO[bytes], stream: IO[bytes], key: str, name: str) -> None:
    hasher = hashlib.sha256()
    while piece := source.read(CHUNK):
        hasher.update(piece)
        stream.write(piece)
    if hasher.hexdigest() != key:
        raise InputError(f"{name} changed while it was being stored", "wait until it is finished, then try again")


@contextmanager
def _durable_file(path: Path) -> Iterator[IO[bytes]]:
    _make_folder(path.parent)
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


@contextmanager
def _remote_file(filesystem: Any, path: str) -> Iterator[IO[bytes]]:
    """Write an object; closing it publishes what was written, so a failed one is taken away again."""
    try:
        with filesystem.open(path, "wb") as stream:
            yield stream
    except BaseException:
        with suppress(Exception):
            filesystem.rm_file(path)
        raise


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    # A folder's name is on the disk once its own folder was flushed.
    _flush_folder(folder.parent)


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
