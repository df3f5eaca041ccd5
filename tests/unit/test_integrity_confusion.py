"""Scores of one system against the confusion matrices that could stand behind them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    precision_score,
    recall_score,
)

from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity.confusion import RULES, matrix_exists, scores_of, some_matrix_exists
from evaluators.manuscript.integrity.counts import class_sizes, evaluated_on, told_counts
from evaluators.manuscript.integrity.reported import Band, band
from tests.support.manuscripts import paper, table

(CONFUSION,) = RULES


def check(text: str) -> Check:
    return CONFUSION(paper(text))


def scores(tp: int, fp: int, fn: int, tn: int) -> dict[str, float]:
    """By their definitions over the cases."""
    return {
        "accuracy": (tp + tn) / (tp + fp + fn + tn),
        "sensitivity": tp / (tp + fn),
        "specificity": tn / (tn + fp),
        "ppv": tp / (tp + fp),
        "npv": tn / (tn + fn),
        "f1": tp / (tp + (fp + fn) / 2),
        "balanced_accuracy": (tp / (tp + fn) + tn / (tn + fp)) / 2,
    }


def test_the_definitions_used_here_are_those_of_scikit_learn() -> None:
    true, said = [1] * 9 + [0] * 14, [1] * 6 + [0] * 3 + [1] * 4 + [0] * 10
    assert scores(6, 4, 3, 10) == pytest.approx(
        {
            "accuracy": accuracy_score(true, said),
            "sensitivity": recall_score(true, said),
            "specificity": recall_score(true, said, pos_label=0),
            "ppv": precision_score(true, said),
            "npv": precision_score(true, said, pos_label=0),
            "f1": f1_score(true, said),
            "balanced_accuracy": balanced_accuracy_score(true, said),
        }
    )


CELLS = st.tuples(*[st.integers(1, 60)] * 4)


@settings(max_examples=40, deadline=None)
@given(CELLS, st.integers(2, 4), st.data())
def test_the_scores_of_a_real_matrix_always_exist(
    cells: tuple[int, int, int, int], decimals: int, data: st.DataObject
) -> None:
    tp, fp, fn, tn = cells
    true = scores(*cells)
    names = data.draw(st.lists(st.sampled_from(sorted(true)), min_size=1, unique=True))
    bands = {name: band(round(true[name], decimals), decimals) for name in names}
    assert matrix_exists(bands, tp + fn, tn + fp)
    assert some_matrix_exists(bands, sum(cells)) is not False


@settings(max_examples=40, deadline=None)
@given(CELLS, st.sampled_from(["accuracy", "ppv", "npv", "f1"]), st.sampled_from([-0.2, 0.2]))
def test_one_altered_score_is_found(cells: tuple[int, int, int, int], name: str, shift: float) -> None:
    tp, fp, fn, tn = cells
    true = scores(*cells)
    wrong = {**true, name: true[name] + shift}
    assume(0 < wrong[name] < 1)
    bands = {key: band(round(value, 4), 4) for key, value in wrong.items()}
    assert matrix_exists(bands, tp + fn, tn + fp) is False


def printed(values: dict[str, float], decimals: int = 3) -> str:
    return (
        f"a sensitivity of {values['sensitivity']:.{decimals}f}, "
        f"a specificity of {values['specificity']:.{decimals}f}, "
        f"an accuracy of {values['accuracy']:.{decimals}f} and a PPV of {values['ppv']:.{decimals}f}"
    )


@settings(max_examples=40, deadline=None)
@given(CELLS)
def test_a_sentence_with_its_sizes_is_never_found_when_right(cells: tuple[int, int, int, int]) -> None:
    tp, fp, fn, tn = cells
    made = check(f"Among {tp + fn} positive and {tn + fp} negative cases we found {printed(scores(*cells))}.")
    assert (made.looked_at, made.findings) == (1, ())


def test_a_sentence_with_wrong_scores_is_found() -> None:
    text = "Among 60 positive and 440 negative cases the sensitivity was 0.900, the specificity 0.850, accuracy {}."
    assert check(text.format("0.856")).findings == ()
    (finding,) = check(text.format("0.886")).findings
    assert finding.severity is Severity.HIGH
    assert "60 positive and 440 negative" in finding.message
    assert finding.quote in text.format("0.886")


@pytest.mark.parametrize("percent", [False, True])
def test_four_counts_settle_every_score(percent: bool) -> None:
    told = ("90.0%", "97.0%") if percent else ("0.900", "0.970")
    text = "With TP = 45, FP = 5, FN = 5 and TN = 95 the sensitivity was {} and the specificity was {}."
    assert check(text.format(told[0], "95.0%" if percent else "0.950")).findings == ()
    assert check(text.format(*told)).findings


def test_a_table_with_counts_as_rows() -> None:
    rows = [
        ["At the threshold", "Model A", "Model B"],
        ["True positives", "45", "40"],
        ["False positives", "5", "10"],
        ["False negatives", "5", "10"],
        ["True negatives", "95", "90"],
        ["Sensitivity", "0.900 (0.79 to 0.96)", "0.800 (0.67 to 0.89)"],
        ["Specificity", "0.950 (0.89 to 0.98)", "0.930 (0.83 to 0.94)"],
    ]
    made = CONFUSION(paper("", table(rows, "Decisions at the threshold.")))
    assert made.looked_at == 2
    (finding,) = made.findings
    assert "Model B" in finding.message
    assert finding.severity is Severity.HIGH


def test_a_mean_over_rows_is_no_system_of_its_own() -> None:
    rows = [
        ["Finding", "TP", "FP", "FN", "TN", "Precision", "Recall", "F1"],
        ["Nodule", "30", "10", "10", "50", "0.7500", "0.7500", "0.7500"],
        ["Effusion", "9", "1", "11", "79", "0.9000", "0.4500", "0.6000"],
        ["Macro average", "39", "11", "21", "129", "0.8250", "0.6000", "0.6750"],
    ]
    made = CONFUSION(paper("", table(rows, "Each finding on 100 radiographs.")))
    assert made.findings == ()
    assert made.looked_at == 3


def test_counts_under_hyphens_and_abbreviations() -> None:
    rows = [
        ["Model", "True negative (TN)", "False-positive", "False-negative", "No. of true positives", "Accuracy"],
        ["A", "75", "29", "0", "2", "0.73"],
        ["B", "22", "82", "1", "1", "0.25"],
    ]
    made = CONFUSION(paper("", table(rows, "Test data (n = 106).")))
    assert [("of B" in f.message, f.severity) for f in made.findings] == [(True, Severity.HIGH)]


def test_a_score_off_by_one_in_its_last_digit_is_asked_about() -> None:
    # 88 of 104 is 0.846 and the mean with 1 is 0.923; from the rounded 0.85 it became 0.93.
    rows = [
        ["Model", "TP", "FP", "FN", "TN", "Sensitivity", "Specificity", "Balanced accuracy"],
        ["Forest", "2", "16", "0", "88", "1.00", "0.85", "0.93"],
    ]
    (finding,) = CONFUSION(paper("", table(rows, "Test data."))).findings
    assert finding.severity is Severity.MEDIUM
    rows[1][7] = "0.95"
    (finding,) = CONFUSION(paper("", table(rows, "Test data."))).findings
    assert finding.severity is Severity.HIGH


def test_shares_beside_a_percentage_stay_shares() -> None:
    rows = [
        ["Measure", "Internal", "External"],
        ["Accuracy, %", "85.5", "79.3"],
        ["Sensitivity", "0.88", "0.83"],
        ["Specificity", "0.81", "0.67"],
        ["F1 score", "0.84", "0.80"],
        ["PPV", "0.80", "0.77"],
    ]
    made = CONFUSION(paper("", table(rows, "Performance.")))
    assert (made.looked_at, made.findings) == (2, ())
    rows[1][2] = "88.3"
    (finding,) = CONFUSION(paper("", table([*rows[:4]], "Performance."))).findings
    assert "External" in finding.message
    text = "The accuracy was {}%, the sensitivity 0.88 and the specificity 0.71."
    assert not CONFUSION(paper(text.format("80.2"))).findings
    assert CONFUSION(paper(text.format("91.2"))).findings


def test_a_share_with_more_decimals_than_the_percentages_beside_it() -> None:
    rows = [["Model", "Precision", "Recall", "F1"], ["A", "80.0", "60.0", "0.686"], ["B", "90.0", "60.0", "0.720"]]
    assert CONFUSION(paper("", table(rows, "Results."))).findings == ()


def test_recall_that_is_the_accuracy_is_a_weighted_mean() -> None:
    rows = [
        ["Model", "AUC", "CA", "F1", "Precision", "Recall"],
        ["Boosting", "0.812", "0.792", "0.786", "0.795", "0.792"],
        ["Forest", "0.809", "0.775", "0.765", "0.783", "0.775"],
    ]
    assert CONFUSION(paper("", table(rows, "Test set."))).findings == ()
    rows[1][5] = "0.802"
    assert CONFUSION(paper("", table(rows, "Test set."))).findings


def f1_table(f1: str, caption: str = "Results on the test set.") -> Check:
    rows = [
        ["Method", "Precision", "Recall", "F1"],
        ["Theirs", "0.700", "0.600", "0.646"],
        ["Ours", "0.800", "0.600", f1],
    ]
    return CONFUSION(paper("", table(rows, caption)))


def test_f1_above_the_harmonic_mean_is_impossible_however_averaged() -> None:
    assert f1_table("0.686").findings == ()
    for caption in ("Results on the test set.", "Macro averages over five classes."):
        (finding,) = f1_table("0.720", caption).findings
        assert finding.severity is Severity.HIGH
        assert finding.expected == "0.686"


def test_f1_below_the_harmonic_mean_is_asked_about_only_for_one_matrix() -> None:
    (finding,) = f1_table("0.650").findings
    assert finding.severity is Severity.MEDIUM
    assert f1_table("0.650", "Macro averages over five classes.").findings == ()
    assert f1_table("0.650", "Mean over 5 folds.").findings == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=1, max_size=6))
def test_means_over_classes_are_never_found(each: list[tuple[float, float]]) -> None:
    p, r = (float(np.mean(side)) for side in zip(*each, strict=True))
    f1 = float(np.mean([2 * a * b / (a + b) for a, b in each]))
    rows = [["Method", "Precision", "Recall", "F1"], ["Ours", f"{p:.4f}", f"{r:.4f}", f"{f1:.4f}"]]
    assert CONFUSION(paper("", table(rows, "Macro averages."))).findings == ()


def test_differently_averaged_columns_are_not_compared() -> None:
    rows = [["Method", "Macro precision", "Macro recall", "Weighted F1"], ["Ours", "0.600", "0.600", "0.810"]]
    assert CONFUSION(paper("", table(rows))).status == "not_checked"


def test_accuracy_lies_between_sensitivity_and_specificity_for_two_classes() -> None:
    rows = [["Model", "Accuracy (%)", "Sensitivity (%)", "Specificity (%)"], ["Ours", "93.1", "88.0", "91.0"]]
    (finding,) = CONFUSION(paper("", table(rows))).findings
    assert (finding.severity, finding.quote) == (Severity.HIGH, "93.1")
    assert CONFUSION(paper("We grade five classes.", table(rows))).status == "not_checked"


def test_n_and_prevalence_bind_the_scores() -> None:
    text = "With n = 200 and a prevalence of 10.0% the sensitivity was 0.900, the specificity 0.800 and the PPV {}."
    assert check(text.format("0.333")).findings == ()
    assert check(text.format("0.633")).findings


@settings(max_examples=40, deadline=None)
@given(CELLS)
def test_n_alone_never_finds_a_real_matrix(cells: tuple[int, int, int, int]) -> None:
    assert check(f"In {sum(cells)} patients it had {printed(scores(*cells))}.").findings == ()


def test_sizes_told_elsewhere_are_used_with_less_certainty() -> None:
    text = "The test set had 500 patients (60 positive). Sensitivity was 0.900, specificity 0.850 and accuracy 0.880."
    (finding,) = check(text).findings
    assert finding.severity is Severity.MEDIUM
    assert evaluated_on(paper(text)) == {"n": 500, "positives": 60}


def test_counts_in_words() -> None:
    assert told_counts("45 true positives, 5 false positives") == {"tp": 45, "fp": 5}
    assert told_counts("1,204 patients, of whom 112 had the disease") == {"n": 1204, "positives": 112}
    assert told_counts("a positive predictive value of 12") == {}
    assert class_sizes({"n": 100, "positives": 40}) == (40, 60, 100)
    assert class_sizes({"tp": 4, "fn": 1}) == (5, None, None)


def test_scores_of_a_cited_paper_are_asked_about() -> None:
    text = "The sensitivity was 72%, the specificity 65% and the accuracy 85%{}."
    (finding,) = CONFUSION(paper(text.format(""))).findings
    assert finding.severity is Severity.HIGH
    told = paper(text.format(" [4]"))
    cited = replace(told.sections[0].sentences[0], citations=("4",))
    told = replace(told, sections=(replace(told.sections[0], sentences=(cited,)),))
    (finding,) = CONFUSION(told).findings
    assert finding.severity is Severity.MEDIUM


def test_two_systems_in_one_sentence_are_not_mixed() -> None:
    text = "Precision 0.9 and recall 0.6 for A, precision 0.5 and recall 0.5, F1 0.95 for B."
    assert list(scores_of(paper(text))) == []
    assert check(text).status == "not_checked"


def test_too_many_matrices_are_not_tried() -> None:
    assert matrix_exists({"accuracy": Band(0.4, 0.5)}, 100_000, 100_000) is None
