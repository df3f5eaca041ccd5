"""Values and deviations of bounded measures."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.findings import Severity
from evaluators.manuscript.integrity.ranges import RULES, largest_deviation
from tests.support.manuscripts import paper, table

VALUES, SPREAD = RULES


def results(cell: str, measure: str = "Accuracy", caption: str = "Results.") -> Manuscript:
    rows = [["Model", measure, "F1"], ["Theirs", "0.81", "0.80"], ["Ours", cell, "0.83"]]
    return paper("", table(rows, caption))


@pytest.mark.parametrize("cell", ["1.04", "-0.20"])
def test_a_share_outside_its_range_is_found(cell: str) -> None:
    (finding,) = VALUES(results(cell)).findings
    assert finding.quote == cell
    assert finding.severity in {Severity.HIGH, Severity.MEDIUM}


def test_percent_and_signed_measures() -> None:
    (finding,) = VALUES(paper("It reached an accuracy of 104.2% and a sensitivity of 91.0%.")).findings
    assert finding.severity is Severity.HIGH
    made = VALUES(results("-0.20", "Kappa"))
    assert made.findings == ()
    assert VALUES(results("-1.20", "Kappa")).findings


@pytest.mark.parametrize(
    "text",
    [
        "The accuracy improved by 104%.",
        "Relative accuracy of 130% against the baseline.",
        "Accuracy was 0.91 after 120 epochs.",
    ],
)
def test_changes_and_other_numbers_are_left_alone(text: str) -> None:
    assert VALUES(paper(text)).findings == ()


def test_the_same_letters_may_stand_for_another_quantity() -> None:
    (finding,) = VALUES(paper("The AUC of 412 was higher.")).findings
    assert finding.severity is Severity.LOW
    rows = [["Tumour", "ACC", "MCC"], ["Men", "55", "65"], ["Women", "110", "120"]]
    assert {f.severity for f in VALUES(paper("", table(rows))).findings} == {Severity.LOW}
    rows = [["Model", "ACC", "MCC"], ["A", "95.5", "65.1"], ["B", "110.2", "71.0"]]
    (finding,) = VALUES(paper("", table(rows))).findings
    assert finding.severity is Severity.HIGH


def test_a_deviation_that_cannot_be_is_found() -> None:
    made = SPREAD(results("0.98 ± 0.31", caption="Mean ± SD over folds."))
    (finding,) = made.findings
    assert finding.severity is Severity.HIGH
    assert SPREAD(results("0.98 ± 0.31")).findings[0].severity is Severity.MEDIUM
    assert SPREAD(results("0.98 ± 0.31", caption="Mean ± 95% CI.")).status == "not_checked"


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=30), st.integers(2, 4))
def test_the_deviation_of_real_shares_is_never_found(values: list[float], decimals: int) -> None:
    mean, sd = statistics.fmean(values), statistics.stdev(values)
    assert sd <= largest_deviation(mean, 0, 1, len(values)) + 1e-9
    cell = f"{mean:.{decimals}f} ± {sd:.{decimals}f}"
    made = SPREAD(results(cell, caption="Mean ± SD."))
    assert (made.looked_at, made.findings) == (1, ())


def test_without_such_measures_nothing_is_said_to_be_clean() -> None:
    assert VALUES(paper("The loss was 3.2.")).status == "not_checked"
    assert SPREAD(paper("The accuracy was 0.91.")).status == "not_checked"


@pytest.mark.parametrize(
    ("header", "caption"),
    [
        ("Steps to 98% Val Acc", ""),
        ("Epochs until 0.9 accuracy", ""),
        ("90% Val Acc", "Steps to reach 90% and 98% validation accuracy."),
    ],
)
def test_how_long_it_took_to_reach_an_accuracy_is_no_accuracy(header: str, caption: str) -> None:
    rows = [["Task", "Val Loss", header], ["Sums", "0.0061", "3120.5"], ["Orders", "0.0117", "810.0"]]
    assert VALUES(paper("", table(rows, caption))).findings == ()
