"""Numbers explained by where they stand: an estimate with its interval, and a column whose cells lie side by side.

Names are not needed here. Three numbers that are the estimate, the low and the high end of one logged quantity, or a
column whose values all lie under one pattern of keys, do not come about by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from evaluators.manuscript.document import Number
from evaluators.manuscript.integrity.derived import agreeing, expected_by_chance, scales
from evaluators.manuscript.integrity.index import Index
from evaluators.manuscript.integrity.vocabulary import words

if TYPE_CHECKING:
    from evaluators.manuscript.integrity.derived import Array

Pattern = tuple[int, tuple[str, ...], tuple[str, ...]]
"""A route with one free part: its place, what stands before and what behind."""

FEWEST, SHARE, SURE_SHARE = 3, 0.6, 0.7
MOST_HITS = 300
CHANCE = 0.05


class Interval(NamedTuple):
    """An estimate with both ends, as printed together."""

    centre: Number
    low: Number
    high: Number


class Line(NamedTuple):
    """What the numbers of a column (or row) have in common: for each the leaf it is, or None; and leaves left over."""

    leaves: tuple[int | None, ...]
    left: tuple[int, ...]
    sure: bool
    """Whether so many cells fit that one which does not is likely wrong."""


class Places:
    """The logged numbers by the pattern of their keys."""

    def __init__(self, index: Index, values: Array) -> None:
        self.index, self.values = index, values

    def interval(self, printed: Interval, text: str) -> tuple[tuple[int, ...], int | None]:
        """The leaves of the one quantity that gives all three numbers, or two of them.

        Returns the leaves (low to high) and, where only two fit, the position of the third; no leaves where neither.
        """
        best: tuple[tuple[int, ...], int | None] = ((), None)
        hits = [self._hits(number, text) for number in printed]
        families = {self.index.leaves[i].family for number in hits for i in number}
        for family in families:
            trio = self._trio(family, hits)
            odd = [k for k, leaf in enumerate(trio) if leaf not in hits[k]]
            if not trio or len(odd) > 1:
                continue
            if not odd:
                return trio, None
            if self._rare([printed[k] for k in range(3) if k != odd[0]]):
                best = trio, odd[0]
        return best

    def line(self, numbers: Sequence[Number], texts: Sequence[str]) -> Line | None:
        """The pattern under which most numbers of a column lie, if that is no chance."""
        found: dict[Pattern, dict[int, int]] = defaultdict(dict)
        for k, number in enumerate(numbers):
            for leaf in sorted(self._hits(number, texts[k]))[:MOST_HITS]:
                for pattern in self._patterns(leaf):
                    if leaf not in found[pattern].values():
                        found[pattern].setdefault(k, leaf)
        if not found:
            return None
        pattern = max(found, key=lambda p: len(found[p]))
        fit = found[pattern]
        under = self._under[pattern]
        by_chance = sum(expected_by_chance(number, self.values[under]) for number in numbers if number.value)
        if len(fit) < max(FEWEST, SHARE * len(numbers), 3 * by_chance):
            return None
        left = tuple(leaf for leaf in under if leaf not in fit.values())
        return Line(tuple(fit.get(k) for k in range(len(numbers))), left, len(fit) >= SURE_SHARE * (len(numbers) - 1))

    def nearest(self, number: Number, leaves: Sequence[int], text: str) -> tuple[float, int] | None:
        """The leaf whose value, in the number's unit, is nearest, with the relative distance."""
        apart = [
            (
                min(
                    abs(self.values[i] * f - number.value) / max(abs(self.values[i] * f), 1e-12)
                    for f in scales(number, text)
                ),
                i,
            )
            for i in leaves
        ]
        return min(apart, default=None)

    def beside(self, leaf: int, number: Number, text: str, row: frozenset[str]) -> bool:
        """Whether a number is logged beside the leaf under another name, while the leaf has the name of the row."""
        hits = self._hits(number, text)
        if not hits or leaf in hits:
            return False
        route = self.index.leaves[leaf].route
        for place, part in enumerate(route):
            if words(part) == row and hits.intersection(self._under[(place, route[:place], route[place + 1 :])]):
                return True
        return False

    def called(self, leaves: Sequence[int], row: frozenset[str]) -> tuple[int, ...]:
        """Of the leaves of one pattern those that the words of a row name."""
        routes = [self.index.leaves[i].route for i in leaves]
        if len(routes) < 2:
            return ()
        free = next((k for k in range(min(map(len, routes))) if len({route[k] for route in routes}) > 1), None)
        if free is None:
            return ()
        return tuple(i for i, r in zip(leaves, routes, strict=True) if (told := words(r[free])) and told <= row)

    def _hits(self, number: Number, text: str) -> set[int]:
        return {int(i) for i in agreeing(number, self.values, scales(number, text)).nonzero()[0]}

    def _trio(self, family: int, hits: Sequence[set[int]]) -> tuple[int, ...]:
        """The centre, low and high leaf of a family; of several the one that fits."""
        chosen = []
        for k, role in enumerate(("centre", "low", "high")):
            leaves = [i for i in self.index.families[family] if self.index.leaves[i].role == role]
            if not leaves:
                return ()
            chosen.append(next((i for i in leaves if i in hits[k]), leaves[0]))
        return tuple(chosen)

    def _rare(self, numbers: Sequence[Number]) -> bool:
        """Whether two numbers that fit one quantity would rarely do so by chance."""
        chances = [expected_by_chance(number, self.values) for number in numbers]
        return chances[0] * chances[1] / max(1, len(self.values)) < CHANCE

    def _patterns(self, leaf: int) -> list[Pattern]:
        route = self.index.leaves[leaf].route
        return [(k, route[:k], route[k + 1 :]) for k in range(len(route))]

    @cached_property
    def _under(self) -> dict[Pattern, list[int]]:
        found: dict[Pattern, list[int]] = defaultdict(list)
        for leaf in range(len(self.index.leaves)):
            for pattern in self._patterns(leaf):
                found[pattern].append(leaf)
        return found
