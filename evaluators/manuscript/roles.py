"""What a number is for: a quantity, or a year, a citation, a label, an identifier, a part of a name.

A table of rules over the text around the number; the first that holds gives the role.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from evaluators.manuscript.document import Number


@dataclass(frozen=True)
class Spot:
    """A number with the text around it. `after` begins behind the unit, `tail` directly behind the digits."""

    number: Number
    before: str
    after: str
    tail: str
    previous: Number | None
    gap: str | None
    """The text between the previous number and this one."""
    cell: bool
    opens: bool
    """Whether the number opens a sentence."""


class Span(NamedTuple):
    """A stretch of text whose numbers all have one role."""

    start: int
    end: int
    role: str


_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_CITED = r"\d{1,3}(?:\s?[-–−]\s?\d{1,3})?"
_PROTECTED = (
    (re.compile(r"\b(?:https?://|www\.)[^\s<>]+|\b[\w.+-]+@[\w-]+\.[\w.]+"), "identifier"),
    (re.compile(r"\b(?:doi:?\s?)?10\.\d{4,9}/[^\s\"<>,;]+", re.IGNORECASE), "identifier"),
    (
        re.compile(r"\barXiv(?:\s+preprint)?(?:\s+arXiv)?[:\s.]*(?:abs/)?\d{4}\.\d{4,5}(?:v\d+)?", re.IGNORECASE),
        "identifier",
    ),
    (re.compile(r"\b(?:NCT|PMID|PMC|ISRCTN|ISBN|ISSN|RRID|OMIM|rs)[:\s]?[\d-]{4,}"), "identifier"),
    (re.compile(r"\bv?\d+\.\d+\.\d+(?:\.\d+)*\b"), "identifier"),
    (re.compile(r"\b(?:19|20)\d\d[-/](?:0?[1-9]|1[0-2])[-/](?:0?[1-9]|[12]\d|3[01])\b"), "date"),
    (re.compile(rf"\b(?:\d{{1,2}}\s+)?{_MONTH}\s+(?:\d{{1,2}},?\s+)?(?:19|20)\d\d\b"), "date"),
    (re.compile(rf"\b\d{{1,2}}\s+{_MONTH}(?![a-z])"), "date"),
)
_BRACKET_CITATION = re.compile(rf"\[\s?{_CITED}(?:\s?[,;]\s?{_CITED})*\s?\]")
_VALUE_BEFORE = re.compile(r"(?<![\w.,])(\d{1,3}(?:\.\d+)?)\s?%?\s?$")
_INTERVAL_BEFORE = re.compile(
    r"(?:\b(?:ranges?|intervals?|between|scale|CI|(?:values?|lies?|integers?|scores?|numbers?) in)\W*|[∈=×]\s*)$"
)
_LABEL_WORDS = (
    r"(?:Sections?|Secs?\.?|§+|Tables?|Tabs?\.?|Figures?|Figs?\.?|Equations?|Eqs?\.?|Eqns?\.?|Appendix|Appendices|App\."
    r"|Algorithms?|Algs?\.?|Chapters?|Theorems?|Lemmas?|Definitions?|Propositions?|Corollar(?:y|ies)|Remarks?|Refs?\.?"
    r"|References?|Pages?|pp\.|Vol\.|No\.|Listings?|Supplement(?:ary)?(?: (?:Table|Figure|Note|Data))?)"
)
_WEAK_LABEL_WORDS = (
    r"(?:Steps?|Stages?|Phases?|Runs?|Items?|Parts?|Panels?|Box|Lines?|Grades?|Levels?|Class|Type|Experiments?|Examples?"
    r"|Fold|Contribution|Question|RQ|Challenge|Case|Group|Cohort|Site|Model|Seed|Layer|Block|Head|Task)"
)
_LABELLED = re.compile(
    rf"(?:^|[^\w]){_LABEL_WORDS}[\s\u00a0~]*[(\[]?(?:[A-Z]\.?)?"
    rf"(?:[\d.]+[a-z]?[)\]]?\s?(?:,|and|&|[-–−]|to|,\s?and)\s?[(\[]?(?:{_LABEL_WORDS}\s)?)*$",
    re.IGNORECASE,
)
_WEAKLY_LABELLED = re.compile(rf"(?:^|[^\w]){_WEAK_LABEL_WORDS}\s(?:\d+\s?(?:[-–]|and|or|to)\s?)?$", re.IGNORECASE)
_SOFTWARE = re.compile(
    r"\b(?:Python|PyTorch|TensorFlow|Keras|CUDA|cuDNN|scikit-learn|sklearn|NumPy|SciPy|pandas|MATLAB|SPSS|Stata|SAS|Ubuntu"
    r"|Windows|Java|MONAI|OpenCV|transformers"
    r"|[Vv]ersions?|[Rr]elease|CC[ -]BY(?:-[A-Z]+)*|Apache|MIMIC|GPT|Llama|Claude|R)"
    r"[\s\u00a0]?v?\.?$"
)
_VERBS = "this|thus|does|across|versus|shows|includes|comprises|contains|gives|remains"
_COUNTED = re.compile(rf"\s+(?!{_VERBS})[a-z-]{{3,}}s\b")
"""A plural right behind a number: "2000 images" counts, "2020 we saw" is a year."""
_YEAR_BEFORE = re.compile(
    r"(?:\b(?:in|since|from|until|till|by|before|after|during|of|to|and|through|year|al\.?|late|early|mid|edition|@)|[,(;/–-]|'|’|[A-Z]{2,}|[A-Z]\w+)[\s\u00a0]*$"
)
_CI_AFTER = re.compile(
    r"[\s-]*(?:C\.?I\.?s?\b|confidence|credible|prediction|CrI\b|percentile interval"
    r"|bootstrap(?:ped)? (?:CI|confidence))"
)
_LEVEL_BEFORE = re.compile(
    r"(?:α|\balpha|\bsignificance(?: level| threshold)?(?: (?:of|at|was|set at|set to))*|\bconfidence level of"
    r"|\blevel of)\W*$",
    re.IGNORECASE,
)
_LEVEL_AFTER = re.compile(r"\s*(?:significance|level\b|confidence)")
_P_BEFORE = re.compile(
    r"(?:^|[^\w])[pP](?:[-\s]?[vV]alues?)?(?:_\w+|\([^)]{0,20}\))?\s*(?:=|<|>|≤|≥|<=|>=|≈|~|of|was|is|:)\s*$"
)
_N_BEFORE = re.compile(r"(?:^|[^\w])[nN]\s?(?:_\w+)?\s?=\s*$")
_LIST_MARK = re.compile(r"[.)]\s+\S")
_SMALL = re.compile(r"[1-9]|[12]\d")


def protected_spans(text: str) -> tuple[Span, ...]:
    """Addresses, identifiers, dates and bracketed citations of `text`."""
    spans = [Span(*match.span(), role) for pattern, role in _PROTECTED for match in pattern.finditer(text)]
    for match in _BRACKET_CITATION.finditer(text):
        if _is_citation(text, match):
            spans.append(Span(*match.span(), "citation"))
    return tuple(spans)


def _is_citation(text: str, match: re.Match[str]) -> bool:
    """Whether whole numbers in square brackets cite: no 0 among them, and no word of a range in front."""
    numbers = [int(part) for part in re.findall(r"\d+", match[0])]
    if 0 in numbers:
        return False
    before = text[max(0, match.start() - 24) : match.start()]
    value = _VALUE_BEFORE.search(before)
    if value and len(numbers) == 2 and numbers[0] <= float(value[1]) <= numbers[1]:
        # "38 [28-52]" is a value with its range.
        return False
    return len(numbers) != 2 or "," not in match[0] or _INTERVAL_BEFORE.search(before) is None


def role_of(spot: Spot, spans: tuple[Span, ...]) -> str:
    """The role of a number, as listed at `Number.role`."""
    number = spot.number
    for span in spans:
        if span.start <= number.start and number.end <= span.end:
            return span.role
    return next((role for holds, role in _RULES if holds(spot)), "")


def _is_index(spot: Spot) -> bool:
    return re.search(r"[_^]\{?[+−-]?$", spot.before) is not None


def _is_name(spot: Spot) -> bool:
    before, number = spot.before, spot.number
    if re.search(r"[^\W\d_](?:[-‑‐–][A-Za-z]?)?$", before) and not re.search(r"(?:^|[\s(])[×x~@]$", before):
        return True
    if re.search(r"[^\W_]\.$", before) and number.text.isdigit() and re.search(r"[A-Za-z]\d*\.$", before):
        return True
    glued = spot.tail[:1]
    return (
        not number.unit and glued.isalpha() and re.match(r"(?:st|nd|rd|th)\b", spot.tail) is None and not _is_year(spot)
    )


def _is_ordinal(spot: Spot) -> bool:
    return _is_whole(spot.number) and re.match(r"(?:\^?\{?)(?:st|nd|rd|th)\b", spot.tail) is not None


def _is_whole(number: Number) -> bool:
    """Whether it is written as digits only."""
    return number.text.isdigit()


def _is_level(spot: Spot) -> bool:
    if spot.number.unit in {"%", ""} and (_CI_AFTER.match(spot.after) or _LEVEL_AFTER.match(spot.after)):
        return True
    return _LEVEL_BEFORE.search(spot.before) is not None and abs(spot.number.value) <= 100


def _is_label(spot: Spot) -> bool:
    if spot.number.sign or spot.number.unit not in {"", "s", "m", "h", "g", "K", "B", "M"}:
        return False
    if _LABELLED.search(spot.before):
        return len(spot.number.text) <= 5 and re.match(r"\s*[%±]", spot.tail) is None
    if not _is_whole(spot.number) or spot.cell:
        return False
    if len(spot.number.text) <= 2 and not spot.number.relation and _WEAKLY_LABELLED.search(spot.before):
        return True
    if spot.opens and _LIST_MARK.match(spot.tail):
        return True
    listed = spot.before[-1:] == "(" and spot.tail[:1] == ")" and _SMALL.fullmatch(spot.number.text) is not None
    return listed and re.search(r"\d\s?\($", spot.before) is None


def _is_software(spot: Spot) -> bool:
    return not spot.number.sign and _SOFTWARE.search(spot.before) is not None and "," not in spot.number.text


def _is_year(spot: Spot) -> bool:
    number = spot.number
    if (
        not re.fullmatch(r"(?:19[5-9]|20[0-4])\d", number.text)
        or number.unit not in {"", "s"}
        or number.relation not in {"", ">", "<"}
    ):
        return False
    if spot.cell:
        return False
    if _COUNTED.match(spot.after) and not number.unit:
        return False
    return _YEAR_BEFORE.search(spot.before) is not None or (number.unit == "s") or spot.before.strip() == ""


_RULES: tuple[tuple[Callable[[Spot], bool], str], ...] = (
    (_is_index, "index"),
    (lambda spot: _P_BEFORE.search(spot.before) is not None, "p"),
    (lambda spot: _N_BEFORE.search(spot.before) is not None, "n"),
    (_is_ordinal, "ordinal"),
    (_is_level, "level"),
    (_is_software, "identifier"),
    (_is_name, "name"),
    (_is_label, "label"),
    (_is_year, "year"),
)
