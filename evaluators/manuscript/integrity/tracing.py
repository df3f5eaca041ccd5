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
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from evaluators.manuscript.document import Number
from evaluators.manuscript.integrity.index import Index, Leaf
from evaluators.manuscript.integrity.vocabulary import SETUP, words
from evaluators.manuscript.logged import RunLog

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

Status = Literal["traced", "setup", "differs", "coincidence", "unsupported"]
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


class Trace(NamedTuple):
    """Where a number comes from. `expected` are the logged values that its words name, nearest first."""

    status: Status
    form: str
    pointers: tuple[str, ...] = ()
    expected: tuple[tuple[float, str], ...] = ()
    leaves: tuple[int, ...] = ()
    named: bool = False


class Derived(NamedTuple):
    """Values computed from logged ones: what each is and the leaves it was computed from."""

    form: str
    values: Array
    sources: tuple[tuple[int, ...], ...]


def scales(number: Number, text: str = "") -> tuple[float, ...]:
    """By what a logged value may be multiplied before it is printed with this unit."""
    by_unit = {
        "%": (100.0, 1.0), "pp": (100.0, 1.0), "ms": (1000.0, 1.0), "min": (1 / 60, 1.0), "minutes": (1 / 60, 1.0),
        "h": (1 / 3600, 1.0), "hours": (1 / 3600, 1.0), "M": (1e-6, 1.0), "million": (1e-6, 1.0), "K": (1e-3, 1.0),
        "k": (1e-3, 1.0), "B": (1e-9, 1.0), "GB": (1e-9, 2.0**-30, 1.0, 1e-3, 2.0**-10), "MB": (1e-6, 2.0**-20, 1.0),
    }  # fmt: skip
    if number.unit in by_unit:
        return by_unit[number.unit]
    return (1.0, 100.0) if "%" in text or abs(number.value) > 1 else (1.0,)


def agreeing(number: Number, values: Array, factors: Iterable[float]) -> Array:
    """Which logged values give the printed number, rounded or cut off at its decimals; a mask."""
    import numpy as np

    step = 10.0**-number.decimals
    agree = np.zeros(len(values), bool)
    for factor in factors:
        scaled = values * factor
        slack = 1e-9 * np.maximum(1.0, np.abs(scaled))
        rounded = np.abs(scaled - number.value) <= step / 2 + slack
        beyond = np.abs(scaled) - abs(number.value)
        cut = (beyond >= -slack) & (beyond < step - slack) & (scaled * number.value > 0)
        agree |= rounded | cut
    return agree


class Tracer:
    """Traces printed numbers into one run."""

    def __init__(self, run: RunLog) -> None:
        import numpy as np

        self.run, self.index = run, Index(run)
        self.values = np.array([leaf.value for leaf in self.index.leaves], float)
        self.siblings = self.index.siblings()

    def trace(self, number: Number, around: Surroundings) -> Trace:
        """Where `number` comes from, or that it differs from what its words name, or that nothing supports it."""
        named = self.named(number, around)
        factors = scales(number, around.text)
        found = self._by_name(number, named, factors, around)
        if found is not None:
            return found
        if SETUP.search(around.text) and not (around.cell and named):
            return Trace("setup", "described as a setting")
        expected = self._nearest(number, named)
        if around.cell and named and self._understood(around) and not _CHANGE.search(around.text):
            return Trace("differs", "", expected=expected, named=True)
        return self._without_name(number, factors, around, expected)

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
        computed = [*ends, *(d for f in families for d in self._over_seeds(f) if d.form in _SPREADS)]
        factors = scales(number, text)
        hit = self._direct(number, logged, factors)
        if hit:
            return self._traced("logged deviation", hit)
        for derived in computed:
            if agreeing(number, derived.values, factors).any():
                return self._traced(derived.form, derived.sources[0])
        groups = [g for g in self.siblings if set(g) <= set(of)]
        for derived in (d for g in groups for d in _statistics(g, self.values[g]) if d.form in _SPREADS):
            if agreeing(number, derived.values, factors).any():
                return self._traced(f"{derived.form} over runs or datasets", derived.sources[0])
        told = [(self.index.leaves[i].value, self.index.leaves[i].pointer) for i in logged]
        told += [(float(d.values[0]), f"{d.form} of {len(d.sources[0])} logged values") for d in computed]
        expected = tuple(dict.fromkeys(told))[:MOST_POINTERS]
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
            return self._traced("logged value", hit, named=True)
        families = sorted({self.index.leaves[i].family for i in named})
        for derived in (d for f in families for d in self._over_seeds(f) if self._fits(d, number)):
            if agreeing(number, derived.values, factors).any():
                return self._traced(f"{derived.form} over repetitions", derived.sources[0], named=True)
        if number.role in ("low", "high"):
            return None
        chosen = set(named)
        for group in self.siblings:
            if chosen.issuperset(group):
                for derived in _statistics(group, self.values[group]):
                    if self._fits(derived, number) and agreeing(number, derived.values, factors).any():
                        return self._traced(f"{derived.form} over runs or datasets", derived.sources[0], named=True)
        return self._change_by_name(number, chosen) if _CHANGE.search(around.text) else None

    def _change_by_name(self, number: Number, chosen: set[int]) -> Trace | None:
        kept = [i for i, (a, b) in enumerate(self._pairs) if a in chosen and b in chosen]
        for derived in _changes([self._pairs[i] for i in kept], self.values):
            agree = agreeing(_unsigned(number), derived.values, _scales_of_change(number, derived.form))
            expected = _expected_by_chance(number, derived.values[~agree])
            if agree.any() and expected < 0.5:
                return self._traced(derived.form, derived.sources[int(agree.argmax())], named=True)
        return None

    def _without_name(
        self, number: Number, factors: tuple[float, ...], around: Surroundings, expected: tuple[tuple[float, str], ...]
    ) -> Trace:
        agree = agreeing(number, self.values, factors)
        chance = _expected_by_chance(number, self.values)
        if agree.any() and chance < CHANCE_OF_VALUE:
            return self._traced("logged value", [int(i) for i in agree.nonzero()[0]])
        maybe = bool(agree.any())
        for derived in (*self._all_statistics, *self._all_changes):
            hit = agreeing(_unsigned(number), derived.values, _scales_of_change(number, derived.form))
            if hit.any():
                if _expected_by_chance(number, derived.values) < CHANCE_OF_PAIR:
                    return self._traced(derived.form, derived.sources[int(hit.argmax())])
                maybe = True
        if self._in_texts(number, around):
            return Trace("setup", "stands in the run's code, notes or protocol")
        return Trace("coincidence" if maybe else "unsupported", "", expected=expected, named=bool(expected))

    def _direct(self, number: Number, leaves: Sequence[int], factors: Iterable[float]) -> list[int]:
        chosen = list(leaves)
        agree = agreeing(number, self.values[chosen], factors) if chosen else ()
        return [i for i, yes in zip(chosen, agree, strict=True) if yes]

    def _traced(self, form: str, leaves: Sequence[int], named: bool = False) -> Trace:
        pointers = tuple(self.index.leaves[i].pointer for i in leaves[:MOST_POINTERS])
        return Trace("traced", form, pointers, leaves=tuple(leaves), named=named)

    def _nearest(self, number: Number, named: Iterable[int]) -> tuple[tuple[float, str], ...]:
        leaves = sorted((self.index.leaves[i] for i in named), key=lambda leaf: abs(leaf.value - number.value))
        return tuple((leaf.value, leaf.pointer) for leaf in leaves[:MOST_POINTERS])

    def _understood(self, around: Surroundings) -> bool:
        """Whether the log knows every word of the row's name, so that the row is not one the run never had."""
        return around.row <= self.index.vocabulary | _GENERIC

    def _fits(self, derived: Derived, number: Number) -> bool:
        return number.role not in ("low", "high") or derived.form in _ENDS

    def _over_seeds(self, family: int) -> Iterator[Derived]:
        members = [i for i in self.index.families[family] if _repetition(self.index.leaves[i])]
        if len(members) > 1:
            yield from _statistics(members, self.values[members])

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
        families = [i for f in range(len(self.index.families)) for i in self._over_seeds(f)]
        groups = [d for group in self.siblings for d in _statistics(group, self.values[group])]
        return _gathered([*families, *groups])

    @cached_property
    def _all_changes(self) -> tuple[Derived, ...]:
        return tuple(_changes(self._pairs, self.values))

    def _in_texts(self, number: Number, around: Surroundings) -> bool:
        pattern = re.compile(rf"(?<![\d.]){re.escape(number.text.lstrip('+-−–'))}(?![\d.])")
        texts = self.run.texts.items()
        wanted = around.near | around.around
        for name, text in texts:
            for match in pattern.finditer(text):
                beside = words(text[max(0, match.start() - 80) : match.start()])
                if beside & wanted or name.endswith((".py", ".yaml", ".yml", ".toml", ".cfg", ".sh")):
                    return True
        return False


_SPREADS = (
    "standard deviation",
    "standard deviation (n)",
    "standard error",
    "standard error (n)",
    "half-width of 95 % interval",
)
_ENDS = ("minimum", "maximum", "low end of 95 % interval", "high end of 95 % interval")


def _statistics(leaves: Sequence[int], values: Array) -> Iterator[Derived]:
    """What a paper may print of several values: each form once, the simplest first."""
    import numpy as np

    n, source = len(values), (tuple(leaves),)
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    se = sd / n**0.5
    half = 1.96 * se
    found = {
        "mean": mean,
        "standard deviation": sd,
        "standard deviation (n)": float(values.std()),
        "standard error": se,
        "standard error (n)": float(values.std()) / n**0.5,
        "median": float(np.median(values)),
        "half-width of 95 % interval": half,
        "low end of 95 % interval": mean - half,
        "high end of 95 % interval": mean + half,
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "sum": float(values.sum()),
    }
    for form, value in found.items():
        yield Derived(form, np.array([value]), source)


def _changes(pairs: Sequence[tuple[int, int]], values: Array) -> Iterator[Derived]:
    """Unsigned differences, percent changes and ratios of pairs."""
    import numpy as np

    if not pairs:
        return
    a, b = np.array(pairs).T
    left, right = values[a], values[b]
    sources = tuple(pairs)
    yield Derived("difference", np.abs(left - right), sources)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(right != 0, left / right, np.nan)
    yield Derived("percent change", np.abs(ratio - 1) * 100, sources)
    yield Derived("ratio", np.abs(ratio), sources)


def _gathered(found: Sequence[Derived]) -> tuple[Derived, ...]:
    """The single values of each form as one array."""
    import numpy as np

    by_form: dict[str, list[Derived]] = {}
    for one in found:
        by_form.setdefault(one.form, []).append(one)
    return tuple(
        Derived(form, np.concatenate([one.values for one in same]), tuple(one.sources[0] for one in same))
        for form, same in by_form.items()
    )


def _expected_by_chance(number: Number, values: Array) -> float:
    """How many of the values would print like the number if they were spread evenly around it (half to double)."""
    import numpy as np

    size = abs(number.value)
    if size == 0:
        return float("inf")
    near = np.count_nonzero((np.abs(values) > size / 2) & (np.abs(values) < size * 2))
    return float(near) * 10.0**-number.decimals / (1.5 * size)


def _scales_of_change(number: Number, form: str) -> tuple[float, ...]:
    if form == "percent change":
        return (1.0,)
    if form == "difference":
        return scales(number)
    return (1.0, 100.0) if number.unit == "%" else (1.0,)


def _unsigned(number: Number) -> Number:
    from dataclasses import replace

    return replace(number, value=abs(number.value))


def _repetition(leaf: Leaf) -> bool:
    return leaf.member and leaf.role == "centre"
