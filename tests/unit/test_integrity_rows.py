"""Cells of a table's row against the run that the rest of the row comes from."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.manuscripts import paper, table

from evaluators.manuscript.document import Table
from evaluators.manuscript.findings import Finding, Inputs, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.provenance import RULES
from evaluators.manuscript.logged import RunLog, flatten

SETS = ("circle", "moons", "spiral")
MEASURES = {"kl_divergence": "KL divergence", "training_time": "Training time", "eval_loss": "Eval loss"}
NAMES = ("Plain", "Two branches", "Wide network")
"""What the table calls the runs; the log knows none of these words."""

Values = dict[tuple[int, str, str], float]


def logged(values: Values) -> RunLog:
    numbers = []
    for run in range(len(NAMES)):
        document = {name: {"means": {key: values[run, name, key] for key in MEASURES}} for name in SETS}
        numbers += list(flatten(document, f"run_{run}/final_info.json"))
    return RunLog(tuple(numbers))


def printed(values: Values, changed: dict[tuple[int, str, str], float] | None = None) -> Table:
    shown = {**values, **(changed or {})}
    rows = [
        [label, name, *(f"{shown[run, name, key]:.3f}" for key in MEASURES)]
        for run, label in enumerate(NAMES)
        for name in SETS
    ]
    return table([["Model", "Dataset", *MEASURES.values()], *rows])


def found(values: Values, shown: Table) -> list[Finding]:
    return list(check_manuscript(paper("", shown), Inputs(run=logged(values)), only=RULES).checks[0].findings)


def spread_out(start: float = 0.1) -> Values:
    keys = [(run, name, key) for run in range(len(NAMES)) for name in SETS for key in MEASURES]
    return {key: start + 0.0371 * (5 * i % len(keys)) for i, key in enumerate(keys)}


def test_a_value_of_another_run_than_the_rest_of_its_row_is_high_with_the_value_of_its_own() -> None:
    values = spread_out()
    changed = {(1, "moons", "training_time"): values[2, "moons", "training_time"]}
    (finding,) = found(values, printed(values, changed))
    assert finding.severity is Severity.HIGH
    assert "run_1/final_info.json#/moons/means/training_time" in finding.expected


def test_a_value_from_nowhere_is_high_though_no_log_knows_the_name_of_the_row() -> None:
    values = spread_out()
    (finding,) = found(values, printed(values, {(0, "spiral", "eval_loss"): 7.7777}))
    assert finding.severity is Severity.HIGH
    assert "run_0/final_info.json#/spiral/means/eval_loss" in finding.expected


def test_a_column_that_always_comes_from_another_run_than_the_others_is_no_finding() -> None:
    values = spread_out()
    moved = {
        (run, name, "eval_loss"): values[(run + 1) % len(NAMES), name, "eval_loss"]
        for run in range(len(NAMES))
        for name in SETS
    }
    assert found(values, printed(values, moved)) == []


def test_rows_of_means_are_no_finding() -> None:
    values = spread_out()
    mean = {key: sum(values[2, name, key] for name in SETS) / len(SETS) for key in MEASURES}
    whole = printed(values)
    rows = [[cell.text for cell in row] for row in whole.cells]
    rows.append(["Wide network", "all", *(f"{mean[key]:.3f}" for key in MEASURES)])
    assert found(values, table(rows)) == []


@settings(deadline=None, max_examples=30)
@given(
    values=st.lists(st.integers(100, 99_999), min_size=27, max_size=27, unique=True),
    at=st.tuples(st.integers(0, 2), st.sampled_from(SETS), st.sampled_from(list(MEASURES))),
)
def test_what_was_logged_is_clean_and_any_value_of_another_run_is_found(
    values: list[int], at: tuple[int, str, str]
) -> None:
    keys = list(spread_out())
    made = {key: value / 1000 for key, value in zip(keys, values, strict=True)}
    assert found(made, printed(made)) == []
    run, name, key = at
    other = made[(run + 1) % len(NAMES), name, key]
    assume(abs(other - made[at]) > 0.002)
    assert [f.severity for f in found(made, printed(made, {at: other}))] == [Severity.HIGH]
