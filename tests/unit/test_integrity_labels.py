"""Rows of tables against the numbers of the runs that the text calls them by."""

from __future__ import annotations

import pytest
from support.manuscripts import paper, table

from evaluators.manuscript.document import Table
from evaluators.manuscript.findings import Check, Inputs, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.labels import RULES
from evaluators.manuscript.logged import RunLog, flatten

SCORES = {
    "circle": (0.4127, 0.3951, 0.3618, 0.3472),
    "spiral": (1.2318, 1.1095, 0.9874, 1.0463),
}
TIMES = {"circle": (31.42, 58.13, 61.97, 72.26), "spiral": (33.05, 57.61, 64.38, 70.84)}
SAID = "We compare Baseline (Run 0), Two branches (Run 1) and the wide network (Run {}) on both sets."


def runs() -> RunLog:
    """Four runs with a divergence and a time for two datasets."""
    numbers = []
    for i in range(4):
        document = {name: {"kl_divergence": SCORES[name][i], "training_time": TIMES[name][i]} for name in SCORES}
        numbers += list(flatten(document, f"run_{i}/final_info.json"))
    return RunLog(tuple(numbers))


def results(**rows: int) -> Table:
    """A table whose rows print what the given runs logged."""
    body = [
        [name.replace("_", " "), dataset, f"{SCORES[dataset][run]:.3f}", f"{TIMES[dataset][run]:.2f}"]
        for name, run in rows.items()
        for dataset in SCORES
    ]
    return table([["Model", "Dataset", "KL divergence", "Training time"], *body])


def check(text: str, *tables: Table, run: RunLog | None = None) -> Check:
    return check_manuscript(paper(text, *tables), Inputs(run=run), only=RULES).checks[0]


def test_a_row_with_the_numbers_of_another_run_is_high() -> None:
    found = check(SAID.format(3), results(Baseline=0, Two_branches=1, Wide_network=2), run=runs())
    (finding,) = found.findings
    assert (finding.severity, found.looked_at) == (Severity.HIGH, 3)
    assert "4 of its 4 numbers in the tables are those of run 2" in finding.message
    assert finding.quote in SAID.format(3)


def test_rows_with_the_numbers_of_their_runs_are_no_finding() -> None:
    assert check(SAID.format(2), results(Baseline=0, Two_branches=1, Wide_network=2), run=runs()).findings == ()


def test_a_single_wrong_number_is_not_another_run() -> None:
    rows = [["Model", "Dataset", "KL divergence", "Training time"], ["Wide network", "circle", "0.347", "72.26"]]
    rows += [["Wide network", "spiral", "1.046", "64.38"]]
    assert check("The wide network (Run 3) wins.", table(rows), run=runs()).findings == ()


def test_a_paper_that_counts_its_runs_from_one_is_no_finding() -> None:
    text = "We compare Baseline (Run 1), Two branches (Run 2) and the wide network (Run 3)."
    assert check(text, results(Baseline=0, Two_branches=1, Wide_network=2), run=runs()).findings == ()


def test_a_name_without_others_to_compare_is_not_high() -> None:
    (finding,) = check("The wide network (Run 3) wins.", results(Wide_network=2), run=runs()).findings
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "text", ["No row has a number.", "The wide network (Run 2) and later the wide network (Run 3).", "Run 3 wins."]
)
def test_without_one_run_for_a_name_nothing_is_checked(text: str) -> None:
    assert check(text, results(Wide_network=2), run=runs()).status == "not_checked"


def test_without_numbered_runs_nothing_is_checked() -> None:
    assert check(SAID.format(3), results(Baseline=0)).status == "not_checked"
    single = RunLog(tuple(flatten({"circle": {"kl_divergence": 0.41}}, "run_0/final_info.json")))
    assert check(SAID.format(3), results(Baseline=0), run=single).status == "not_checked"
