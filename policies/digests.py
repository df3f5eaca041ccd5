"""Canonical JSON and its SHA-256, so that a pack, a fact or a waiver is named by its content.

Keys are sorted, no spaces, UTF-8, whole floats written as integers: for the values that packs and facts hold
this equals RFC 8785, except that an exotic float may be spelled otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime

SAFE_INTEGER = 2**53


def plain(value: object) -> object:
    """Return the value as plain JSON; dates become ISO text, tuples lists. Anything else: TypeError."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer() and abs(value) < SAFE_INTEGER:
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def digest(value: object) -> str:
    """Return the lowercase hexadecimal SHA-256 of the canonical JSON; ValueError for NaN and infinities."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
