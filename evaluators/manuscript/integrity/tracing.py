"""Where a printed number can come from, tried in order of simplicity.

First what the words beside it name: logged values, then statistics over seeds, runs and datasets, then differences,
ratios and percent changes of two logged values. Then the setup. Last the same without the words, and there a match
counts only if it would rarely come about by chance among so many logged numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

from evaluators.manuscript.document import Number
from evaluators.manuscript.integrity.derived import (
    ENDS,
    SPREADS,
    Derived,
    agreeing,
    all_statistics,
    as_mean_of_rounded,
    changes_of,
    expected_by_chance,
    is_told,
    scales,
    scales_of_change,
    statistics,
    unsigned,
    widened,
)
from evaluators.manuscript.integrity.index import Index, Leaf
from evaluators.manuscript.integrity.vocabulary import BY_NAME, CHOSEN, SETUP, words
from evaluators.manuscript.logged import SAID, RunLog

if TYPE_CHECKING:
    from evaluators.manuscript.integrity.derived import Array

Status = Literal["traced", "setup", "differs", "misplaced", "coincidence", "unsupported"]
CHANCE_OF_VALUE, CHANCE_OF_PAIR = 0.1, 0.05
"""A match without a name counts if so many matches or fewer were to be expected by chance."""
MOST_PAIRS, LARGEST_GROUP = 200_000, 40
MOST_POINTERS = 6
_CHANGE = re.compile(
    r"improv|increas|decreas|reduc|differ|gain|drop|change|relative|faster|slower|higher|lower|ratio|speed-?up|"
    r"times|fold|more|less|better|worse|compared|than|delta|Δ|fell|rose|gap|margin|outperform|degrad",
    re.IGNORECASE,
)
_GENERIC = words("ours our baseline proposed full model method variant mean sd se average standard dataset")


@dataclass(frozen=True)
class Surroundings:
    """The words beside a number. `near` are those of its row and column, or of its sentence; `around` the rest."""

    near: frozenset[str]
    around: frozenset[str]
    text: str
    """Where words of the setup or of a change are looked for."""
    cell: bool = False
    row: frozenset[str] = frozenset()
    """The words of the row's name alone."""
    scope: frozenset[str] = frozenset()
    """The words of a table's caption that no row and no column repeats: what the whole table is about."""
    before: str = ""
    """What stands right before the number in its sentence."""


class Trace(NamedTuple):
    """Where a number comes from. `expected` are the logged values that its words name, nearest first."""

    status: Status
    form: str
    pointers: tuple[str, ...] = ()
    expected: tuple[tuple[float, str], ...] = ()
    leaves: tuple[int, ...] = ()
    named: bool = False


class Tracer:
    """Traces printed numbers into one run."""

    def __init__(self, run: RunLog) -> None:
        import numpy as np

        self.run, self.index = run, Index(run)
        self.values = np.array([leaf.value for leaf in self.index.leaves], float)
        self.siblings = self.index.siblings()

    def by_name(self, number: Number, around: Surroundings) -> Trace | None:
        """Where the words beside `number` say it comes from; None where nothing under these words gives it."""
        if CHOSEN.search(around.before):
            return Trace("setup", "described as a setting")
        return self._by_name(number, self.named(number, around), scales(number, around.text), around)

    def differs(self, number: Number, around: Surroundings) -> Trace | None:
        """That a cell's number is none of those that its row and column name; None where the names say too little."""
        named = self.named(number, around)
        if not named or not self._understood(around) or _CHANGE.search(around.text):
            return None
        return Trace("differs", "", expected=self._nearest(number, named), named=True)

    def elsewhere(self, number: Number, around: Surroundings) -> Trace:
        """Whether `number` belongs to the setup, or comes from anywhere in the run whatever it is called."""
        named = self.named(number, around)
        if SETUP.search(around.text) and not (around.cell and named):
            return Trace("setup", "described as a setting")
        return self._without_name(number, scales(number, around.text), around, named)

    def traced(self, form: str, leaves: Sequence[int], named: bool = False) -> Trace:
        """The trace to these leaves."""
        pointers = tuple(self.index.leaves[i].pointer for i in leaves[:MOST_POINTERS])
        return Trace("traced", form, pointers, leaves=tuple(leaves), named=named)

    def told(self, leaves: Sequence[int]) -> tuple[tuple[float, str], ...]:
        """Values and pointers of leaves."""
        return tuple((self.index.leaves[i].value, self.index.leaves[i].pointer) for i in leaves[:MOST_POINTERS])

    def named(self, number: Number, around: Surroundings) -> tuple[int, ...]:
        """The leaves that the words name and whose role fits the number's."""
        leaves = self.index.named(around.near, around.around) if around.cell else self.index.named(around.near)
        if number.role in ("low", "high"):
            return tuple(i for i in leaves if self.index.leaves[i].role == number.role)
        asks = {"sd", "se"} & around.near and not around.cell
        fitting = tuple(i for i in leaves if asks or self.index.leaves[i].role == "centre")
        return fitting or leaves

    def spread(self, number: Number, of: Sequence[int], text: str) -> Trace:
        """Where the deviation behind ± comes from, given the leaves that its number may be."""
        families = sorted({self.index.leaves[i].family for i in of})
        logged = [i for f in families for i in self.index.families[f] if self.index.leaves[i].role == "spread"]
        ends = [d for f in families for d in self._half_widths(f)]
        computed = [*ends, *(d for f in families for d in self._over_seeds(f) if d.form in SPREADS)]
        wide = list(widened(logged, self.values))
        factors = scales(number, text)
        hit = self._direct(number, logged, factors)
        if hit:
            return self.traced("logged deviation", hit)
        for derived in (*computed, *wide):
            if agreeing(number, derived.values, factors).any():
                return self.traced(derived.form, derived.sources[0])
        groups = [g for g in self.siblings if set(g) <= set(of)]
        over = [d for g in groups for d in statistics(g, self.values[g]) if d.form in SPREADS]
        for derived in over:
            if agreeing(number, derived.values, factors).any():
                return self.traced(f"{derived.form} over runs or datasets", derived.sources[0])
        told = [(self.index.leaves[i].value, self.index.leaves[i].pointer) for i in logged]
        told += [(float(d.values[0]), f"{d.form} of {len(d.sources[0])} logged values") for d in computed]
        beside = [(float(d.values[0]), f"{d.form} over {len(d.sources[0])} runs or datasets") for d in over]
        expected = tuple(dict.fromkeys(told or beside))[:MOST_POINTERS]
        return Trace("differs" if told else "unsupported", "", expected=expected, named=True)

    def summaries(self, leaves: Sequence[int]) -> tuple[int, ...]:
        """The leaves without single repetitions, where anything is left."""
        whole = tuple(i for i in leaves if not self.index.leaves[i].member)
        return whole or tuple(leaves)

    def once(self, of: Sequence[int]) -> bool:
        """Whether the run logged no second repetition of any of the leaves, so that no deviation exists."""
        families = {self.index.leaves[i].family for i in of}
        return all(sum(_repetition(self.index.leaves[i]) for i in self.index.families[f]) == 1 for f in families)

    def _by_name(
        self, number: Number, named: tuple[int, ...], factors: tuple[float, ...], around: Surroundings
    ) -> Trace | None:
        hit = self._direct(number, named, factors)
        if hit:
            return self.traced("logged value", hit, named=True)
        families = sorted({self.index.leaves[i].family for i in named})
        for derived in (d for f in families for d in self._over_seeds(f) if self._fits(d, number, around)):
            if agreeing(number, derived.values, factors).any():
                return self.traced(f"{derived.form} over repetitions", derived.sources[0], named=True)
        if number.role in ("low", "high"):
            return None
        chosen = set(named)
        for group in self.siblings:
            if chosen.issuperset(group):
                for derived in statistics(group, self.values[group]):
                    if self._fits(derived, number, around) and agreeing(number, derived.values, factors).any():
                        return self.traced(f"{derived.form} over runs or datasets", derived.sources[0], named=True)
                if as_mean_of_rounded(number, self.values[group], factors):
                    return self.traced("mean of rounded values over runs or datasets", group, named=True)
        return self._change_by_name(number, chosen) if _CHANGE.search(around.text) else None

    def _change_by_name(self, number: Number, chosen: set[int]) -> Trace | None:
        kept = [i for i, (a, b) in enumerate(self._pairs) if a in chosen and b in chosen]
        for derived in changes_of([self._pairs[i] for i in kept], self.values):
            agree = agreeing(unsigned(number), derived.values, scales_of_change(number, derived.form))
            expected = expected_by_chance(number, derived.values[~agree])
            if agree.any() and expected < 0.5:
                return self.traced(derived.form, derived.sources[int(agree.argmax())], named=True)
        return None

    def _without_name(
        self, number: Number, factors: tuple[float, ...], around: Surroundings, named: tuple[int, ...]
    ) -> Trace:
        agree = agreeing(number, self.values, factors)
        chance = expected_by_chance(number, self.values)
        expected = self._nearest(number, named)
        if agree.any() and chance < CHANCE_OF_VALUE:
            hits = [int(i) for i in agree.nonzero()[0]]
            spoken = self._spoken(named, around.scope if around.cell else around.near)
            elsewhere = all(self._elsewhere(hit, number, spoken, around) for hit in hits)
            if not elsewhere:
                return self.traced("logged value", hits)
            if around.cell:
                return self.traced("", hits)._replace(status="misplaced", expected=expected, named=True)
        maybe = bool(agree.any())
        told_as = f"{around.text} {number.unit}"
        for derived in (d for d in (*self._all_statistics, *self._all_changes) if is_told(d.form, told_as)):
            hit = agreeing(unsigned(number), derived.values, scales_of_change(number, derived.form))
            if around.cell:
                hit = self._of_measures(around.near, derived, hit)
            if hit.any():
                if expected_by_chance(number, derived.values) < CHANCE_OF_PAIR:
                    return self.traced(derived.form, derived.sources[int(hit.argmax())])
                maybe = True
        told = self._in_texts(number, around)
        if told is not None and told.endswith(SAID):
            return Trace("traced", "stands in a text that the run logged", (told,))
        if told is not None:
            return Trace("setup", "stands in the run's code, notes or protocol")
        return Trace("coincidence" if maybe else "unsupported", "", expected=expected, named=bool(expected))

    def _elsewhere(self, hit: int, number: Number, spoken: frozenset[tuple[object, ...]], around: Surroundings) -> bool:
        """Whether a leaf that gives the number belongs to what is not spoken of here.

        Its name stands at the place of one that the caption or the sentence names; or the sentence names another
        measure, and the number has no unit that might say what it is instead.
        """
        near = around.near | around.scope
        route, quantity = self.index.leaves[hit].route, self.index.leaves[hit].quantity
        for place, part in enumerate(route):
            if place != quantity and (place, route[:place], route[place + 1 :]) in spoken and not words(part) & near:
                return True
        if around.cell or not spoken or number.unit not in ("", "%", "pp"):
            return False
        told, measures = {word for word in near if word in BY_NAME}, self.index.measures(hit)
        return bool(told) and bool(measures) and not measures & told

    def _spoken(self, named: tuple[int, ...], scope: frozenset[str]) -> frozenset[tuple[object, ...]]:
        """The keys of the named leaves without one name each, where all words of that name are in the scope."""
        routes = [self.index.leaves[leaf].route for leaf in named]
        return frozenset(
            (place, route[:place], route[place + 1 :])
            for route in routes
            for place, part in enumerate(route)
            if (told := words(part)) and told <= scope
        )

    def _of_measures(self, near: frozenset[str], derived: Derived, hit: Array) -> Array:
        """The hits that come from a measure that the words name, where they name one and the sources have one."""
        named = {word for word in near if word in BY_NAME}
        kept = hit.copy()
        for i in hit.nonzero()[0] if named else ():
            measures = self.index.measures(derived.sources[int(i)][0])
            kept[i] = not measures or bool(measures & named)
        return kept

    def _direct(self, number: Number, leaves: Sequence[int], factors: Iterable[float]) -> list[int]:
        chosen = list(leaves)
        agree = agreeing(number, self.values[chosen], factors) if chosen else ()
        return [i for i, yes in zip(chosen, agree, strict=True) if yes]

    def _nearest(self, number: Number, named: Iterable[int]) -> tuple[tuple[float, str], ...]:
        leaves = sorted((self.index.leaves[i] for i in named), key=lambda leaf: abs(leaf.value - number.value))
        return tuple((leaf.value, leaf.pointer) for leaf in leaves[:MOST_POINTERS])

    def _understood(self, around: Surroundings) -> bool:
        """Whether the log knows every word of the row's name, so that the row is not one the run never had."""
        return around.row <= self.index.vocabulary | _GENERIC

    def _fits(self, derived: Derived, number: Number, around: Surroundings) -> bool:
        if number.role in ("low", "high"):
            return derived.form in ENDS
        return is_told(derived.form, around.text)

    def _over_seeds(self, family: int) -> Iterator[Derived]:
        members = self._repetitions(family)
        if len(members) > 1:
            yield from statistics(members, self.values[members])

    def _repetitions(self, family: int) -> list[int]:
        return [i for i in self.index.families[family] if _repetition(self.index.leaves[i])]

    def _half_widths(self, family: int) -> Iterator[Derived]:
        import numpy as np

        of = {
            role: [i for i in self.index.families[family] if self.index.leaves[i].role == role]
            for role in ("low", "high")
        }
        if len(of["low"]) == len(of["high"]) == 1:
            low, high = of["low"][0], of["high"][0]
            yield Derived(
                "half-width of the interval", np.array([self.values[high] - self.values[low]]) / 2, ((low, high),)
            )

    @cached_property
    def _pairs(self) -> list[tuple[int, int]]:
        """Pairs of leaves of one role that differ in one name, as far as they are not too many."""
        found: list[tuple[int, int]] = []
        for group in self.siblings:
            if len(group) <= LARGEST_GROUP and len(found) < MOST_PAIRS:
                centres = [i for i in group if self.index.leaves[i].role == "centre"]
                found += [(a, b) for a in centres for b in centres if a != b]
        return found

    @cached_property
    def _all_statistics(self) -> tuple[Derived, ...]:
        families = [self._repetitions(f) for f in range(len(self.index.families))]
        return all_statistics([*(group for group in families if len(group) > 1), *self.siblings], self.values)

    @cached_property
    def _all_changes(self) -> tuple[Derived, ...]:
        return tuple(changes_of(self._pairs, self.values))

    def _in_texts(self, number: Number, around: Surroundings) -> str | None:
        """The text of the run that states the number: its code, or any text with one of the words beside it."""
        pattern = re.compile(rf"(?<![\d.]){re.escape(number.text.lstrip('+-−–'))}(?![\d.])")
        texts = self.run.texts.items()
        wanted = around.near | around.around
        for name, text in texts:
            for match in pattern.finditer(text):
                beside = words(text[max(0, match.start() - 80) : match.start()])
                if beside & wanted or name.endswith((".py", ".yaml", ".yml", ".toml", ".cfg", ".sh")):
                    return name
        return None


def _repetition(leaf: Leaf) -> bool:
    return leaf.member and leaf.role == "centre"
