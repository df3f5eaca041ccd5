"""Numbers of cases that a sentence or caption tells: positives, negatives, all, and the four cells of a matrix."""

from __future__ import annotations

import re
from collections.abc import Mapping

from evaluators.manuscript.document import Manuscript

_CASES = r"(?:cases|patients|images|subjects|participants|scans|examinations|records|people|women|men|children|samples)"
_NUMBER = r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d+)(?![\d.]|,\d)"
_EACH = (
    ("positives", rf"{_NUMBER}\s+(?:\w+\s)?positives?\b(?! predictive| rate)|\bpositives?\s?[=:]\s?{_NUMBER}"),
    ("negatives", rf"{_NUMBER}\s+(?:\w+\s)?negatives?\b(?! predictive| rate)|\bnegatives?\s?[=:]\s?{_NUMBER}"),
    ("n", rf"\b[nN]\s?=\s?{_NUMBER}|{_NUMBER}\s+(?:test |independent |held-out )?{_CASES}\b(?! with| who)"),
    ("tp", rf"{_NUMBER}\s+true[- ]positives?|\b(?:TP|true[- ]positives?)\s?[=:]\s?{_NUMBER}"),
    ("fp", rf"{_NUMBER}\s+false[- ]positives?|\b(?:FP|false[- ]positives?)\s?[=:]\s?{_NUMBER}"),
    ("fn", rf"{_NUMBER}\s+false[- ]negatives?|\b(?:FN|false[- ]negatives?)\s?[=:]\s?{_NUMBER}"),
    ("tn", rf"{_NUMBER}\s+true[- ]negatives?|\b(?:TN|true[- ]negatives?)\s?[=:]\s?{_NUMBER}"),
)
_PATTERNS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _EACH)
_OF_WHICH = re.compile(
    rf"{_NUMBER}\s+(?:[\w-]+\s){{0,3}}?{_CASES}\b[^.;\d]{{0,40}}?(?:\(|,\s|of (?:whom|which|these)\s){_NUMBER}\s+"
    r"(?:\w+\s){0,2}?(?:positives?|with (?:the )?(?:disease|event|condition|cancer)|"
    r"had (?:the )?(?:disease|event|cancer))",
    re.IGNORECASE,
)
_EVALUATED = re.compile(
    r"\b(?:test(?:ing)?|held-?out|hold-?out|evaluation|external validation) (?:set|cohort|data|split)", re.I
)


def plain(written: str) -> int:
    """A whole number as written, with or without separators."""
    return int(written.replace(",", ""))


def told_counts(text: str) -> dict[str, int]:
    """The counts a text tells by name: positives, negatives, n, tp, fp, fn, tn. What it tells twice is left out."""
    counts: dict[str, int] = {}
    spans: dict[str, set[tuple[int, int]]] = {}
    for name, pattern in _PATTERNS:
        matches = list(pattern.finditer(text))
        values = {plain(next(group for group in match.groups() if group)) for match in matches}
        spans[name] = {next(m.span(i) for i in range(1, 3) if m[i]) for m in matches}
        if len(values) == 1:
            counts[name] = values.pop()
    # "12 false positives" is no number of positive cases.
    for name, cells in (("positives", ("tp", "fp")), ("negatives", ("tn", "fn"))):
        if spans[name] & (spans[cells[0]] | spans[cells[1]]):
            counts.pop(name, None)
    whole = _OF_WHICH.search(text)
    if whole is not None:
        counts |= {"n": plain(whole[1]), "positives": plain(whole[2])}
    return counts


def class_sizes(counts: Mapping[str, int]) -> tuple[int | None, int | None, int | None]:
    """Positives, negatives and all cases, as far as the counts settle them."""
    positives, negatives, n = counts.get("positives"), counts.get("negatives"), counts.get("n")
    if "tp" in counts and "fn" in counts:
        positives = counts["tp"] + counts["fn"]
    if "tn" in counts and "fp" in counts:
        negatives = counts["tn"] + counts["fp"]
    if n is not None and positives is not None and negatives is None and n > positives:
        negatives = n - positives
    if n is not None and negatives is not None and positives is None and n > negatives:
        positives = n - negatives
    if n is None and positives is not None and negatives is not None:
        n = positives + negatives
    return positives, negatives, n


def evaluated_on(manuscript: Manuscript) -> dict[str, int]:
    """Positives and all cases of the evaluation set, where one sentence tells both and no other differs."""
    told = [
        {"n": counts["n"], "positives": counts["positives"]}
        for sentence in manuscript.sentences()
        if _EVALUATED.search(sentence.text) and {"n", "positives"} <= set(counts := told_counts(sentence.text))
    ]
    return told[0] if told and all(one == told[0] for one in told) else {}
