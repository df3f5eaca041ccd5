"""Ids, the UTC clock, canonical JSON and digests: one way to name and freeze a value.

Canonical JSON follows RFC 8785 (JSON Canonicalization Scheme), so that two machines digest the same record
to the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from core.errors import InputError

CHUNK = 1 << 20


def new_id(prefix: str) -> str:
    """Return a new id such as `job_01jdk...`: sortable by time, unique, safe in a path or an address."""
    from ulid import ULID

    return f"{prefix}_{str(ULID()).lower()}"


def now() -> datetime:
    """Return the present moment in UTC, to the microsecond."""
    return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC with microseconds; a naive datetime is a programming error."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def jsonable(value: object) -> object:
    """Turn dates, paths, mappings and sequences into plain JSON values, recursively."""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [jsonable(item) for item in value]
    return value


def canonical_json(value: object) -> bytes:
    """Serialise to RFC 8785 canonical JSON.

    `InputError` for what the format cannot hold: NaN, infinities, whole numbers beyond 2**53 - 1, broken text.
    """
    import rfc8785

    try:
        return rfc8785.dumps(jsonable(value))  # type: ignore[arg-type]
    except rfc8785.CanonicalizationError as error:
        raise InputError(f"a value cannot be stored as JSON ({error})", "correct the value") from error


def sha256(data: bytes) -> str:
    """Return the lowercase hexadecimal SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return sha256(canonical_json(value))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in bounded pieces."""
    with path.open("rb") as stream:
        return stream_sha256(stream)


def stream_sha256(stream: BinaryIO) -> str:
    """Return the SHA-256 of what is left in a binary stream."""
    hasher = hashlib.sha256()
    while piece := stream.read(CHUNK):
        hasher.update(piece)
    return hasher.hexdigest()
