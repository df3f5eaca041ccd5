"""Read texts and JSON as frameworks really leave them: other encodings, NaN, numbers as strings, cut-off files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from core.runners.scientist.runs.tree import Tree, Unreadable

JSON_BYTES, TEXT_BYTES = 32 << 20, 8 << 20
DEEPEST = 12
LONGEST_TEXT = 2_000
NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


def decode(data: bytes) -> str:
    """Text of UTF-8, of UTF-16 with its mark, else read as Windows-1252, which never fails on western text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def parse_json(data: bytes) -> object:
    """Parse JSON; NaN and infinities become None. `Unreadable` says where it breaks off."""
    text = decode(data).strip()
    if not text:
        raise Unreadable("it is empty")
    try:
        return json.loads(text, parse_constant=lambda _: None, parse_float=_finite)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text) - 1 or error.msg.startswith("Unterminated")
        why = "it is cut off" if cut else f"it is no JSON ({error.msg.lower()})"
        raise Unreadable(f"{why} at line {error.lineno}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is nested too deeply or holds a number without end") from error


def require_kind(value: object, want: tuple[type, ...]) -> object:
    """The value, if it is of a wanted kind; a model that failed leaves `null` where a table should be."""
    if isinstance(value, want):
        return value
    names: dict[type, str] = {dict: "a table", list: "a list"}
    held = "nothing (null)" if value is None else names.get(type(value), "a single value")
    raise Unreadable(f"it holds {held} instead of {' or '.join(names[kind] for kind in want)}")


def parse_review(data: bytes) -> object:
    """Parse a review: JSON, or the JSON inside the fence of a model's answer."""
    try:
        return require_kind(parse_json(data), (dict, list))
    except Unreadable:
        if fenced := FENCE.search(decode(data)):
            return require_kind(parse_json(fenced[1].encode()), (dict, list))
        raise


def peek(tree: Tree, path: str) -> object:
    """A file's JSON, or None where it is not there or not readable: for looking, without an account."""
    try:
        return parse_json(tree.read(path, JSON_BYTES))
    except Unreadable:
        return None


def number(value: object) -> float | None:
    """A finite number, also one that was written as text; None for everything else, truth values included."""
    if isinstance(value, str) and len(value) < 64 and NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def numbers(value: object, depth: int = 0) -> Iterator[tuple[str, float]]:
    """Every number in nested tables, with the path to it; lists are somebody else's matter."""
    if isinstance(value, dict) and depth < DEEPEST:
        for key, inner in value.items():
            for name, found in numbers(inner, depth + 1):
                yield (f"{key}/{name}" if name else str(key)), found
    elif (found_number := number(value)) is not None:
        yield "", found_number


def shortened(value: object, depth: int = 0) -> object:
    """JSON with its long texts named by their length; they stay in the archive."""
    if depth >= DEEPEST:
        return "[nested deeper than is kept here]"
    if isinstance(value, dict):
        return {str(key): shortened(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [shortened(inner, depth + 1) for inner in value]
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"[a text of {len(value):,} characters]"
    return value


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None
