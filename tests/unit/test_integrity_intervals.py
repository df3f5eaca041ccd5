"""Estimates against their intervals: place, shape, width and p."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluators.manuscript.document import Place
from evaluators.manuscript.findings import Severity
from evaluators.manuscript.integrity.estimates import in_cell, in_text
from evaluators.manuscript.integrity.intervals import (
    RULES,
    auc_standard_error,
    p_from_interval,
    proportion_intervals,
)
from tests.support.manuscripts import paper, table

CONTAINS, SHAPE, WIDTH, WITH_P = RULES
HERE = Place("")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("AUC 0.91 (95% CI 0.87-0.95)", (0.91, 0.87, 0.95)),
        ("AUC 0.91 (95% CI: 0.87, 0.95)", (0.91, 0.87, 0.95)),
        ("AUC of 0.91; 95% CI, 0.87 to 0.95", (0.91, 0.87, 0.95)),
        ("AUC of 0.91 [0.87, 0.95]", (0.91, 0.87, 0.95)),
        ("was 0.953 (95 % interval 0.915 to 0.974)", (0.953, 0.915, 0.974)),
        ("was 90.0% (45/50; 95% CI 78.2–96.7)", (90.0, 78.2, 96.7)),
        ("45/50 (90.0%; 95% CI 78.2%–96.7%)", (90.0, 78.2, 96.7)),
        ("a difference of −0.5 (95% CI −0.9 to −0.1)", (-0.5, -0.9, -0.1)),
        ("a difference of -0.5 (95% CI -0.9--0.1)", (-0.5, -0.9, -0.1)),
        ("AUC 0.91 (95% CI 0.87--0.95)", (0.91, 0.87, 0.95)),
        ("rose (+6.44 pp, 95% CI [+3.2, +9.8])", (6.44, 3.2, 9.8)),
        ("100% (15/15), 95% CI [79.6%, 100.0%]", (100.0, 79.6, 100.0)),
        ("7/32=0.2188, 95% CI [0.110,0.388]", (0.2188, 0.110, 0.388)),
        ("HR .75 (95% confidence interval .60–.94)", (0.75, 0.60, 0.94)),
    ],
)
def test_printed_forms_are_read(text: str, read: tuple[float, float, float]) -> None:
    (one,) = in_text(text, HERE)
    assert (one.value, one.low, one.high) == read
    assert one.quote in text


@pytest.mark.parametrize(
    "text",
    [
        "as shown [3, 5]",
        "0.91 (SD 0.02, 95% CI 0.87–0.95)",
        "(p = 0.03, 95% CI 1.2-4.5)",
        "age 62 (45-80)",
        "n = 50 (95%)",
    ],
)
def test_what_has_no_estimate_or_interval_is_left_alone(text: str) -> None:
    assert list(in_text(text, HERE)) == []


@pytest.mark.parametrize(
    "text", ["90.0% (45/50; 95% CI 78-97)", "45 of 50 (90.0%; 95% CI 78-97)", "45/50 = 0.900, 95% CI [0.78, 0.97]"]
)
def test_counts_beside_an_estimate_are_read(text: str) -> None:
    (one,) = in_text(text, HERE)
    assert (one.k, one.n) == (45, 50)


def test_cells_need_decimals_or_a_name() -> None:
    one = in_cell("0.91 (0.87, 0.95)", HERE)
    assert one is not None
    assert (one.low, one.high) == (0.87, 0.95)
    assert in_cell("12 (3, 45)", HERE) is None
    assert in_cell("12 (45.0)", HERE) is None


@pytest.mark.parametrize(
    ("k", "n", "method", "ends"),
    [
        # Newcombe 1998, table I.
        (81, 263, "Wald", (0.2522, 0.3637)),
        (81, 263, "Wilson", (0.2553, 0.3662)),
        (81, 263, "Clopper-Pearson", (0.2527, 0.3676)),
        (15, 148, "Wilson", (0.0624, 0.1605)),
        (15, 148, "Clopper-Pearson", (0.0578, 0.1617)),
        (0, 20, "Wilson", (0.0, 0.1611)),
        (0, 20, "Clopper-Pearson", (0.0, 0.1684)),
        (1, 29, "Wilson", (0.0061, 0.1718)),
        (1, 29, "Clopper-Pearson", (0.0009, 0.1776)),
    ],
)
def test_published_intervals_of_proportions(k: int, n: int, method: str, ends: tuple[float, float]) -> None:
    assert proportion_intervals(k, n)[method] == pytest.approx(ends, abs=1.01e-4)


def test_published_error_of_an_area_and_p_of_an_interval() -> None:
    # Hanley and McNeil 1982: 58 normal and 51 abnormal images, area 0.893, standard error 0.032.
    assert auc_standard_error(0.893, 51, 58) == pytest.approx(0.032, abs=6e-4)
    # Altman and Bland 2011: 0.81 (0.70 to 0.94) gives p = 0.005.
    assert p_from_interval(math.log(0.81), math.log(0.70), math.log(0.94), 0) == pytest.approx(0.005, abs=5e-4)
    with pytest.raises(ValueError, match="k of n"):
        proportion_intervals(3, 2)


def test_an_estimate_outside_its_interval_is_found() -> None:
    (finding,) = CONTAINS(paper("The AUC was 0.97 (95% CI 0.87-0.95).")).findings
    assert (finding.severity, finding.expected) == (Severity.HIGH, "0.87 to 0.95")
    (finding,) = CONTAINS(paper("The AUC was 0.91 (95% CI 0.95-0.87).")).findings
    assert finding.severity is Severity.MEDIUM
    (finding,) = CONTAINS(paper("The slope was −0.030 (95% CI: −0.011 to −0.049).")).findings
    assert finding.severity is Severity.LOW
    (finding,) = CONTAINS(paper("It rose from 0.81 to 0.91 (95% CI 0.07-0.13).")).findings
    assert finding.severity is Severity.MEDIUM
    rows = [["Model", "AUC (95% CI)"], ["A", "0.91 (0.87 to 0.95)"], ["B", "0.81 (0.87 to 0.95)"]]
    made = CONTAINS(paper("", table(rows)))
    assert (made.looked_at, [f.quote for f in made.findings]) == (2, ["0.81 (0.87 to 0.95)"])


@pytest.mark.parametrize(
    "text",
    [
        "The incidence was 5.2 per 1000 (95% CI 4.8 to 5.6).",
        "Survival at month 12 (95% CI 60 to 70) was higher.",
        "Risk at age 65 (95% CI 4.1 to 5.2) was higher.",
    ],
)
def test_what_is_counted_by_is_no_estimate(text: str) -> None:
    assert CONTAINS(paper(text)).status == "not_checked"


def test_brackets_that_are_not_called_intervals_are_less_certain() -> None:
    rows = [["Model", "AUC"], ["A", "0.91 (0.87, 0.95)"], ["B", "0.81 (0.87, 0.95)"]]
    (finding,) = CONTAINS(paper("", table(rows))).findings
    assert finding.severity is Severity.MEDIUM


@settings(deadline=None)
@given(st.floats(-50, 50), st.floats(0.01, 20), st.floats(0.01, 20), st.integers(1, 3))
def test_an_estimate_inside_its_interval_is_never_found(
    value: float, below: float, above: float, decimals: int
) -> None:
    low, high = value - below, value + above
    text = f"It was {value:.{decimals}f} (95% CI {low:.{decimals}f} to {high:.{decimals}f})."
    made = CONTAINS(paper(text))
    assert (made.looked_at, made.findings) == (1, ())


def test_the_size_of_a_change_beside_its_signed_interval_is_accepted() -> None:
    assert not CONTAINS(paper("HbA1c fell by 0.8% (95% CI −1.1 to −0.5).")).findings
    (finding,) = CONTAINS(paper("HbA1c fell by 1.8% (95% CI −1.1 to −0.5).")).findings
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize("lead", ["over 0.82", "against the baseline of 0.82", "exceeding 0.82", "relative to 0.82"])
def test_the_interval_of_a_difference_is_asked_about(lead: str) -> None:
    made = CONTAINS(paper(f"The AUC was 0.86, a gain {lead} (95% CI 0.02-0.07)."))
    assert [f.severity for f in made.findings] == [Severity.MEDIUM]


def test_other_scales_of_one_estimate_are_accepted() -> None:
    assert not CONTAINS(paper("Accuracy was 91.0% (95% CI 0.87-0.95).")).findings
    assert not CONTAINS(paper("A coefficient of 0.83 (95% CI 1.4 to 3.8) on the odds scale.")).findings


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(0.05, 1), st.booleans())
def test_a_symmetric_interval_is_never_found(value: float, error: float, ratio: bool) -> None:
    low, high = value - 1.96 * error, value + 1.96 * error
    numbers = [math.exp(v) if ratio else v for v in (value, low, high)]
    name = "odds ratio" if ratio else "mean difference"
    text = f"The {name} was {numbers[0]:.2f} (95% CI {numbers[1]:.2f} to {numbers[2]:.2f})."
    assert SHAPE(paper(text)).findings == ()
    assert CONTAINS(paper(text)).findings == ()


def test_a_lopsided_interval_is_asked_about() -> None:
    (finding,) = SHAPE(paper("The hazard ratio was 1.90 (95% CI 0.60 to 2.10).")).findings
    assert finding.severity is Severity.MEDIUM
    assert finding.expected == "about 1.12"
    assert SHAPE(paper("The AUC was 0.98 (95% CI 0.80 to 0.99).")).status == "not_checked"


@settings(deadline=None, max_examples=60)
@given(
    st.integers(10, 400), st.data(), st.sampled_from(["Wald", "Wilson", "Agresti-Coull", "Clopper-Pearson", "Jeffreys"])
)
def test_an_interval_by_any_usual_method_is_never_found(n: int, data: st.DataObject, method: str) -> None:
    k = data.draw(st.integers(0, n))
    low, high = proportion_intervals(k, n)[method]
    assume(high > low)
    text = f"It was {100 * k / n:.1f}% ({k}/{n}; 95% CI {100 * low:.1f} to {100 * high:.1f})."
    assert WIDTH(paper(text)).findings == ()


@settings(deadline=None, max_examples=25)
@given(st.integers(30, 200), st.floats(0.2, 0.8), st.integers(0, 1000))
def test_a_bootstrap_interval_is_never_severe(n: int, share: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    k = round(n * share)
    low, high = np.quantile(random.binomial(n, k / n, 2000) / n, [0.025, 0.975])
    text = f"It was {k / n:.3f} ({k}/{n}; 95% CI {low:.3f} to {high:.3f})."
    assert not [f for f in WIDTH(paper(text)).findings if f.severity is Severity.HIGH]


@pytest.mark.parametrize(
    ("ends", "severity"),
    [
        ("88.0 to 92.0", Severity.HIGH),
        ("70.0 to 92.0", Severity.MEDIUM),
        ("72.0 to 97.0", Severity.LOW),
        ("50.0 to 99.9", Severity.LOW),
    ],
)
def test_an_interval_of_another_number_of_cases_is_found(ends: str, severity: Severity) -> None:
    (finding,) = WIDTH(paper(f"Sensitivity was 90.0% (45/50; 95% CI {ends}).")).findings
    assert finding.severity is severity
    assert finding.expected == "78.6 to 95.7"


def test_an_interval_of_an_area_against_the_numbers_of_cases() -> None:
    text = "With 51 positive and 58 negative cases the AUC was 0.893 (95% CI {})."
    assert WIDTH(paper(text.format("0.83 to 0.96"))).findings == ()
    (finding,) = WIDTH(paper(text.format("0.885 to 0.901"))).findings
    assert (finding.severity, finding.expected) == (Severity.MEDIUM, "0.829 to 0.957")


def test_intervals_in_a_table_with_its_counts() -> None:
    rows = [
        ["At the threshold", "Model A", "Model B"],
        ["True positives", "45", "45"],
        ["False negatives", "5", "5"],
        ["Sensitivity", "0.900 (0.786 to 0.957)", "0.900 (0.890 to 0.910)"],
        ["Specificity", "0.950", "0.950"],
    ]
    made = WIDTH(paper("", table(rows)))
    assert made.looked_at == 2
    assert [f.quote for f in made.findings] == ["0.900 (0.890 to 0.910)"]


@settings(deadline=None)
@given(st.floats(-2, 2), st.floats(0.05, 1), st.booleans())
def test_a_p_of_the_same_test_is_never_found(value: float, error: float, ratio: bool) -> None:
    p = float(2 * stats.norm.sf(abs(value) / error))
    numbers = [math.exp(v) if ratio else v for v in (value, value - 1.96 * error, value + 1.96 * error)]
    name = "hazard ratio" if ratio else "difference"
    told = f"p = {p:.3f}" if p >= 0.001 else "p < 0.001"
    text = f"The {name} was {numbers[0]:.3f} (95% CI {numbers[1]:.3f} to {numbers[2]:.3f}; {told})."
    made = WITH_P(paper(text))
    assert made.findings == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The HR was 0.75 (95% CI 0.60-0.94; p = 0.31).", True),
        ("The HR was 0.75 (95% CI 0.50-1.14), p = 0.002.", True),
        ("The HR was 0.75 (95% CI 0.50-1.14), p < 0.001.", True),
        ("The HR was 0.75 (95% CI 0.60-0.94; p = 0.012).", False),
        ("The mean difference was 1.20 (95% CI 0.20 to 2.20; p = 0.62).", True),
        ("The AUC was 0.75 (95% CI 0.60-0.94; p = 0.31).", False),
        ("The HR was 1.14 (95% CI 1.06-1.23, P = 2.18×10^-4).", False),
        ("The HR was 1.14 (95% CI 1.06-1.23; p = 6×10⁻⁴).", False),
        ("The HR was 1.14 (95% CI 1.06-1.23, P = 2.2 × 10).", False),
        ("The HR was 1.14 (95% CI 0.90-1.44, p = 2.18e-04).", True),
    ],
)
def test_an_interval_and_a_p_that_disagree(text: str, found: bool) -> None:
    assert bool(WITH_P(paper(text)).findings) is found


@pytest.mark.parametrize(
    "behind",
    [
        "P<0.001 for noninferiority)",
        "P = 0.004 for non-inferiority)",
        "p = 0.03 for trend)",
        "P=0.02 for the interaction)",
        "p = 0.04, one-sided)",
    ],
)
def test_a_p_of_another_question_is_not_compared(behind: str) -> None:
    assert WITH_P(paper(f"The HR was 0.98 (95% CI 0.85-1.13; {behind}.")).findings == ()


def test_where_non_inferiority_is_tested_a_small_p_is_asked_about() -> None:
    text = "The HR was 0.98 (95% CI 0.85-1.13; P<0.001)."
    (finding,) = WITH_P(paper(text)).findings
    assert finding.severity is Severity.HIGH
    (finding,) = WITH_P(paper(f"The trial tested non-inferiority. {text}")).findings
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_without_intervals_nothing_is_said_to_be_clean(rule: object) -> None:
    made = next(one for one in RULES if one is rule)(paper("The AUC was 0.91."))
    assert made.status == "not_checked"
