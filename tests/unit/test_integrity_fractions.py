"""Percentages against the counts beside them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.manuscript.findings import Check, Severity
from evaluators.manuscript.integrity.fractions import RULES
from tests.support.manuscripts import paper, table

(FRACTIONS,) = RULES


def check(text: str) -> Check:
    return FRACTIONS(paper(text))


FORMS = (
    "Sensitivity was {share}% ({k}/{n}).",
    "In {k} of {n} patients ({share}%) it was right.",
    "In {k}/{n} ({share}%; 95% CI 70-90) it was right.",
    "Right were {k} out of {n} ({share} %).",
    "Right were {share}% ({k} of the {n} scans).",
    "Right were {k} ({share}%) of {n} scans.",
    "Accuracy [{k}/{n} = {share}%] was high.",
)


@settings(deadline=None)
@given(st.integers(10, 5000), st.data(), st.integers(0, 2), st.sampled_from(FORMS))
def test_a_right_percentage_is_never_found_and_a_wrong_one_always(
    n: int, data: st.DataObject, decimals: int, form: str
) -> None:
    k = data.draw(st.integers(0, n))
    right = 100 * k / n
    made = check(form.format(k=k, n=n, share=f"{right:.{decimals}f}"))
    assert (made.looked_at, made.findings) == (1, ())
    wrong = right + 7 if right < 50 else right - 7
    (finding,) = check(form.format(k=k, n=n, share=f"{wrong:.{decimals}f}")).findings
    assert finding.severity is Severity.HIGH
    assert finding.expected == f"{right:.{decimals}f} %"


def test_a_percentage_that_was_cut_off_is_accepted() -> None:
    assert check("It was right in 2 of 30 patients (6.6%) and in 20/30 (66.6%).").findings == ()


@pytest.mark.parametrize(
    "text",
    [
        "Accuracy was 85% (80/20 split).",
        "Blood pressure was 120/80 mmHg (15% higher).",
        "Of 12 of 30 patients (95% CI 20-60) we know more.",
        "An accuracy of 85%, 12 of 30 patients died.",
        "Uptake was 45% (12/2019).",
        "Version 1.2/3.4 (50%)",
    ],
)
def test_what_is_no_percentage_of_counts_is_left_alone(text: str) -> None:
    assert check(text).findings == ()


def test_a_way_of_speaking_is_less_severe() -> None:
    assert check("It needs 70% (2/3 of readers).").findings[0].severity is Severity.MEDIUM


def test_tables_with_n_in_the_header() -> None:
    rows = [["", "Drug (n = 267)", "Placebo (n = 133)"], ["Female, n (%)", "120 (44.9)", "60 (54.1)"]]
    (finding,) = FRACTIONS(paper("", table(rows, "Characteristics."))).findings
    assert (finding.quote, finding.severity, finding.expected) == ("60 (54.1)", Severity.MEDIUM, "45.1 %")
    (finding,) = FRACTIONS(paper("Some values are missing.", table(rows, "Characteristics."))).findings
    assert finding.severity is Severity.LOW
    ages = [["", "Drug (n = 267)", "Placebo (n = 133)"], ["Age, mean (SD)", "62 (11)", "63 (12)"]]
    assert FRACTIONS(paper("", table(ages, "Characteristics."))).status == "not_checked"


def test_a_last_digit_off_by_one_is_asked_about() -> None:
    (finding,) = FRACTIONS(paper("In all 148/164 (90.3%) were cured.")).findings
    assert finding.severity is Severity.MEDIUM
    (finding,) = FRACTIONS(paper("In all 148/164 (90.8%) were cured.")).findings
    assert finding.severity is Severity.HIGH
    for share, severity in (("90.3", Severity.LOW), ("90.8", Severity.MEDIUM)):
        rows = [["Outcome", "Drug (n = 164), n (%)"], ["Cured", f"148 ({share})"], ["Not cured", "16 (9.8)"]]
        (finding,) = FRACTIONS(paper("", table(rows, "Outcomes."))).findings
        assert finding.severity is severity


@pytest.mark.parametrize("text", ["in 2019/2020 (12%)", "on 12/31 (32%)", "from 3/2019 (5%)"])
def test_dates_are_no_fractions(text: str) -> None:
    assert FRACTIONS(paper(f"There were more {text}.")).findings == ()
    assert FRACTIONS(paper("There were 12/31 (32%).")).findings


def test_shares_of_a_row_are_no_shares_of_its_columns() -> None:
    rows = [
        ["Variable, n (%)", "Total (n = 6000)", "Without (n = 4900)", "With (n = 1100)"],
        ["Men", "2900", "2331 (80.4)", "569 (19.6)"],
        ["Women", "3100", "2569 (82.9)", "531 (17.1)"],
    ]
    made = FRACTIONS(paper("", table(rows, "Values are n (%).")))
    assert (made.looked_at, made.findings) == (4, ())
    rows[1][2] = "2331 (81.4)"
    assert len(FRACTIONS(paper("", table(rows, "Values are n (%)."))).findings) == 1


def test_a_point_in_the_middle_of_the_line_is_a_decimal_point() -> None:
    assert not FRACTIONS(paper("In all 148/164 (90·2%) were cured.")).findings
    (finding,) = FRACTIONS(paper("In all 148/164 (91·2%) were cured.")).findings
    assert finding.expected == "90.2 %"
    rows = [["Outcome", "Drug (n = 164), n (%)"], ["Cured", "148 (91·2)"], ["Not cured", "16 (9·8)"]]
    assert len(FRACTIONS(paper("", table(rows, "Outcomes."))).findings) == 1


def test_without_any_nothing_is_said_to_be_clean() -> None:
    assert check("Accuracy was 85%.").status == "not_checked"
