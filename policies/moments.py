"""Moments and days as spans of time, so that a bare date is never taken for a certain moment in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from policies.errors import OperandError
from policies.logic import Truth

DAY_TEXT = len("2026-07-01")


@dataclass(frozen=True)
class Span:
    """From `earliest` to `latest`, both UTC and included; equal for an exact moment."""

    earliest: datetime
    latest: datetime


def parse(value: object, name: str) -> Span:
    """Read an RFC 3339 moment or a YYYY-MM-DD day (in UTC); anything else is an OperandError naming `name`."""
    problem = f"{name} holds {value!r} where a date or a moment with its time zone belongs"
    if not isinstance(value, str):
        raise OperandError(problem)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise OperandError(problem) from None
    if len(value) == DAY_TEXT:
        start = moment.replace(tzinfo=UTC)
        return Span(start, start + timedelta(days=1) - timedelta(microseconds=1))
    if moment.tzinfo is None:
        raise OperandError(problem)
    return Span(moment.astimezone(UTC), moment.astimezone(UTC))


def at_least(low: float, high: float, bound: float) -> Truth:
    """Compare a value known only to lie in [low, high] with a lower bound."""
    if low >= bound:
        return Truth.TRUE
    return Truth.FALSE if high < bound else Truth.UNKNOWN


def gap(first: Span, second: Span) -> tuple[float, float]:
    """Return the least and the greatest number of seconds from `first` to `second`."""
    least = (second.earliest - first.latest).total_seconds()
    return least, (second.latest - first.earliest).total_seconds()
