"""The accuracy grid: an accuracy is a count of correct cases over n, so its decimals tell which n are possible.

After the GRIM test (Brown and Heathers 2017, doi:10.1177/1948550616673876), applied to proportions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Number, Place, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.datasets import KNOWN
from evaluators.manuscript.integrity.prose import bound_measure, quoted, tells_change
from evaluators.manuscript.integrity.tabular import all_columns

LARGEST_N = 20_000
FEWEST = 3
"""Distinct accuracies below which n is not solved for."""
SURE = 0.01
"""An n is told from the decimals alone if fewer n than this, by chance, would fit as small as it is."""

FOLDS = re.compile(r"cross[- ]?validation|\bk-?fold\b|(five|ten|5|10)[- ]fold", re.IGNORECASE)
AVERAGED = re.compile(
    r"(averag|mean)\w* (\w+ ){0,4}(over|across|of|from) (\w+[ -]){0,3}"
    r"(runs?|seeds?|folds?|trials?|repetitions?|splits?|sites?|subjects?|participants?|datasets?|tasks?)|"
    r"mean accurac|average(d)? accurac|(runs|seeds|trials|repetitions) (were|are) averaged|"
    r"mean ± (sd|std|s\.?d|se|standard)|± ?(std|standard)",
    re.IGNORECASE,
)
"""A mean of several accuracies need not lie on k/n."""
ABOUT_RESULTS = re.compile(r"accurac|results|metrics|performance|scores|numbers|values|report", re.IGNORECASE)
SHARE = re.compile(
    r"(?P<test>\d{1,2}(\.\d)?) ?(%|percent|per cent) (\w+ ){0,3}?(for |as )?(the |a )?"
    r"(testing|test|held-?out|hold-?out|evaluation|validation)",
    re.IGNORECASE,
)
UNIT_OF_CASES = re.compile(
    r"^ ?(\w+ ){0,3}?(images?|samples?|patients?|cases?|examples?|instances?|subjects?|participants?|scans?|records?|"
    r"photographs?|questions?|slides?|recordings?|rows?|observations?|documents?)\b",
    re.IGNORECASE,
)
_OTHER_CASES = re.compile(
    r"\btrain\w*|\bdevelopment\b|\bderivation\b|\bsubgroups?\b|\bstratif\w+|\bfolds?\b|\b(?:per|each|by)[- ]class\b|"
    r"\bclass-?wise\b|\bet al\b|\[\d+(?:[,–-] ?\d+)*\]|\bliterature\b|\bprevious(?:ly)? (?:work|stud|publi|report)|"
    r"\b(?:other|published|earlier|prior) (?:stud(?:y|ies)|works?)\b",
    re.IGNORECASE,
)
"""Accuracies of other cases than those of the evaluation set: of training, of a part, of other papers."""
_SET = r"(?:(?:set|split|data(?:set)?|cohort|subset|partition|images|cases|patients|samples|examples|scans|subjects)s?)"
_KIND = rf"(?:test(?:ing)? ?{_SET}|testing|evaluation|(?:hold|held)-?out)"
"""An evaluation set. "Test" alone is none: patients have tests, and so have hypotheses."""
_WHICH = r"(?:(?:held-?out|hold-?out|independent|separate|final|external|internal|blind(?:ed)?|official|own) )?"
_BEHIND = re.compile(
    rf" (?:\w+ ){{0,4}}?(?:for|in|as|form|make up) (?:the |an? |our )?{_WHICH}(?:{_KIND}\b|test(?=[.,;)]|$))|"
    rf"^ {_WHICH}(?:{_KIND}|test)\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(rf"\b(?:{_KIND}( \w+)? ?{_SET}?|tested on|evaluated? on)[^\d.;]{{0,30}}$", re.IGNORECASE)
_N_TOLD = re.compile(r"\b[nN]\s?=\s?(\d{1,3}(?:,\d{3})+|\d+)")


class Accuracy(NamedTuple):
    """An accuracy in print, as a share of one with its decimals as a share."""

    share: float
    decimals: int
    text: str
    quote: str
    place: Place


class Size(NamedTuple):
    """A size of the evaluation set that the paper gives or implies."""

    n: int
    told: str
    explicit: bool


def accuracies(manuscript: Manuscript) -> list[Accuracy]:
    """The accuracies in tables and text that state four significant places or more than two as a percentage."""
    found = []
    for column in all_columns(manuscript):
        about = f"{column.header} {column.table.caption}"
        if column.measure is not None and column.measure.share and not re.search("Δ|change|gain", column.header, re.I):
            percent = "%" in column.header
            for entry in column.entries:
                if _OTHER_CASES.search(f"{entry.row} {entry.group} {about}"):
                    continue
                if entry.number.uncertainty is None and len([n for n in entry.cell.numbers if n.is_result]) == 1:
                    one = _share(entry.number, percent, entry.cell.text.strip(), entry.cell.place)
                    found += [one] if one else []
    for sentence in manuscript.sentences():
        found += list(_in_sentence(sentence))
    return found


def _in_sentence(sentence: Sentence) -> Iterator[Accuracy]:
    if sentence.citations or any(part.search(sentence.text) for part in (AVERAGED, FOLDS, _OTHER_CASES)):
        return
    for number in sentence.numbers:
        if (
            not number.is_result
            or number.uncertainty
            or number.unit not in ("", "%")
            or number.relation not in ("", "=")
        ):
            continue
        measure = None if tells_change(sentence.text, number) else bound_measure(sentence.text, number)
        if measure is not None and measure.share:
            one = _share(number, number.unit == "%", quoted(sentence.text, number), sentence.place)
            if one is not None:
                yield one


def _share(number: Number, percent: bool, quote: str, place: Place) -> Accuracy | None:
    value, decimals = number.value, number.decimals
    if percent or number.unit == "%":
        value, decimals = value / 100, decimals + 2
    if not 0 < value < 1 or decimals < 3:
        return None
    return Accuracy(value, decimals, number.text, quote, place)


def fits(share: float, decimals: int, n: int, cut: bool = False) -> bool:
    """Whether some k of n prints as `share` at `decimals`: rounded (half up or down), or cut off."""
    step = 10.0**-decimals
    near = round(share * n)
    parts = [k / n - share for k in (near - 1, near, near + 1) if 0 <= k <= n]
    if cut:
        return any(-1e-12 <= part < step - 1e-12 for part in parts)
    return any(abs(part) <= step / 2 + 1e-12 for part in parts)


def all_fit(distinct: Iterable[tuple[float, int]], *sizes: int) -> bool:
    """Whether all accuracies lie on the grid of n, or each on one of several, all rounded or all cut off."""
    listed = list(distinct)
    return any(
        all(any(fits(share, decimals, n, cut) for n in sizes) for share, decimals in listed) for cut in (False, True)
    )


def possible_sizes(found: Sequence[Accuracy], largest: int = LARGEST_N) -> list[int]:
    """Every n up to `largest` on whose grid all accuracies lie."""
    top = min(largest, 10 ** max(one.decimals for one in found))
    distinct = {(one.share, one.decimals) for one in found}
    return [n for n in range(2, top + 1) if all_fit(distinct, n)]


def declared_sizes(manuscript: Manuscript) -> list[Size]:
    """Sizes of the evaluation set, as stated or from a known dataset and a stated split."""
    found: list[Size] = []
    for sentence in manuscript.sentences():
        found += _stated(sentence)
    text = " ".join(s.text for s in manuscript.sentences()) + manuscript.title
    shares = sorted(
        {float(m["test"]) for s in manuscript.sentences() for m in SHARE.finditer(s.text) if "train" in s.text.lower()}
    )
    for known in KNOWN:
        if known.pattern.search(text):
            if known.test is not None and re.search(r"(official|standard|original|provided) test", text, re.I):
                found.append(Size(known.test, f"the test set of {known.name}", False))
            for share in shares:
                exact = known.train * share / 100
                found += [
                    Size(n, f"{share:g} % of the {known.train} cases of {known.name}", False)
                    for n in sorted({int(exact), int(exact) + 1} if exact % 1 else {int(exact)})
                ]
    return list(dict.fromkeys(found))


def _stated(sentence: Sentence) -> Iterator[Size]:
    """Counts that a sentence gives for the set on which it evaluates."""
    for number in sentence.numbers:
        if number.decimals or number.unit not in ("", "k", "K") or not 20 <= number.value <= LARGEST_N:
            continue
        before, after = (
            sentence.text[max(0, number.start - 60) : number.start],
            sentence.text[number.end : number.end + 60],
        )
        counted = number.role == "n" or UNIT_OF_CASES.match(after)
        behind, ahead = _BEHIND.match(after), _AHEAD.search(before)
        if (counted and (ahead or behind)) or (behind and number.role != "year"):
            yield Size(int(number.value), f'"{quoted(sentence.text, number, 40)}"', True)


def examine(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Compare the accuracies' decimals with the declared size, and solve for n."""
    found = accuracies(manuscript)
    distinct = sorted({(one.share, one.decimals) for one in found})
    if not distinct:
        return rule.not_checked("the paper states no accuracy with enough decimals")
    if _averaged(manuscript):
        return rule.not_checked("accuracies are means over runs or folds, which need not lie on k/n")
    sizes = declared_sizes(manuscript)
    evidence: dict[str, object] = {"accuracies": [f"{s:.{d}f}" for s, d in distinct]}
    solved = _solved(found) if len(distinct) >= FEWEST else None
    evidence["smallest_n_that_fits_all"] = solved
    if not sizes:
        told = f"; all of them fit n = {solved}" if solved else ""
        if solved is None:
            return rule.not_checked("the paper gives no size of its evaluation set")
        return rule.checked(
            len(distinct), (), f"{len(distinct)} accuracies, no size of the evaluation set{told}", evidence
        )
    finding = _against(rule, found, sizes, _told_beside(manuscript), solved, evidence)
    told = ", ".join(f"{size.n}" for size in sizes)
    return rule.checked(
        len(distinct), [finding] if finding else [], f"{len(distinct)} accuracies against n = {told}", evidence
    )


def _told_beside(manuscript: Manuscript) -> tuple[int, ...]:
    """Numbers of cases that tables with accuracies tell in their captions, headers and row names."""
    tables = {id(c.table): c.table for c in all_columns(manuscript) if c.measure is not None and c.measure.share}
    texts = [
        text
        for table in tables.values()
        for text in (table.caption, *(c.text for row in table.cells for c in row if c.header or c.column < 2))
    ]
    told = {int(n.replace(",", "")) for text in texts for n in _N_TOLD.findall(text) if len(n) < 8}
    return tuple(sorted(n for n in told if 2 <= n <= LARGEST_N))


def _averaged(manuscript: Manuscript) -> bool:
    """Whether the accuracies may be means: cross-validation anywhere, or means said of results or in their table."""
    captions = {c.table.caption for c in all_columns(manuscript) if c.measure is not None and c.measure.share}
    sentences = [s.text for section in manuscript.sections for s in section.sentences]
    said = any(FOLDS.search(text) or (AVERAGED.search(text) and ABOUT_RESULTS.search(text)) for text in sentences)
    return said or any(FOLDS.search(text) or AVERAGED.search(text) for text in captions)


def _solved(found: Sequence[Accuracy]) -> int | None:
    """The smallest n that fits all, if so small an n would rarely fit by chance."""
    sizes = possible_sizes(found, 2000)
    if not sizes:
        return None
    n = sizes[0]
    distinct = {(one.share, one.decimals) for one in found}
    by_chance = 0.0
    for m in range(2, n + 1):
        chance = 1.0
        for _, decimals in distinct:
            chance *= min(1.0, m * 2 * 10.0**-decimals)
        by_chance += chance
    return n if by_chance < SURE else None


def _against(
    rule: Rule,
    found: Sequence[Accuracy],
    sizes: Sequence[Size],
    beside: Sequence[int],
    solved: int | None,
    evidence: dict[str, object],
) -> Finding | None:
    """A finding where an accuracy fits no declared size, nor a number of cases that its table tells."""
    values = {(one.share, one.decimals): one for one in reversed(found)}
    if all_fit(values, *(size.n for size in sizes), *beside):
        return None
    off = {
        size.n: [one for (s, d), one in values.items() if not any(fits(s, d, n) for n in (size.n, *beside))]
        for size in sizes
    }
    best = min(off, key=lambda n: len(off[n]))
    impossible = off[best]
    size = next(size for size in sizes if size.n == best)
    numbers = " or ".join(str(size.n) for size in sizes)
    fit = f" All of them fit n = {solved}." if solved else ""
    message = (
        f"{len(impossible)} of {len(values)} accuracies cannot come from {numbers} cases ({size.told}), because no "
        f"whole number of correct cases gives these decimals.{fit}"
    )
    high = size.explicit or len(impossible) >= FEWEST
    evidence |= {
        "declared": [{"n": s.n, "from": s.told} for s in sizes],
        "impossible": {str(n): [one.text for one in those] for n, those in off.items()},
    }
    first = impossible[0]
    severity = Severity.HIGH if high else Severity.MEDIUM
    expected = f"n = {solved}" if solved else _nearest(first, best)
    return Finding(
        rule.name, severity, message, first.place, first.quote, expected, 0.9 if high else 0.6, dict(evidence)
    )


def _nearest(one: Accuracy, n: int) -> str:
    k = round(one.share * n)
    return f"{k / n:.{one.decimals}f} ({k} of {n})"


RULES = (
    Rule(
        "accuracy-grid",
        "Accuracies against the number of cases",
        "1",
        "After GRIM (Brown and Heathers 2017, doi:10.1177/1948550616673876), applied to proportions",
        "An accuracy is a whole number of correct cases divided by all cases; its decimals show which numbers of cases "
        "are possible.",
        examine,
    ),
)
