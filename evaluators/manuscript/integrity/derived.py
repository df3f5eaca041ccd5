"""What may be printed of logged values: the values in other units, statistics of several, and changes between two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from evaluators.manuscript.document import Number

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


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


def as_mean_of_rounded(number: Number, values: Array, factors: Iterable[float]) -> bool:
    """Whether a mean of `values`, each printed at the number's decimals before, may round to the number."""
    step = 10.0**-number.decimals
    mean = float(values.mean())
    return any(abs(mean * factor - number.value) < step for factor in factors)


SPREADS = (
    "standard deviation",
    "standard deviation (n)",
    "standard error",
    "standard error (n)",
    "half-width of 95 % interval",
    "half-width of 95 % t interval",
)
ENDS = ("minimum", "maximum", "low end of 95 % interval", "high end of 95 % interval")


_T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262, 20: 2.093}
"""Two-sided 95 % quantiles of t by the number of values."""


def widened(logged: Sequence[int], values: Array) -> Iterator[Derived]:
    """Half-widths of 95 % intervals that follow from logged standard errors, for any usual number of repetitions."""
    import numpy as np

    for leaf in logged:
        factors = np.array([1.96, *_T_95.values()])
        yield Derived("half-width of 95 % interval", factors * values[leaf], tuple((leaf,) for _ in factors))


def statistics(leaves: Sequence[int], values: Array) -> Iterator[Derived]:
    """What a paper may print of several values: each form once, the simplest first."""
    source = (tuple(leaves),)
    for form, found in _of_rows(values[None, :]).items():
        yield Derived(form, found, source)


def all_statistics(groups: Sequence[Sequence[int]], values: Array) -> tuple[Derived, ...]:
    """The statistics of many groups at once: each form with its values in the order of the groups."""
    import numpy as np

    by_size: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        by_size.setdefault(len(group), []).append(place)
    found: dict[str, Array] = {}
    for places in by_size.values():
        rows = values[np.array([groups[place] for place in places])]
        for form, column in _of_rows(rows).items():
            found.setdefault(form, np.empty(len(groups)))[places] = column
    sources = tuple(tuple(group) for group in groups)
    return tuple(Derived(form, column, sources) for form, column in found.items())


def _of_rows(rows: Array) -> dict[str, Array]:
    """Each statistic of every row; `rows` is (groups, values of each)."""
    import numpy as np

    n = rows.shape[1]
    mean, sd, whole = rows.mean(axis=1), rows.std(axis=1, ddof=1), rows.std(axis=1)
    se = sd / n**0.5
    half = 1.96 * se
    return {
        "mean": mean,
        "standard deviation": sd,
        "standard deviation (n)": whole,
        "standard error": se,
        "standard error (n)": whole / n**0.5,
        "median": np.median(rows, axis=1),
        "half-width of 95 % interval": half,
        "half-width of 95 % t interval": _T_95.get(n, 1.96) * se,
        "low end of 95 % interval": mean - half,
        "high end of 95 % interval": mean + half,
        "minimum": rows.min(axis=1),
        "maximum": rows.max(axis=1),
        "sum": rows.sum(axis=1),
    }


def changes_of(pairs: Sequence[tuple[int, int]], values: Array) -> Iterator[Derived]:
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


TOLD_BY: tuple[tuple[str, str], ...] = (
    (
        r"standard|half-width",
        r"±|\+/-|\bs\.?[de]\b|\bsem\b|\bstd|deviat|standard error|varia|spread|confiden|interval|half-?width|fluctuat|"
        r"stabil|dispers|uncertain|\bci\b",
    ),
    (r"end of", r"confiden|interval|\bci\b|\brang|between|bound"),
    (r"sum", r"\bsum|total|overall|altogether|combined|cumulat|together"),
    (r"median", r"median"),
    (
        r"minimum|maximum",
        r"min|max|best|worst|low|high|peak|up to|rang|from|least|most|larg|small|top|short|long|fast|slow",
    ),
    (r"percent change", r"%|percent|per cent|\bpp\b"),
)
"""For each form (a pattern of its name) the words of which one stands beside a number that is it."""


def is_told(form: str, text: str) -> bool:
    """Whether the words beside a number allow that it is this statistic or change of others, rather than a value."""
    asked = (words for name, words in TOLD_BY if re.search(name, form))
    return all(re.search(words, text, re.IGNORECASE) for words in asked)


def expected_by_chance(number: Number, values: Array) -> float:
    """How many of the values would print like the number if they were spread evenly around it (half to double)."""
    import numpy as np

    size = abs(number.value)
    if size == 0:
        return float("inf")
    near = np.count_nonzero((np.abs(values) > size / 2) & (np.abs(values) < size * 2))
    return float(near) * 10.0**-number.decimals / (1.5 * size)


def scales_of_change(number: Number, form: str) -> tuple[float, ...]:
    """By what a computed value may be multiplied before it is printed."""
    if form == "percent change":
        # Percentage points are a difference, whatever the percent change is.
        return () if number.unit == "pp" else (1.0,)
    if form == "difference":
        return scales(number)
    return (1.0, 100.0) if number.unit == "%" else (1.0,)


def unsigned(number: Number) -> Number:
    """The number without its sign."""
    return replace(number, value=abs(number.value))
