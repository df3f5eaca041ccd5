"""What a table or a sentence speaks of: a value that the run logged for something else explains no number there."""

from __future__ import annotations

import pytest
from support.logs import four_sets, run_of
from support.manuscripts import paper, table

from evaluators.manuscript.document import Table
from evaluators.manuscript.findings import Check, Inputs, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.provenance import RULES
from evaluators.manuscript.logged import RunLog, flatten


def check(run: RunLog, text: str, *tables: Table) -> Check:
    return check_manuscript(paper(text, *tables), Inputs(run=run), only=RULES).checks[0]


def variants(caption: str, *rows: tuple[str, str]) -> Table:
    return table([["Method", "Eval loss", "Training time"], *([*row, "41.638"] for row in rows)], caption)


def test_a_value_of_another_dataset_than_the_caption_names_is_told_with_both() -> None:
    rows = (("Full method", "0.1517"), ("Equal rates", "0.6634"))
    (finding,) = check(run_of(four_sets()), "", variants("Ablation on the circle dataset.", *rows)).findings
    assert (finding.severity, finding.quote) == (Severity.MEDIUM, "0.6634")
    assert "final_info.json#/dino/means/eval_loss" in finding.message
    assert "final_info.json#/circle/means/eval_loss" in finding.expected


@pytest.mark.parametrize(
    ("caption", "label"),
    [
        ("Ablation.", "Equal rates"),
        ("Ablation on the circle and dino datasets.", "Equal rates"),
        ("Ablation on the circle dataset.", "Equal rates on dino"),
    ],
)
def test_a_caption_that_leaves_the_dataset_open_places_no_value(caption: str, label: str) -> None:
    rows = (("Full method", "0.1517"), (label, "0.6634"))
    assert check(run_of(four_sets()), "", variants(caption, *rows)).findings == ()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The eval loss on dino is 0.9206.", 1),  # what moons has
        ("The eval loss on dino and moons is 0.6634 and 0.9206.", 0),
        ("The eval loss on dino is 41.64.", 1),  # the time of circle
        ("The eval loss on dino was reached after 40.25 s.", 0),
        ("The run ends at 0.9206.", 0),
    ],
)
def test_a_value_of_what_a_sentence_does_not_speak_of_explains_no_number_in_it(text: str, count: int) -> None:
    found = check(run_of(four_sets()), text + " The training time on line is 43.887 s.").findings
    assert [f.severity in (Severity.HIGH, Severity.MEDIUM) for f in found] == [True] * count


@pytest.mark.parametrize(("text", "count"), [("Our method reaches an eval loss of 0.7331.", 1), ("It is 0.7331.", 0)])
def test_own_results_are_held_to_the_run_in_a_background_section_too(text: str, count: int) -> None:
    manuscript = paper({"Background": text, "Results": "The eval loss on dino is 0.6634."})
    found = check_manuscript(manuscript, Inputs(run=run_of(four_sets())), only=RULES).checks[0]
    assert len(found.findings) == count


def crowded() -> RunLog:
    """Two runs whose losses lie among so many raw values that a number alone says nothing."""
    rest = {"orbit": [round(0.3 + 0.0013 * i, 4) for i in range(55)], "more": [0.4 + 0.0017 * i for i in range(55)]}
    numbers = []
    for run, losses in enumerate([(0.3417, 0.4251), (0.3566, 0.4438), (0.3712, 0.4619)]):
        document = {"initial_loss": losses[0], "corrected_loss": losses[1], "raw": rest}
        numbers += list(flatten(document, f"run_{run}/final_info.json"))
    return RunLog(tuple(numbers))


def test_a_sentence_without_names_may_repeat_a_cell_that_is_traced() -> None:
    rows = [["Run", "Initial loss", "Corrected loss"], ["Plain", "0.342", "0.425"], ["Wide", "0.357", "0.444"]]
    shown = table([*rows, ["Deep", "0.371", "0.462"]])
    assert check(crowded(), "The method ends at 0.462 only.", shown).findings == ()
    (finding,) = check(crowded(), "The method ends at 0.463 only.", shown).findings
    assert finding.severity is Severity.LOW


def test_a_deviation_of_a_number_that_no_name_places_is_not_high() -> None:
    rest = {"raw": [0.51234, 7.3, 8.1, 9.9]}
    (finding,) = check(run_of(rest), "All ends at 0.51234 ± 0.00210.").findings
    assert finding.severity is Severity.MEDIUM
