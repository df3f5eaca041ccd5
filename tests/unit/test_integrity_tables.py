"""Text against tables: numbers, best values, changes and ablations."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.manuscripts import paper, table

from evaluators.manuscript.document import Table
from evaluators.manuscript.findings import Check, Inputs, Severity
from evaluators.manuscript.integrity import ablation, bold, check_manuscript, comparison, direction
from evaluators.manuscript.logged import RunLog, flatten

MODELS = [
    ["Method", "QWK ↑", "ACC ↑", "F1 ↑", "AUC ↑"],
    ["Inception-v3", "0.7889", "0.6600", "0.6559", "0.8586"],
    ["MobileNet-v3", "0.7766", "0.6600", "0.6587", "**0.8911**"],
    ["ResNet-50", "0.8090", "0.6467", "0.6477", "0.8656"],
    ["Ours", "**0.8267**", "**0.6867**", "**0.6905**", "0.8867"],
]
ABLATION = [
    ["Variant", "QWK↑", "ACC↑"],
    ["Ours", "0.8267", "0.6867"],
    ["no diffusion", "0.8103", "0.6733"],
    ["no center", "0.7774", "0.6133"],
]


def models() -> Table:
    return table(MODELS, "Comparison with baselines. The best results are shown in bold.")


def check(rules: tuple, text: str, *tables: Table) -> Check:
    return check_manuscript(paper(text, *tables), only=rules).checks[0]


@pytest.mark.parametrize(
    "text",
    [
        "The proposed method obtains a QWK of 0.8267 and an accuracy of 68.7 %.",
        "ResNet-50, Inception-v3 and MobileNet-V3 obtain QWK of 0.8090, 0.7889 and 0.7766, respectively.",
        "MobileNet-V3 obtains the highest AUC (0.8911), above our method.",
        "We reach QWK of 0.8090, 0.7889 and 0.7766 for ResNet-50, Inception-v3 and MobileNet-v3, respectively.",
        "Our method reaches an AUC of 0.887.",
        "Our method improves the QWK by 0.0177 over ResNet-50.",
        "At epoch 5, our method reaches a QWK of 0.7366.",
        "Others report a QWK of 0.9000.",
    ],
)
def test_numbers_that_agree_are_no_finding(text: str) -> None:
    assert check(comparison.RULES, text, models()).findings == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The proposed method obtains a QWK of 0.8627.", "0.8267"),
        ("Our method reaches an accuracy of 66.8 %.", "0.6867"),
        ("ResNet-50, Inception-v3 and MobileNet-V3 obtain QWK of 0.7889, 0.8090 and 0.7766, respectively.", "0.8090"),
        ("In terms of AUC, MobileNet-v3 (0.8656) comes first.", "0.8911"),
    ],
)
def test_numbers_that_differ_are_found(text: str, expected: str) -> None:
    findings = check(comparison.RULES, text, models()).findings
    assert findings
    assert findings[0].severity is Severity.HIGH
    assert findings[0].expected == expected
    assert findings[0].quote in text


def test_a_measure_that_only_this_table_has_is_compared_too() -> None:
    rows = [["Dataset", "Style Consistency"], ["enwik8", "0.9667"], ["text8", "0.8912"]]
    assert check(comparison.RULES, "Style consistency on enwik8 is 0.9667.", table(rows)).looked_at == 1
    (finding,) = check(comparison.RULES, "Style consistency on enwik8 is 0.9776.", table(rows)).findings
    assert finding.expected == "0.9667"


@settings(deadline=None, max_examples=50)
@given(digits=st.lists(st.integers(5000, 9999), min_size=3, max_size=6, unique=True))
def test_a_text_that_repeats_its_table_has_no_finding(digits: list[int]) -> None:
    names = [f"Model {letter}x" for letter in "ABCDEF"]
    values = [f"0.{d}" for d in digits]
    rows = [["Model", "AUC"], *([n, v] for n, v in zip(names, values, strict=False))]
    text = " ".join(f"{n} reaches an AUC of {v}." for n, v in zip(names, values, strict=False))
    found = check(comparison.RULES, text, table(rows))
    assert (found.findings, found.looked_at) == ((), len(values))


def test_bold_is_best() -> None:
    assert check(bold.RULES, "", models()).findings == ()
    rows = [list(row) for row in MODELS]
    rows[2][4], rows[4][4] = "0.8911", "**0.8867**"
    (finding,) = check(bold.RULES, "", table(rows, "The best results are shown in bold.")).findings
    assert (finding.severity, finding.quote, finding.expected) == (Severity.HIGH, "0.8867", "0.8911")


def test_lower_is_better_for_an_error() -> None:
    rows = [["Model", "RMSE"], ["A model", "**1.20**"], ["B model", "1.30"]]
    assert check(bold.RULES, "", table(rows)).findings == ()
    rows = [["Model", "RMSE"], ["A model", "1.20"], ["B model", "**1.30**"]]
    assert len(check(bold.RULES, "", table(rows)).findings) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Our method achieves the highest QWK.", 0),
        ("MobileNet-v3 achieves the highest AUC.", 0),
        ("Our method achieves the highest AUC.", 1),
        ("ResNet-50 has the best QWK.", 1),
        ("Our method does not achieve the highest AUC.", 0),
    ],
)
def test_what_the_text_calls_best_is_best(text: str, found: int) -> None:
    findings = check(bold.RULES, text, table(MODELS)).findings
    assert len(findings) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Removing diffusion reduces QWK from 0.8267 to 0.8103 and accuracy from 0.6867 to 0.6733.", 0),
        ("Removing diffusion reduces QWK from 0.8103 to 0.8267 and accuracy from 0.6867 to 0.6733.", 1),
        ("Accuracy increases from 0.70 to 0.65.", 1),
        ("RMSE improves from 1.30 to 1.20.", 0),
        ("RMSE improves from 1.20 to 1.30.", 1),
        ("Accuracy improves from 0.50 to 0.60, a 20% relative improvement.", 0),
        ("Accuracy improves from 0.50 to 0.60, by 10 %.", 0),
        ("Accuracy improves from 0.50 to 0.60, a 35% relative improvement.", 1),
        ("The temperature was annealed from 1.0 to 0.1.", 0),
        ("Response times decreased from Time 1 to Time 2 (25.8 ms and 24.9 ms).", 0),
        ("The pain declined from week 2 to week 12.", 0),
        ("Accuracy did not increase from 0.70 to 0.65.", 0),
        ("Accuracy rises from 80.0 to 84.0, a gain of 4 percentage points.", 0),
        ("Accuracy rises from 80.0 to 84.0, a 4 pp gain.", 0),
        ("Accuracy rises from 80.0 to 84.0, a gain of 7 percentage points.", 1),
        ("Accuracy rises from 0.80 to 0.84, by 4 %-points.", 0),
    ],
)
def test_the_direction_and_size_of_changes(text: str, found: int) -> None:
    findings = check(direction.RULES, text).findings
    assert len(findings) == found
    assert all(finding.severity is Severity.HIGH for finding in findings)


def test_a_percentage_between_two_rows_is_computed_again() -> None:
    def findings(percent: str) -> int:
        text = f"Our method improves the QWK of ResNet-50 by {percent} %."
        return len(check(direction.RULES, text, table(MODELS)).findings)

    assert (findings("2.2"), findings("1.8"), findings("7.9")) == (0, 0, 1)


def test_percentage_points_are_a_difference_and_the_two_levels_beside_them_no_change() -> None:
    scores = [["Loss", "Dice (%)"], ["Cross-entropy", "91.65"], ["Focal loss", "68.36"]]
    text = "Replacing cross-entropy with focal loss reduced Dice by {} (68.36% vs 91.65%)."

    def findings(change: str) -> list[str]:
        return [f.message for f in check(direction.RULES, text.format(change), table(scores)).findings]

    assert [findings(right) for right in ("23.29pp", "23.29 percentage points", "23.29 % points", "25.4 %")] == [[]] * 4
    (points,) = findings("25.41pp")
    assert "25.41 percentage points" in points
    assert len(findings("31.2 %")) == 1


def test_the_right_percent_change_called_points_is_a_slip_to_ask_about() -> None:
    (finding,) = check(direction.RULES, "Accuracy rises from 80.0 to 84.0, a gain of 5 percentage points.").findings
    assert (finding.severity, finding.expected) == (Severity.MEDIUM, "4.0 points")


@settings(deadline=None, max_examples=50)
@given(a=st.integers(1000, 9000), b=st.integers(1000, 9000))
def test_true_percent_changes_are_no_finding(a: int, b: int) -> None:
    if a == b:
        return
    verb = "increases" if b > a else "decreases"
    text = f"The AUC {verb} from 0.{a} to 0.{b}, by {abs(b - a) / a * 100:.1f} %."
    assert check(direction.RULES, text).findings == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The center formulation is a bottleneck: removing it markedly improves all metrics.", 1),
        ("Removing unstable center loss unlocks further gains.", 1),
        ("Removing the center loss degrades both metrics.", 0),
        ("Without diffusion performance drops.", 0),
        ("Removing the center does not improve the metrics.", 0),
        ("Removing the encoder improves the metrics.", 0),
    ],
)
def test_the_sign_of_an_ablation(text: str, found: int) -> None:
    findings = check(ablation.RULES, text, table(ABLATION, "Ablation.")).findings
    assert len(findings) == found
    if findings:
        assert findings[0].severity is Severity.HIGH
        assert "0.8267" in findings[0].message
        assert "0.7774" in findings[0].message


@pytest.mark.parametrize("module", [comparison, bold, ablation, direction])
def test_an_empty_paper_is_not_checked(module: object) -> None:
    assert check(module.RULES, "Nothing.").status == "not_checked"  # type: ignore[attr-defined]


def test_the_measure_named_before_a_list_is_meant_in_its_items() -> None:
    text = "The KL divergence changes as follows. Ring: 5.0% reduction (from 0.160 to 0.152). {last}"
    right = text.format(last="Disc: 3.3% reduction (from 0.093 to 0.090).")
    wrong = text.format(last="Disc: 3.3% improvement (from 0.090 to 0.093).")
    assert check(direction.RULES, right).findings == ()
    (finding,) = check(direction.RULES, wrong).findings
    assert "improvement" in finding.message


def test_a_change_that_the_run_gives_is_no_finding_though_the_tables_do_not() -> None:
    scores = [["Method", "KL on circle", "Time"], ["Plain", "0.4127", "31"], ["Branched", "0.3951", "58"]]
    text = "Branched gives a KL on circle with a reduction of 12.3% against Plain."
    logged = [
        number
        for run, value in (("run_0", 0.4127), ("run_1", 0.3951), ("run_2", 0.3618))
        for number in flatten({"circle": {"kl": value}}, f"{run}/final.json")
    ]
    (finding,) = check(direction.RULES, text, table(scores)).findings
    assert finding.severity is Severity.MEDIUM
    with_run = Inputs(run=RunLog(tuple(logged)))
    assert check_manuscript(paper(text, table(scores)), with_run, only=direction.RULES).checks[0].findings == ()
    other = paper(text.replace("12.3", "19.8"), table(scores))
    assert len(check_manuscript(other, with_run, only=direction.RULES).checks[0].findings) == 1


@pytest.mark.parametrize(
    ("claim", "example", "count"),
    [
        (
            "Our agent outperforms the baseline in validation loss.",
            "a loss of 1.466 compared to the baseline's 1.465",
            1,
        ),
        (
            "Our agent outperforms the baseline in validation loss.",
            "a loss of 1.464 compared to the baseline's 1.465",
            0,
        ),
        ("It reaches a better accuracy.", "an accuracy of 71.2% versus the plain baseline (71.9%)", 1),
        ("It reaches a better accuracy.", "an accuracy of 72.4% versus the plain baseline (71.9%)", 0),
        ("It reaches a better accuracy.", "a training time of 61 compared to the baseline's 40", 0),
        ("It has a higher loss.", "a loss of 1.466 compared to the baseline's 1.465", 0),
        ("It does not improve the accuracy.", "an accuracy of 71.2% versus the plain baseline (71.9%)", 0),
        ("We look at the accuracy.", "an accuracy of 71.2% versus the plain baseline (71.9%)", 0),
    ],
)
def test_an_example_must_bear_out_the_claim_before_it(claim: str, example: str, count: int) -> None:
    found = check(direction.RULES, f"{claim} For instance, on moons it has {example}.").findings
    assert [f.severity for f in found] == [Severity.HIGH] * count
