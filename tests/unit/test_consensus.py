"""Several reviews of one paper: the mean stays on its scale, and what cannot be told has its reason."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.manuscript.consensus import ONE, SAME, consensus, item_consensus
from evaluators.manuscript.rubric import load_rubric
from evaluators.manuscript.scoring import check_answers

FORM = load_rubric("medical-ai-scientist-manuscript")
ITEMS = [item.id for item in FORM.leaves()]
SCORES = st.lists(st.lists(st.integers(1, 5), min_size=5, max_size=5), min_size=1, max_size=6)


def reviews(scores: list[list[int]]) -> list[dict[str, object]]:
    return [check_answers(FORM, dict(zip(ITEMS, row, strict=True))) for row in scores]


@given(SCORES)
@settings(deadline=None, max_examples=30)
def test_means_and_intervals_stay_on_the_scale_around_each_other(scores: list[list[int]]):
    found = item_consensus(FORM, reviews(scores))
    assert [one.item for one in found] == ITEMS
    for place, one in enumerate(found):
        column = [row[place] for row in scores]
        assert one.mean == pytest.approx(sum(column) / len(column))
        assert (one.interval is None) == (len(set(column)) == 1)
        if one.interval:
            assert 1 <= one.interval.low <= one.mean <= one.interval.high <= 5
        else:
            assert one.reason == (ONE if len(column) == 1 else SAME)


def test_an_interval_is_students():
    found = consensus(FORM, reviews([[2] * 5, [3] * 5, [4] * 5]))
    # t(0.975, 2) = 4.3027, s = 1, so 3 ± 2.484, cut to the scale.
    assert found.items[0].interval is not None
    assert (found.items[0].interval.low, found.items[0].interval.high) == (1, 5)
    close = consensus(FORM, reviews([[3] * 5, [3] * 5, [3] * 5, [4] * 5])).items[0].interval
    assert close is not None
    assert close.low == pytest.approx(3.25 - 3.182446 * 0.5 / 2, abs=1e-5)


def test_agreement_is_full_where_all_order_the_items_alike_and_absent_for_one():
    assert consensus(FORM, reviews([[1, 2, 3, 4, 5]] * 2)).agreement.value == pytest.approx(1)
    alone = consensus(FORM, reviews([[1, 2, 3, 4, 5]])).agreement
    assert (alone.value, bool(alone.reason)) == (None, True)


def test_what_was_settled_stands_beside_what_was_said():
    (first, *others) = consensus(
        FORM, reviews([[1] * 5, [5] * 5]), check_answers(FORM, {"novelty": 4}, complete=False)
    ).items
    assert (first.settled, first.values) == (4.0, (1.0, 5.0))
    assert {one.settled for one in others} == {None}
