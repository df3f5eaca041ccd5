"""Two `results.json` of one study, number by number: what came out the same when it was computed again."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import InputError

ALIKE = 1e-6
"""Relative difference within which two numbers are alike: threads add up sums in another order each time."""
NOTHING = 1e-12
"""Absolute difference that is none, for numbers around zero."""
LARGEST, DEEPEST, MOST_ROWS, LONGEST_TEXT = 64 << 20, 64, 1000, 200
EXACT_INTEGER = 2**53


class Status(StrEnum):
    """How two values at one place compare."""

    EXACT = "exact"
    WITHIN = "within"
    DIFFERENT = "different"
    ONLY_ORIGINAL = "only_original"
    ONLY_RERUN = "only_rerun"


@dataclass(frozen=True)
class ResultRow:
    """One place, by its JSON pointer (RFC 6901). `difference` is rerun less original, None unless both are numbers."""

    pointer: str
    original: object
    rerun: object
    difference: float | None
    status: Status

    def to_json(self) -> dict[str, Any]:
        """The row as strict JSON: what is no finite number of 53 bits, and long text, becomes short text."""
        return {**asdict(self), "original": _plain(self.original), "rerun": _plain(self.rerun)}


@dataclass(frozen=True)
class Compared:
    """The rows of all places where a number or a word stands, in the order of their pointers."""

    rows: tuple[ResultRow, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each status; every status is named."""
        found = Counter(row.status for row in self.rows)
        return {status.value: found[status] for status in Status}

    @property
    def equal(self) -> bool:
        """Whether every value is there again, exactly or within the tolerance."""
        return all(row.status in (Status.EXACT, Status.WITHIN) for row in self.rows)

    @property
    def largest(self) -> float | None:
        """The largest relative difference of two finite numbers; None when none were compared."""
        pairs = [(row.original, row.rerun) for row in self.rows if row.difference is not None]
        return max((_relative(left, right) for left, right in pairs), default=None)

    def to_json(self) -> dict[str, Any]:
        """The counts, and the rows that are not exact: at most a thousand, the worst statuses first."""
        order = [Status.DIFFERENT, Status.ONLY_ORIGINAL, Status.ONLY_RERUN, Status.WITHIN]
        rows = sorted((row for row in self.rows if row.status in order), key=lambda row: order.index(row.status))
        return {
            "counts": self.counts,
            "equal": self.equal,
            "largest_relative": self.largest,
            "tolerance": ALIKE,
            "rows": [row.to_json() for row in rows[:MOST_ROWS]],
            "rows_left_out": max(0, len(rows) - MOST_ROWS),
        }


def compare_results(original: object, rerun: object) -> Compared:
    """Compare two JSON documents value by value.

    Numbers are exact when they are the same number, within when `ALIKE` holds, else different; everything else is exact
    or different. Lists are compared place by place.
    """
    before, after = dict(_leaves(original)), dict(_leaves(rerun))
    return Compared(tuple(_row(pointer, before, after) for pointer in sorted(before.keys() | after.keys())))


def read_results(path: Path) -> object:
    """A results file as JSON; `InputError` for one that is none, too large, or nested too deep."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path.name} is larger than {LARGEST >> 20} MiB", "give the results of a study")
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is no JSON ({error})", "give the results of a study") from error
    for _ in _leaves(found):
        pass
    return found


def _leaves(value: object, pointer: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Every value that is no table and no list, and every empty one of these, with its pointer."""
    if depth > DEEPEST:
        raise InputError(f"the results are nested deeper than {DEEPEST}", "give flatter results")
    if isinstance(value, Mapping) and value:
        pairs: Iterator[tuple[object, object]] = iter(value.items())
    elif isinstance(value, list) and value:
        pairs = enumerate(value)
    else:
        yield pointer, value
        return
    for key, inner in pairs:
        word = str(key).replace("~", "~0").replace("/", "~1")
        yield from _leaves(inner, f"{pointer}/{word}", depth + 1)


def _row(pointer: str, before: Mapping[str, object], after: Mapping[str, object]) -> ResultRow:
    left, right = before.get(pointer), after.get(pointer)
    if pointer not in after:
        return ResultRow(pointer, left, None, None, Status.ONLY_ORIGINAL)
    if pointer not in before:
        return ResultRow(pointer, None, right, None, Status.ONLY_RERUN)
    if not (_is_number(left) and _is_number(right)):
        same = type(left) is type(right) and left == right
        return ResultRow(pointer, left, right, None, Status.EXACT if same else Status.DIFFERENT)
    return ResultRow(pointer, left, right, _apart(left, right), _status(left, right))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _status(left: Any, right: Any) -> Status:
    if left == right or (left != left and right != right):
        return Status.EXACT
    try:
        alike = math.isclose(left, right, rel_tol=ALIKE, abs_tol=NOTHING)
    except OverflowError:
        alike = False
    return Status.WITHIN if alike else Status.DIFFERENT


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= EXACT_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return str(value)[:LONGEST_TEXT]


def _apart(left: Any, right: Any) -> float | None:
    """Rerun less original; None where that is no finite number."""
    try:
        apart = float(right - left)
    except OverflowError:
        return None
    return apart if math.isfinite(apart) else None


def _relative(left: Any, right: Any) -> float:
    largest = max(abs(left), abs(right))
    return abs(right - left) / largest if largest else 0.0
