"""Accuracy, sensitivity, specificity, predictive values and F1 of one system must come from one confusion matrix.

With the numbers of positives and negatives every whole-number matrix is tried; without them only what holds for any
matrix is used: accuracy lies between sensitivity and specificity, and F1 is at most the harmonic mean of precision and
recall (equal for one matrix; below it for means over classes or folds, since the harmonic mean is concave). The idea is
mlscorecheck's (Fazekas and Kovács 2023, arXiv:2310.12527).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from evaluators.manuscript.document import Manuscript, Number, Place, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.counts import class_sizes, evaluated_on, told_counts
from evaluators.manuscript.integrity.reported import Band, Row, is_percent, rows_of, says, share_band, stated_in

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MOST_MATRICES, LARGEST_CLASS, MOST_CASES = 4_000_000, 200_000, 3_000
NAMES = {
    "accuracy": "accuracy", "sensitivity": "sensitivity", "recall": "sensitivity", "specificity": "specificity",
    "ppv": "ppv", "precision": "ppv", "npv": "npv", "f1": "f1", "balanced_accuracy": "balanced_accuracy",
}  # fmt: skip
"""The field's words under the name that a two-class matrix gives them."""
WORDS = {
    "accuracy": "accuracy", "sensitivity": "sensitivity (recall)", "specificity": "specificity",
    "ppv": "positive predictive value (precision)", "npv": "negative predictive value", "f1": "F1",
    "balanced_accuracy": "balanced accuracy",
}  # fmt: skip
_SEVERAL_CLASSES = re.compile(
    r"\b(?:multi-?class|(?:three|four|five|six|seven|eight|nine|ten|[3-9]|1\d)[- ](?:class|way|category)(?:es)?|macro|"
    r"multi-?label|one-vs-(?:rest|all)|per-class|(?:three|four|five|six|seven) (?:classes|grades|stages|categories))\b",
    re.IGNORECASE,
)
_MEAN_ROW = re.compile(r"\b(?:macro|weighted|averaged?|avg|means?)\b", re.IGNORECASE)
"""A row that gives means over the rows above it; its counts, if it has any, are their sums."""
_FOLDS = re.compile(
    r"\b(?:cross-?validat\w+|folds?|(?:mean|averag\w+) (?:of|over|across)|seeds|bootstrap(?:ped)? mean|repetitions)\b",
    re.I,
)
_PREVALENCE = re.compile(r"\bprevalence\s?(?:of|was|is|=|:)?\s?$", re.IGNORECASE)
_ELSEWHERE = re.compile(
    r"\btop-?\d|@\s?\d|average precision|retriev|detection|segment|per-?image|per-?lesion", re.IGNORECASE
)


@dataclass(frozen=True)
class Scores:
    """The scores of one system, each as the band of shares 0..1 that its print allows."""

    bands: Mapping[str, Band]
    printed: Mapping[str, str]
    positives: int | None
    negatives: int | None
    n: int | None
    averaged: bool
    quote: str
    place: Place
    name: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    """What the row, its caption or the sentence tells: tp, fp, fn, tn, positives, negatives, n."""
    prevalence: Band | None = None
    borrowed: bool = False
    """Whether the sizes stand elsewhere in the paper."""
    cited: bool = False
    """Whether the sentence cites, so that the scores may be another paper's."""


def matrix_exists(bands: Mapping[str, Band], positives: int, negatives: int) -> bool | None:
    """Whether whole numbers of true positives and true negatives give every score; None when there are too many to try.

    Scores are `accuracy`, `sensitivity`, `specificity`, `ppv`, `npv`, `f1` and `balanced_accuracy`; a score that a
    matrix leaves undefined agrees with anything.
    """
    import numpy as np

    tp = _counts(bands.get("sensitivity"), positives)
    tn = _counts(bands.get("specificity"), negatives)
    if len(tp) * len(tn) > MOST_MATRICES:
        return None
    if not len(tp) or not len(tn):
        return False
    hits, spared = tp[:, None], tn[None, :]
    found = np.ones((len(tp), len(tn)), bool)
    alarms, missed = negatives - spared, positives - hits
    with np.errstate(divide="ignore", invalid="ignore"):
        values = {
            "accuracy": (hits + spared) / (positives + negatives),
            "ppv": hits / (hits + alarms),
            "npv": spared / (spared + missed),
            "f1": 2 * hits / (2 * hits + alarms + missed),
            "balanced_accuracy": (hits / positives + spared / negatives) / 2,
        }
    for name, value in values.items():
        if name in bands:
            found &= _inside(value, bands[name]) | np.isnan(value)
    return bool(found.any())


def some_matrix_exists(bands: Mapping[str, Band], n: int, prevalence: Band | None = None) -> bool | None:
    """Whether a matrix of n cases exists for some number of positives; None where that takes too long to try."""
    if n > MOST_CASES or not {"sensitivity", "specificity"} <= set(bands):
        return None
    shares = prevalence or Band(0.0, 1.0)
    tried = [p for p in range(1, n) if shares.low - 1e-9 <= p / n <= shares.high + 1e-9]
    # Accuracy settles the number of positives nearly, so that few are left to try in full.
    if "accuracy" in bands:
        tried = [p for p in tried if _accuracy(bands, p / n).meets(bands["accuracy"])]
    results = (matrix_exists(bands, positives, n - positives) for positives in tried)
    return any(result is not False for result in results)


def _accuracy(bands: Mapping[str, Band], prevalence: float) -> Band:
    s, c = bands["sensitivity"], bands["specificity"]
    return Band(prevalence * s.low + (1 - prevalence) * c.low, prevalence * s.high + (1 - prevalence) * c.high)


def _inside(values: Array, of: Band) -> Array:
    return (values >= of.low - 1e-9) & (values <= of.high + 1e-9)


def _counts(of: Band | None, total: int) -> Array:
    """The whole numbers of `total` whose share lies in a band; all of them without one."""
    import numpy as np

    every = np.arange(total + 1)
    return every if of is None or not total else every[_inside(every / total, of)]


def scores_of(manuscript: Manuscript) -> Iterator[Scores]:
    """The systems that tables and sentences give at least two scores."""
    elsewhere = evaluated_on(manuscript)
    folds = says(manuscript, _FOLDS)
    classes = says(manuscript, _SEVERAL_CLASSES)
    for table in manuscript.tables:
        if _ELSEWHERE.search(table.caption):
            continue
        for row in rows_of(table):
            scores = _from_row(row, table.caption, folds or classes)
            if scores is not None:
                yield _borrowing(scores, elsewhere)
    for sentence in manuscript.sentences():
        if not _ELSEWHERE.search(sentence.text):
            scores = _from_sentence(sentence, folds or classes)
            if scores is not None:
                yield _borrowing(scores, elsewhere)


def _borrowing(scores: Scores, elsewhere: Mapping[str, int]) -> Scores:
    """The scores with the sizes of the evaluation set, where nothing nearer tells any."""
    if scores.counts or not elsewhere:
        return scores
    positives, negatives, n = class_sizes(elsewhere)
    return replace(scores, positives=positives, negatives=negatives, n=n, counts=elsewhere, borrowed=True)


def _from_row(row: Row, caption: str, averaged: bool) -> Scores | None:
    kept = {name: number for name, number in row.values.items() if name in NAMES}
    bands = {NAMES[name]: share_band(number, row.percent(name), cut=True) for name, number in kept.items()}
    counts = {**told_counts(caption), **row.counts}
    if len(bands) < 2 and not (bands and len(counts) >= 2):
        return None
    told = {name: row.cells[name].text.strip() for name in kept}
    positives, negatives, n = class_sizes(counts)
    first = next(iter(kept))
    printed = {NAMES[name]: text for name, text in told.items()}
    means = _MEAN_ROW.search(row.name) is not None
    near, averaged = bool(row.counts), averaged or row.averaged or means or _weighted(row)
    if means:
        counts, positives, negatives, n = {}, None, None, None
    return Scores(
        bands, printed, positives, negatives, n, averaged, told[first], row.place, row.name, counts, borrowed=not near
    )


def _weighted(row: Row) -> bool:
    """Whether recall is the very accuracy, as it is when recall is a mean over classes weighted by their size."""
    accuracy, recall = row.values.get("accuracy"), row.values.get("recall")
    return accuracy is not None and recall is not None and accuracy.value == recall.value


def _from_sentence(sentence: Sentence, averaged: bool) -> Scores | None:
    stated = [one for one in stated_in(sentence) if one.measure in NAMES]
    bands: dict[str, Band] = {}
    printed: dict[str, str] = {}
    numbers = [one.number for one in stated]
    for one in stated:
        bands[NAMES[one.measure]] = share_band(one.number, is_percent(one.number, numbers), cut=True)
        printed[NAMES[one.measure]] = _shown(one.number)
    counts = told_counts(sentence.text)
    if len(bands) < len(stated) or (len(bands) < 2 and not (bands and len(counts) >= 2)):
        return None
    spread = any(one.number.uncertainty for one in stated)
    start, end = min(one.start for one in stated), max(one.end for one in stated)
    quote, averaged = sentence.text[start:end], averaged or spread
    prevalence = _prevalence(sentence)
    sizes, cited = class_sizes(counts), bool(sentence.citations)
    return Scores(bands, printed, *sizes, averaged, quote, sentence.place, "", counts, prevalence, cited=cited)


def _prevalence(sentence: Sentence) -> Band | None:
    for number in sentence.numbers:
        if _PREVALENCE.search(sentence.text[max(0, number.start - 30) : number.start]):
            return share_band(number, is_percent(number), cut=True)
    return None


def _shown(number: Number) -> str:
    return number.text + (number.unit if number.unit == "%" else "")


def _examine(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    several = says(manuscript, _SEVERAL_CLASSES)
    for scores in scores_of(manuscript):
        decided, finding = _judge(rule, scores, several)
        looked += decided
        found += [finding] if finding else []
    if not looked:
        return rule.not_checked(
            "no system has scores that depend on each other (F1 with precision and recall, or sizes)"
        )
    return rule.checked(looked, found, f"looked at the scores of {looked} systems")


def _judge(rule: Rule, scores: Scores, several: bool) -> tuple[bool, Finding | None]:
    """Whether the scores could be decided about, and what was found."""
    for decided in (_by_sizes, _by_number, _by_form):
        found = decided(rule, scores, several)
        if found is not None:
            finding = found[0]
            if finding is not None and scores.cited and finding.severity is Severity.HIGH:
                finding = replace(finding, severity=Severity.MEDIUM, confidence=0.5)
            return True, finding
    return False, None


def _by_sizes(rule: Rule, scores: Scores, several: bool) -> tuple[Finding | None] | None:
    """With the sizes of both classes."""
    sizes = scores.positives, scores.negatives
    if not all(sizes) or max(size or 0 for size in sizes) > LARGEST_CLASS:
        return None
    if (scores.averaged or several) and not {"tp", "tn"} & set(scores.counts):
        return None
    exists = _given_counts(scores)
    return None if exists is None else (None if exists else _no_matrix(rule, scores),)


def _by_number(rule: Rule, scores: Scores, several: bool) -> tuple[Finding | None] | None:
    """With the number of all cases, and perhaps the prevalence."""
    if scores.n is None or scores.averaged or several or (scores.prevalence is None and "accuracy" not in scores.bands):
        return None
    exists = some_matrix_exists(scores.bands, scores.n, scores.prevalence)
    return None if exists is None else (None if exists else _no_matrix(rule, scores),)


def _by_form(rule: Rule, scores: Scores, several: bool) -> tuple[Finding | None] | None:
    """With the scores alone."""
    if {"f1", "ppv", "sensitivity"} <= set(scores.bands):
        return (_harmonic(rule, scores, several),)
    if {"accuracy", "sensitivity", "specificity"} <= set(scores.bands) and not several:
        return (_between(rule, scores),)
    return None


def _given_counts(scores: Scores) -> bool | None:
    """Whether a matrix exists, with the printed counts where the paper prints them."""
    counts, positives, negatives = scores.counts, scores.positives, scores.negatives
    if positives is None or negatives is None:
        return None
    bands = dict(scores.bands)
    for name, count, total in (("sensitivity", "tp", positives), ("specificity", "tn", negatives)):
        if count in counts:
            exact = counts[count] / total
            if name in bands and not bands[name].meets(Band(exact, exact)):
                return False
            bands[name] = Band(exact, exact)
    return matrix_exists(bands, positives, negatives)


def _exists(scores: Scores) -> bool | None:
    """Whether a matrix gives the scores, by the sizes or by the number of all cases."""
    if scores.positives and scores.negatives:
        return _given_counts(scores)
    return some_matrix_exists(scores.bands, scores.n, scores.prevalence) if scores.n else None


def _loosened(of: Band) -> Band:
    """What is printed within one of its last digit; the band itself is a digit and a half wide."""
    step = (of.high - of.low) / 1.5
    return Band(of.low - step, of.high + step / 2)


def _told(scores: Scores) -> str:
    return ", ".join(f"{WORDS[name]} {text}" for name, text in scores.printed.items())


def _who(scores: Scores) -> str:
    return f" of {scores.name}" if scores.name else ""


def _no_matrix(rule: Rule, scores: Scores) -> Finding:
    cases = f"{scores.n} cases"
    if scores.positives and scores.negatives:
        cases = f"{scores.positives} positive and {scores.negatives} negative cases"
    message = f"No confusion matrix of {cases} gives the scores{_who(scores)}: {_told(scores)}."
    evidence = {"counts": dict(scores.counts), "scores": dict(scores.printed)}
    # A score off by one in its last digit was computed from rounded ones, or carelessly.
    nearly = _exists(replace(scores, bands={name: _loosened(one) for name, one in scores.bands.items()}))
    if nearly:
        message = f"{message[:-1]}; one does with a last digit off by one."
    # A bare number of cases may be that of another set; the sizes of both classes beside the scores are theirs.
    certain = not scores.borrowed and scores.positives is not None and not nearly
    severity, sure = (Severity.HIGH, 0.85) if certain else (Severity.MEDIUM, 0.6)
    return Finding(rule.name, severity, message, scores.place, scores.quote, "", sure, evidence)


def _harmonic(rule: Rule, scores: Scores, several: bool) -> Finding | None:
    """F1 above the harmonic mean, or off it where one two-class matrix stands behind it."""
    p, r, f1 = (scores.bands[name] for name in ("ppv", "sensitivity", "f1"))
    low, high = (2 * a * b / (a + b) if a + b > 0 else 0.0 for a, b in ((p.low, r.low), (p.high, r.high)))
    said = f"{_harmonic_text(low, high)}"
    evidence = {"scores": dict(scores.printed), "harmonic_mean": [low, high], "averaged": scores.averaged}
    if f1.low > high + 1e-9:
        message = (
            f"The F1{_who(scores)} ({scores.printed['f1']}) is above the harmonic mean of its precision and recall "
            f"({said}), which no averaging allows."
        )
        return Finding(rule.name, Severity.HIGH, message, scores.place, scores.printed["f1"], said, 0.85, evidence)
    if f1.high < low - 1e-9 and not scores.averaged and not several:
        message = (
            f"The F1{_who(scores)} ({scores.printed['f1']}) is below the harmonic mean of its precision and recall "
            f"({said}); this is possible only for means over classes or folds, which are not mentioned."
        )
        return Finding(rule.name, Severity.MEDIUM, message, scores.place, scores.printed["f1"], said, 0.6, evidence)
    return None


def _harmonic_text(low: float, high: float) -> str:
    short = f"{(low + high) / 2:.3f}"
    return short if high - low < 2e-3 else f"{low:.3f} to {high:.3f}"


def _between(rule: Rule, scores: Scores) -> Finding | None:
    """Accuracy is a weighted mean of sensitivity and specificity."""
    s, c, a = (scores.bands[name] for name in ("sensitivity", "specificity", "accuracy"))
    low, high = min(s.low, c.low), max(s.high, c.high)
    slack = 0.01 if scores.averaged else 1e-9
    if low - slack <= a.high and a.low <= high + slack:
        return None
    severity, sure = (Severity.MEDIUM, 0.6) if scores.averaged else (Severity.HIGH, 0.8)
    message = (
        f"The accuracy{_who(scores)} ({scores.printed['accuracy']}) does not lie between the sensitivity "
        f"({scores.printed['sensitivity']}) and the specificity ({scores.printed['specificity']})."
    )
    evidence = {"scores": dict(scores.printed)}
    expected = f"{low:.3f} to {high:.3f}"
    return Finding(rule.name, severity, message, scores.place, scores.printed["accuracy"], expected, sure, evidence)


RULES = (
    Rule(
        "confusion-matrix",
        "Scores of one system come from one confusion matrix",
        "1",
        "Fazekas and Kovács 2023, arXiv:2310.12527",
        "Accuracy, sensitivity, specificity, predictive values and F1 all count the same four kinds of cases, so that "
        "they bind each other.",
        _examine,
    ),
)
