"""The comparison's statistics against closed forms and SciPy, and what must hold whatever the figures."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluators.base import Direction, EvaluatorError, Measure
from evaluators.comparison import (
    Options,
    Paired,
    Panel,
    Reading,
    Verdict,
    assets_needed,
    compare,
    holm,
    mean_interval,
    sign_test,
)

QUICK = Options(replicates=300)
VALUES = st.floats(-50, 50, allow_nan=False).map(lambda value: round(value, 3))
PAIRS = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=14)
DIRECTIONS = st.sampled_from([Direction.HIGHER, Direction.LOWER, Direction.TARGET])


def measure(direction: Direction = Direction.HIGHER, name: str = "score") -> Measure:
    target = 1.0 if direction is Direction.TARGET else None
    return Measure(name, "Score", "score", direction, None, None, "this test", "1", "A score.", target)


def panel(pairs: list[tuple[float, float]], direction: Direction = Direction.HIGHER, name: str = "score") -> Panel:
    return Panel(
        measure(direction, name),
        {
            side: {f"shot {index:02}": Reading(pair[place]) for index, pair in enumerate(pairs)}
            for place, side in enumerate(("a", "b"))
        },
    )


def one(pairs: list[tuple[float, float]], direction: Direction = Direction.HIGHER, **options: float) -> Paired:
    (result,) = compare([panel(pairs, direction)], replace(QUICK, **options))
    return result


def better(result: Paired) -> str | None:
    return {Verdict.FIRST: result.first, Verdict.SECOND: result.second}.get(result.verdict)


def test_the_interval_is_the_one_that_scipy_computes():
    differences = np.random.default_rng(3).gamma(2.0, 1.0, 17) - 1.4
    options = Options(replicates=9999, seed=11)
    ours = mean_interval(list(differences), options)
    theirs = stats.bootstrap(
        (differences,), np.mean, n_resamples=9999, method="BCa", rng=np.random.default_rng(11)
    ).confidence_interval
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)
    assert "BCa bootstrap over 17 assets" in ours.method


def test_the_interval_approaches_the_closed_form_of_a_normal_sample():
    differences = np.random.default_rng(5).normal(0.3, 1.0, 400)
    ours = mean_interval(list(differences), Options(replicates=8000))
    half = 1.959964 * differences.std() / math.sqrt(400)
    assert ours is not None
    assert (ours.low, ours.high) == pytest.approx((differences.mean() - half, differences.mean() + half), abs=0.006)


def test_the_sign_test_is_the_binomial_sum():
    for wins, losses in ((8, 0), (7, 3), (5, 5), (0, 0), (1, 12)):
        total = wins + losses
        tail = sum(math.comb(total, k) for k in range(min(wins, losses) + 1)) / 2**total
        assert sign_test(wins, losses) == pytest.approx(min(1.0, 2 * tail))


def test_holms_correction_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@pytest.mark.parametrize("questions", [1, 4, 22])
def test_the_needed_number_of_assets_is_the_first_that_decides_a_clean_sweep(questions: int):
    def verdicts(assets: int) -> set[Verdict]:
        pairs = [(2.0 + index, 1.0) for index in range(assets)]
        return {one.verdict for one in compare([panel(pairs, name=f"m{n}") for n in range(questions)], QUICK)}

    needed = assets_needed(questions)
    assert verdicts(needed) == {Verdict.FIRST}
    assert verdicts(needed - 1) == {Verdict.CANNOT_TELL}


def test_too_few_assets_give_no_interval_no_test_and_the_reason():
    result = one([(2.0, 1.0), (3.0, 1.0)])
    assert (result.interval, result.p_value, result.verdict) == (None, None, Verdict.CANNOT_TELL)
    assert result.difference == 1.5
    assert "Only 2 assets have a value for both; at least 3 are needed." in result.why


def test_a_target_is_judged_by_the_distance_on_both_sides():
    result = one([(1.1, 1.9), (0.9, 0.2), (1.0, 2.0), (0.8, 1.7), (1.2, 0.1), (1.1, 3.0)], Direction.TARGET)
    assert better(result) == "a"
    assert result.win_rate == 1.0
    assert result.quantity.startswith("distance from 1")
    assert result.advantage == pytest.approx(-result.difference)


def test_a_diagnostic_is_shown_and_never_judged():
    result = one([(float(index), 0.0) for index in range(1, 10)], Direction.DIAGNOSTIC)
    assert (result.verdict, result.p_value, result.win_rate, result.advantage) == (
        Verdict.NOT_JUDGED,
        None,
        None,
        None,
    )
    assert result.difference == 5.0


def test_an_absent_value_leaves_its_pair_out_and_is_named():
    readings = {
        "a": {"one": Reading(1.0), "two": Reading(None, "the clip has one frame"), "three": Reading(0.5)},
        "b": {"one": Reading(0.5), "two": Reading(0.5)},
    }
    (result,) = compare([Panel(measure(), readings)], QUICK)
    assert result.assets == ("one",)
    assert result.first_mean == 1.0
    assert [(gap.asset, gap.candidate, gap.reason) for gap in result.left_out] == [
        ("three", "b", "it was not run on this asset"),
        ("two", "a", "the clip has one frame"),
    ]


def test_ties_count_half_and_their_width_is_stated():
    result = one([(1.0, 1.0), (1.0, 1.0005), (2.0, 1.0), (1.0, 1.01)])
    assert (result.wins, result.ties, result.losses, result.win_rate) == (1, 2, 1, 0.5)
    assert "0.100%" in result.tie_rule


def test_one_large_outlier_does_not_make_a_winner():
    assert one([(100.0, 1.0), *[(1.0, 1.1)] * 9]).verdict is Verdict.CANNOT_TELL


def test_three_candidates_are_compared_two_by_two_in_one_family():
    readings = {name: {f"{n}": Reading(value + n) for n in range(9)} for name, value in (("a", 3), ("b", 2), ("c", 1))}
    results = compare([Panel(measure(), readings)], QUICK)
    assert [(one.first, one.second) for one in results] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert {one.p_adjusted for one in results} == {3 * 2 / 2**9}


def test_one_candidate_cannot_be_compared():
    with pytest.raises(EvaluatorError, match="needs two candidates"):
        compare([Panel(measure(), {"a": {"one": Reading(1.0)}})])


def test_equals_are_told_apart_no_more_often_than_alpha():
    rng = np.random.default_rng(0)
    named = 0
    for _ in range(200):
        pairs = rng.standard_t(2, (12, 2))
        named += one([(float(left), float(right)) for left, right in pairs]).verdict is not Verdict.CANNOT_TELL
    assert named <= 0.05 * 200 + 3 * math.sqrt(200 * 0.05 * 0.95)


@settings(deadline=None, max_examples=40)
@given(PAIRS, DIRECTIONS)
def test_exchanging_the_candidates_mirrors_everything(pairs: list[tuple[float, float]], direction: Direction):
    ours, theirs = one(pairs, direction), one([(right, left) for left, right in pairs], direction)
    assert ours.differences == tuple(-value for value in theirs.differences)
    assert ours.difference == pytest.approx(-theirs.difference)
    assert (ours.wins, ours.losses, ours.p_value) == (theirs.losses, theirs.wins, theirs.p_value)
    assert ours.win_rate == pytest.approx(1 - theirs.win_rate)
    mirrored = {Verdict.FIRST: Verdict.SECOND, Verdict.SECOND: Verdict.FIRST}
    assert ours.verdict is mirrored.get(theirs.verdict, theirs.verdict)
    if ours.interval and theirs.interval:
        assert (ours.interval.low, ours.interval.high) == pytest.approx(
            (-theirs.interval.high, -theirs.interval.low), abs=1e-9
        )


@settings(deadline=None, max_examples=30)
@given(PAIRS, DIRECTIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_assets_changes_nothing(pairs: list[tuple[float, float]], direction: Direction, random):
    given_order = panel(pairs, direction)
    shuffled = {}
    for name, readings in given_order.readings.items():
        items = list(readings.items())
        random.shuffle(items)
        shuffled[name] = dict(items)
    assert compare([given_order], QUICK) == compare([Panel(given_order.measure, shuffled)], QUICK)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(VALUES, st.floats(0, 5)), min_size=1, max_size=14))
def test_a_candidate_that_is_worse_everywhere_never_wins(pairs: list[tuple[float, float]]):
    result = one([(value, value - gap) for value, gap in pairs])
    assert result.losses == 0
    assert result.verdict is not Verdict.SECOND
    assert better(one([(value, value + gap) for value, gap in pairs], Direction.LOWER)) != "b"


@settings(deadline=None, max_examples=30)
@given(PAIRS)
def test_the_interval_is_made_of_means_that_the_assets_allow(pairs: list[tuple[float, float]]):
    result = one(pairs)
    if result.interval:
        assert min(result.differences) - 1e-9 <= result.interval.low <= result.interval.high
        assert result.interval.high <= max(result.differences) + 1e-9


def test_the_interval_holds_the_truth_as_often_as_the_documentation_says():
    rng, options = np.random.default_rng(0), Options(replicates=500)

    def share(count: int) -> float:
        intervals = [mean_interval(list(rng.normal(0, 1, count)), options) for _ in range(300)]
        return sum(one is not None and one.low <= 0 <= one.high for one in intervals) / 300

    # Three standard errors of a share over 300 cases are about 0.06.
    assert share(8) == pytest.approx(0.89, abs=0.06)
    assert share(20) == pytest.approx(0.92, abs=0.05)
