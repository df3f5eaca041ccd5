"""Numbers traced to the run: by name, as statistics over repetitions, as changes, and not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from statistics import fmean, pstdev, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.logs import four_sets, run_of
from support.manuscripts import paper, table

from evaluators.base import EvaluatorError
from evaluators.manuscript.document import Table
from evaluators.manuscript.findings import Check, Inputs, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.provenance import RULES
from evaluators.manuscript.logged import LONGEST_LIST, RunLog, flatten, read_run

SEEDS = [0.8123, 0.8347, 0.8261, 0.8019]


def two_sets() -> dict[str, object]:
    return {
        name: {
            "means": {"best_val_loss_mean": loss, "accuracy_mean": fmean(SEEDS)},
            "stderrs": {"best_val_loss_stderr": 0.0011, "accuracy_stderr": stdev(SEEDS) / 2},
            "final_info_dict": {"accuracy": SEEDS},
        }
        for name, loss in (("circle", 0.43425), ("moons", 0.61439))
    }


def check(run: RunLog, text: str, *tables: Table) -> Check:
    return check_manuscript(paper(text, *tables), Inputs(run=run), only=RULES).checks[0]


def cells(*rows: tuple[str, str], header: str = "Best Val Loss") -> Table:
    return table([["Dataset", header], *map(list, rows)])


def test_logged_values_are_traced_with_their_pointers() -> None:
    found = check(run_of(two_sets()), "", cells(("circle", "0.434"), ("moons", "0.6144")))
    assert (found.looked_at, found.findings, found.evidence["share"]) == (2, (), 1.0)
    listed = found.evidence["listed"]
    assert isinstance(listed, list)
    assert listed[0]["pointers"] == ["final_info.json#/circle/means/best_val_loss_mean"]


def test_a_number_cut_off_instead_of_rounded_is_traced() -> None:
    assert check(run_of(two_sets()), "", cells(("circle", "0.4342"), ("moons", "0.6143"))).findings == ()


def test_an_altered_digit_and_swapped_rows_are_high_with_the_logged_value() -> None:
    altered = check(run_of(two_sets()), "", cells(("circle", "0.484"), ("moons", "0.614"))).findings
    assert [(f.severity, f.quote) for f in altered] == [(Severity.HIGH, "0.484")]
    assert "circle/means/best_val_loss_mean" in altered[0].expected
    swapped = check(run_of(two_sets()), "", cells(("circle", "0.614"), ("moons", "0.434"))).findings
    assert [f.severity for f in swapped] == [Severity.HIGH, Severity.HIGH]


def test_a_row_that_the_run_never_had_is_unsupported_and_not_high() -> None:
    rows = (("circle", "0.434"), ("moons", "0.614"), ("Without attention head", "0.9723"))
    (finding,) = check(run_of(two_sets()), "", cells(*rows)).findings
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "deviation", [stdev(SEEDS), pstdev(SEEDS), stdev(SEEDS) / 2, pstdev(SEEDS) / 2, 1.96 * stdev(SEEDS) / 2]
)
def test_every_usual_deviation_over_seeds_is_accepted(deviation: float) -> None:
    shown = f"{fmean(SEEDS):.4f} ± {deviation:.4f}"
    found = check(run_of(two_sets()), "", cells(("circle", shown), ("moons", shown), header="Accuracy"))
    assert (found.findings, found.looked_at) == ((), 4)


def test_a_wrong_deviation_is_high_with_the_logged_one() -> None:
    shown = f"{fmean(SEEDS):.4f} ± 0.0412"
    finding = check(run_of(two_sets()), "", cells(("circle", shown), header="Accuracy")).findings[0]
    assert finding.severity is Severity.HIGH
    assert finding.expected.startswith(f"{stdev(SEEDS) / 2:.5f} (final_info.json#/circle/stderrs")


def test_a_deviation_of_one_repetition_is_told_so() -> None:
    document = {
        "circle": {
            "means": {"loss_mean": 0.4342},
            "stderrs": {"loss_stderr": 0.0},
            "final_info_dict": {"loss": [0.4342]},
        }
    }
    (finding,) = check(run_of(document), "", cells(("circle", "0.4342 ± 0.0121"), header="Loss")).findings
    assert "measured this once" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "The best validation loss of moons is higher by 0.180 than that of circle.",
        "The best validation loss is higher by 41.48 % on moons than on circle.",
        "The best validation loss of moons is 1.415 times that of circle.",
        "The mean best validation loss over the datasets is 0.5243.",
    ],
)
def test_changes_and_means_of_logged_values_are_traced(text: str) -> None:
    found = check(run_of(two_sets()), text)
    assert (found.findings, found.evidence["traced"]) == ((), 1)


@pytest.mark.parametrize(
    "text",
    [
        "We use a learning rate of 0.0003.",
        "The dropout rate was 0.15.",
    ],
)
def test_numbers_of_the_setup_are_not_results(text: str) -> None:
    found = check(run_of(two_sets()), text + " The best validation loss of circle is 0.434.")
    assert (found.findings, found.evidence["setup"], found.evidence["numbers"]) == ((), 1, 1)


def test_numbers_in_the_code_are_setup() -> None:
    found = check(run_of(two_sets(), {"experiment.py": "beta = 0.9731"}), "We take 0.9731 throughout.")
    assert (found.findings, found.evidence["setup"]) == ((), 1)


def test_a_misprint_in_the_text_is_high() -> None:
    (finding,) = check(run_of(two_sets()), "The best validation loss on circle is 0.464.").findings
    assert finding.severity is Severity.HIGH
    assert finding.quote in "The best validation loss on circle is 0.464."


def test_a_number_of_other_work_is_not_counted() -> None:
    manuscript = paper(
        {"Related Work": "They reach a loss of 0.2931.", "Results": "The best val loss on moons is 0.614."}
    )
    found = check_manuscript(manuscript, Inputs(run=run_of(two_sets())), only=RULES).checks[0]
    assert (found.findings, found.evidence["numbers"], found.evidence["of_others"]) == ((), 1, 1)


def test_the_run_of_another_paper_gives_no_high_finding() -> None:
    rows = [(name, f"0.{i}731") for i, name in enumerate(["circle", "moons"] * 5)]
    found = check(run_of(two_sets()), "", cells(*rows))
    assert {f.severity for f in found.findings} == {Severity.MEDIUM}
    assert "another paper" in found.reason


def test_without_a_run_or_numbers_it_is_not_checked() -> None:
    assert check_manuscript(paper("A loss of 0.4321."), only=RULES).checks[0].status == "not_checked"
    assert check(RunLog(()), "A loss of 0.4321.").status == "not_checked"
    assert check(run_of(two_sets()), "No number.").status == "not_checked"


@settings(deadline=None, max_examples=50)
@given(
    values=st.lists(st.floats(0.01, 999, allow_nan=False), min_size=2, max_size=6, unique=True),
    decimals=st.integers(2, 4),
)
def test_a_paper_that_prints_what_was_logged_has_no_finding(values: list[float], decimals: int) -> None:
    names = ["circle", "dino", "line", "moons", "spiral", "star"]
    logged = {name: {"kl_divergence": value} for name, value in zip(names, values, strict=False)}
    rows = [(name, f"{value:.{decimals}f}") for name, value in zip(names, values, strict=False)]
    assert check(run_of(logged), "", cells(*rows, header="KL Divergence")).findings == ()


def test_a_folder_is_read_with_its_texts_and_without_plans_and_papers(tmp_path: Path) -> None:
    (tmp_path / "run_0").mkdir()
    (tmp_path / "run_0/final_info.json").write_text(json.dumps(two_sets()))
    (tmp_path / "ideas.json").write_text('[{"Novelty": 9.25}]')
    (tmp_path / "review.txt").write_text("Overall: 4.25")
    (tmp_path / "notes.txt").write_text("rate 0.77")
    (tmp_path / "scores.csv").write_text("model,auc\nforest,0.91\nridge,0.88\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "template.tex").write_text("0.123")
    log = read_run(tmp_path)
    pointers = {one.pointer: one.value for one in log.numbers}
    assert pointers["run_0/final_info.json#/moons/means/best_val_loss_mean"] == 0.61439
    assert pointers["scores.csv#/forest/auc"] == 0.91
    assert set(log.texts) == {"ideas.json", "notes.txt"}
    assert any("broken.json" in note for note in log.notes)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text('{"a": 1.25}')
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "link.json").symlink_to(outside)
    assert read_run(folder).numbers == ()


def test_a_missing_run_is_told() -> None:
    with pytest.raises(EvaluatorError, match="give the folder"):
        read_run(Path("/nowhere/at/all"))


def test_odd_values_stay_out_and_long_lists_are_summed_up() -> None:
    document = {
        "a": float("nan"),
        "b": None,
        "c": True,
        "d": 10**400,
        "curve": [float(i) for i in range(LONGEST_LIST + 1)],
    }
    log = run_of(document)
    assert {one.path[-1] for one in log.numbers} == {"@first", "@last", "@min", "@max", "@mean"}
    assert all(math.isfinite(one.value) for one in log.numbers)


@pytest.mark.parametrize("sign", ["-", "−", "–"])
def test_a_minus_at_the_start_of_a_cell_is_read(sign: str) -> None:
    assert (
        check(run_of({"circle": {"slope": -0.0197}}), "", cells(("circle", f"{sign}0.0197"), header="Slope")).findings
        == ()
    )


def grokking(**stderrs: float) -> RunLog:
    """Two runs whose tables print whole steps, as mean and interval."""
    numbers = []
    for i, (div, plus) in enumerate([(4200.0, 2363.3), (2536.7, 863.3), (3463.3, 2136.7), (1643.3, 836.7)]):
        means = {"x_div_y": div, "x_plus_y": plus}
        document = {
            name: {"means": {"step_val_acc_99_mean": m}, "stderrs": {"step_val_acc_99_stderr": stderrs.get(name, 50.0)}}
            for name, m in means.items()
        }
        numbers += list(flatten(document, f"run_{i}/final_info.json"))
    return RunLog(tuple(numbers))


def steps(*rows: tuple[str, str, str]) -> Table:
    return table([["Initialization", "x_div_y", "x_plus_y"], *map(list, rows)], "Steps to 99% validation accuracy.")


def test_whole_numbers_of_a_table_are_compared_and_not_counted() -> None:
    said = "The mean final loss is 0.12."
    true = steps(
        ("Default", "4200 ± 98", "2363 ± 50"),
        ("Xavier", "2537 ± 98", "863 ± 215"),
        ("He", "3463 ± 50", "2137 ± 50"),
        ("Orthogonal", "1643 ± 50", "837 ± 50"),
    )
    found = check(grokking(), said, true)
    assert [f for f in found.findings if f.severity is Severity.HIGH] == []
    assert found.evidence["numbers"] == 1
    wrong = steps(
        ("Default", "4200 ± 317", "2363 ± 50"),
        ("Xavier", "2537 ± 98", "963 ± 98"),
        ("He", "3463 ± 50", "2137 ± 50"),
        ("Orthogonal", "1643 ± 50", "837 ± 50"),
    )
    high = [f.quote for f in check(grokking(), said, wrong).findings if f.severity is Severity.HIGH]
    assert high == ["4200 ± 317", "963 ± 98"]


def test_a_sentence_that_repeats_a_traced_cell_under_its_name_is_traced() -> None:
    cell = cells(("circle", "0.434"), ("moons", "0.614"))
    assert check(run_of(two_sets()), "Circle ends at 0.434.", cell).findings == ()
    assert len(check(run_of(two_sets()), "Circle ends at 0.439.", cell).findings) == 1


def test_a_second_column_of_names_is_no_column_of_values() -> None:
    rows = [
        ["Dataset", "Variation", "Best Val Loss", "Accuracy"],
        ["circle", "Initial LR 2e-3", "0.434", "0.8188"],
        ["moons", "Initial LR 1e-3", "0.614", "0.8188"],
        ["circle", "Other reward", "0.4342", "0.8187"],
    ]
    found = check(run_of(two_sets()), "", table(rows))
    assert (found.findings, found.looked_at) == ((), 6)


@pytest.mark.parametrize(
    "text",
    [
        "The weight of the grid loss was set to 0.434.",
        "Risks were kept 0.000001 away from both ends.",
        "The grid loss is weighted at 0.434 beside the first.",
        "Upper layers: η_e = 4 × 10^-3.",
        "The scatter of the circle is drawn with σ_x ∼ U[0.434, 0.614].",
        "The grid regularization weight was 0.434.",
    ],
)
def test_a_number_that_is_said_to_be_set_is_a_setting_even_where_the_run_logged_it(text: str) -> None:
    document = {"circle": {"grid_loss": 0.434, "line": 0.4349}}
    found = check(run_of(document), text + " The grid loss of the circle is 0.434.")
    assert (found.findings, found.evidence["numbers"]) == ((), 1)


def forms(found: Check) -> list[str]:
    listed = found.evidence["listed"]
    assert isinstance(listed, list)
    return [one["form"] for one in listed]


def test_a_difference_of_a_time_and_a_loss_explains_no_number() -> None:
    # 41.6384 - 0.1517 = 41.4867
    found = check(run_of(four_sets()), "", cells(("Tuned", "41.487"), ("Plain", "41.479"), header="Training time"))
    assert [f.quote for f in found.findings] == ["41.487"]
    assert forms(found)[1] == "mean over runs or datasets"


def test_a_mean_of_the_values_as_printed_is_traced() -> None:
    found = check(run_of(four_sets()), "The mean training time over the datasets is 41.5231.")
    assert [f.severity for f in found.findings] == [Severity.HIGH]
    document = {
        "circle": {"time": 10.0051},
        "dino": {"time": 20.0051},
        "moons": {"time": 40.0001},
        "line": {"time": 30.0051},
    }
    found = check(run_of(document), "The mean time over all is 25.01.")
    assert forms(found) == ["mean of rounded values over runs or datasets"]


@pytest.mark.parametrize(
    ("header", "cell", "quoted"),
    [
        ("Eval loss", "0.3645", True),  # the standard deviation of the four losses
        ("Eval loss", "0.3645 ± 0.1204", True),
        ("Std of eval loss", "0.3645", False),
        ("Eval loss", "0.8481", True),  # the high end of a 95 % interval of their mean
        ("Eval loss", "1.9638", True),  # their sum
        ("Total eval loss", "1.9638", False),
        ("Eval loss", "9.03", True),  # by how many per cent two times differ
    ],
)
def test_a_statistic_or_a_change_explains_a_number_only_where_the_words_say_so(
    header: str, cell: str, quoted: bool
) -> None:
    found = check(run_of(four_sets()), "", cells(("Tuned", cell), ("Plain", "0.4910"), header=header))
    assert any(f.quote == cell and f.message.startswith("The number") for f in found.findings) is quoted


def test_a_deviation_where_the_run_logged_none_is_told_so() -> None:
    document = {"circle": {"means": {"loss_mean": 0.4342}, "stderrs": {"loss_stderr": 0.0}}}
    (finding,) = check(run_of(document), "", cells(("circle", "0.4342 ± 0.0217"), header="Loss")).findings
    assert (finding.severity, "logged a deviation of 0" in finding.message) == (Severity.HIGH, True)


def test_a_made_up_deviation_of_a_mean_over_datasets_is_told_with_the_true_ones() -> None:
    found = check(
        run_of(four_sets()), "", cells(("All", "0.4910 ± 0.1204"), ("All", "0.4910 ± 0.3645"), header="Eval loss")
    )
    assert [(f.severity, f.quote) for f in found.findings] == [(Severity.MEDIUM, "0.4910 ± 0.1204")]
    assert found.findings[0].expected.startswith("0.36447 (standard deviation over 4")
