"""Several people's answers to one form as one: mean with interval by item, what was settled, how far they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from evaluators.base import Interval
from evaluators.manuscript.agreement import LEVEL, Estimate, Level, alpha_estimate
from evaluators.manuscript.rubric import Item, Rubric
from evaluators.manuscript.scoring import Answers, share_of

ONE = "one person answered"
SAME = "everybody said the same"


@dataclass(frozen=True)
class ItemConsensus:
    """What people said of one item. `mean` and `interval` are on its own scale, from `low` to `high`.

    `settled` is an adjudicator's value, which then stands instead of the mean; without an interval, `reason` says why.
    """

    item: str
    title: str
    low: float
    high: float
    values: tuple[float, ...]
    mean: float
    interval: Interval | None
    reason: str | None
    settled: float | None = None


@dataclass(frozen=True)
class Consensus:
    """All items that are numbers, and the agreement of the reviewers over them."""

    items: tuple[ItemConsensus, ...]
    agreement: Estimate

    def to_json(self) -> dict[str, object]:
        """The consensus as plain JSON values."""
        return asdict(self)


def consensus(rubric: Rubric, reviews: Sequence[Answers], settled: Answers | None = None) -> Consensus:
    """Sum up people's reviews on one form; items that nobody answered with a number are left out.

    The interval is Student's for a mean, cut to the scale: it speaks of other reviewers of this paper. Agreement is
    Krippendorff's alpha over the form's items, each as a share of its scale.
    """
    scores = _scores(rubric)
    shares = [[_share(item, answers) for answers in reviews] for item in scores]
    table = np.asarray(shares, float).reshape(len(scores), len(reviews))
    return Consensus(item_consensus(rubric, reviews, settled), alpha_estimate(table, Level.INTERVAL))


def item_consensus(
    rubric: Rubric, reviews: Sequence[Answers], settled: Answers | None = None
) -> tuple[ItemConsensus, ...]:
    """Sum up each item alone."""
    found = (_item(item, reviews, settled or {}) for item in _scores(rubric))
    return tuple(one for one in found if one is not None)


def _scores(rubric: Rubric) -> list[Item]:
    return [item for item in rubric.leaves() if item.kind == "score"]


def _item(item: Item, reviews: Sequence[Answers], settled: Answers) -> ItemConsensus | None:
    values = tuple(float(answers[item.id].value or 0.0) for answers in reviews if _numeric(answers, item.id))
    if not values:
        return None
    low, high = float(item.values[0]), float(item.values[-1])
    interval = _interval(values, low, high)
    reason = None if interval else ONE if len(values) == 1 else SAME
    own = float(settled[item.id].value or 0.0) if _numeric(settled, item.id) else None
    return ItemConsensus(item.id, item.title, low, high, values, float(np.mean(values)), interval, reason, own)


def _interval(values: Sequence[float], low: float, high: float) -> Interval | None:
    from scipy.stats import t

    if len(values) < 2 or len(set(values)) == 1:
        return None
    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    mean = float(np.mean(values))
    return Interval(max(low, mean - half), min(high, mean + half), LEVEL, f"Student's t over {len(values)} reviewers")


def _numeric(answers: Answers, item: str) -> bool:
    value = answers[item].value if item in answers else None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(item: Item, answers: Mapping[str, object]) -> float:
    given = answers.get(item.id)
    value = getattr(given, "value", None)
    return float("nan") if value is None else share_of(item, value)
