"""How far raters agree: Krippendorff's alpha, weighted kappa, Spearman, intraclass correlation, with intervals.

Ratings are a matrix of subjects (rows) by raters (columns); NaN is a rating that was not given. Every figure is an
`Estimate`: a value with a bootstrap interval over subjects, or none with the reason. Subjects, not ratings, are drawn
with replacement, as the ratings of one subject depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaluators.base import EvaluatorError, Interval

Matrix = NDArray[np.float64]
Statistic = Callable[[NDArray[np.int64]], float | None]
"""A figure of the subjects with these row numbers, repeats included."""

REPLICATES = 1000
LEVEL = 0.95
FEWEST = 3
"""Subjects below which no interval is given."""
MOST_VALUES = 1000
"""Distinct ratings that alpha takes; a scale has far fewer."""
NEVER_CHANGES = "the ratings do not differ, so there is nothing to agree on"
TOO_FEW = "two raters have fewer than two papers or items in common"


class Level(StrEnum):
    """What the numbers of a scale mean, as alpha needs to know it."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


@dataclass(frozen=True)
class Estimate:
    """A figure over `count` subjects, or none with the reason; `method` says how it was made."""

    name: str
    value: float | None
    count: int
    method: str
    interval: Interval | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"{self.name}: give a value or the reason for its absence, not both")

    def to_json(self) -> dict[str, object]:
        """The estimate as plain JSON values."""
        return asdict(self)


def matrix(ratings: ArrayLike) -> Matrix:
    """Return ratings as subjects by raters; raises EvaluatorError for what is none. Infinite values are refused."""
    values = np.asarray(ratings, float)
    if values.ndim != 2 or np.isinf(values).any():
        raise EvaluatorError("The ratings are no table of finite numbers; give one row a subject, one column a rater.")
    return values


# Alpha


def krippendorff_alpha(ratings: ArrayLike, level: Level | str = Level.INTERVAL) -> float | None:
    """Return Krippendorff's alpha: 1 full agreement, 0 chance, below 0 systematic disagreement.

    Missing ratings are left out, subjects with fewer than two ratings too. None when nothing can disagree: fewer than
    two subjects with two ratings, or no two ratings that differ. Ratio scales take values of 0 or more only.
    Source: Krippendorff, Content Analysis (4th ed., 2018), chapter 12.
    """
    values = matrix(ratings)
    counts, scale = _counts(values[(~np.isnan(values)).sum(axis=1) > 1])
    return _alpha(counts, scale, Level(level))


def alpha_estimate(ratings: ArrayLike, level: Level | str = Level.INTERVAL, seed: int = 0) -> Estimate:
    """Return alpha with its interval."""
    values = matrix(ratings)
    values = values[(~np.isnan(values)).sum(axis=1) > 1]
    counts, scale = _counts(values)
    name, method = f"alpha_{Level(level)}", f"Krippendorff's alpha, {Level(level)} level, all pairable ratings"
    return estimate(name, lambda rows: _alpha(counts[rows], scale, Level(level)), len(values), method, seed)


def _counts(values: Matrix) -> tuple[Matrix, Matrix]:
    """How often each subject got each value (subjects, values), and the values in order."""
    scale = np.unique(values[~np.isnan(values)])
    if len(scale) > MOST_VALUES:
        raise EvaluatorError(f"The ratings have more than {MOST_VALUES} different values; round them to a scale.")
    counts = np.zeros((len(values), len(scale)))
    rows, columns = np.nonzero(~np.isnan(values))
    np.add.at(counts, (rows, np.searchsorted(scale, values[rows, columns])), 1.0)
    return counts, scale


def _alpha(counts: Matrix, scale: Matrix, level: Level) -> float | None:
    if len(counts) < 2:
        return None
    share = 1.0 / (counts.sum(axis=1) - 1)
    observed = (counts * share[:, None]).T @ counts - np.diag((counts * share[:, None]).sum(axis=0))
    totals = counts.sum(axis=0)
    distance = _distance(scale, totals, level)
    expected = float(totals @ distance @ totals)
    if expected <= 0:
        return None
    return 1 - (float(totals.sum()) - 1) * float((observed * distance).sum()) / expected


def _distance(scale: Matrix, totals: Matrix, level: Level) -> Matrix:
    """The squared difference of each pair of values; on an ordinal scale it is made of how often values occur."""
    first, second = scale[:, None], scale[None, :]
    middle = np.cumsum(totals) - totals / 2
    if level is Level.NOMINAL:
        return np.asarray(first != second, float)
    if level is Level.INTERVAL:
        return np.asarray((first - second) ** 2)
    if level is Level.RATIO:
        if len(scale) and scale[0] < 0:
            raise EvaluatorError("A ratio scale has no negative ratings; choose the interval level.")
        total = np.where(first + second > 0, first + second, 1.0)
        return np.asarray(((first - second) / total) ** 2)
    return np.asarray((middle[:, None] - middle[None, :]) ** 2)


# Two raters


def spearman(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return Spearman's rank correlation, ties at their mean rank; None for fewer than 2 pairs or no difference."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    found = spearman_rows(a[None], b[None])[0] if len(a) > 1 else np.nan
    return None if np.isnan(found) else float(found)


def spearman_rows(first: Matrix, second: Matrix) -> Matrix:
    """Return Spearman's correlation of each row of `first` with that of `second`; NaN where a row never changes."""
    from scipy.stats import rankdata

    a, b = (rankdata(rows, axis=1) for rows in (first, second))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(scale > 0, (a * b).sum(axis=1) / scale, np.nan))


def weighted_kappa(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return quadratic-weighted kappa (Cohen, 1968); None when neither rater's values differ from the other's mean.

    The weight of a disagreement is the squared difference of the *values*: on a scale of 1, 3, 5, 6, 8, 10 the step
    from 3 to 5 weighs four times that from 5 to 6. Weights by place in the list of values are another statistic.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    found = weighted_kappa_rows(a[None], b[None])[0] if len(a) else np.nan
    return None if np.isnan(found) else float(found)


def weighted_kappa_rows(first: Matrix, second: Matrix) -> Matrix:
    """Return quadratic-weighted kappa of each row; NaN where no disagreement is possible."""
    observed = ((first - second) ** 2).mean(axis=1)
    chance = first.var(axis=1) + second.var(axis=1) + (first.mean(axis=1) - second.mean(axis=1)) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance > 0, 1 - observed / chance, np.nan))


# Intraclass correlation


@dataclass(frozen=True)
class IntraclassCorrelation:
    """Reliability of one rating (`single`) and of the mean of `raters` ratings (`mean`), by Shrout and Fleiss."""

    single: float
    mean: float
    raters: float


def icc_two_way(ratings: ArrayLike) -> IntraclassCorrelation | None:
    """Return ICC(2,1) and ICC(2,k): two-way random effects, absolute agreement, the same raters for every subject.

    Subjects with a missing rating are left out; None for fewer than two whole subjects or raters, or no variance.
    Source: Shrout and Fleiss, Psychological Bulletin 86 (1979).
    """
    values = matrix(ratings)
    values = values[~np.isnan(values).any(axis=1)]
    n, k = values.shape
    if n < 2 or k < 2:
        return None
    grand = values.mean()
    subjects = k * ((values.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    raters = n * ((values.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + grand
    error = (left**2).sum() / ((n - 1) * (k - 1))
    single = subjects + (k - 1) * error + k * (raters - error) / n
    mean = subjects + (raters - error) / n
    if single <= 0 or mean <= 0:
        return None
    return IntraclassCorrelation(float((subjects - error) / single), float((subjects - error) / mean), float(k))


def icc_one_way(ratings: ArrayLike) -> IntraclassCorrelation | None:
    """Return ICC(1,1) and ICC(1,k): other raters for every subject, whose columns mean nothing.

    Subjects may have different numbers of ratings; k is then the mean number adjusted for inequality (Donner, 1986).
    None for fewer than two subjects with two ratings, or no variance.
    """
    values = matrix(ratings)
    there = ~np.isnan(values)
    values = values[there.sum(axis=1) > 1]
    sizes = (~np.isnan(values)).sum(axis=1)
    n, total = len(values), int(sizes.sum())
    if n < 2:
        return None
    means = np.nanmean(values, axis=1)
    between = float((sizes * (means - np.nansum(values) / total) ** 2).sum()) / (n - 1)
    within = float(np.nansum((values - means[:, None]) ** 2)) / (total - n)
    k = float((total - (sizes**2).sum() / total) / (n - 1))
    if between + (k - 1) * within <= 0 or between <= 0:
        return None
    return IntraclassCorrelation((between - within) / (between + (k - 1) * within), (between - within) / between, k)


def icc_estimates(ratings: ArrayLike, same_raters: bool, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Return the reliability of one rating and of the mean with intervals; two-way if the raters are the same."""
    values = matrix(ratings)
    there = ~np.isnan(values)
    values = values[there.all(axis=1) if same_raters else there.sum(axis=1) > 1]
    design, formula = ("2", icc_two_way) if same_raters else ("1", icc_one_way)
    who = "the same raters for every subject" if same_raters else "other raters for every subject"
    method = f"intraclass correlation, {who}, subjects resampled"

    def part(name: str) -> Statistic:
        def statistic(rows: NDArray[np.int64]) -> float | None:
            found = formula(values[rows])
            return None if found is None else float(getattr(found, name))

        return statistic

    return (
        estimate(f"icc_{design}_1", part("single"), len(values), method, seed),
        estimate(f"icc_{design}_k", part("mean"), len(values), method, seed),
    )


# Intervals


def estimate(name: str, statistic: Statistic, subjects: int, method: str, seed: int = 0) -> Estimate:
    """Return a statistic of all subjects with the percentile interval over resampled subjects."""
    value = statistic(np.arange(subjects)) if subjects > 1 else None
    if value is None:
        return Estimate(name, None, subjects, method, reason=TOO_FEW if subjects < 2 else NEVER_CHANGES)
    return Estimate(name, value, subjects, method, bootstrap(statistic, subjects, seed))


def bootstrap(statistic: Statistic, subjects: int, seed: int = 0, replicates: int = REPLICATES) -> Interval | None:
    """Return the percentile interval of a statistic over resampled subjects.

    None for fewer than three subjects, or when a tenth of the resamples give no value.
    """
    if subjects < FEWEST:
        return None
    rng = np.random.default_rng(seed)
    drawn = [statistic(rng.integers(0, subjects, subjects)) for _ in range(replicates)]
    found = [value for value in drawn if value is not None]
    if len(found) < 0.9 * replicates:
        return None
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), LEVEL, f"percentile bootstrap over subjects, {replicates} resamples")
