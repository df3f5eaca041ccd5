"""From a table to who is analysed: eligibility, the flow of participants, the outcome, the predictors as a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.runners.scientist.protocol.data import Flags, Indices, Numbers, Table, meets
from core.runners.scientist.protocol.schema import Predicate, Protocol


@dataclass(frozen=True)
class Excluded:
    """How many rows a step of the flow leaves out, and why."""

    reason: str
    rows: int
    missing: int
    """Of these, how many because the value is missing."""


@dataclass(frozen=True)
class Cohort:
    """Who is analysed. Rows are in the table's order; `rows` are their numbers (from 0) in the source."""

    table: Table
    rows: Indices
    y: Numbers
    """The outcome, shape (n,): 0 or 1 when it is binary."""
    x: Numbers
    """Predictors, shape (n, k); missing numbers are NaN, a category is one column per level but its first."""
    names: tuple[str, ...]
    """Of the matrix's columns."""
    origin: tuple[str, ...]
    """The predictor from which each column of the matrix comes."""
    patient: Indices
    """The patient of each row, from 0; shape (n,)."""
    assessed: int
    excluded: tuple[Excluded, ...]

    @property
    def n(self) -> int:
        """Rows analysed."""
        return len(self.y)

    @property
    def patients(self) -> int:
        """Distinct patients."""
        return len(np.unique(self.patient))

    @property
    def clustered(self) -> bool:
        """Whether some patient has several rows."""
        return self.patients < self.n


def select(protocol: Protocol, table: Table) -> Cohort:
    """Apply the eligibility rules in their order, then leave out rows without an outcome.

    `InputError` where the protocol names a column that is not there or that is of the wrong kind.
    """
    _check(protocol, table)
    kept = np.ones(table.rows, dtype=bool)
    flow = []
    for rule in protocol.eligibility:
        missing = table.missing(rule.where.column) if rule.where.missing is None else np.zeros(table.rows, bool)
        flow.append(_leave_out(f"not eligible: {rule.name}", kept, ~meets(table, rule.where), missing))
    no_outcome = table.missing(protocol.outcome.column)
    flow.append(_leave_out("outcome not recorded", kept, no_outcome, no_outcome))
    rows = np.flatnonzero(kept)
    if not len(rows):
        raise InputError("no row of the data is eligible", "correct the eligibility rules")
    chosen = table.of(rows)
    x, names, origin = _matrix(protocol, chosen)
    return Cohort(
        chosen, rows, _outcome(protocol, chosen), x, names, origin, _patients(protocol, chosen), table.rows, tuple(flow)
    )


def _leave_out(reason: str, kept: Flags, out: Flags, missing: Flags) -> Excluded:
    """Take rows out of `kept`, in place, and count them."""
    leaving = kept & out
    kept &= ~out
    return Excluded(reason, int(leaving.sum()), int((leaving & missing).sum()))


def _check(protocol: Protocol, table: Table) -> None:
    by = protocol.card.split_by.column
    conditions = [rule.where for rule in (*protocol.eligibility, *protocol.subgroups)]
    named = [protocol.outcome.column, *protocol.predictors, *(one.column for one in conditions), *([by] if by else [])]
    for name in named:
        if name not in table.cards:
            raise InputError(f"the protocol names the column '{name}', which the data do not have", "correct its name")
    for condition in conditions:
        _check_condition(condition, table)
    outcome = table.cards[protocol.outcome.column]
    if protocol.binary and (outcome.kind != "categorical" or protocol.outcome.event not in outcome.levels):
        raise InputError(f"the event is no level of the column '{outcome.name}'", "name one of its levels as the event")
    if not protocol.binary and outcome.kind != "numeric":
        raise InputError(f"the outcome '{outcome.name}' is not numeric", "choose a numeric column")
    for name in protocol.predictors:
        if table.cards[name].kind == "identifier" or name == by:
            raise InputError(f"the predictor '{name}' is an identifier", "leave it out of the predictors")


def _check_condition(condition: Predicate, table: Table) -> None:
    textual = condition.is_ is not None or bool(condition.one_of)
    if condition.missing is None and textual == table.numeric(condition.column):
        kind = "bounds" if textual else "levels"
        raise InputError(f"the condition on '{condition.column}' does not fit its kind", f"give {kind} for it")


def _outcome(protocol: Protocol, table: Table) -> Numbers:
    values = table.values[protocol.outcome.column]
    return np.asarray(values == protocol.outcome.event if protocol.binary else values, dtype=np.float64)


def _patients(protocol: Protocol, table: Table) -> Indices:
    column = protocol.card.split_by.column
    if column is None:
        return np.arange(table.rows)
    if table.missing(column).any():
        raise InputError(f"some rows have no value in '{column}', which names the patient", "complete the column")
    return np.asarray(np.unique(table.values[column], return_inverse=True)[1], dtype=np.intp)


def _matrix(protocol: Protocol, table: Table) -> tuple[Numbers, tuple[str, ...], tuple[str, ...]]:
    columns, names, origin = [], [], []
    for name in protocol.predictors:
        for title, values in _encoded(table, name):
            columns.append(values)
            names.append(title)
            origin.append(name)
    return np.column_stack(columns).astype(np.float64), tuple(names), tuple(origin)


def _encoded(table: Table, name: str) -> list[tuple[str, Numbers]]:
    values = table.values[name]
    if table.numeric(name):
        return [(name, values.astype(np.float64))]
    encoded = [(f"{name}: {level}", (values == level).astype(np.float64)) for level in table.cards[name].levels[1:]]
    if table.missing(name).any():
        encoded.append((f"{name}: missing", table.missing(name).astype(np.float64)))
    return encoded
