"""A judge against people, as a share of what people reach among themselves.

Two reviewers of one paper agree only so far; no judge can be asked for more. So each figure of a judge stands beside
the same figure of a reviewer, made from the same pairs:

- *one against one*: in each of `DRAWS` draws every paper gives one random pair of its reviewers, and the figure is the
  mean over the draws. A judge takes the place of the pair's second reviewer.
- *one against the rest*: the same draws, the first reviewer against the mean of the paper's other reviewers. A judge
  takes the place of the first reviewer, against the same mean.

A figure against the mean of *all* reviewers has no human counterpart, as a reviewer is part of that mean; it is shown
because it is what is published. On 500 ICLR papers (the human ratings that Lu et al. published with The AI Scientist,
arXiv 2408.06292) 200 draws of seed 0 give Spearman .363 and weighted kappa .361 for one against one; 20,000 draws give
.362 and .361. Pooling all pairs instead weighs papers by the square of their reviews and gives .350 and .346.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluators.manuscript.agreement import (
    Estimate,
    Level,
    Matrix,
    alpha_estimate,
    bootstrap,
    estimate,
    icc_estimates,
    spearman,
    spearman_rows,
    weighted_kappa_rows,
)
from evaluators.manuscript.drift import drift_of, periods_of
from evaluators.manuscript.ratings import JudgeRatings, People, RatingSet

DRAWS = 200
DRAWS_FOR_INTERVAL = 20
"""How many of the draws each resample of the papers uses, chosen anew; their noise is a fifth of the resample's."""
REPLICATES = 400
NO_DECISIONS = "the ratings do not say which papers were accepted"
NO_RECOMMENDATION = "the judge recommends neither acceptance nor rejection"
Figure = Callable[[Matrix, Matrix], Matrix]


class Draws(NamedTuple):
    """Random pairs of reviewers: `first`, `second` and the mean of all but the first; each draws by papers."""

    first: Matrix
    second: Matrix
    rest: Matrix


@dataclass(frozen=True)
class Calibration:
    """The figures of the people, and of each judge by its name; `periods` is the judge's bias over time."""

    papers: int
    ratings: int
    people: tuple[Estimate, ...]
    judges: Mapping[str, tuple[Estimate, ...]]
    periods: Mapping[str, tuple[Mapping[str, object], ...]]
    notes: tuple[str, ...] = ()

    def of(self, name: str, judge: str | None = None) -> Estimate:
        """Return a figure of a judge, or of the people; raises KeyError for an unknown one."""
        for one in self.people if judge is None else self.judges[judge]:
            if one.name == name:
                return one
        raise KeyError(name)

    def to_json(self) -> dict[str, object]:
        """The calibration as plain JSON values."""
        return {
            "papers": self.papers,
            "ratings": self.ratings,
            "people": [one.to_json() for one in self.people],
            "judges": {name: [one.to_json() for one in found] for name, found in self.judges.items()},
            "periods": {name: [dict(one) for one in found] for name, found in self.periods.items()},
            "notes": list(self.notes),
        }


def calibrate(ratings: RatingSet, seed: int = 0) -> Calibration:
    """Set every judge against the people who rated the same papers."""
    people = ratings.people
    return Calibration(
        len(people.subjects),
        int((~np.isnan(people.scores)).sum()),
        people_figures(people, seed),
        {judge.name: judge_figures(judge, people, seed) for judge in ratings.judges},
        {judge.name: periods_of(judge, people) for judge in ratings.judges},
        ratings.notes,
    )


def draw_pairs(scores: Matrix, draws: int = DRAWS, seed: int = 0) -> Draws:
    """Return random pairs of different reviewers of each paper; every row needs two ratings at least."""
    rng = np.random.default_rng(seed)
    given = [row[~np.isnan(row)] for row in scores]
    pairs = np.array([[row[rng.permutation(len(row))[:2]] for row in given] for _ in range(draws)]).reshape(
        draws, -1, 2
    )
    sums, counts = np.array([row.sum() for row in given]), np.array([len(row) for row in given])
    first, second = pairs[..., 0], pairs[..., 1]
    return Draws(first, second, (sums - first) / (counts - 1))


def people_figures(people: People, seed: int = 0) -> tuple[Estimate, ...]:
    """Return how far people agree among themselves: the ceiling of every judge."""
    scores = people.scores[(~np.isnan(people.scores)).sum(axis=1) > 1]
    pairs = draw_pairs(scores, seed=seed)
    one = f"one random pair of reviewers a paper, mean of {DRAWS} draws (seed {seed})"
    rest = f"one random reviewer against the mean of the paper's others, mean of {DRAWS} draws (seed {seed})"
    return (
        _drawn("spearman_one", spearman_rows, pairs.first, pairs.second, f"Spearman, {one}"),
        _drawn("kappa_one", weighted_kappa_rows, pairs.first, pairs.second, f"quadratic-weighted kappa, {one}"),
        _drawn("spearman_rest", spearman_rows, pairs.first, pairs.rest, f"Spearman, {rest}"),
        alpha_estimate(scores, Level.INTERVAL, seed),
        alpha_estimate(scores, Level.ORDINAL, seed),
        *icc_estimates(people.scores, people.same_raters, seed),
        _people_auc(people, seed),
    )


def judge_figures(judge: JudgeRatings, people: People, seed: int = 0) -> tuple[Estimate, ...]:
    """Return a judge's agreement with people, its share of theirs, its decisions, its bias and its drift."""
    case = _Case.of(judge, people)
    return (*_with_people(case, seed), *_decisions(case, seed), *_bias(case, seed), *drift_of(judge, people, seed))


@dataclass(frozen=True)
class _Case:
    """The papers that both a judge and people rated. `venue` and `own` are NaN where no decision is known."""

    scores: Matrix
    means: Matrix
    theirs: Matrix
    venue: Matrix
    own: Matrix

    @classmethod
    def of(cls, judge: JudgeRatings, people: People) -> _Case:
        rows = [row for row, subject in enumerate(people.subjects) if subject in judge.ratings]
        newest = [judge.ratings[people.subjects[row]][0] for row in rows]
        theirs = people.scores[rows]
        return cls(
            np.array([rating.score for rating in newest], float),
            np.nanmean(theirs, axis=1) if rows else np.empty(0),
            theirs,
            np.array([people.decisions.get(people.subjects[row], np.nan) for row in rows], float),
            np.array([np.nan if rating.accept is None else rating.accept for rating in newest], float),
        )


def _with_people(case: _Case, seed: int) -> tuple[Estimate, ...]:
    both = (~np.isnan(case.theirs)).sum(axis=1) > 1
    pairs = draw_pairs(case.theirs[both], seed=seed)
    judged = np.broadcast_to(case.scores[both], pairs.first.shape)
    n, one = len(case.scores), "one random reviewer a paper, the ceiling's draws"
    method = "Spearman, mean of all reviewers"
    mean = estimate("spearman_mean", lambda rows: spearman(case.scores[rows], case.means[rows]), n, method, seed)
    kinds: Sequence[tuple[str, str, Figure, Matrix, Matrix]] = (
        ("spearman_one", f"Spearman, {one}", spearman_rows, pairs.first, pairs.second),
        ("kappa_one", f"quadratic-weighted kappa, {one}", weighted_kappa_rows, pairs.first, pairs.second),
        ("spearman_rest", "Spearman, mean of all reviewers but one", spearman_rows, pairs.first, pairs.rest),
    )
    found = [mean]
    for name, method, figure, first, second in kinds:
        found.append(_drawn(name, figure, judged, second, method))
        found.append(_share(f"{name}_share", figure, judged, first, second))
    return tuple(found)


def _drawn(name: str, figure: Figure, first: Matrix, second: Matrix, method: str) -> Estimate:
    """The mean over the draws, with the interval over resampled papers."""
    rng = np.random.default_rng(0)

    def statistic(rows: NDArray[np.int64]) -> float | None:
        few = np.ix_(rng.integers(0, len(first), DRAWS_FOR_INTERVAL), rows)
        return _mean(figure(first[few], second[few]))

    papers = first.shape[1]
    value = _mean(figure(first, second)) if papers > 1 else None
    if value is None:
        return estimate(name, lambda _rows: None, papers, method)
    return Estimate(name, value, papers, method, bootstrap(statistic, papers, replicates=REPLICATES))


def _share(name: str, figure: Figure, judged: Matrix, first: Matrix, second: Matrix) -> Estimate:
    """The judge's figure as a share of a reviewer's, on the same papers and pairs."""

    def ratio(own: Matrix, theirs: Matrix, other: Matrix) -> float | None:
        top, ceiling = _mean(figure(own, other)), _mean(figure(theirs, other))
        return None if top is None or ceiling is None or ceiling <= 0 else top / ceiling

    rng = np.random.default_rng(0)

    def statistic(rows: NDArray[np.int64]) -> float | None:
        few = np.ix_(rng.integers(0, len(first), DRAWS_FOR_INTERVAL), rows)
        return ratio(judged[few], first[few], second[few])

    papers, method = first.shape[1], "the judge's figure / a reviewer's figure on the same papers and pairs"
    value = ratio(judged, first, second) if papers > 1 else None
    if value is None:
        return Estimate(name, None, papers, method, reason="people do not agree beyond chance on these papers")
    return Estimate(name, value, papers, method, bootstrap(statistic, papers, replicates=REPLICATES))


def _mean(values: Matrix) -> float | None:
    return None if np.isnan(values).any() or not len(values) else float(values.mean())


def _decisions(case: _Case, seed: int) -> tuple[Estimate, ...]:
    known = ~np.isnan(case.venue)
    venue, scores = case.venue[known] > 0, case.scores[known]
    auc = _classed("auc", lambda rows: area(scores[rows], venue[rows]), venue, "score against the decision", seed)
    told = known & ~np.isnan(case.own)
    real, own = case.venue[told] > 0, case.own[told] > 0
    if known.any() and not told.any():
        return auc, Estimate("balanced_accuracy", None, 0, "", reason=NO_RECOMMENDATION)
    method = "mean of the shares of accepted and of rejected papers that the judge's recommendation hits"
    return auc, _classed("balanced_accuracy", lambda rows: balanced_accuracy(own[rows], real[rows]), real, method, seed)


def _people_auc(people: People, seed: int) -> Estimate:
    """A random reviewer's score against the decision, which that score helped to make."""
    known = np.array([subject in people.decisions for subject in people.subjects])
    known &= (~np.isnan(people.scores)).sum(axis=1) > 1
    venue = np.array([people.decisions.get(subject, False) for subject in people.subjects])[known]
    first = draw_pairs(people.scores[known], DRAWS_FOR_INTERVAL, seed).first

    def statistic(rows: NDArray[np.int64]) -> float | None:
        areas = [area(scores[rows], venue[rows]) for scores in first]
        return None if None in areas else float(np.mean([one for one in areas if one is not None]))

    method = f"one random reviewer's score against the decision that it helped to make, mean of {len(first)} draws"
    return _classed("auc_one", statistic, venue, method, seed)


def _classed(
    name: str, statistic: Callable[[NDArray[np.int64]], float | None], venue: NDArray[np.bool_], method: str, seed: int
) -> Estimate:
    if not len(venue):
        return Estimate(name, None, 0, method, reason=NO_DECISIONS)
    if venue.all() or not venue.any():
        return Estimate(name, None, len(venue), method, reason="all papers got the same decision")
    value = statistic(np.arange(len(venue)))
    if value is None:
        return Estimate(name, None, len(venue), method, reason=NO_DECISIONS)
    return Estimate(name, value, len(venue), method, bootstrap(statistic, len(venue), seed, REPLICATES))


def area(scores: Matrix, accepted: NDArray[np.bool_]) -> float | None:
    """Return the chance that an accepted paper has a higher score than a rejected one, ties counting half."""
    from scipy.stats import rankdata

    good = int(accepted.sum())
    bad = len(accepted) - good
    if not good or not bad:
        return None
    return float((rankdata(scores)[accepted].sum() - good * (good + 1) / 2) / (good * bad))


def balanced_accuracy(own: NDArray[np.bool_], real: NDArray[np.bool_]) -> float | None:
    """Return the mean of sensitivity and specificity; None when one class is missing."""
    if real.all() or not real.any():
        return None
    return float((own[real].mean() + (~own[~real]).mean()) / 2)


def _bias(case: _Case, seed: int) -> tuple[Estimate, ...]:
    """How much higher a judge scores than people do, over all papers and over people's lowest and highest third."""
    order = np.argsort(case.means, kind="stable")
    third = len(order) // 3
    difference = case.scores - case.means
    parts = (
        ("bias", difference, "mean of judge minus mean of all reviewers"),
        (
            "bias_lowest_third",
            difference[order[:third]],
            "the third that people score lowest, regression to the mean included",
        ),
        (
            "bias_highest_third",
            difference[order[len(order) - third :]],
            "the third that people score highest, regression to the mean included",
        ),
    )
    return tuple(_mean_of(name, values, method, seed) for name, values, method in parts)


def _mean_of(name: str, values: Matrix, method: str, seed: int) -> Estimate:
    return estimate(name, lambda rows: float(values[rows].mean()), len(values), method, seed)
