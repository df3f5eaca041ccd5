"""The registry's own reviews as ratings, so that a judge in use is set against people on the same manuscripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor
from core.errors import Denied, NotFound
from core.reviews.seeing import oversees
from core.tables import Review

if TYPE_CHECKING:
    from evaluators.manuscript.ratings import RatingFile

OVERALL = "overall"
"""All items of a form together, as the share of the best from 0 to 1; any other name is an item of the form."""


def recorded_ratings(session: Session, actor: Actor, rubric: str, dimension: str = OVERALL) -> RatingFile:
    """Return what people and judges answered on one form, of every manuscript; adjudications are no ratings.

    Only for those who oversee reviews, as it tells who reviewed what.
    """
    from evaluators.manuscript.ratings import Rating, RatingFile

    if not oversees(actor):
        raise Denied("you may not see everybody's reviews", "ask who assigns reviews, or an auditor")
    query = sa.select(Review).where(Review.rubric_id == rubric, Review.kind != "adjudication")
    rows = list(session.scalars(query.order_by(Review.submitted_at)))
    if not rows:
        raise NotFound(f"no review on the form '{rubric[:60]}' is on record", "see 'greenlight review rubrics'")
    found = [(row, _score(row, dimension)) for row in rows]
    if all(score is None for _, score in found):
        named = ", ".join(sorted(set(_numbers(rows)))) or "none"
        raise NotFound(f"no review has a score called '{dimension[:60]}'", f"choose {OVERALL} or one of: {named}")
    ratings = tuple(
        Rating(
            row.output_sha256,
            row.reviewer_id,
            score,
            model=row.kind == "judge",
            accept=row.scores["accept"],
            on=row.submitted_at.date(),
        )
        for row, score in found
        if score is not None
    )
    left_out = len(found) - len(ratings)
    notes = (f"{left_out} of {len(found)} reviews have no such score and are left out.",) if left_out else ()
    return RatingFile(ratings, {}, True, notes)


def _score(row: Review, dimension: str) -> float | None:
    value = row.scores["total"]["share"] if dimension == OVERALL else row.answers.get(dimension, {}).get("value")
    return _number(value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, bool | int | float) else None


def _numbers(rows: list[Review]) -> Iterator[str]:
    """Items that have a number in some review."""
    for row in rows:
        answers: Mapping[str, Any] = row.answers
        yield from (name for name, given in answers.items() if _number(given.get("value")) is not None)
