"""Tortured phrases, left-overs of an assistant or a template, and things done in the future."""

from __future__ import annotations

from datetime import date

import pytest

from evaluators.manuscript.findings import Inputs, Severity
from evaluators.manuscript.integrity.data import read_table
from evaluators.manuscript.integrity.phrases import RULES
from tests.support.manuscripts import paper, table

TORTURED, LEFT_OVER, FUTURE = RULES
TODAY = Inputs(today=date(2026, 3, 1))

CLEAN = (
    "A deep neural network classified fundus photographs; artificial intelligence is a huge field. The random forest "
    "and the support vector machine used the mean squared error. As an area model, it fits. Information on breast "
    "cancer, kidney failure and heart failure was collected between 2019 and 2021. See Table 2 and Figure 3."
)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("We train a profound neural organization on scans.", "deep neural network"),
        ("Counterfeit consciousness is used.", "artificial intelligence"),
        ("An irregular timberland was fitted.", "random forest"),
        ("Patients with bosom peril were included.", "breast cancer"),
        ("The mean square blunder fell.", "mean square error"),
        ("The flag-to-commotion ratio rose.", "signal to noise"),
        ("We use subterranean insect settlement search.", "ant colony"),
        ("Underwent attractive reverberation imaging.", "magnetic resonance imaging"),
    ],
)
def test_tortured_phrases_are_found_with_the_term_meant(text: str, term: str) -> None:
    (finding,) = TORTURED(paper(text)).findings
    assert (finding.expected, finding.severity) == (term, Severity.MEDIUM)
    assert finding.quote in text


def test_a_paper_about_tortured_phrases_is_not_accused() -> None:
    made = TORTURED(paper("We collected tortured phrases such as profound neural organization."))
    assert [finding.severity for finding in made.findings] == [Severity.NOTE]


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I cannot access the data.",
        "Certainly, here is a possible introduction for your topic.",
        "Regenerate response",
        "As of my last knowledge update, no such study exists.",
        "I'm sorry, but I can't help with that.",
        "The result holds contentReference[oaicite:3].",
    ],
)
def test_an_assistants_words_are_found(text: str) -> None:
    (finding,) = LEFT_OVER(paper(text)).findings
    assert "assistant" in finding.message
    assert finding.quote in text


@pytest.mark.parametrize(
    "text",
    [
        "The accuracy was XX.X% on the test set.",
        "It is known [citation needed] that it helps.",
        "Results are in Table ??.",
        "TODO describe the cohort.",
        "We thank [Insert name of funder here].",
        "Lorem ipsum dolor sit amet.",
    ],
)
def test_placeholders_are_found(text: str) -> None:
    (finding,) = LEFT_OVER(paper(text)).findings
    assert "never filled in" in finding.message


@pytest.mark.parametrize(
    "text",
    ["Total bile acids (TBA) were measured.", "Patients had a telomere biology disorder (TBD).", "thiobarbituric acid"],
)
def test_a_term_with_the_letters_of_a_placeholder_is_none(text: str) -> None:
    assert LEFT_OVER(paper(f"{text} TBA was 8.1 and TBD was absent.")).findings == ()
    assert LEFT_OVER(paper("TBA was 8.1.")).findings


def test_cells_and_titles_are_looked_at() -> None:
    made = LEFT_OVER(paper("Fine.", table([["Model", "Accuracy"], ["Ours", "0.91"], ["Theirs", "TBD"]])))
    assert [finding.quote for finding in made.findings] == ["TBD"]


@pytest.mark.parametrize("rule", RULES)
def test_a_clean_text_has_no_finding(rule: object) -> None:
    made = next(one for one in RULES if one is rule)(paper(CLEAN), TODAY)
    assert (made.status, made.findings) == ("checked", ())
    assert made.looked_at


def test_what_was_done_cannot_lie_in_the_future() -> None:
    text = (
        "Data were collected between January 2021 and April 2026. Patients were recruited until 2025. "
        "The page was accessed on 3 May 2026. Prevalence is expected to double in 2045 as data are collected in 2045. "
        "By 2030 the burden grows."
    )
    made = FUTURE(paper(text), TODAY)
    assert [finding.quote[-10:] for finding in made.findings] == ["April 2026", "3 May 2026"]
    assert FUTURE(paper("Images were acquired in April 2026."), TODAY).findings
    assert not FUTURE(paper("Images were acquired in March 2026."), TODAY).findings


def test_without_a_day_nothing_is_said_about_the_future() -> None:
    assert FUTURE(paper("Data were collected in 2090.")).status == "not_checked"


def test_the_tables_of_phrases_hold_what_they_should() -> None:
    assert len(read_table("tortured_phrases")) >= 40
    assert all(len(line) == 2 for line in read_table("tortured_phrases"))
    assert {kind for kind, _ in read_table("left_over_phrases")} == {"assistant", "placeholder"}
