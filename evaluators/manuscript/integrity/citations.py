"""Citations and the reference list: identifiers, titles of well-known papers, keys, dates and repeated entries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from difflib import SequenceMatcher
from functools import cache

from evaluators.manuscript.document import Manuscript, Reference
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.data import read_table

MOST = 40
LONGEST_QUOTE = 200
NO_REFERENCES = "no reference list could be read"
SAME_TITLE, OTHER_TITLE = 0.9, 0.6
"""Two titles are the same above the first likeness and different below the second."""
OLDEST_YEAR = 1600

_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
_NEW_ARXIV = re.compile(r"(?P<year>\d\d)(?P<month>\d\d)\.(?P<number>\d+)(?:v\d+)?")
_OLD_ARXIV = re.compile(r"[a-z-]+(?:\.[A-Z]{2})?/(?P<year>\d\d)(?P<month>\d\d)\d{3}(?:v\d+)?")
_LOOSE_ARXIV = re.compile(
    r"arXiv(?:\s+preprint)?(?:\s+arXiv)?\s*[:\s]\s*(?P<id>\d+\.\d+|[a-z-]+(?:\.[A-Z]{2})?/\d+)", re.I
)
_LOOSE_DOI = re.compile(r"(?:doi:\s*|doi\.org/)(?P<doi>\S+)", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(?:1[6-9]|20)\d\d(?!\d)")
_PREPRINT = re.compile(r"arxiv|preprint|corr\b|^$", re.IGNORECASE)


def arxiv_of(reference: Reference) -> str:
    """The arXiv number of an entry as written, also where its form is wrong; empty when there is none."""
    if reference.arxiv:
        return re.sub(r"^.*(?:abs|pdf)/|^arxiv:\s*", "", reference.arxiv.strip(), flags=re.IGNORECASE).removesuffix(
            ".pdf"
        )
    loose = _LOOSE_ARXIV.search(reference.text)
    by_doi = re.search(r"10\.48550/arXiv\.(\d{4}\.\d{4,5})", f"{reference.doi} {reference.text}", re.IGNORECASE)
    return loose["id"] if loose else by_doi[1] if by_doi else ""


def doi_of(reference: Reference) -> str:
    """The DOI of an entry as written, also where its form is wrong; empty when there is none."""
    loose = _LOOSE_DOI.search(reference.text)
    written = reference.doi or (loose["doi"] if loose else "")
    return re.sub(r"^(?:https?://)?(?:dx\.)?doi\.org/|^doi:\s*", "", written.strip(), flags=re.IGNORECASE).rstrip(
        ".,;)"
    )


def month_of(arxiv: str) -> date | None:
    """The month in which an arXiv number was given out; None when no such number can be.

    Numbers have four digits up to December 2014 and five since; before April 2007 they stand behind a field's name.
    """
    new, old = _NEW_ARXIV.fullmatch(arxiv), _OLD_ARXIV.fullmatch(arxiv)
    match = new or old
    if match is None or not 1 <= int(match["month"]) <= 12:
        return None
    two = int(match["year"])
    month = date(2000 + two if new or two < 91 else 1900 + two, int(match["month"]), 1)
    if new is None:
        return month if date(1991, 7, 1) <= month <= date(2007, 3, 1) else None
    digits = 4 if month < date(2015, 1, 1) else 5
    return month if month >= date(2007, 4, 1) and len(match["number"]) == digits and int(match["number"]) else None


def _quote(reference: Reference, wanted: str = "") -> str:
    if wanted and wanted in reference.text:
        return wanted
    return reference.text[:LONGEST_QUOTE].strip()


def _identifiers(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    if not manuscript.references:
        return rule.not_checked(NO_REFERENCES)
    looked, found = 0, []
    for reference in manuscript.references:
        doi, arxiv = doi_of(reference), arxiv_of(reference)
        looked += bool(doi) + bool(arxiv)
        if doi and not _DOI.fullmatch(doi):
            message = f'"{doi}" is no DOI: one begins with 10., a number and a slash.'
            found.append(
                Finding(rule.name, Severity.MEDIUM, message, reference.place, _quote(reference, doi), confidence=0.8)
            )
        if arxiv:
            found += _arxiv(rule, reference, arxiv, inputs.today)
    if not looked:
        return rule.not_checked("no reference carries a DOI or an arXiv number")
    return rule.checked(
        looked, found[:MOST], f"looked at {looked} identifiers of {len(manuscript.references)} references"
    )


def _arxiv(rule: Rule, reference: Reference, arxiv: str, today: date | None) -> Iterator[Finding]:
    month = month_of(arxiv)
    quote = _quote(reference, arxiv)
    if month is None:
        message = f"There can be no arXiv number {arxiv}: it names no month, or has the wrong number of digits."
        yield Finding(rule.name, Severity.MEDIUM, message, reference.place, quote, confidence=0.9)
        return
    if today is not None and month > today:
        message = f"The arXiv number {arxiv} would be of {month:%B %Y}, which has not come."
        yield Finding(rule.name, Severity.HIGH, message, reference.place, quote, confidence=0.95)
        return
    if reference.year is None:
        return
    preprint = _PREPRINT.search(reference.venue) is not None
    elsewhere = reference.text.replace(arxiv, " ")
    if month.year > reference.year + (0 if preprint else 1) and str(month.year) not in elsewhere:
        message = f"The entry is dated {reference.year}, but its arXiv number is of {month:%B %Y}."
        sure = 0.8 if month.year > reference.year + 1 else 0.5
        severity = Severity.MEDIUM if sure > 0.6 else Severity.LOW
        yield Finding(rule.name, severity, message, reference.place, quote, str(month.year), sure)


def plain_title(title: str) -> str:
    """A title in small letters without punctuation, braces and commands, for comparing."""
    title = re.sub(r"\\[a-zA-Z]+|[{}$]", " ", title)
    return " ".join(re.findall(r"[^\W_]+", title.lower()))


def likeness(title: str, other: str) -> float:
    """How alike two plain titles are, 0 to 1; a title without its subtitle is alike."""
    if not title or not other:
        return 0.0
    short, long = sorted((title, other), key=len)
    if len(short.split()) >= 2 and long.startswith(short):
        return 1.0
    return SequenceMatcher(None, short, long, autojunk=False).ratio()


@cache
def _known() -> dict[str, str]:
    return {identifier.lower(): title for identifier, title in read_table("known_papers")}


def _titles(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    if not manuscript.references:
        return rule.not_checked(NO_REFERENCES)
    looked, found = 0, []
    for reference in manuscript.references:
        identifiers = [i for i in (re.sub(r"v\d+$", "", arxiv_of(reference)), doi_of(reference)) if i]
        known = [(i, _known()[i.lower()]) for i in identifiers if i.lower() in _known()]
        finding = next((f for i, title in known if (f := _by_identifier(rule, reference, i, title))), None)
        if not known:
            looked_up, finding = _by_title(rule, reference)
            looked += looked_up
        looked += bool(known)
        found += [finding] if finding else []
    if not looked:
        return rule.not_checked("no reference is among the papers whose identifiers are known offline")
    said = f"compared {looked} references with the papers whose identifiers are known offline"
    return rule.checked(looked, found, said)


def _by_identifier(rule: Rule, reference: Reference, identifier: str, title: str) -> Finding | None:
    stated, true = plain_title(reference.title), plain_title(title)
    if _holds(reference, true) or (stated and likeness(stated, true) >= OTHER_TITLE):
        return None
    if not stated and len(reference.text.split()) < 6:
        return None
    message = f'{identifier} is "{title}", not the paper that the entry names.'
    quote = _quote(reference, identifier)
    evidence = {"identifier": identifier, "stated_title": reference.title, "title": title}
    return Finding(rule.name, Severity.HIGH, message, reference.place, quote, title, 0.95, evidence)


def _holds(reference: Reference, true: str) -> bool:
    """Whether the entry's text has nearly all words of a title, so that a wrongly cut title is no error."""
    words = set(true.split())
    return len(words & set(plain_title(reference.text).split())) >= 0.8 * len(words)


def _by_title(rule: Rule, reference: Reference) -> tuple[bool, Finding | None]:
    """A well-known title under an arXiv number that is not its own."""
    stated, arxiv = plain_title(reference.title), re.sub(r"v\d+$", "", arxiv_of(reference))
    if len(stated.split()) < 3:
        return False, None
    for identifier, title in _known().items():
        if (
            "/" not in identifier
            and SequenceMatcher(None, stated, plain_title(title), autojunk=False).quick_ratio() > 0.85
        ):
            if likeness(stated, plain_title(title)) < SAME_TITLE or abs(len(stated) - len(plain_title(title))) > 12:
                continue
            if not arxiv:
                return True, None
            message = f'"{title}" has the arXiv number {identifier}, not {arxiv}.'
            return True, Finding(
                rule.name, Severity.MEDIUM, message, reference.place, _quote(reference, arxiv), identifier, 0.85
            )
    return False, None


def _keys(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    if not manuscript.references:
        return rule.not_checked(NO_REFERENCES)
    listed = {reference.key for reference in manuscript.references}
    cited: set[str] = set()
    found = []
    for sentence in manuscript.sentences():
        for key in sentence.citations:
            if key not in listed and key not in cited:
                message = f'"{key}" is cited but is not in the reference list.'
                severity = Severity.LOW if manuscript.source == "pdf" else Severity.MEDIUM
                quote = key if key in sentence.text else sentence.text[:LONGEST_QUOTE].strip()
                found.append(Finding(rule.name, severity, message, sentence.place, quote, confidence=0.6))
            cited.add(key)
    if not cited:
        return rule.not_checked("no citation could be read in the text")
    unused = [reference for reference in manuscript.references if reference.key not in cited]
    # What a .bib file holds beyond the cited entries is not printed, and a PDF's citations are not all told apart.
    if unused and manuscript.source == "markdown" and "*" not in cited:
        found += [
            Finding(
                rule.name, Severity.LOW, f'"{r.key}" is listed but never cited.', r.place, _quote(r), confidence=0.7
            )
            for r in unused
        ]
    elif unused and len(unused) <= 0.5 * len(listed):
        first = unused[0]
        message = f"{len(unused)} of {len(listed)} entries are never cited, the first being this one."
        evidence = {"unused": [reference.key for reference in unused[:MOST]]}
        found.append(Finding(rule.name, Severity.NOTE, message, first.place, _quote(first), "", 0.5, evidence))
    return rule.checked(
        len(cited | listed), found[:MOST], f"compared {len(cited)} cited keys with {len(listed)} entries"
    )


def _years(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    if not manuscript.references:
        return rule.not_checked(NO_REFERENCES)
    if inputs.today is None:
        return rule.not_checked("no day was given from which the future is told")
    dated = [(r, r.year) for r in manuscript.references if r.year is not None]
    if not dated:
        return rule.not_checked("no reference states a year")
    found = []
    for reference, year in dated:
        if year > inputs.today.year or year < OLDEST_YEAR:
            if any(OLDEST_YEAR < int(told) <= inputs.today.year for told in _YEAR.findall(reference.text)):
                # The reader took a page number ("2041-2050") for the year.
                continue
            # Journals date issues ahead by some months.
            near = year == inputs.today.year + 1 and inputs.today.month >= 7
            severity, sure = (Severity.NOTE, 0.3) if near else (Severity.HIGH, 0.85)
            message = f"The entry is dated {year}, which lies after {inputs.today:%d %B %Y}."
            if year < OLDEST_YEAR:
                severity, sure, message = Severity.MEDIUM, 0.8, f"The entry is dated {year}."
            found.append(Finding(rule.name, severity, message, reference.place, _quote(reference), confidence=sure))
    return rule.checked(len(dated), found[:MOST], f"looked at the years of {len(dated)} references")


def _repeated(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    if len(manuscript.references) < 2:
        return rule.not_checked(NO_REFERENCES if not manuscript.references else "there is only one reference")
    seen: dict[tuple[str, str], Reference] = {}
    told: set[tuple[str, str]] = set()
    found = []
    for reference in manuscript.references:
        marks = [("DOI", doi_of(reference).lower()), ("arXiv number", re.sub(r"v\d+$", "", arxiv_of(reference)))]
        title = plain_title(reference.title)
        marks += [("title", title)] if len(title.split()) >= 4 else []
        kept = [(kind, value) for kind, value in marks if value]
        earlier = next(((kind, seen[kind, value]) for kind, value in kept if (kind, value) in seen), None)
        if earlier is not None and (earlier[1].key, reference.key) not in told:
            told.add((earlier[1].key, reference.key))
            found.append(_twice(rule, reference, *earlier))
        for kind, value in kept:
            seen.setdefault((kind, value), reference)
    return rule.checked(len(manuscript.references), found[:MOST], f"compared {len(manuscript.references)} references")


def _twice(rule: Rule, reference: Reference, kind: str, earlier: Reference) -> Finding:
    titles = plain_title(reference.title), plain_title(earlier.title)
    other = kind != "title" and all(titles) and likeness(*titles) < OTHER_TITLE
    evidence = {"keys": [earlier.key, reference.key], "same": kind}
    if earlier.key == reference.key:
        message = f'The key "{reference.key}" is defined more than once.'
        return Finding(rule.name, Severity.NOTE, message, reference.place, _quote(reference), "", 0.9, evidence)
    if other:
        message = f'The entries "{earlier.key}" and "{reference.key}" have one {kind} but different titles.'
        return Finding(rule.name, Severity.MEDIUM, message, reference.place, _quote(reference), "", 0.85, evidence)
    message = f'The entries "{earlier.key}" and "{reference.key}" have the same {kind}.'
    return Finding(rule.name, Severity.LOW, message, reference.place, _quote(reference), "", 0.8, evidence)


RULES = (
    Rule(
        "citation-identifiers",
        "DOIs and arXiv numbers have a possible form and date",
        "1",
        "ISO 26324 (DOI); arXiv identifier scheme",
        "An arXiv number names the month it was given out; one that names no month, or a month to come, is made up.",
        _identifiers,
    ),
    Rule(
        "citation-titles",
        "Identifiers belong to the papers they are given for",
        "1",
        "A table of well-known papers that comes with this program",
        "Machine-written reference lists often join a real identifier to another paper's title.",
        _titles,
    ),
    Rule(
        "citation-keys",
        "Every citation has an entry",
        "1",
        "Plain logic",
        "What is cited is listed, and what is listed is cited.",
        _keys,
    ),
    Rule(
        "reference-dates",
        "No reference is dated in the future",
        "1",
        "Plain logic",
        "A paper cannot cite what has not been published.",
        _years,
    ),
    Rule(
        "repeated-references",
        "No reference is listed twice",
        "1",
        "Plain logic",
        "One work under two entries, or two works under one identifier.",
        _repeated,
    ),
)
