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


def test_without_any_nothing_is_said_to_be_clean() -> None:
    assert check("Accuracy was 85%.").status == "not_checked"
