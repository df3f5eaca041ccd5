"""p values recomputed from their test statistics: t, F, chi square, r, z, H and Q.

A stated statistic stands for every value that rounds to it, so the recomputed p is a range; a finding is made only when
no value of the range could have been printed as the stated p, two-sided or, where the paper says so, one-sided. The
idea is statcheck's (Nuijten et al. 2016, doi:10.3758/s13428-015-0664-2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Place
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.reported import Band, band, passages, says

MINUS = r"\-−–‑"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
LEVEL = 0.05
_NUM = rf"[+{MINUS}]?\s?(?:\d+(?:,\d{{3}})*(?:\.\d+)?|\.\d+)"
_DF = r"\d+(?:,\d{3})*(?:\.\d+)?"
_TIMES_TEN, _E = r"\s?[×x·*⋅]\s?10", r"\s?[eE]\s?[-−–‑]"
POWER = rf"(?:{_TIMES_TEN}\s?(?:\^?\s?\{{?\s?[-−–‑]?\s?\d+\}}?|[⁻⁺]?[⁰¹²³⁴-⁹]+)|{_E}\s?\d+)"
"""A power of ten behind a p value: "× 10^-7", "×10⁻⁷", "e-07"."""
NO_POWER = rf"(?!{_TIMES_TEN}|{_E})"
"""No power of ten follows, not even one whose exponent was lost."""


def _bracketed(name: str) -> str:
    """One number of degrees of freedom in brackets."""
    return rf"\s*_?\s*[({{\[]\s*(?:df\s*=\s*)?(?P<{name}a>{_DF})(?:\s*[,;]\s*[nN]\s*=\s*{_DF})?\s*[)}}\]]"


def _with_df(name: str, fewest: int = 1) -> str:
    """The same, or as an index; one that lost its place below the line has at least so many digits."""
    return rf"(?:{_bracketed(name)}|(?:_(?P<{name}b>{_DF})|(?P<{name}c>(?=\d{{{fewest}}}){_DF}))(?=\s*=))"


_CHI = r"(?:[χΧ]|\bchi)[\s-]*"
_SQUARE = r"(?>\^?\s?\{?2\}?|²|squared?)"
"""Atomic, so that the 2 of "χ2 = 8.31" is never taken for degrees of freedom."""
_FORMS = (
    ("t", rf"(?<![\w-])t{_with_df('t', 2)}"),
    ("F", rf"(?<![\w-])F\s*_?\s*[({{\[]\s*(?P<F1>{_DF})\s*[,;]\s*(?P<F2>{_DF})\s*[)}}\]]"),
    ("chi2", rf"{_CHI}(?:{_SQUARE}{_with_df('c')}|{_bracketed('d')})"),
    # An index of r names the two variables.
    ("r", rf"(?<![\w-])r\s?\(\s*(?:df\s*=\s*)?(?P<ra>{_DF})(?:\s*[,;]\s*[nN]\s*=\s*{_DF})?\s*\)"),
    ("H", rf"(?<![\w-])[HQ]{_bracketed('h')}"),
    ("z", r"(?<![\w-])[zZ](?:[- ]?(?:score|statistic|value))?(?=\s*=)"),
    ("t", r"(?<![\w-])t(?=\s*=[^;()]{1,16}[,;]\s*df\s*=)"),
    ("chi2", rf"{_CHI}{_SQUARE}(?=\s*=[^;()]{{1,16}}[,;]\s*df\s*=)"),
)
_STATISTICS = tuple((kind, re.compile(rf"{form}\s*=\s*(?P<value>{_NUM})(?![\d])")) for kind, form in _FORMS)
_LATE_DF = re.compile(rf"\s*[,;]\s*df\s*=\s*(?P<df>{_DF})")
_P = re.compile(
    r"(?<![\w-])[pP](?:[-\s]?[vV]alues?)?(?P<kind>_\{?\w*\}?|(?:adj|corr?|FDR|Holm|[bB]onf)\w*)?\s*"
    rf"(?P<relation><=|>=|=|<|>|≤|≥)\s*(?P<p>\d(?:\.\d+)?{POWER}|\d?\.\d+(?![\d]){NO_POWER}|[01](?![\d.]){NO_POWER})|"
    r"(?P<ns>(?<![\w.])n\.?s\.?(?![\w]))"
)
_REACH = 90
"""Characters between a statistic and its p."""
_TESTING = re.compile(
    r"signific|\btests?\b|statistic|hypothes|anova|correlat|wilcoxon|mann|differ|\bWald\b|greater|higher|lower|effect",
    re.IGNORECASE,
)
_ONE_SIDED = re.compile(r"\bone[- ](?:sided|tailed)\b|\b1[- ](?:sided|tailed)\b|directional (?:test|hypothes)", re.I)
_CORRECTED = re.compile(
    r"bonferroni|\bholm\b|benjamini|\bFDR\b|false discovery|tukey|\badjusted p|p[- ]?adj|corrected p|"
    r"multiple (?:comparison|testing)|permutation (?:test|p)|greenhouse|huynh|dunnett|scheff|family-?wise",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Test:
    """One reported test: its statistic with degrees of freedom and its p. `relation` is =, <, >, <=, >= or "ns"."""

    kind: str
    value: float
    decimals: int
    degrees: tuple[tuple[float, int], ...]
    """Value and decimals of each number of degrees of freedom."""
    relation: str
    p: float
    p_decimals: int
    quote: str
    place: Place
    corrected: bool = False
    """Whether this very p is called adjusted."""


class Recomputed(NamedTuple):
    """The p values that fit the stated statistic; one-sided only for t, r and z."""

    two: Band
    one: Band | None


def reported_tests(text: str, place: Place) -> tuple[Test, ...]:
    """Every statistic of a passage that has its p within reach, in order."""
    starts = sorted(
        ((match.start(), match, kind) for kind, pattern in _STATISTICS for match in pattern.finditer(text)),
        key=lambda one: (one[0], -one[1].end()),
    )
    found = []
    for index, (_, match, kind) in enumerate(starts):
        stop = starts[index + 1][0] if index + 1 < len(starts) else len(text)
        test = _read(text, match, kind, min(stop, match.end() + _REACH), place)
        if test is not None:
            found.append(test)
    return tuple(found)


def _read(text: str, match: re.Match[str], kind: str, stop: int, place: Place) -> Test | None:
    named = {key: value for key, value in match.groupdict().items() if value is not None and key != "value"}
    degrees = [plain(value) for _, value in sorted(named.items())]
    at = match.end()
    if kind in {"t", "chi2"} and not degrees:
        late = _LATE_DF.match(text, at)
        if late is None:
            return None
        degrees, at = [plain(late["df"])], late.end()
    p = _P.search(text, at, stop)
    # "t(0) = 1" is a function, "z = 1, p = 0.5" are settings; a test statistic has decimals.
    if "." not in match["value"]:
        return None
    if kind == "z" and re.search(r"\.\d$", match["value"]) and not _TESTING.search(text):
        return None
    if p is None or (len(degrees) != {"F": 2, "z": 0}.get(kind, 1)):
        return None
    value, decimals = plain(match["value"])
    quote = text[match.start() : p.end()]
    if p["ns"]:
        return Test(kind, value, decimals, tuple(degrees), "ns", LEVEL, 2, quote, place)
    stated, p_decimals = plain(p["p"])
    relation = {"≤": "<=", "≥": ">="}.get(p["relation"], p["relation"])
    corrected = bool(p["kind"]) and re.search(r"adj|cor|fdr|holm|bonf", p["kind"], re.IGNORECASE) is not None
    corrected |= re.search(r"adjusted|corrected", text[match.end() : p.start()], re.IGNORECASE) is not None
    return Test(kind, value, decimals, tuple(degrees), relation, stated, p_decimals, quote, place, corrected)


def plain(written: str) -> tuple[float, int]:
    """Value and decimals of a number as written, with its power of ten."""
    text = re.sub(r"[\s,{}^]", "", written.translate(_SUPERSCRIPTS))
    text = re.sub(f"[{MINUS}]", "-", text)
    text = re.sub(r"[×x·*⋅]10", "e", text)
    mantissa, _, power = text.lower().partition("e")
    decimals = len(mantissa.partition(".")[2]) - int(power or 0)
    return float(text), max(0, decimals)


def recompute(test: Test) -> Recomputed:
    """The range of p for every value that rounds to the stated statistic and degrees of freedom.

    Raises ValueError where there is none (a correlation beyond 1, a negative F or chi square, no degree of freedom).
    """
    from scipy import stats

    near = band(abs(test.value), test.decimals, cut=True)
    low, high = max(0.0, near.low), near.high
    ends = [band(value, decimals) if decimals else Band(value, value) for value, decimals in test.degrees]
    if any(end.high <= 0 for end in ends) or (test.kind in {"F", "chi2", "H"} and test.value < 0):
        raise ValueError("no such test")
    if test.kind == "r":
        if low > 1:
            raise ValueError("a correlation lies between -1 and 1")
        high = min(high, 1.0)

    def tail(value: float, degrees: tuple[float, ...]) -> float:
        match test.kind:
            case "t":
                return float(stats.t.sf(value, degrees[0]))
            case "r":
                spread = max(1e-300, 1 - value * value)
                return float(stats.t.sf(value * (degrees[0] / spread) ** 0.5, degrees[0]))
            case "z":
                return float(stats.norm.sf(value))
            case "F":
                return float(stats.f.sf(value, *degrees))
        return float(stats.chi2.sf(value, degrees[0]))

    corners: list[tuple[float, ...]] = [()]
    for end in ends:
        corners = [(*corner, at) for corner in corners for at in {max(end.low, 1e-6), end.high}]
    values = [tail(value, corner) for value in (low, high) for corner in corners]
    one = Band(min(values), max(values))
    if test.kind not in {"t", "r", "z"}:
        return Recomputed(one, None)
    return Recomputed(Band(min(1.0, 2 * one.low), min(1.0, 2 * one.high)), one)


def agrees(test: Test, p: Band) -> bool:
    """Whether a p of the range could be printed as stated, rounded or cut off."""
    slack = 1e-9
    if test.relation in {"<", "<="}:
        return p.low < test.p + slack
    if test.relation in {">", ">=", "ns"}:
        return p.high > test.p - slack
    return band(test.p, test.p_decimals, cut=True).meets(p)


def _flips(test: Test, p: Band) -> bool:
    """Whether the stated p and the recomputed one fall on different sides of 0.05."""
    if test.relation in {">", ">=", "ns"}:
        return test.p >= LEVEL and p.high < LEVEL
    if test.relation in {"<", "<="}:
        return test.p <= LEVEL and p.low > LEVEL
    stated = band(test.p, test.p_decimals, cut=True)
    return (stated.high <= LEVEL + 1e-9 < p.low) or (p.high < LEVEL <= stated.low + 1e-9)


class _Context(NamedTuple):
    one_sided: bool
    corrected: bool


def _judge(rule: Rule, test: Test, context: _Context) -> Finding | None:
    try:
        p = recompute(test)
    except ValueError as error:
        return _impossible(rule, test, str(error))
    if agrees(test, p.two):
        return None
    fits_one = p.one is not None and agrees(test, p.one)
    if fits_one and context.one_sided:
        return None
    # A correction for several comparisons makes p larger than the test alone gives, never smaller.
    above = test.relation == "=" and test.p > p.two.high
    if (test.corrected or context.corrected) and (above or test.relation in {">", ">=", "ns"}):
        return None if test.corrected else _finding(rule, test, p, Severity.LOW, 0.4)
    if fits_one:
        return _finding(
            rule, test, p, Severity.MEDIUM, 0.6, " It fits only a one-sided test, which the paper does not mention."
        )
    far = test.relation != "=" or not 0.5 * p.two.low <= test.p <= 2 * p.two.high
    sure = test.kind in {"t", "F", "r", "z", "chi2"} and (_flips(test, p.two) or far)
    return _finding(rule, test, p, Severity.HIGH if sure else Severity.MEDIUM, 0.9 if sure else 0.75)


def _impossible(rule: Rule, test: Test, why: str) -> Finding:
    return Finding(
        rule.name, Severity.MEDIUM, f"The test statistic cannot be: {why}.", test.place, test.quote, confidence=0.7
    )


def _told(p: Band) -> str:
    low, high = (f"{end:.3f}" if end >= 0.001 else f"{end:.1e}" for end in p)
    return low if low == high else f"{low} to {high}"


def _finding(rule: Rule, test: Test, p: Recomputed, severity: Severity, confidence: float, more: str = "") -> Finding:
    flips = " This changes whether the result is significant at 0.05." if _flips(test, p.two) else ""
    told = (
        "the result is said to be not significant"
        if test.relation == "ns"
        else f"p {test.relation} {test.p:g} is stated"
    )
    return Finding(
        rule.name,
        severity,
        f"The test statistic gives p = {_told(p.two)}, but {told}.{flips}{more}",
        test.place,
        test.quote,
        expected=f"p = {_told(p.two)}",
        confidence=confidence,
        evidence={
            "test": test.kind,
            "statistic": test.value,
            "degrees_of_freedom": [d for d, _ in test.degrees],
            "two_sided": list(p.two),
            "one_sided": list(p.one) if p.one else None,
        },
    )


def _recomputed(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    tests = list(_tests(manuscript))
    if not tests:
        return rule.not_checked(
            "the paper states no test statistic together with its degrees of freedom and its p value"
        )
    context = _Context(says(manuscript, _ONE_SIDED), says(manuscript, _CORRECTED))
    found = [finding for test in tests if (finding := _judge(rule, test, context)) is not None]
    return rule.checked(len(tests), found, f"recomputed the p values of {len(tests)} reported tests")


def _tests(manuscript: Manuscript) -> Iterator[Test]:
    for passage in passages(manuscript):
        yield from reported_tests(passage.text, passage.place)


_STATED_P = re.compile(
    rf"(?<![\w-])[pP](?:[-\s]?[vV]alues?)?\s*(?P<relation>=|<|>|≤|≥)\s*(?P<p>[-−]?\d*\.?\d+{POWER}?)"
    rf"(?![\d%]|\.\d){NO_POWER}"
)


def _possible(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    for text, place in passages(manuscript):
        testing = _TESTING.search(text) is not None
        for match in _STATED_P.finditer(text):
            value, decimals = plain(match["p"])
            looked += 1
            if testing and decimals and (value > 1 or value < 0):
                message = "A p value lies between 0 and 1."
                found.append(Finding(rule.name, Severity.HIGH, message, place, match[0], "0 to 1", 0.9))
            elif testing and value == 0 and match["relation"] in "=<":
                message = "A p value is never 0; it is printed as smaller than the last digit shown."
                found.append(
                    Finding(
                        rule.name, Severity.LOW, message, place, match[0], f"p < {10.0 ** -max(decimals, 3):g}", 0.9
                    )
                )
    if not looked:
        return rule.not_checked("the paper states no p value")
    return rule.checked(looked, found, f"looked at {looked} p values")


RULES = (
    Rule(
        "recomputed-p",
        "p values fit their test statistics",
        "1",
        "Nuijten et al. 2016, doi:10.3758/s13428-015-0664-2",
        "Each p value is computed again from the printed test statistic and its degrees of freedom, as far as rounding "
        "lets it.",
        _recomputed,
    ),
    Rule(
        "possible-p",
        "p values lie between 0 and 1",
        "1",
        "Wasserstein and Lazar 2016, doi:10.1080/00031305.2016.1154108",
        "A p value above 1 or below 0 is an error; one of exactly 0 is a rounded one.",
        _possible,
    ),
)
