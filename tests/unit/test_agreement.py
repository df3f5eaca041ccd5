"""Agreement figures against published examples and independent implementations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from evaluators.base import EvaluatorError
from evaluators.manuscript.agreement import (
    Estimate,
    Level,
    alpha_estimate,
    bootstrap,
    icc_estimates,
    icc_one_way,
    icc_two_way,
    krippendorff_alpha,
    spearman,
    spearman_rows,
    weighted_kappa,
    weighted_kappa_rows,
)

NAN = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
).T
"""Four observers, twelve units: Krippendorff, Computing Krippendorff's alpha-reliability (2011), example D."""
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Six subjects, four judges: Shrout and Fleiss, Psychological Bulletin 86 (1979), table 2."""

tables = arrays(
    float,
    st.tuples(st.integers(3, 9), st.integers(2, 5)),
    elements=st.one_of(st.integers(1, 6).map(float), st.just(NAN)),
)
pairs = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), min_size=2, max_size=40)


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_reproduces_the_published_example(level, published):
    assert round(krippendorff_alpha(KRIPPENDORFF, level), 3) == published


def alpha_by_pairs(ratings, distance):
    """Alpha by its definition: mean distance inside units, over mean distance of all pairs of pairable values."""
    units = [row[~np.isnan(row)] for row in ratings]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    inside = sum(
        distance(a, b) / (len(unit) - 1) for unit in units for i, a in enumerate(unit) for b in np.delete(unit, i)
    )
    across = sum(distance(a, b) for a, b in itertools.permutations(values, 2)) / (len(values) - 1) if values else 0
    return None if len(units) < 2 or across == 0 else 1 - inside / across


DISTANCES = {
    "nominal": lambda a, b: float(a != b),
    "interval": lambda a, b: (a - b) ** 2,
    "ratio": lambda a, b: ((a - b) / (a + b)) ** 2,
}


@given(tables, st.sampled_from(sorted(DISTANCES)))
@settings(deadline=None, max_examples=100)
def test_alpha_is_its_definition(ratings, level):
    expected = alpha_by_pairs(ratings, DISTANCES[level])
    found = krippendorff_alpha(ratings, level)
    assert (found is None) == (expected is None)
    assert found is None or found == pytest.approx(expected, abs=1e-9)


@given(tables)
@settings(deadline=None, max_examples=60)
def test_ordinal_alpha_depends_on_the_order_only(ratings):
    assert krippendorff_alpha(ratings, "ordinal") == pytest.approx(krippendorff_alpha(ratings**3, "ordinal"))


@given(tables, st.randoms(use_true_random=False), st.sampled_from(list(Level)))
@settings(deadline=None, max_examples=60)
def test_alpha_does_not_depend_on_who_is_who(ratings, random, level):
    shuffled = np.array([random.sample(list(row), len(row)) for row in ratings])
    assert krippendorff_alpha(shuffled, level) == pytest.approx(krippendorff_alpha(ratings, level))


@given(tables)
@settings(deadline=None, max_examples=40)
def test_alpha_of_full_agreement_is_one_where_anything_can_disagree(ratings):
    same = np.repeat(np.nan_to_num(ratings[:, :1], nan=1.0), 3, axis=1)
    for level in Level:
        assert krippendorff_alpha(same, level) == (None if len(np.unique(same)) == 1 else pytest.approx(1.0))


def test_icc_reproduces_the_published_table():
    one, two = icc_one_way(SHROUT_FLEISS), icc_two_way(SHROUT_FLEISS)
    assert [round(value, 2) for value in (one.single, one.mean, two.single, two.mean)] == [0.17, 0.44, 0.29, 0.62]


def icc_by_variances(ratings):
    """ICC(2,1) from the variance components of a two-way analysis by the sums of squares of numpy's residuals."""
    n, k = ratings.shape
    design = np.zeros((n * k, n + k))
    for row, (i, j) in enumerate(itertools.product(range(n), range(k))):
        design[row, i] = design[row, n + j] = 1
    y = ratings.ravel()

    def residual(columns):
        x = np.column_stack([np.ones(n * k), design[:, columns]])
        return ((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2).sum()

    both, rows, columns = residual(range(n + k)), residual(range(n)), residual(range(n, n + k))
    error = both / ((n - 1) * (k - 1))
    subjects, raters = ((columns - both) / (n - 1) - error) / k, ((rows - both) / (k - 1) - error) / n
    return subjects / (subjects + raters + error)


@given(arrays(float, st.tuples(st.integers(3, 6), st.integers(2, 4)), elements=st.integers(1, 9).map(float)))
@settings(deadline=None, max_examples=40)
def test_icc_is_a_share_of_variance(ratings):
    found = icc_two_way(ratings)
    if found is not None:
        assert found.single == pytest.approx(icc_by_variances(ratings), abs=1e-6)
        assert found.single <= 1 + 1e-9
    else:
        total = ratings.var()
        assert total == 0 or ratings.mean(axis=1).var() <= total


def test_icc_leaves_out_subjects_with_a_missing_rating():
    holed = [*SHROUT_FLEISS, [9, NAN, 1, 1]]
    assert icc_two_way(holed) == icc_two_way(SHROUT_FLEISS)


@given(pairs)
@settings(deadline=None, max_examples=80)
def test_kappa_is_that_of_scikit_learn_on_a_whole_scale(given_pairs):
    first, second = zip(*given_pairs, strict=True)
    found = weighted_kappa(first, second)
    if found is None:
        assert len(set(first) | set(second)) == 1
        return
    expected = cohen_kappa_score(first, second, weights="quadratic", labels=list(range(1, 11)))
    assert found == pytest.approx(expected, abs=1e-9)


@given(pairs)
@settings(deadline=None, max_examples=80)
def test_spearman_is_that_of_scipy(given_pairs):
    first, second = zip(*given_pairs, strict=True)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert spearman(first, second) is None
        return
    assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-9)


def test_rows_are_computed_each_on_its_own():
    rng = np.random.default_rng(3)
    first, second = rng.integers(1, 6, (2, 5, 30)).astype(float)
    assert spearman_rows(first, second) == pytest.approx([spearman(a, b) for a, b in zip(first, second, strict=True)])
    assert weighted_kappa_rows(first, second) == pytest.approx(
        [weighted_kappa(a, b) for a, b in zip(first, second, strict=True)]
    )


def test_the_interval_of_a_mean_has_its_nominal_coverage():
    rng = np.random.default_rng(11)
    hits = 0
    for trial in range(150):
        values = rng.normal(5, 2, 60)
        found = bootstrap(lambda rows, values=values: float(values[rows].mean()), 60, trial, replicates=300)
        hits += found.low <= 5 <= found.high
    assert 0.88 <= hits / 150 <= 0.99


def test_intervals_hold_their_figure_and_repeat():
    found = alpha_estimate(KRIPPENDORFF, "ordinal")
    assert found.interval.low < found.value < found.interval.high
    assert alpha_estimate(KRIPPENDORFF, "ordinal") == found
    single, mean = icc_estimates(SHROUT_FLEISS, same_raters=True)
    assert (single.name, mean.name) == ("icc_2_1", "icc_2_k")
    assert single.value < mean.value


@pytest.mark.parametrize(
    ("ratings", "reason"), [([[1, NAN], [NAN, 2]], "fewer than two"), ([[3, 3], [3, 3], [3, 3]], "do not differ")]
)
def test_a_figure_that_cannot_be_told_has_a_reason(ratings, reason):
    found = alpha_estimate(ratings)
    assert found.value is None
    assert reason in found.reason
    assert icc_two_way(ratings) is None
    assert icc_one_way(ratings) is None


def test_ratings_that_are_none_are_refused():
    with pytest.raises(EvaluatorError, match="one row a subject"):
        krippendorff_alpha([1, 2, 3])
    with pytest.raises(EvaluatorError, match="finite"):
        krippendorff_alpha([[1, np.inf], [2, 2]])
    with pytest.raises(EvaluatorError, match="negative"):
        krippendorff_alpha([[-1, 2], [2, 2]], "ratio")
    with pytest.raises(EvaluatorError, match="round"):
        krippendorff_alpha(np.arange(4000.0).reshape(2000, 2))
    with pytest.raises(ValueError, match="not both"):
        Estimate("x", None, 3, "m")
