"""Whether a judge's distance from people changes over time: another model version, another prompt, other papers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evaluators.manuscript.agreement import Estimate, estimate
from evaluators.manuscript.ratings import JudgeRatings, People

NO_DATES = "the judge's ratings have no dates"
ONE_DAY = "the judge's ratings are all of one day"
NO_REPEATS = "the judge rated no paper twice"


def drift_of(judge: JudgeRatings, people: People, seed: int = 0) -> tuple[Estimate, Estimate]:
    """Return how the judge's bias changed from its older to its newer half, and on papers that it rated again.

    `drift` compares papers with other papers, so that a change of papers shows too; `drift_repeats` compares each
    paper with itself, newest rating minus oldest.
    """
    return _halves(judge, people, seed), _repeats(judge, seed)


def periods_of(judge: JudgeRatings, people: People) -> tuple[Mapping[str, object], ...]:
    """Return the judge's bias for each month with ratings: month, papers, bias."""
    months: dict[str, list[float]] = {}
    for month, difference in sorted((day[:7], difference) for day, difference in _dated(judge, people)):
        months.setdefault(month, []).append(difference)
    return tuple(
        {"month": month, "papers": len(found), "bias": float(np.mean(found))} for month, found in months.items()
    )


def _dated(judge: JudgeRatings, people: People) -> list[tuple[str, float]]:
    """Day and judge minus people's mean of every dated rating, old ones included, in the order of time."""
    means = dict(zip(people.subjects, np.nanmean(people.scores, axis=1), strict=True))
    return sorted(
        (rating.on.isoformat(), float((rating.score or 0.0) - means[subject]))
        for subject, given in judge.ratings.items()
        for rating in given
        if rating.on is not None and subject in means
    )


def _halves(judge: JudgeRatings, people: People, seed: int) -> Estimate:
    dated = _dated(judge, people)
    days = np.array([day for day, _ in dated])
    differences = np.array([difference for _, difference in dated])
    method = "bias of the ratings after the median day minus bias of those up to it"
    if not len(dated) or days[0] == days[-1]:
        return Estimate("drift", None, len(dated), method, reason=ONE_DAY if dated else NO_DATES)
    middle = days[(len(days) - 1) // 2]
    newer = days > middle if days[-1] > middle else days >= middle

    def statistic(rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> float | None:
        chosen, late = differences[rows], newer[rows]
        return float(chosen[late].mean() - chosen[~late].mean()) if late.any() and not late.all() else None

    return estimate("drift", statistic, len(dated), method, seed)


def _repeats(judge: JudgeRatings, seed: int) -> Estimate:
    changes = np.array(
        [(given[0].score or 0.0) - (given[-1].score or 0.0) for given in judge.ratings.values() if len(given) > 1]
    )
    method = "newest rating of a paper minus its oldest by the same judge"
    if len(changes) < 2:
        return Estimate("drift_repeats", None, len(changes), method, reason=NO_REPEATS)
    return estimate("drift_repeats", lambda rows: float(changes[rows].mean()), len(changes), method, seed)
