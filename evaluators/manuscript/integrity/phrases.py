"""Phrases that no paper should hold: tortured terms, left-overs of an assistant or a template, future dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache

from evaluators.manuscript.document import Manuscript, Place
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.data import read_table
from evaluators.manuscript.integrity.reported import Passage, passages, says

MOST = 40
"""Findings of one rule; a paper with more is full of them."""

_ABOUT_TORTURED = re.compile(r"tortured phrase|paper[- ]?mill|paraphrasing (?:tool|software)", re.IGNORECASE)
_ABBREVIATED = re.compile(
    r"\bt[\w-]*\s(?:[\w-]+\s)?b[\w-]*\s(?:[\w-]+\s)?[ad][\w-]*\s\(TB[AD]s?\)|\bthiobarbitur\w+ acid|\btert-butyl",
    re.IGNORECASE,
)
"""TBA and TBD as the letters of a term: total bile acids, telomere biology disorder."""
_QUOTES = "\"“”'‘’`"


@cache
def _tortured() -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern of all phrases, a group each, and the terms meant."""
    table = read_table("tortured_phrases")
    return re.compile("|".join(rf"(\b{phrase}\b)" for phrase, _ in table), re.IGNORECASE), tuple(t for _, t in table)


@cache
def _left_over(kind: str) -> re.Pattern[str]:
    return re.compile("|".join(pattern for of, pattern in read_table("left_over_phrases") if of == kind))


def _everything(manuscript: Manuscript) -> Iterator[Passage]:
    """Title, sentences, cells and references."""
    yield Passage(manuscript.title, Place(""))
    yield from passages(manuscript)
    for reference in manuscript.references:
        yield Passage(reference.text, reference.place)


def _phrases(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    pattern, terms = _tortured()
    about = says(manuscript, _ABOUT_TORTURED)
    looked, found = 0, []
    for text, place in passages(manuscript):
        looked += 1
        for match in pattern.finditer(text):
            term = terms[(match.lastindex or 1) - 1]
            quoted = about or _in_quotes(text, match)
            severity, sure = (Severity.NOTE, 0.3) if quoted else (Severity.MEDIUM, 0.85)
            message = f'"{match[0]}" looks like "{term}" put through a paraphrasing program.'
            found.append(Finding(rule.name, severity, message, place, match[0], term, sure))
    return _checked(rule, looked, found)


def _in_quotes(text: str, match: re.Match[str]) -> bool:
    return text[: match.start()].rstrip()[-1:] in tuple(_QUOTES) or text[match.end() :].lstrip()[:1] in tuple(_QUOTES)


def _checked(rule: Rule, looked: int, found: list[Finding]) -> Check:
    if not looked:
        return rule.not_checked("no text could be read")
    return rule.checked(looked, found[:MOST], f"looked at {looked} sentences and table cells", {"found": len(found)})


def _left_overs(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    terms = says(manuscript, _ABBREVIATED)
    for text, place in _everything(manuscript):
        looked += bool(text.strip())
        for match in _left_over("assistant").finditer(text):
            quoted = _in_quotes(text, match)
            severity, sure = (Severity.NOTE, 0.3) if quoted else (Severity.MEDIUM, 0.9)
            message = f'"{match[0].strip()}" is what a writing assistant says, not a paper.'
            found.append(Finding(rule.name, severity, message, place, match[0].strip(), confidence=sure))
        for match in _left_over("placeholder").finditer(text):
            if terms and match[0] in {"TBA", "TBD"}:
                continue
            message = f'"{match[0]}" was never filled in.'
            found.append(Finding(rule.name, Severity.MEDIUM, message, place, match[0], confidence=0.85))
    return _checked(rule, looked, found)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_DONE = (
    r"(?:collected|recruited|enroll?ed|admitted|acquired|obtained|conducted|performed|accessed|retrieved|approved|released|"
    r"published|observed|scanned|diagnosed|randomi[sz]ed|extracted|downloaded|included|treated|followed)"
)
_DATED = re.compile(
    rf"\b(?:in|on|until|to|from|between|during|and|of|through|by|:|{_MONTH}|\d{{1,2}})[\s–-]+"
    rf"(?P<date>(?:(?P<day>\d{{1,2}})\s+)?(?:(?P<month>{_MONTH})\s+(?:(?P<day2>\d{{1,2}}),?\s+)?)?(?P<year>20\d\d))"
    r"(?!\d|[.,-]\d)"
)
_CLAUSE = re.compile(rf"\b{_DONE}\b[^.;]{{0,120}}")
_PLANNED = re.compile(
    r"\b(?:will|to be|planned|expected|projected|going to|predict\w*|forecast\w*|would)\b", re.IGNORECASE
)


def _future(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    if inputs.today is None:
        return rule.not_checked("no day was given from which the future is told")
    looked, found = 0, []
    for sentence in manuscript.sentences():
        for clause in _CLAUSE.finditer(sentence.text):
            dated = [(_earliest(match), clause[0][: match.end()]) for match in _DATED.finditer(clause[0])]
            looked += bool(dated)
            last, quote = max(dated, default=(date.min, ""))
            if last > inputs.today and not _PLANNED.search(sentence.text):
                message = f"Something is told as done at a date that lies after {inputs.today:%d %B %Y}."
                found.append(Finding(rule.name, Severity.MEDIUM, message, sentence.place, quote, confidence=0.8))
    if not looked:
        return rule.not_checked("no sentence tells when something was done")
    return rule.checked(looked, found[:MOST], f"looked at {looked} dated statements about what was done")


def _earliest(match: re.Match[str]) -> date:
    """The first day that the words can mean."""
    month = _MONTHS.index(match["month"][:3].lower()) + 1 if match["month"] else 1
    day = int(match["day"] or match["day2"] or 1) if match["month"] else 1
    return date(int(match["year"]), month, min(max(day, 1), 28))


RULES = (
    Rule(
        "tortured-phrases",
        "No tortured technical terms",
        "1",
        "Cabanac, Labbé and Magazinov 2021, arXiv:2107.06751",
        "Established terms are not replaced by odd synonyms, as paraphrasing programs do to hide copied text.",
        _phrases,
    ),
    Rule(
        "left-over-phrases",
        "No left-overs of an assistant or a template",
        "1",
        "Glynn 2024, doi:10.48550/arXiv.2411.15218",
        "Sentences of a chat assistant, placeholders and unresolved references show that nobody read the text.",
        _left_overs,
    ),
    Rule(
        "future-dates",
        "Nothing done lies in the future",
        "1",
        "Plain logic",
        "A study cannot have collected data, or read a page, at a date that has not come.",
        _future,
    ),
)
