"""Canonical JSON (RFC 8785) and its SHA-256, so that a pack, a fact or a waiver is named by its content."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

FIXED_DIGITS = 21
"""Numbers below 10 to this power are written without an exponent (ECMAScript, Number::toString)."""


def plain(value: object) -> object:
    """Return the value as plain JSON; dates become ISO text, tuples lists. Anything else: TypeError."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical(value: object) -> str:
    """Return the canonical JSON text; TypeError for what JSON lacks, ValueError for NaN and infinities."""
    return _written(plain(value))


def digest(value: object) -> str:
    """Return the lowercase hexadecimal SHA-256 of the canonical JSON in UTF-8."""
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()


def _written(value: object) -> str:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{_written(name)}:{_written(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(item) for item in value) + "]"
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("a number must be finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    if len(text) <= point <= FIXED_DIGITS:
        return f"{sign}{text}{'0' * (point - len(text))}"
    if 0 < point <= FIXED_DIGITS:
        return f"{sign}{text[:point]}.{text[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{text}"
    mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
    return f"{sign}{mantissa}e{point - 1:+d}"
