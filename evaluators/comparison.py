"""Two or more candidates over the same assets: what is better, by how much, and whether chance would do it too.

    panels = [Panel(measure, {"ours": {"shot 1": Reading(0.91)}, "theirs": {"shot 1": Reading(0.87)}})]
    for result in compare(panels):
        print(result.measure.name, result.difference, result.verdict)

Everything is paired: only assets that both candidates have a value for count, the others are named with the reason.
A winner is declared only where two different looks agree: the bootstrap interval of the mean difference leaves out
zero, and the exact sign test, corrected for how many questions were asked (Holm, 1979), leaves chance less than
`Options.alpha`. The sign test alone bounds the rate of false winners, so few assets cannot make one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, EvaluatorError, Interval, Measure

SIGN_TEST = "exact two-sided sign test, ties left out, Holm's correction over all questions asked together"


class Verdict(StrEnum):
    """What the figures say of a pair."""

    FIRST = "first_better"
    SECOND = "second_better"
    CANNOT_TELL = "cannot_tell"
    NOT_JUDGED = "not_judged"


@dataclass(frozen=True)
class Reading:
    """One candidate's value on one asset, or the reason why there is none."""

    value: float | None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("give a value or the reason for its absence, not both")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError("a value must be finite, absent values carry a reason")


@dataclass(frozen=True)
class Panel:
    """One measure's readings, by candidate and then by asset; an asset that a candidate lacks was not run."""

    measure: Measure
    readings: Mapping[str, Mapping[str, Reading]]


@dataclass(frozen=True)
class Options:
    """How to compare. Values closer than `tie_share` of the larger one count as a tie."""

    minimum: int = 3
    """Fewest assets for an interval and a test."""
    level: float = 0.95
    alpha: float = 0.05
    """Largest chance of a false winner over all questions together."""
    replicates: int = 4000
    seed: int = 0
    tie_share: float = 1e-3


@dataclass(frozen=True)
class LeftOut:
    """An asset that does not count for a pair, whose value is missing and why."""

    asset: str
    candidate: str
    reason: str


@dataclass(frozen=True)
class Paired:
    """What one measure says of two candidates.

    `differences` are first minus second, one per asset, of the value or, for a measure with a target, of its
    distance from the target. `wins` counts the assets on which the first is better. `p_value` is the sign test's,
    `p_adjusted` the same after Holm's correction. `why` is one sentence behind the verdict.
    """

    measure: Measure
    first: str
    second: str
    quantity: str
    assets: tuple[str, ...]
    differences: tuple[float, ...]
    left_out: tuple[LeftOut, ...]
    first_mean: float | None
    second_mean: float | None
    difference: float | None
    interval: Interval | None
    wins: int
    ties: int
    losses: int
    win_rate: float | None
    """Share of assets on which the first is better, ties counted half; None for a measure that is not judged."""
    tie_rule: str
    p_value: float | None
    p_adjusted: float | None
    verdict: Verdict
    why: str

    @property
    def advantage(self) -> float | None:
        """The mean difference turned so that more is better for the first; None where nothing is judged."""
        if self.difference is None or self.measure.direction is Direction.DIAGNOSTIC:
            return None
        return _sign(self.measure) * self.difference

    def to_json(self) -> dict[str, object]:
        """The result as plain JSON values."""
        return {**asdict(self), "advantage": self.advantage}


def compare(panels: Sequence[Panel], options: Options | None = None) -> tuple[Paired, ...]:
    """Compare every two candidates on every measure; Holm's correction covers all of these questions together.

    Raises EvaluatorError for fewer than two candidates.
    """
    options = options or Options()
    found = []
    for panel in panels:
        if len(panel.readings) < 2:
            raise EvaluatorError(f"{panel.measure.name}: a comparison needs two candidates; name another one.")
        found += [_pair(panel, first, second, options) for first, second in combinations(panel.readings, 2)]
    tested = [index for index, one in enumerate(found) if one.p_value is not None]
    adjusted = dict(zip(tested, holm([found[index].p_value or 0.0 for index in tested]), strict=True))
    return tuple(_judge(one, adjusted.get(index), len(tested), options) for index, one in enumerate(found))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values after Holm's step-down correction, in the order given (Scand. J. Stat. 6, 1979)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return tuple(adjusted)


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided probability of a split at least as uneven between equals; 1 when nothing differs."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def assets_needed(questions: int, alpha: float = 0.05) -> int:
    """Return the fewest assets with which winning on every one is beyond chance, asked with so many questions."""
    return 1 + math.ceil(math.log2(max(questions, 1) / alpha) - 1e-9)


def mean_interval(differences: Sequence[float], options: Options | None = None) -> Interval | None:
    """Return the bias-corrected and accelerated bootstrap interval of a mean over assets (Efron, JASA 82, 1987).

    None under `Options.minimum` values. Where all values are equal the interval is that value, and says so.
    """
    options = options or Options()
    values = np.asarray(differences, float)
    if len(values) < options.minimum:
        return None
    if np.ptp(values) == 0:
        return Interval(float(values[0]), float(values[0]), options.level, "all differences are equal")
    means = _resampled_means(values, options)
    low, high = np.quantile(means, _bca_shares(values, means, options.level))
    method = f"BCa bootstrap over {len(values)} assets, {options.replicates} resamples, seed {options.seed}"
    return Interval(float(low), float(high), options.level, method)


def _resampled_means(values: NDArray[np.float64], options: Options) -> NDArray[np.float64]:
    rows = np.random.default_rng(options.seed).integers(0, len(values), (options.replicates, len(values)))
    means: NDArray[np.float64] = values[rows].mean(axis=1)
    return means


def _bca_shares(values: NDArray[np.float64], means: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    from scipy.special import ndtr, ndtri

    centre = values.mean()
    # Resamples that equal the mean count half, so that exchanging the candidates mirrors the interval.
    below = (np.sum(means < centre) + 0.5 * np.sum(means == centre)) / len(means)
    edge = 0.5 / len(means)
    bias = ndtri(np.clip(below, edge, 1 - edge))
    spread = centre - values
    acceleration = -np.sum(spread**3) / (6 * np.sum(spread**2) ** 1.5)
    shifted = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    shares: NDArray[np.float64] = ndtr(bias + shifted / (1 - acceleration * shifted))
    return shares


def _pair(panel: Panel, first: str, second: str, options: Options) -> Paired:
    """Everything about a pair but the verdict, which depends on the other questions."""
    measure = panel.measure
    # Sorted by name, so that the order in which assets were given changes nothing.
    assets = sorted({asset for readings in panel.readings.values() for asset in readings})
    left_out = tuple(gap for asset in assets for gap in _gaps(panel, asset, (first, second)))
    missing = {gap.asset for gap in left_out}
    kept = tuple(asset for asset in assets if asset not in missing)
    values = [(_value(panel, first, asset), _value(panel, second, asset)) for asset in kept]
    scored = [(_scored(measure, left), _scored(measure, right)) for left, right in values]
    differences = tuple(left - right for left, right in scored)
    judged = measure.direction is not Direction.DIAGNOSTIC and bool(kept)
    outcomes = [_outcome(measure, left, right, options.tie_share) for left, right in scored if judged]
    wins, losses = outcomes.count(1), outcomes.count(-1)
    return Paired(
        measure=measure,
        first=first,
        second=second,
        quantity=_quantity(measure),
        assets=kept,
        differences=differences,
        left_out=left_out,
        first_mean=_mean([left for left, _ in values]),
        second_mean=_mean([right for _, right in values]),
        difference=_mean(differences),
        interval=mean_interval(differences, options),
        wins=wins,
        ties=outcomes.count(0),
        losses=losses,
        win_rate=(wins + outcomes.count(0) / 2) / len(kept) if judged else None,
        tie_rule=f"a tie is a difference of at most {options.tie_share:.3%} of the larger value",
        p_value=sign_test(wins, losses) if judged and len(kept) >= options.minimum else None,
        p_adjusted=None,
        verdict=Verdict.CANNOT_TELL,
        why="",
    )


def _gaps(panel: Panel, asset: str, pair: tuple[str, str]) -> list[LeftOut]:
    readings = {name: panel.readings[name].get(asset, Reading(None, "it was not run on this asset")) for name in pair}
    return [LeftOut(asset, name, one.reason) for name, one in readings.items() if one.reason is not None]


def _value(panel: Panel, candidate: str, asset: str) -> float:
    value = panel.readings[candidate][asset].value
    assert value is not None  # noqa: S101 - assets with a gap were left out
    return value


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _scored(measure: Measure, value: float) -> float:
    """The value that is compared: a measure with a target is judged by its distance from it."""
    return abs(value - (measure.target or 0.0)) if measure.direction is Direction.TARGET else value


def _quantity(measure: Measure) -> str:
    unit = "" if measure.unit in ("", "1") else f", {measure.unit}"
    if measure.direction is Direction.TARGET:
        return f"distance from {measure.target or 0.0:g}{unit}"
    return f"value{unit}"


def _sign(measure: Measure) -> int:
    return 1 if measure.direction is Direction.HIGHER else -1


def _outcome(measure: Measure, left: float, right: float, tie_share: float) -> int:
    """1 when the first is better, -1 when the second is, 0 for a tie."""
    if abs(left - right) <= tie_share * max(abs(left), abs(right)):
        return 0
    return _sign(measure) * (1 if left > right else -1)


def _judge(one: Paired, p_adjusted: float | None, questions: int, options: Options) -> Paired:
    verdict, why = _verdict(one, p_adjusted, questions, options)
    return replace(one, p_adjusted=p_adjusted, verdict=verdict, why=why)


def _verdict(one: Paired, p_adjusted: float | None, questions: int, options: Options) -> tuple[Verdict, str]:
    count = len(one.assets)
    if one.measure.direction is Direction.DIAGNOSTIC:
        return Verdict.NOT_JUDGED, "The measure is shown to explain others and has no better side."
    if p_adjusted is None or one.interval is None or one.advantage is None:
        have = f"{count} {'asset has' if count == 1 else 'assets have'} a value for both"
        return Verdict.CANNOT_TELL, f"Only {have}; at least {options.minimum} are needed."
    if p_adjusted > options.alpha:
        return Verdict.CANNOT_TELL, _chance(one, p_adjusted, questions, options)
    if one.interval.low <= 0 <= one.interval.high or (one.advantage > 0) != (one.wins > one.losses):
        return Verdict.CANNOT_TELL, "One wins more often, but the mean difference may as well be none."
    best, name, wins = (
        (Verdict.FIRST, one.first, one.wins) if one.wins > one.losses else (Verdict.SECOND, one.second, one.losses)
    )
    return best, f"{name} is better on {wins} of {count} assets, more than chance explains (p = {p_adjusted:.2g})."


def _chance(one: Paired, p_adjusted: float, questions: int, options: Options) -> str:
    needed, count = assets_needed(questions, options.alpha), len(one.assets)
    asked = f"{questions} questions are" if questions > 1 else "one question is"
    if count < needed:
        return (
            f"{count} assets are too few: with {needed} or more, winning on every one would be beyond chance "
            f"when {asked} asked at once."
        )
    split = f"{one.first} is better on {one.wins}, level on {one.ties}, worse on {one.losses}"
    return f"{split}: chance may do the same (p = {p_adjusted:.2g})."
