"""Cells of a table's row that come from another run than the rest of the row.

A row called "Wide network" has a name that no log knows, and yet its cells were logged side by side: where all others
come from one run, a cell that comes from another, or from nowhere, is likely wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from evaluators.manuscript.integrity.index import Leaf
from evaluators.manuscript.integrity.printed import Printed
from evaluators.manuscript.integrity.tracing import Trace, Tracer

FEWEST_OTHERS = 2
"""Other cells of the row that must agree on where they come from."""
FITTING = 0.7
"""The share of the other rows whose cell in this column must come from where its row does."""


class Rows:
    """The rows of a paper's tables with what each cell may be by its name."""

    def __init__(self, tracer: Tracer, printed: Sequence[Printed], named: Sequence[Trace | None]) -> None:
        self.tracer, self.printed, self.named = tracer, printed, named
        self._opened: dict[int, frozenset[int]] = {}
        self._chosen: dict[int, tuple[int, ...]] = {}
        self._due: dict[int, dict[int, str]] = {}
        self._rows: dict[tuple[int, int], list[int]] = defaultdict(list)
        self._columns: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, one in enumerate(printed):
            if one.spot is not None and one.of is None and one.spot.slot == 0:
                self._rows[one.spot.table, one.spot.row].append(i)
                self._columns[one.spot.table, one.spot.column].append(i)

    def elsewhere(self, i: int) -> tuple[int, ...]:
        """The logged values that cell `i` should have been, by the rest of its row; none where it fits or is open."""
        spot = self.printed[i].spot
        if spot is None or spot.slot:
            return ()
        for place, part in self._owed(i).items():
            if part in self._parts(i, place) or not self._usual(i, place):
                continue
            leaves = [leaf for leaf in self._choices(i) if self._part(leaf, place) == part]
            leaves = [leaf for leaf in leaves if not self._leaves[leaf].member]
            if leaves and len({self._leaves[leaf].family for leaf in leaves}) == 1:
                return tuple(leaves)
        return ()

    def _owed(self, i: int) -> dict[int, str]:
        """The places of the keys at which the other cells of the row agree, with what they agree on."""
        if i not in self._due:
            spot = self.printed[i].spot
            others = self._rows[spot.table, spot.row] if spot is not None else []
            self._due[i] = dict(self._agreed(i, [j for j in others if j != i]))
        return self._due[i]

    def _agreed(self, i: int, others: Sequence[int]) -> Iterator[tuple[int, str]]:
        for place in self._open(i):
            told = [parts for j in others if place in self._open(j) and (parts := self._parts(j, place))]
            common = set.intersection(*told) if len(told) >= FEWEST_OTHERS else set()
            if len(common) == 1:
                yield place, common.pop()

    def _usual(self, i: int, place: int) -> bool:
        """Whether in other rows the cell of this column comes from where the rest of its row does."""
        spot = self.printed[i].spot
        fits = []
        for j in self._columns[spot.table, spot.column] if spot is not None else ():
            owed = self._owed(j) if j != i else {}
            if place in owed and (parts := self._parts(j, place)):
                fits.append(owed[place] in parts)
        return bool(fits) and sum(fits) >= FITTING * len(fits)

    def _open(self, i: int) -> frozenset[int]:
        """The places at which the leaves that the words of a cell name differ."""
        if i not in self._opened:
            parts: dict[int, set[str]] = defaultdict(set)
            for leaf in self._choices(i):
                for place, part in enumerate(self._leaves[leaf].route):
                    parts[place].add(part)
            self._opened[i] = frozenset(place for place, found in parts.items() if len(found) > 1)
        return self._opened[i]

    def _choices(self, i: int) -> tuple[int, ...]:
        if i not in self._chosen:
            self._chosen[i] = self.tracer.named(self.printed[i].number, self.printed[i].around)
        return self._chosen[i]

    def _parts(self, i: int, place: int) -> set[str]:
        """What stands at a place in the keys of the logged values that a cell is by its name."""
        trace = self.named[i]
        if trace is None or trace.form != "logged value":
            return set()
        return {part for leaf in trace.leaves if (part := self._part(leaf, place)) is not None}

    def _part(self, leaf: int, place: int) -> str | None:
        route = self._leaves[leaf].route
        return route[place] if place < len(route) else None

    @property
    def _leaves(self) -> list[Leaf]:
        return self.tracer.index.leaves
