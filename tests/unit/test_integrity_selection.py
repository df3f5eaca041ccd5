"""Selection on the evaluation set, checkpoint rules and single seeds."""

from __future__ import annotations

import pytest
from support.manuscripts import paper

from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.selection import RULES

SPLIT = "We split the original training set into 80% training and 20% validation subsets."


def check(rule: str, text: str) -> Check:
    return check_manuscript(paper(text), only=RULES)[rule]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{SPLIT} All models are evaluated on the same test split.", 1),
        (f"{SPLIT} The official test set of 1928 images was kept for the evaluation.", 0),
        ("We split the data into 70/10/20 training, validation and test parts and report on the test set.", 0),
        (f"{SPLIT} Results are reported for the validation set.", 0),
        (f"{SPLIT} The held-out test set comprises 200 patients.", 0),
    ],
)
def test_a_test_set_that_is_not_described(text: str, found: int) -> None:
    findings = check("evaluation-selection", text).findings
    assert len(findings) == found
    assert all(f.severity is Severity.MEDIUM and f.quote in text for f in findings)


def test_a_checkpoint_chosen_on_the_test_set_is_high() -> None:
    text = "The best checkpoint is selected based on test accuracy."
    (finding,) = check("evaluation-selection", text).findings
    assert finding.severity is Severity.HIGH


def test_two_checkpoint_rules() -> None:
    one = "The checkpoint achieving the best validation accuracy is selected for evaluation."
    other = "The best model checkpoint is selected based on validation QWK."
    (finding,) = check("checkpoint-rules", f"{one} {other}").findings
    assert "accuracy" in finding.message
    assert "kappa" in finding.message
    assert len(finding.evidence["rules"]) == 2  # type: ignore[arg-type]
    assert check("checkpoint-rules", f"{one} {one}").findings == ()
    assert check("checkpoint-rules", "We train for 50 epochs.").status == "not_checked"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We fix the random seed (42).", 1),
        ("We fix the random seed (42) and report the mean over 5 seeds.", 0),
        ("We fix the random seed (42). Values are mean ± standard deviation.", 0),
    ],
)
def test_a_single_seed(text: str, found: int) -> None:
    findings = check("single-seed", text).findings
    assert len(findings) == found
    assert all(f.severity is Severity.LOW for f in findings)


def test_silence_about_seeds_is_not_checked() -> None:
    assert check("single-seed", "We train a model.").status == "not_checked"


def test_several_runs_of_different_things_are_no_repetition() -> None:
    text = "We fix the random seed (42). Our experiments consist of five main runs."
    assert len(check("single-seed", text).findings) == 1
