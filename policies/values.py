"""Reading values strictly: a value of another kind is an error, never a silent 'not equal'."""

from __future__ import annotations

import math

from policies.errors import OperandError
from policies.scope import Reading


def kind(value: object) -> str:
    """Name the kind of a plain value in a reader's words."""
    if isinstance(value, bool):
        return "a yes or no"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a word"
    return "a list" if isinstance(value, list | tuple) else "a record"


def same(found: object, wanted: object, path: str) -> bool:
    """Compare two values of one kind; OperandError when their kinds differ."""
    if kind(found) != kind(wanted):
        raise OperandError(f"{path} holds {kind(found)} where {kind(wanted)} is compared")
    return found == wanted


def number(value: object, path: str) -> float:
    """Return a finite number; OperandError for anything else, NaN included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise OperandError(f"{path} holds {value!r} where a number belongs")
    return value


def scalars(reading: Reading) -> tuple[object, ...]:
    """Return a list of words, numbers or yes/no values; OperandError for anything else."""
    if not isinstance(reading.value, list | tuple):
        raise OperandError(f"{reading.path} is not a list")
    if any(not isinstance(item, str | bool | int | float) for item in reading.value):
        raise OperandError(f"{reading.path} holds an entry that is not a word, a number or a yes or no")
    return tuple(reading.value)
