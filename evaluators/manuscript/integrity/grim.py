"""GRIM and GRIMMER: means and standard deviations of whole numbers lie on a grid that the number of people sets.

GRIM: Brown and Heathers 2017, doi:10.1177/1948550616673876. GRIMMER: Anaya 2016, doi:10.7287/peerj.preprints.2400v1,
with the parity of sums and sums of squares after Allard 2018. Everything is counted in whole numbers, so that no
rounding of this program can make a finding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from evaluators.manuscript.document import Manuscript, Number, Place, Sentence, Table
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.reported import says

LARGEST_N, MOST_ITEMS, MOST_DECIMALS = 10_000, 200, 4

WHOLE = re.compile(
    r"\blikert\b|\b(?:[3-9]|10|11|three|four|five|six|seven|nine|ten|eleven)[- ]point\b|\brat(?:ed|ings?)\b|"
    r"\bscale (?:of|from) \d+ (?:to|through|[-–]) \d+|\b(?:1|0)\s?(?:to|[-–])\s?(?:5|7|9|10)\b[^.]{0,12}\bscale|"
    r"\bnumber of (?!parameters|epochs|seconds|steps)\w+|\bcounts?\b|\bvisual analog(?:ue)? scale\b",
    re.IGNORECASE,
)
"""Words that say that every answer was a whole number."""
_NOT_WHOLE = re.compile(
    r"\baveraged? (?:over|across|of|from)\b|\bmean of (?:the )?(?:\w+ ){0,2}(?:raters|readers|runs|seeds|folds)|"
    r"\bweighted\b|\bnormali[sz]ed\b|\badjusted\b|\bestimated\b|\bimputed\b|\blog\b|\bstandardi[sz]ed\b|half[- ]point|"
    r"\bseeds?\b|\bfolds?\b|visual analog|\bconsensus\b|\bpooled\b",
    re.IGNORECASE,
)
_RATERS = re.compile(
    r"\b(?:raters?|readers?|reviewers?|experts?|clinicians?|judges?|annotators?|each)\b", re.IGNORECASE
)
_THINGS = re.compile(
    r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|all|every|several|each(?: of)?(?: the)?)\s(?:\w+\s){0,2}?"
    r"(?:images?|cases?|scans?|videos?|clips?|pictures?|slides?|reports?|answers?|summar(?:y|ies)|vignettes?|samples?|photographs?|"
    r"examinations?|studies|questions?|outputs?|responses?|explanations?|notes?)\b",
    re.IGNORECASE,
)
"""Things that people rate; with several of them a mean has more answers than people."""
_SCALES = re.compile(
    r"\bcronbach|\bitems\b|\bsub-?scales?\b|\bcomposites?\b|\bquestionnaires?\b|\binventor(?:y|ies)\b|"
    r"\b(?:sum|scale|total|mean) scores?\b",
    re.IGNORECASE,
)
"""What tells that a paper has values of several answers; a mean may be of such values wherever it stands."""
_OVER_ROWS = re.compile(
    r"\b(?:overall|total|mean|averaged?|composite|sum|all|index|sub-?scale|domain)\b", re.IGNORECASE
)
_ITEMS = re.compile(r"\b(\d{1,3})[- ]items?\b|\bmean of (?:the |all )?(\d{1,3}) items\b", re.IGNORECASE)
_MEAN = re.compile(
    r"(?:(?<!\w)M|\bmeans?|\baverag(?:e|es|ed|ing)|x̄|μ)(?:\s?\((?:SD|s\.d\.)\))?(?:\s?±\s?SD)?[^.;\d]{0,32}$"
)
_SD = re.compile(r"[\s,;(]*(?:SD|s\.d\.|std\.?)\s?(?:=|of|:)?\s?$")
_PEOPLE = re.compile(
    r"^ (?:\w+ ){0,2}?(?:participants?|patients?|raters?|readers?|students?|subjects?|respondents?|volunteers?|"
    r"clinicians?|experts?|people|users?|nurses?|physicians?|children|adults|women|men)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Described:
    """A mean of `n` people's whole numbers, each perhaps the mean of `items` answers, with its SD where one is told."""

    mean: Number
    sd: Number | None
    n: int
    items: int
    quote: str
    place: Place
    raters: bool = False
    """Whether the people may have rated several things each, so that there are more answers than people."""
    scale: bool = False
    """Whether each person's value may be the mean of several answers, so that it need not be whole."""


def sums(mean: Number, n: int, items: int = 1) -> range:
    """The whole-number sums of n * items answers whose mean rounds (half up or down) to the printed one."""
    power = 10**mean.decimals
    printed = round(mean.value * power)
    answers = n * items
    low = -((answers - 2 * printed * answers) // (2 * power))
    high = (2 * printed * answers + answers) // (2 * power)
    return range(low, high + 1)


def decides(mean: Number, n: int, items: int = 1) -> bool:
    """Whether some mean of these decimals would be impossible."""
    return n * items < int(10**mean.decimals)


def sd_possible(total: int, sd: Number, n: int, items: int = 1) -> bool:
    """Whether n whole numbers with this sum (of `items` answers each) can have an SD that rounds to the printed one.

    Their sum of squares is a whole number that is even or odd as their sum is. Both denominators, n - 1 and n, are
    allowed.
    """
    power = 10**sd.decimals
    printed = round(sd.value * power)
    low = Fraction(max(0, 2 * printed - 1), 2 * power)
    high = Fraction(2 * printed + 1, 2 * power)
    square = Fraction(total * total, n)
    for divisor in {n - 1, n}:
        if divisor <= 0:
            continue
        first = items * items * divisor * low * low + square
        last = items * items * divisor * high * high + square
        start = -(-first.numerator // first.denominator)
        start += (start - total) % 2
        if start <= last:
            return True
    return False


def described(manuscript: Manuscript) -> Iterator[Described]:
    """Means of whole numbers with the number of people, from sentences and tables."""
    scale = says(manuscript, _SCALES)
    for sentence in manuscript.sentences():
        if WHOLE.search(sentence.text) and not _NOT_WHOLE.search(sentence.text):
            yield from (replace(one, scale=scale and one.items == 1) for one in _in_sentence(sentence))
    for table in manuscript.tables:
        yield from (replace(one, scale=scale and one.items == 1) for one in _in_table(table))


def _in_sentence(sentence: Sentence) -> Iterator[Described]:
    text = sentence.text
    items = _items(text)
    if _RATERS.search(text) and _THINGS.search(text):
        return
    means = [i for i, n in enumerate(sentence.numbers) if _is_mean(text, sentence.numbers, i)]
    sizes = _sizes(sentence)
    for place, index in enumerate(means):
        mean = sentence.numbers[index]
        stop = sentence.numbers[means[place + 1]].start if place + 1 < len(means) else len(text)
        own = [n for at, n in sizes if mean.end <= at < stop]
        n = own[0] if len(own) == 1 else sizes[0][1] if len({size for _, size in sizes}) == 1 else None
        if n is not None and items is not None and 2 <= n <= LARGEST_N:
            sd = mean.uncertainty or _sd_after(text, sentence.numbers, index)
            end = max(number.end for number in (mean, sd) if number)
            yield Described(
                mean, sd, n, items, text[mean.start : end], sentence.place, _RATERS.search(text) is not None
            )


def _items(text: str) -> int | None:
    """Answers in each person's mean; None where several numbers of items are told."""
    told = {int(match[1] or match[2]) for match in _ITEMS.finditer(text)}
    if len(told) > 1 or any(not 1 <= n <= MOST_ITEMS for n in told):
        return None
    return told.pop() if told else 1


def _is_mean(text: str, numbers: tuple[Number, ...], index: int) -> bool:
    number = numbers[index]
    earlier = numbers[index - 1].end if index else 0
    if number.role or number.unit or number.relation not in {"", "="} or not 1 <= number.decimals <= MOST_DECIMALS:
        return False
    return _MEAN.search(text[max(earlier, number.start - 60) : number.start]) is not None


def _sd_after(text: str, numbers: tuple[Number, ...], index: int) -> Number | None:
    following = numbers[index + 1] if index + 1 < len(numbers) else None
    if following is None or following.decimals > MOST_DECIMALS:
        return None
    return following if _SD.fullmatch(text[numbers[index].end : following.start]) else None


def _sizes(sentence: Sentence) -> list[tuple[int, int]]:
    """Where a sentence tells a number of people, and the number."""
    whole = [n for n in sentence.numbers if n.text.replace(",", "").isdigit()]
    told = [(n.start, int(n.value)) for n in whole if n.role == "n"]
    return told or [(n.start, int(n.value)) for n in whole if not n.role and _PEOPLE.match(sentence.text[n.end :])]


_N_TOLD = re.compile(r"\bn\s?=\s?(\d{1,3}(?:,\d{3})+|\d+)", re.IGNORECASE)


def _in_table(table: Table) -> Iterator[Described]:
    header = [row for row in table.cells if any(cell.header for cell in row)]
    everything = " ".join([table.caption, *(cell.text for row in header for cell in row)])
    if not WHOLE.search(everything) or _NOT_WHOLE.search(everything) or "%" in everything:
        return
    items, overall = _items(everything), _only_n(table.caption)
    means = re.search(r"\bmeans?\b|\bM\b|±", everything) is not None
    for row in table.cells[table.header_rows :]:
        if _OVER_ROWS.search(row[0].text):
            continue
        for cell in row[1:]:
            above = " ".join(line[cell.column].text for line in header)
            n = _only_n(above) or _only_n(row[0].text) or overall
            numbers = [number for number in cell.numbers if not number.role]
            if n is None or items is None or not 2 <= n <= LARGEST_N or len(numbers) != 1:
                continue
            mean = numbers[0]
            if 1 <= mean.decimals <= MOST_DECIMALS and not mean.unit and (means or mean.uncertainty):
                raters = _RATERS.search(everything) is not None
                yield Described(mean, mean.uncertainty, n, items, cell.text.strip(), cell.place, raters)


def _only_n(text: str) -> int | None:
    told = {int(match[1].replace(",", "")) for match in _N_TOLD.finditer(text)}
    return told.pop() if len(told) == 1 else None


def _examine(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    found: list[Finding] = []
    looked = told = 0
    for one in described(manuscript):
        told += 1
        possible = sums(one.mean, one.n, one.items)
        if not possible:
            found.append(_mean_finding(rule, one))
        elif one.sd is not None and not any(sd_possible(total, one.sd, one.n, one.items) for total in possible):
            found.append(_sd_finding(rule, one, possible))
        looked += decides(one.mean, one.n, one.items) or (one.sd is not None and _sd_decides(one))
    if not told:
        return rule.not_checked("the paper states no mean of whole numbers (ratings, counts) with its number of people")
    if not looked:
        return rule.not_checked("with so many people every mean of these decimals is possible")
    return rule.checked(looked, found, f"looked at {looked} means of whole numbers whose number of people is told")


def _sd_decides(one: Described) -> bool:
    """Whether the sums of squares that the printed SD allows are so few that some SD is impossible."""
    if one.sd is None:
        return False
    return 2 * one.items**2 * one.n * one.sd.value * 10.0**-one.sd.decimals < 2


def _nearest(one: Described) -> str:
    answers = one.n * one.items
    power = 10**one.mean.decimals
    below = int(one.mean.value * answers // 1)
    near = sorted({round(total * power / answers) / power for total in (below, below + 1)})
    return " or ".join(f"{value:.{one.mean.decimals}f}" for value in near)


def _people(one: Described) -> str:
    return f"{one.n} people" + (f" with {one.items} answers each" if one.items > 1 else "")


def _severity(one: Described) -> Severity:
    return Severity.MEDIUM if one.raters or one.scale else Severity.HIGH


def _sure(one: Described) -> float:
    return 0.5 if one.raters or one.scale else 0.85


def _mean_finding(rule: Rule, one: Described) -> Finding:
    message = f"{_people(one)} who answered in whole numbers cannot have a mean of {one.mean.text}."
    evidence = {"n": one.n, "items": one.items, "mean": one.mean.text}
    return Finding(rule.name, _severity(one), message, one.place, one.quote, _nearest(one), _sure(one), evidence)


def _sd_finding(rule: Rule, one: Described, possible: range) -> Finding:
    sd = one.sd.text if one.sd else ""
    message = f"{_people(one)} who answered in whole numbers with mean {one.mean.text} cannot have an SD of {sd}."
    evidence = {"n": one.n, "items": one.items, "mean": one.mean.text, "sd": sd, "sums": list(possible)[:5]}
    return Finding(rule.name, _severity(one), message, one.place, one.quote, "", _sure(one), evidence)


RULES = (
    Rule(
        "grim",
        "Means and deviations of whole numbers are possible",
        "1",
        "Brown and Heathers 2017, doi:10.1177/1948550616673876; Anaya 2016, doi:10.7287/peerj.preprints.2400v1",
        "The mean of whole-number answers is a whole number divided by the number of answers; not every decimal can "
        "come out.",
        _examine,
    ),
)
