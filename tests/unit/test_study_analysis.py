"""The study's statistics against closed forms and independent implementations."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn import linear_model
from sklearn import metrics as theirs

from core.runners.scientist.protocol import metrics
from core.runners.scientist.protocol.figures import roc_points
from core.runners.scientist.protocol.folds import largest_count, split
from core.runners.scientist.protocol.intervals import Bootstrap, wilson
from core.runners.scientist.protocol.measures import operating_point
from core.runners.scientist.protocol.models import build, coefficients, fit
from core.runners.scientist.protocol.models import settings as grid_of
from core.runners.scientist.protocol.schema import ModelPlan


def sample(n: int = 120, seed: int = 0, ties: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, risks with ties, and whole weights, some of them zero."""
    random = np.random.default_rng(seed)
    p = random.uniform(0.02, 0.98, n)
    y = (random.uniform(size=n) < p**1.4).astype(float)
    y[:2] = 0, 1
    w = random.integers(0, 4, (3, n)).astype(float)
    w[:, :2] = 1
    return y, np.round(p, 1) if ties else p, w


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [True, False])
def test_discrimination_and_error_agree_with_scikit_learn_for_any_weights(seed: int, ties: bool) -> None:
    y, p, w = sample(seed=seed, ties=ties)
    pairs = [
        (metrics.roc_auc, theirs.roc_auc_score),
        (metrics.average_precision, theirs.average_precision_score),
        (metrics.brier, theirs.brier_score_loss),
        (metrics.rmse, theirs.root_mean_squared_error),
        (metrics.mae, theirs.mean_absolute_error),
        (metrics.r_squared, theirs.r2_score),
    ]
    for ours, other in pairs:
        assert ours(y, p, w) == pytest.approx([other(y, p, sample_weight=row) for row in w], abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_calibration_is_the_maximum_of_the_likelihood(seed: int) -> None:
    y, p, w = sample(seed=seed, ties=False)
    x = metrics.logit(p)
    for row, slope, level in zip(
        w, metrics.calibration_slope(y, p, w), metrics.calibration_intercept(y, p, w), strict=True
    ):

        def loss(beta: np.ndarray, row: np.ndarray = row) -> float:
            z = beta[0] + (beta[1] if len(beta) > 1 else 1.0) * x
            return float(np.sum(row * (np.logaddexp(0, z) - y * z)))

        assert slope == pytest.approx(optimize.minimize(loss, [0.0, 1.0], tol=1e-10).x[1], abs=1e-4)
        assert level == pytest.approx(optimize.minimize(loss, [0.0], tol=1e-10).x[0], abs=1e-4)


def test_calibration_of_separated_classes_does_not_exist() -> None:
    y, p = np.repeat([0.0, 1.0], 20), np.linspace(0.1, 0.9, 40)
    assert np.isnan(metrics.calibration_slope(y, p, np.ones((1, 40))))[0]
    estimate = Bootstrap(np.arange(40), 200, 0.95, 1).estimate(metrics.calibration_slope, y, p)
    assert estimate.estimate is None
    assert estimate.reason


@given(st.floats(0.2, 3.0), st.floats(-2.0, 2.0))
@settings(max_examples=20, deadline=None)
def test_stretching_the_log_odds_divides_the_slope(stretch: float, shift: float) -> None:
    y, p, w = sample(ties=False)
    moved = 1 / (1 + np.exp(-(shift + stretch * metrics.logit(p))))
    before, after = metrics.calibration_slope(y, p, w), metrics.calibration_slope(y, moved, w)
    assert after * stretch == pytest.approx(before, rel=1e-3)


def test_net_benefit_and_the_operating_point_are_counts() -> None:
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0, 0, 0.0])
    p = np.array([0.9, 0.5, 0.1, 0.9, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0])
    one = np.ones((1, 10))
    assert metrics.net_benefit(0.5)(y, p, one)[0] == pytest.approx(2 / 10 - 2 / 10 * 1.0)
    assert metrics.net_benefit(0.2)(y, p, one)[0] == pytest.approx(2 / 10 - 5 / 10 * 0.25)
    point = {name: metric(y, p, one)[0] for name, metric in operating_point(0.5).items()}
    assert point == pytest.approx(
        {
            "sensitivity": 2 / 3,
            "specificity": 5 / 7,
            "positive_predictive_value": 2 / 4,
            "negative_predictive_value": 5 / 6,
        }
    )


def test_linear_calibration_is_the_least_squares_slope() -> None:
    random = np.random.default_rng(1)
    p = random.normal(10, 3, 80)
    y = 2 + 0.7 * p + random.normal(size=80)
    one = np.ones((1, 80))
    assert metrics.linear_slope(y, p, one)[0] == pytest.approx(stats.linregress(p, y).slope)
    assert metrics.mean_error(y, p, one)[0] == pytest.approx(np.mean(y - p))


def test_the_curve_of_the_figure_has_the_area_of_the_table() -> None:
    y, p, _ = sample()
    x, height = roc_points(y, p)
    assert np.trapezoid(height, x) == pytest.approx(metrics.roc_auc(y, p, np.ones((1, len(y))))[0])


@given(st.integers(1, 400), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(n: int, data: st.DataObject, level: float) -> None:
    k = data.draw(st.integers(0, n))
    ours, other = wilson(k, n, level), stats.binomtest(k, n).proportion_ci(level, "wilson")
    assert (ours.low, ours.high) == pytest.approx((other.low, other.high), abs=1e-9)
    assert wilson(0, 0, level).estimate is None


def test_the_bootstrap_covers_a_mean_about_as_often_as_it_says() -> None:
    random, hits, runs = np.random.default_rng(7), 0, 200
    for run in range(runs):
        y = random.normal(size=40)
        found = Bootstrap(np.arange(40), 200, 0.9, run).estimate(lambda y, _p, w: metrics.mean(y, w), y, y)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
    # 90 % wanted; the percentile interval of 40 rows falls a little short, chance alone gives 2.1 % (one sd).
    assert 0.82 <= hits / runs <= 0.96


def test_the_bootstrap_of_an_area_is_as_wide_as_delong_says() -> None:
    y, p, _ = sample(300, ties=False)
    found = Bootstrap(np.arange(300), 1000, 0.95, 1).estimate(metrics.roc_auc, y, p)
    assert found.low is not None
    assert found.high is not None
    cases, controls = p[y == 1], p[y == 0]
    wins = (cases[:, None] > controls).astype(float)
    variance = wins.mean(1).var(ddof=1) / len(cases) + wins.mean(0).var(ddof=1) / len(controls)
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(variance), rel=0.12)


def test_several_rows_of_a_patient_widen_the_interval() -> None:
    random = np.random.default_rng(3)
    value = np.repeat(random.normal(size=30), 8)
    patient = np.repeat(np.arange(30), 8)

    def width(of: np.ndarray) -> float:
        found = Bootstrap(of, 400, 0.95, 1).estimate(lambda y, _p, w: metrics.mean(y, w), value, value)
        assert found.low is not None
        assert found.high is not None
        return found.high - found.low

    assert width(patient) == pytest.approx(math.sqrt(8) * width(np.arange(240)), rel=0.2)


def test_a_model_does_not_differ_from_itself() -> None:
    y, p, _ = sample()
    found = Bootstrap(np.arange(len(y)), 200, 0.95, 1).difference(metrics.roc_auc, y, p, p)
    assert (found.estimate, found.low, found.high) == (0.0, 0.0, 0.0)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=12, max_size=120), st.integers(2, 5), st.booleans()
)
def test_folds_predict_every_row_once_and_divide_no_patient(
    rows: list[tuple[int, bool]], wanted: int, binary: bool
) -> None:
    patient = np.array([row for row, _ in rows])
    y = np.array([float(event) for _, event in rows])
    count = min(largest_count(y, patient, binary, wanted), len(set(patient.tolist())))
    if count < 2:
        return
    folds = split(y, patient, binary, count, 1)
    assert sorted(row for _, test in folds for row in test.tolist()) == list(range(len(rows)))
    for train, test in folds:
        assert not set(patient[train].tolist()) & set(patient[test].tolist())
        assert len(train) + len(test) == len(rows)
    sizes = [len(set(patient[test].tolist())) for _, test in folds]
    assert max(sizes) - min(sizes) <= 1


def test_folds_share_the_events() -> None:
    y = np.array([1.0] * 20 + [0.0] * 80)
    events = [y[test].sum() for _, test in split(y, np.arange(100), True, 5, 9)]
    assert events == [4] * 5


def plan(kind: str, **grid: list[float]) -> ModelPlan:
    return ModelPlan.model_validate_json(json.dumps({"name": "m", "title": "m", "kind": kind, "grid": grid}))


def test_the_printed_formula_is_the_fitted_model() -> None:
    random = np.random.default_rng(2)
    x = random.normal([5, 100, 0], [1, 30, 0.01], (90, 3))
    y = (random.uniform(size=90) < 1 / (1 + np.exp(-(x[:, 0] - 5)))).astype(float)
    inner = split(y, np.arange(90), True, 2, 1)
    fitted = fit(plan("logistic_regression", strength=[0.1, 1.0]), x, y, inner, True, 1)
    formula = coefficients(fitted)
    assert formula is not None
    risk = 1 / (1 + np.exp(-(formula[0] + x @ np.array(formula[1]))))
    assert fitted.predict(x, True) == pytest.approx(risk)
    by_hand = linear_model.LogisticRegression(C=fitted.chosen["C"]).fit((x - x.mean(0)) / x.std(0), y)
    assert np.array(formula[1]) == pytest.approx(by_hand.coef_[0] / x.std(0), rel=1e-3)


@pytest.mark.parametrize(("kind", "binary"), [
    ("logistic_regression", True), ("random_forest", True), ("gradient_boosting", True),
    ("ridge", False), ("lasso", False), ("random_forest", False), ("gradient_boosting", False),
])  # fmt: skip
def test_every_model_of_the_list_learns_and_takes_gaps(kind: str, binary: bool) -> None:
    random = np.random.default_rng(4)
    x = random.normal(size=(80, 3))
    signal = 3 * x[:, 0] + random.normal(size=80)
    y = (signal > 0).astype(float) if binary else signal
    x[5:9, 1] = np.nan
    linear = kind in ("logistic_regression", "ridge", "lasso")
    chosen = plan(kind, strength=[0.1]) if linear else plan(kind, trees=[20], depth=[2])
    assert set(grid_of(chosen)) <= set(build(chosen, binary, 1).get_params())
    predicted = fit(chosen, x, y, split(y, np.arange(80), binary, 2, 1), binary, 1).predict(x, binary)
    constant = np.full(80, y.mean())
    assert theirs.mean_squared_error(y, predicted) < theirs.mean_squared_error(y, constant) / 2
