"""What goes wrong in a judgement, as one small tree.

    PolicyError
    ├── PackError      a pack cannot be used: its file, the control and what to do are named
    ├── FactsError     the facts document cannot be judged at all
    └── OperandError   a fact is of a kind that the rule cannot read; the control's verdict becomes `error`

Each message is one sentence that says what to do next.
"""

from __future__ import annotations


class PolicyError(Exception):
    """A judgement cannot be made."""


class PackError(PolicyError):
    """A pack, its fixtures or its name cannot be used."""


class FactsError(PolicyError):
    """The facts document cannot be judged at all."""


class OperandError(PolicyError):
    """A fact is there, and is not of the kind that the rule reads."""
