"""Values and deviations that a bounded measure cannot have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Number, Place
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.reported import (
    SHARES,
    SIGNED_SHARES,
    is_percent,
    rows_of,
    says,
    stated_in,
)

FEWEST = 2
"""Values behind a deviation when their number is not told; fewer values allow a larger deviation."""
FARTHEST = 1.5
"""Times the end of the range beyond which a value is more likely another quantity of the same letters."""
_CHANGE = re.compile(
    r"improv|increas|decreas|gain|change|differ|drop|delta|Δ|relative|ratio|[+±]\d|reduc|×|times|loss|error|log|faster|"
    r"time|epoch|\bsteps?\b|iterations?\b|param|count|number|\bn\b|weight|threshold",
    re.IGNORECASE,
)
_SD = re.compile(r"\bSD\b|\bs\.d\.|standard deviation|\bstd\b", re.IGNORECASE)
_OTHER_SPREAD = re.compile(
    r"\bSE\b|\bSEM\b|standard error|confidence|\bCI\b|interval|half-?width|\bIQR\b", re.IGNORECASE
)


_TO_TARGET = re.compile(r"\b(steps?|epochs?|iterations?|updates?|rounds?|time) (\w+ )?(to|until)\b", re.IGNORECASE)


class Value(NamedTuple):
    """A measure's value with the scale it is written in (100 for percent)."""

    measure: str
    number: Number
    scale: float
    quote: str
    place: Place
    said: str
    """Header or sentence around it."""
    tabled: bool
    counts: bool = False
    """Whether its table prints only whole numbers under the name, none of them with a percent sign."""


def values(manuscript: Manuscript) -> Iterator[Value]:
    """The values of bounded measures in tables and sentences."""
    bounded = SHARES | SIGNED_SHARES
    for table in manuscript.tables:
        rows = rows_of(table)
        shares = {name for row in rows for name, number in row.values.items() if number.decimals or number.unit == "%"}
        for row in rows:
            for name, number in row.values.items():
                header = row.headers[name]
                of_share = name in bounded and not _TO_TARGET.search(table.caption)
                if of_share and not _CHANGE.search(f"{header} {row.name}"):
                    scale = 100.0 if row.percent(name) else 1.0
                    cell = row.cells[name]
                    counts = name not in shares and "%" not in header
                    said = f"{table.caption} {header}"
                    yield Value(name, number, scale, cell.text.strip(), cell.place, said, True, counts)
    for sentence in manuscript.sentences():
        stated = [one for one in stated_in(sentence) if one.measure in bounded]
        for one in stated:
            told = sentence.text[one.start : one.end]
            if one.number.unit in {"", "%"} and not _CHANGE.search(sentence.text[max(0, one.start - 30) : one.end]):
                scale = 100.0 if is_percent(one.number, (other.number for other in stated)) else 1.0
                yield Value(one.measure, one.number, scale, told, sentence.place, sentence.text, False)


def _possible(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    for value in values(manuscript):
        looked += 1
        low = -value.scale if value.measure in SIGNED_SHARES else 0.0
        if not low <= value.number.value <= value.scale:
            scale = "100 %" if value.scale == 100 else f"{value.scale:g}"
            name = value.measure.replace("_", " ")
            message = f"The {name} of {value.number.text} is outside its range of {low:g} to {scale}."
            sure = 0.9 if value.number.unit == "%" or (value.tabled and value.scale == 100) else 0.7
            severity = Severity.HIGH if sure > 0.8 else Severity.MEDIUM
            if value.counts or abs(value.number.value) > FARTHEST * value.scale:
                # The letters may stand for something else: AUC of a drug's course, MCC for a tumour.
                severity, sure = Severity.LOW, 0.3
            found.append(Finding(rule.name, severity, message, value.place, value.quote, f"{low:g} to {scale}", sure))
    if not looked:
        return rule.not_checked("the paper states no measure with a bounded range")
    return rule.checked(looked, found, f"looked at {looked} values of bounded measures")


def largest_deviation(mean: float, low: float, high: float, n: int = FEWEST) -> float:
    """The largest sample SD of n values in [low, high] with this mean: half at each end, n - 1 in the denominator."""
    return float(max(0.0, (mean - low) * (high - mean) * n / (n - 1)) ** 0.5)


def _spread(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    everywhere = says(manuscript, _OTHER_SPREAD)
    for value in values(manuscript):
        spread = value.number.uncertainty
        if spread is None or _OTHER_SPREAD.search(value.said):
            continue
        looked += 1
        low = -value.scale if value.measure in SIGNED_SHARES else 0.0
        step = 0.5 * 10.0**-value.number.decimals
        # The mean nearest to the middle that could have been printed allows the largest deviation.
        middle = (low + value.scale) / 2
        mean = min(max(middle, value.number.value - step), value.number.value + step)
        most = largest_deviation(mean, low, value.scale)
        if spread.value - 0.5 * 10.0**-spread.decimals > most:
            sure_sd = _SD.search(value.said) is not None and not everywhere
            name = value.measure.replace("_", " ")
            message = (
                f"With a mean {name} of {value.number.text} a deviation of {spread.text} is larger than any can be."
            )
            severity, sure = (Severity.HIGH, 0.85) if sure_sd else (Severity.MEDIUM, 0.7)
            found.append(Finding(rule.name, severity, message, value.place, value.quote, f"at most {most:.3g}", sure))
    if not looked:
        return rule.not_checked("no measure with a bounded range has a standard deviation")
    return rule.checked(looked, found, f"looked at {looked} deviations of bounded measures")


RULES = (
    Rule(
        "possible-values",
        "Measures lie in their range",
        "2",
        "Plain arithmetic",
        "A share lies between 0 and 1, a kappa between -1 and 1.",
        _possible,
    ),
    Rule(
        "possible-spread",
        "Deviations fit into the range of the measure",
        "1",
        "Bhatia and Davis 2000, A better bound on the variance, The American Mathematical Monthly 107",
        "Values between 0 and 1 with a mean near 1 cannot vary much.",
        _spread,
    ),
)
