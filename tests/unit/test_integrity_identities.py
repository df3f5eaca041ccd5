"""Identities of averaged measures."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.manuscripts import paper, table

from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.identities import RULES

UNEQUAL = "We grade five classes under class imbalance and report macro-F1 and macro recall."


def check(manuscript: Manuscript) -> Check:
    return check_manuscript(manuscript, only=RULES).checks[0]


def rows(second: str, pairs: list[tuple[str, str]]) -> list[list[str]]:
    return [["Model", "ACC", second], *([f"Model {i}", *pair] for i, pair in enumerate(pairs))]


def test_recall_equal_to_accuracy_is_no_macro_average() -> None:
    same = [("0.6600", "0.6600"), ("0.6467", "0.6467"), ("0.6867", "0.6867")]
    (finding,) = check(paper(UNEQUAL, table(rows("Recall", same)))).findings
    assert finding.severity is Severity.MEDIUM
    (finding,) = check(paper("Nothing else.", table(rows("Recall", same)))).findings
    assert finding.severity is Severity.LOW


def test_recall_that_differs_once_is_no_finding() -> None:
    different = [("0.6600", "0.6600"), ("0.6467", "0.6467"), ("0.6867", "0.6766")]
    found = check(paper(UNEQUAL, table(rows("Recall", different))))
    assert (found.status, found.findings, found.looked_at) == ("checked", (), 3)


@settings(deadline=None, max_examples=50)
@given(
    classes=st.sampled_from([3, 5, 7]),
    accuracies=st.lists(st.integers(200, 990), min_size=3, max_size=6, unique=True),
    off=st.booleans(),
)
def test_the_specificity_of_a_balanced_set_is_told(classes: int, accuracies: list[int], off: bool) -> None:
    pairs = []
    for i, thousandths in enumerate(accuracies):
        accuracy = thousandths / 1000
        specificity = 1 - (1 - accuracy) / (classes - 1) - (0.02 if off and i == 0 else 0)
        pairs.append((f"{accuracy:.3f}", f"{specificity:.4f}"))
    text = f"There are {classes} classes and the data are imbalanced."
    found = check(paper(text, table(rows("Specificity", pairs))))
    assert len(found.findings) == (0 if off else 1)
    assert all(finding.severity is Severity.MEDIUM for finding in found.findings)


def test_without_the_columns_nothing_is_checked() -> None:
    assert check(paper(UNEQUAL, table(rows("AUC", [("0.66", "0.7")])))).status == "not_checked"
