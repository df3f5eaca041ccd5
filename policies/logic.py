"""Kleene's strong three-valued logic: true, false, and not known.

Missing evidence is UNKNOWN. Replacing an UNKNOWN by either value only refines a result: TRUE and FALSE never
turn into each other (Kleene, Introduction to Metamathematics, 1952, section 64).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Truth(StrEnum):
    """The result of a clause."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, value: bool) -> Truth:
        """Return TRUE or FALSE for a Python truth value."""
        return cls.TRUE if value else cls.FALSE


def negation(truth: Truth) -> Truth:
    """Return NOT: what is not known stays not known."""
    if truth is Truth.UNKNOWN:
        return truth
    return Truth.of(truth is Truth.FALSE)


def conjunction(truths: Iterable[Truth]) -> Truth:
    """Return ALL: one FALSE decides, else one UNKNOWN does; of nothing it is TRUE."""
    seen = set(truths)
    if Truth.FALSE in seen:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in seen else Truth.TRUE


def disjunction(truths: Iterable[Truth]) -> Truth:
    """Return ANY: one TRUE decides, else one UNKNOWN does; of nothing it is FALSE."""
    seen = set(truths)
    if Truth.TRUE in seen:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in seen else Truth.FALSE
