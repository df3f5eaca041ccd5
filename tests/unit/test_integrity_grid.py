"""The accuracy grid: which numbers of cases can give the printed decimals."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.manuscripts import paper, table

from evaluators.manuscript.document import Place
from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.grid import RULES, Accuracy, fits, possible_sizes

ROWS_OF_150 = (100, 103, 97, 101, 92, 96)


def grid(text: str, accuracies: list[str]) -> Check:
    rows = [["Model", "Accuracy"], *([f"Model {i}", a] for i, a in enumerate(accuracies))]
    return check_manuscript(paper(text, table(rows)), only=RULES).checks[0]


def of(n: int, counts: tuple[int, ...], decimals: int = 4) -> list[str]:
    return [f"{k / n:.{decimals}f}" for k in counts]


@settings(deadline=None, max_examples=50)
@given(n=st.integers(2, 3000), data=st.data(), decimals=st.integers(2, 5))
def test_an_accuracy_fits_the_cases_it_was_counted_on(n: int, data: st.DataObject, decimals: int) -> None:
    k = data.draw(st.integers(0, n))
    assert fits(float(f"{k / n:.{decimals}f}"), decimals, n)
    cut = int(k / n * 10**decimals) / 10**decimals
    assert fits(cut, decimals, n, cut=True)


@settings(deadline=None, max_examples=50)
@given(n=st.integers(50, 400), data=st.data())
def test_papers_with_true_counts_have_no_finding(n: int, data: st.DataObject) -> None:
    counts = data.draw(st.lists(st.integers(1, n - 1), min_size=3, max_size=8, unique=True))
    check = grid(f"The test set holds {n} images.", of(n, tuple(counts)))
    assert check.findings == ()


@pytest.mark.parametrize(
    ("share", "decimals", "n", "possible"),
    [
        (0.6867, 4, 150, True),
        (0.6867, 4, 732, False),
        (0.6867, 4, 733, False),
        (0.6667, 4, 3, True),
        (0.5, 4, 3, False),
    ],
)
def test_known_values(share: float, decimals: int, n: int, possible: bool) -> None:
    assert fits(share, decimals, n) is possible


def test_n_is_solved_for_and_compared_with_the_set_that_the_split_implies() -> None:
    text = "We use APTOS 2019 and split the training set into 80% training and 20% validation subsets."
    check = grid(text, of(150, ROWS_OF_150))
    (finding,) = check.findings
    assert finding.severity is Severity.HIGH
    assert finding.expected == "n = 150"
    assert "732" in finding.message
    assert check.evidence["smallest_n_that_fits_all"] == 150


def test_a_stated_size_that_is_wrong_is_found_and_the_right_one_is_not() -> None:
    accuracies = of(150, ROWS_OF_150)
    assert grid("The test set contains 150 images.", accuracies).findings == ()
    (finding,) = grid("The test set contains 160 images.", accuracies).findings
    assert finding.severity is Severity.HIGH


def test_one_altered_digit_among_true_accuracies_is_found() -> None:
    accuracies = of(150, ROWS_OF_150)
    accuracies[2] = "0.6457"
    (finding,) = grid("We evaluate on a test set of 150 images.", accuracies).findings
    assert finding.quote == "0.6457"


@pytest.mark.parametrize(
    "text",
    [
        "After a positive stool test 160 of the 534 patients had a polyp.",
        "The stress test was positive in 160 patients.",
        "A chi-square test of 160 patients gave no difference.",
        "We saw 160 patients with a breath test.",
    ],
)
def test_a_medical_test_is_no_test_set(text: str) -> None:
    assert grid(text, of(150, ROWS_OF_150)).findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "We tested on 160 images.",
        "The remaining 160 patients were used for testing.",
        "We evaluate on 160 held-out scans.",
        "There were 160 test images.",
        "160 images form the test set.",
        "The model was evaluated on 160 cases.",
    ],
)
def test_the_ways_to_tell_a_test_set(text: str) -> None:
    (finding,) = grid(text, of(150, ROWS_OF_150)).findings
    assert "160 cases" in finding.message


def test_each_accuracy_may_come_from_its_own_set() -> None:
    text = "The internal test set holds 142 patients and the external test set holds 57 patients."
    accuracies = of(142, (103, 110)) + of(57, (45, 46))
    assert grid(text, accuracies).findings == ()
    assert grid(text, [*accuracies, "0.6457"]).findings
    rows = [["Cohort", "Accuracy"], ["Internal", "0.7254"], ["External (n = 57)", "0.7895"], ["Internal 2", "0.7746"]]
    told = paper("The internal test set holds 142 patients.", table(rows))
    assert check_manuscript(told, only=RULES).checks[0].findings == ()


@pytest.mark.parametrize("name", ["Training cohort", "Kim et al. 2021", "Network [12]", "Derivation"])
def test_accuracies_of_other_cases_are_left_out(name: str) -> None:
    rows = [["Cohort", "Accuracy"], ["Test A", "0.6667"], ["Test B", "0.6867"], [name, "0.7113"], ["Test C", "0.6467"]]
    told = paper("The test set holds 150 patients.", table(rows))
    assert check_manuscript(told, only=RULES).checks[0].findings == ()


@pytest.mark.parametrize("text", ["Accuracies are averaged over 5 runs.", "We use five-fold cross-validation."])
def test_means_are_not_checked(text: str) -> None:
    check = grid(f"The test set contains 160 images. {text}", of(150, ROWS_OF_150))
    assert check.status == "not_checked"
    assert "mean" in check.reason


def test_without_a_size_nothing_is_claimed() -> None:
    assert grid("Nothing is said.", of(150, ROWS_OF_150[:2])).status == "not_checked"
    assert grid("Nothing is said.", of(150, ROWS_OF_150)).findings == ()


def test_every_size_that_fits_is_listed() -> None:
    one = Accuracy(0.5, 1, "0.5", "0.5", Place(""))
    assert possible_sizes([one], 10) == [2, 4, 6, 7, 8, 9, 10]
