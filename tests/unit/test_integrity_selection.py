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


@pytest.mark.parametrize(
    "text",
    [
        "The checkpoint with the highest test accuracy was kept.",
        "The final model was selected by test AUC.",
        "We choose the best epoch using the accuracy on the test set.",
        "Early stopping monitored the test loss, and the best model was saved.",
        "The best epoch was chosen: test loss was monitored.",
    ],
)
def test_the_ways_to_tell_a_choice_on_the_test_set(text: str) -> None:
    (finding,) = check("evaluation-selection", text).findings
    assert finding.severity is Severity.HIGH


@pytest.mark.parametrize(
    "text",
    [
        "The best model was selected on the validation set and achieved a test accuracy of 0.81.",
        "The final model was chosen by cross-validation; its test sensitivity was 0.91.",
        "We chose the final model based on validation AUC and report test AUC.",
        "Model selection was based on validation F1, not on test F1.",
        "The final model was chosen in advance and reached a test accuracy of 0.81.",
        "The checkpoint was selected without looking at test accuracy.",
        "The final model, which was chosen beforehand, had a test AUC of 0.90.",
    ],
)
def test_what_the_chosen_model_reached_is_no_reason_of_the_choice(text: str) -> None:
    assert check("evaluation-selection", text).findings == ()
    assert check("checkpoint-rules", text).findings == ()


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
