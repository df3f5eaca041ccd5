"""Identifiers, titles, keys, dates and repeats of a reference list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.manuscript.citations import identifiers
from evaluators.manuscript.document import Manuscript, Place, Reference, Section, Sentence
from evaluators.manuscript.findings import Inputs, Severity
from evaluators.manuscript.integrity.citations import RULES, likeness, month_of, plain_title
from evaluators.manuscript.integrity.data import read_table
from tests.support.manuscripts import paper

IDENTIFIERS, TITLES, KEYS, YEARS, REPEATED = RULES
TODAY = Inputs(today=date(2026, 3, 1))
KNOWN = read_table("known_papers")


def entry(key: str = "a", **given: Any) -> Reference:
    blank = Reference(key, "", "", (), None, "", "", "", "", Place("References"))
    one = replace(blank, **given)
    parts = [one.title, one.venue, f"arXiv:{one.arxiv}" if one.arxiv else "", f"doi:{one.doi}" if one.doi else ""]
    return one if one.text else replace(one, text=". ".join(p for p in (*parts, str(one.year or "")) if p))


def citing(references: Sequence[Reference], *keys: str, source: str = "latex") -> Manuscript:
    sentence = Sentence(f"It was shown [{'; '.join(keys)}].", Place("Methods"), (), keys)
    sections = (Section("Methods", 1, (sentence,), Place("Methods")),)
    return replace(paper(""), source=source, sections=sections, references=tuple(references))


@pytest.mark.parametrize(
    ("number", "month"),
    [
        ("1706.03762", date(2017, 6, 1)),
        ("2402.17139v2", date(2024, 2, 1)),
        ("1412.6980", date(2014, 12, 1)),
        ("0704.0001", date(2007, 4, 1)),
        ("hep-th/9901001", date(1999, 1, 1)),
        ("math.GT/0309136", date(2003, 9, 1)),
        ("2413.12345", None),
        ("2400.12345", None),
        ("1706.3762", None),
        ("1412.06980", None),
        ("0601.0001", None),
        ("hep-th/0801001", None),
        ("2306.986", None),
        ("2402.00000", None),
        ("", None),
    ],
)
def test_an_arxiv_number_names_its_month_or_is_impossible(number: str, month: date | None) -> None:
    assert month_of(number) == month


@settings(deadline=None)
@given(st.dates(date(2007, 4, 1), date(2026, 2, 1)), st.integers(1, 9999))
def test_every_number_the_scheme_gives_is_possible(day: date, count: int) -> None:
    digits = 4 if day < date(2015, 1, 1) else 5
    number = f"{day:%y%m}.{count:0{digits}d}"
    assert month_of(number) == day.replace(day=1)
    made = IDENTIFIERS(citing([entry(arxiv=number, year=day.year)], "a"), TODAY)
    assert (made.looked_at, made.findings) == (1, ())


def test_impossible_identifiers_are_found() -> None:
    references = [
        entry("a", text="Some A. Some work. arXiv preprint arXiv:2413.12345, 2024."),
        entry("b", text="Other B. Other work. doi:11.1000/182, 2020."),
        entry("c", arxiv="2612.01234", year=2026),
        entry("d", doi="https://doi.org/10.1038/nature14539"),
    ]
    made = IDENTIFIERS(citing(references, "a"), TODAY)
    assert made.looked_at == 4
    assert [(f.quote, f.severity) for f in made.findings] == [
        ("2413.12345", Severity.MEDIUM),
        ("11.1000/182", Severity.MEDIUM),
        ("2612.01234", Severity.HIGH),
    ]


def test_an_arxiv_number_of_after_the_stated_year_is_found() -> None:
    (finding,) = IDENTIFIERS(citing([entry(arxiv="2402.17139", year=2019, venue="arXiv")], "a")).findings
    assert (finding.severity, finding.expected) == (Severity.MEDIUM, "2024")
    # A conference paper may reach arXiv in the year after.
    assert not IDENTIFIERS(citing([entry(arxiv="1502.03167", year=2014, venue="NeurIPS")], "a")).findings


def test_a_known_identifier_under_another_title_is_found() -> None:
    wrong = entry(title="A robust diffusion classifier", arxiv="2402.17139", year=2024)
    (finding,) = TITLES(citing([wrong], "a")).findings
    assert finding.severity is Severity.HIGH
    assert finding.expected == "Video as the New Language for Real-World Decision Making"
    assert finding.quote == "2402.17139"


def test_a_known_title_under_another_number_is_asked_about() -> None:
    (finding,) = TITLES(citing([entry(title="Denoising diffusion implicit models.", arxiv="2010.99999")], "a")).findings
    assert (finding.severity, finding.expected) == (Severity.MEDIUM, "2010.02502")


@pytest.mark.parametrize(
    "title",
    [
        "Attention is all you need",
        "{Attention} is All You {Need}",
        "Attention Is All You Need.",
        "attention is all you need (NeurIPS version)",
    ],
)
def test_a_right_title_however_written_is_accepted(title: str) -> None:
    made = TITLES(citing([entry(title=title, arxiv="1706.03762v5")], "a"))
    assert (made.looked_at, made.findings) == (1, ())


def test_every_known_paper_is_accepted_under_its_own_identifier() -> None:
    references = [
        entry(str(i), title=title, **({"doi": name} if "/" in name else {"arxiv": name}))
        for i, (name, title) in enumerate(KNOWN)
    ]
    made = TITLES(citing(references, "0"))
    assert (made.looked_at, made.findings) == (len(KNOWN), ())
    assert all("/" in name or month_of(name) for name, _ in KNOWN)


def test_no_two_known_papers_are_taken_for_each_other() -> None:
    rotated = [(KNOWN[i][0], KNOWN[(i + 7) % len(KNOWN)][1]) for i in range(len(KNOWN))]
    references = [
        entry(str(i), title=title, **({"doi": name} if "/" in name else {"arxiv": name}))
        for i, (name, title) in enumerate(rotated)
    ]
    made = TITLES(citing(references, "0"))
    assert len(made.findings) >= 0.98 * len(KNOWN)
    assert {finding.severity for finding in made.findings} == {Severity.HIGH}


def test_a_title_that_the_reader_cut_wrongly_is_no_error() -> None:
    text = "Vaswani A, et al. Attention is all you need. arXiv:1706.03762, 2017."
    assert not TITLES(citing([entry(text=text, title="Vaswani A, et al", arxiv="1706.03762")], "a")).findings


def test_titles_without_their_subtitle_are_alike() -> None:
    assert likeness(plain_title("Adam: A Method"), plain_title("Adam: a method for stochastic optimization")) == 1.0
    assert likeness(plain_title("A robust diffusion classifier"), plain_title(KNOWN[0][1])) < 0.6


def test_undefined_and_unused_keys() -> None:
    made = KEYS(citing([entry("a", title="One"), entry("b", title="Two")], "a", "ghost"))
    assert [(f.quote, f.severity) for f in made.findings] == [("ghost", Severity.MEDIUM), ("Two", Severity.NOTE)]
    (finding,) = KEYS(citing([entry("1"), entry("2")], "1", "2", "57", source="pdf")).findings
    assert (finding.quote, finding.severity) == ("57", Severity.LOW)
    assert not KEYS(citing([entry("a"), entry("b")], "a", "b")).findings


def test_a_reference_of_a_year_to_come_is_found() -> None:
    references = [entry("a", year=2026), entry("b", year=2028), entry("c", year=203), entry("d")]
    made = YEARS(citing(references, "a"), TODAY)
    assert [(f.quote, f.severity) for f in made.findings] == [("2028", Severity.HIGH), ("203", Severity.MEDIUM)]
    assert made.looked_at == 3
    assert YEARS(citing(references, "a")).status == "not_checked"


def test_page_numbers_are_not_taken_for_a_year_to_come() -> None:
    entries = [entry("a", text="Doe J. A work. In CVPR 2019, pp. 2041-2050.", year=2050)]
    assert YEARS(citing(entries, "a"), TODAY).findings == ()


def test_repeated_entries_and_one_identifier_for_two_works() -> None:
    references = [
        entry("a", title="Deep residual learning for image recognition", doi="10.1109/CVPR.2016.90"),
        entry("b", title="Deep Residual Learning for Image Recognition"),
        entry("c", title="Mask R-CNN and its many uses", doi="10.1109/cvpr.2016.90"),
        entry("d", title="Something else entirely here"),
        entry("d", title="Something else entirely here"),
        entry("d", title="Something else entirely here"),
    ]
    made = REPEATED(citing(references, "a"))
    assert [f.severity for f in made.findings] == [Severity.LOW, Severity.MEDIUM, Severity.NOTE]


@pytest.mark.parametrize(
    ("text", "doi"),
    [
        ("Journal of Examples, 20(2), 1-18. doi:10.18637/jss. v020.i02.", "10.18637/jss.v020.i02"),
        ("Journal of Examples. doi:10.1016/j.media. 2014.05.003", "10.1016/j.media.2014.05.003"),
        ("Journal of Examples. doi:10.1093/ije/dyz012. 2019.", "10.1093/ije/dyz012"),
        ("doi:10.1093/ije/dyz012. URL http://example.org", "10.1093/ije/dyz012"),
        ("doi:10.1093/ije/dyz012. 10.1093/ije/dyz013", "10.1093/ije/dyz012"),
    ],
)
def test_a_doi_parted_by_a_line_break_is_joined(text: str, doi: str) -> None:
    assert identifiers(text)[0] == doi


@pytest.mark.parametrize("rule", RULES)
def test_without_references_nothing_is_said_to_be_clean(rule: Any) -> None:
    assert rule(paper("A sentence."), TODAY).status == "not_checked"
