"""All numbers of a paper traced together, so that a table's other cells show whether its names are understood."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from evaluators.manuscript.integrity.coherence import Rows
from evaluators.manuscript.integrity.places import Line, Places
from evaluators.manuscript.integrity.printed import Printed, digits
from evaluators.manuscript.integrity.tracing import Trace, Tracer

BORNE_OUT = 0.5
"""The share of the other cells of a column and row that must be traced by name before a cell is said to differ."""

REPEATED_DECIMALS = 2
REPEATED_DIGITS = 3
"""Significant digits from which a number of a sentence is taken for a cell's though nothing names it."""
CLOSE = 0.25
"""Relative distance within which a cell is taken for a misprint of what is left over under its column's keys."""

_LineKey = tuple[int, str, int, int]


class _Fit(NamedTuple):
    line: Line
    at: int


class Account:
    """Traces a paper's numbers; `traces` are in the order of `printed`."""

    def __init__(self, tracer: Tracer, printed: Sequence[Printed]) -> None:
        self.tracer, self.printed = tracer, printed
        self.places = Places(tracer.index, tracer.values)
        self._named = [None if p.of is not None else tracer.by_name(p.number, p.around) for p in printed]
        self._lines: dict[_LineKey, list[int]] = defaultdict(list)
        for i, one in enumerate(printed):
            if one.of is None:
                for key in _keys(one):
                    self._lines[key].append(i)
        self._fits: dict[_LineKey, Line | None] = {}
        self._rows = Rows(tracer, printed, self._named)
        self.traces: list[Trace] = []
        for i in range(len(printed)):
            self.traces.append(self._trace(i))

    def _trace(self, i: int) -> Trace:
        one = self.printed[i]
        if one.of is not None:
            return self._deviation(i)
        return (
            self._beside_its_row(i)
            or self._named[i]
            or (self.tracer.differs(one.number, one.around) if self._borne_out(i) else None)
            or self._swapped(one)
            or self._by_interval(one)
            or self._repeated(one)
            or self._by_line(i)
            or self._elsewhere(i)
        )

    def _elsewhere(self, i: int) -> Trace:
        """Anywhere in the run; a number that only chance would explain may be that of a cell which is traced."""
        one = self.printed[i]
        found = self.tracer.elsewhere(one.number, one.around)
        nameless = found.status in ("coincidence", "traced") and not found.named and one.spot is None
        if not nameless or digits(one.number) < REPEATED_DIGITS:
            return found
        for cell, trace in zip(self.printed, self.traces, strict=False):
            if (
                trace.status == "traced"
                and trace.named
                and cell.spot is not None
                and cell.number.text == one.number.text
            ):
                return trace._replace(form="repeats a table's cell")
        return found

    def _borne_out(self, i: int) -> bool:
        """Whether the other cells of the number's column and row are traced by name, so that its own name holds."""
        shares = []
        for key in _keys(self.printed[i]):
            others = [k for k in self._lines[key] if k != i]
            if others:
                shares.append((sum(self._named[k] is not None for k in others) / len(others), len(others)))
        judged = [share for share, count in shares if count > 1] or [share for share, _ in shares]
        return bool(judged) and min(judged) >= BORNE_OUT

    def _beside_its_row(self, i: int) -> Trace | None:
        """That a cell is not what was logged with the rest of its row."""
        owed = self._rows.elsewhere(i)
        return Trace("differs", "", expected=self.tracer.told(owed), named=True) if owed else None

    def _swapped(self, one: Printed) -> Trace | None:
        """That a cell prints what was logged under another name, while its own row's value was logged as well."""
        if one.spot is None:
            return None
        own = [
            leaf
            for leaf in self.tracer.named(one.number, one.around)
            if self.places.beside(leaf, one.number, one.around.text, one.around.row)
        ]
        return Trace("differs", "", expected=self.tracer.told(own), named=True) if own else None

    def _repeated(self, one: Printed) -> Trace | None:
        """That a sentence repeats a cell that comes from the run, and names its row or column."""
        if one.spot is not None:
            return None
        for cell, named in zip(self.printed, self._named, strict=True):
            if named is not None and cell.spot is not None and cell.number.text == one.number.text:
                beside = (cell.around.row and cell.around.row <= one.around.near) or cell.around.near <= one.around.near
                if beside and cell.number.decimals >= REPEATED_DECIMALS:
                    return named._replace(form="repeats a table's cell")
        return None

    def _by_interval(self, one: Printed) -> Trace | None:
        if one.interval is None:
            return None
        leaves, odd = self.places.interval(one.interval, one.around.text)
        if not leaves:
            return None
        position = one.interval.index(one.number)
        if odd is None or odd != position:
            return self.tracer.traced("logged beside its interval", [leaves[position]], named=True)
        return Trace("differs", "", expected=self.tracer.told([leaves[position]]), named=True)

    def _by_line(self, i: int) -> Trace | None:
        one = self.printed[i]
        for fit in (fit for key in _keys(one) if (fit := self._fit(key, i)) is not None):
            leaf = fit.line.leaves[fit.at]
            if leaf is not None:
                return self.tracer.traced("logged in one place with its column", [leaf], named=True)
            missing = sum(found is None for found in fit.line.leaves)
            left = self.places.called(fit.line.left, one.around.row) or fit.line.left
            near = self.places.nearest(one.number, left, one.around.text)
            if fit.line.sure and near and (len(left) == missing or left != fit.line.left or near[0] <= CLOSE):
                return Trace("differs", "", expected=self.tracer.told([near[1]]), named=True)
        return None

    def _fit(self, key: _LineKey, i: int) -> _Fit | None:
        members = self._lines[key]
        if key not in self._fits:
            ones = [self.printed[k] for k in members]
            self._fits[key] = self.places.line([p.number for p in ones], [p.around.text for p in ones])
        line = self._fits[key]
        return None if line is None else _Fit(line, members.index(i))

    def _deviation(self, i: int) -> Trace:
        """A deviation is looked for beside the number that it belongs to, which stands right before it if it counts."""
        one = self.printed[i]
        if one.of is None:
            raise ValueError("not a deviation")
        centre = self._centre(i)
        if centre.status == "traced":
            leaves = self.tracer.summaries(centre.leaves)
            found = self.tracer.spread(one.number, leaves, one.around.text)
            if found.status == "differs" and not centre.named:
                return Trace("unsupported", "of a number that is traced without a name")
            return found._replace(form="once") if found.status == "differs" and self.tracer.once(leaves) else found
        own = self.tracer.elsewhere(one.number, one.around)
        return own if own.status == "setup" else Trace("unsupported", "of a number that is not traced")

    def _centre(self, i: int) -> Trace:
        of, before = self.printed[i].of, self.printed[i - 1] if i else None
        if before is not None and before.number is of:
            return self.traces[i - 1]
        found = self.tracer.by_name(of, self.printed[i].around) if of is not None else None
        return found or Trace("unsupported", "")


def _keys(one: Printed) -> tuple[_LineKey, ...]:
    """The column and the row that a cell's number stands in."""
    spot = one.spot
    if spot is None:
        return ()
    return ((spot.table, "column", spot.column, spot.slot), (spot.table, "row", spot.row, spot.slot))
