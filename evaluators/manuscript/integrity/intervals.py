"""Intervals: they hold their estimate, have a possible shape and width, and agree with the p value beside them.

Proportions: Wald, Wilson, Clopper-Pearson, Agresti-Coull and Jeffreys (Newcombe 1998,
doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E). Areas under the curve: Hanley and McNeil 1982,
doi:10.1148/radiology.143.1.7063747. p from an interval: Altman and Bland 2011, doi:10.1136/bmj.d2304.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.counts import class_sizes, evaluated_on, told_counts
from evaluators.manuscript.integrity.estimates import Estimate, estimates, in_cell, in_text
from evaluators.manuscript.integrity.pvalues import NO_POWER, POWER, plain
from evaluators.manuscript.integrity.reported import Band, rows_of, says
from evaluators.manuscript.integrity.vocabulary import measures_in

SKEWED, VERY_SKEWED = 0.3, 0.7
"""How far the estimate may stand off the middle, in half-widths, before it is told and before it is asked about."""
NARROW, WIDE, SLACK = 0.6, 1.7, 0.2
"""Widths, as shares of the expected one, that are asked about; and how far an end may be off, in widths."""
FEWEST_CASES = 5
P_BEHIND = re.compile(
    r"\s?[)\]]?\s?[,;]?\s?\(?\s?[pP](?:[- ]?values?)?\s?(?P<relation>=|<|>|≤|≥)\s?"
    rf"(?P<p>\d?\.\d+{POWER}?|\d{POWER})(?!\d){NO_POWER}"
)
"""A p value right behind an interval."""
_OTHER_QUESTION = re.compile(
    r"^[\s(]*(?:for|of|from) (?:the )?(?:\w+ )?(?:non-?\s?inferiority|equivalence|interaction|trend|"
    r"heterogeneity|linearity|difference between)|^[\s,(]*(?:one|1)-(?:sided|tailed)",
    re.IGNORECASE,
)
"""What a p value may be of instead of no effect."""
_ANOTHER_NULL = re.compile(
    r"non-?\s?inferior|\bequivalence (?:trial|margin|test)|\b(?:one|1)-(?:sided|tailed)", re.IGNORECASE
)


class Ends(NamedTuple):
    """The ends of an interval."""

    low: float
    high: float


def proportion_intervals(k: float, n: int, level: float = 0.95) -> dict[str, Ends]:
    """Intervals of k of n by five methods, as shares. Raises ValueError when n < 1 or k lies outside 0..n."""
    from scipy import stats

    if n < 1 or not 0 <= k <= n:
        raise ValueError("k of n needs 0 <= k <= n and n >= 1")
    z, alpha, p = float(stats.norm.ppf(0.5 + level / 2)), 1 - level, k / n
    wald = z * math.sqrt(p * (1 - p) / n)
    centre, half = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n)
    wilson = half * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    coull = z * math.sqrt(centre * (1 - centre) / (n + z * z))
    beta = stats.beta
    return {
        "Wald": Ends(max(0.0, p - wald), min(1.0, p + wald)),
        "Wilson": Ends(max(0.0, centre - wilson), min(1.0, centre + wilson)),
        "Agresti-Coull": Ends(max(0.0, centre - coull), min(1.0, centre + coull)),
        "Clopper-Pearson": Ends(
            float(beta.ppf(alpha / 2, k, n - k + 1)) if k > 0 else 0.0,
            float(beta.ppf(1 - alpha / 2, k + 1, n - k)) if k < n else 1.0,
        ),
        "Jeffreys": Ends(
            float(beta.ppf(alpha / 2, k + 0.5, n - k + 0.5)) if k > 0 else 0.0,
            float(beta.ppf(1 - alpha / 2, k + 0.5, n - k + 0.5)) if k < n else 1.0,
        ),
    }


def auc_standard_error(auc: float, positives: int, negatives: int) -> float:
    """Hanley and McNeil's standard error of an area under the ROC curve."""
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    spread = auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)
    return math.sqrt(max(0.0, spread) / (positives * negatives))


def p_from_interval(value: float, low: float, high: float, null: float, level: float = 0.95) -> float:
    """The two-sided p of an estimate with a symmetric interval; give logarithms for a ratio."""
    from scipy import stats

    error = (high - low) / (2 * float(stats.norm.ppf(0.5 + level / 2)))
    return float(2 * stats.norm.sf(abs(value - null) / error)) if error > 0 else (1.0 if value == null else 0.0)


def _found(rule: Rule, severity: Severity, message: str, one: Estimate, expected: str, sure: float) -> Finding:
    evidence = {"estimate": one.value, "low": one.low, "high": one.high, "level": one.level}
    return Finding(rule.name, severity, message, one.place, one.quote, expected, sure, evidence)


def _contains(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    for one in estimates(manuscript):
        looked += 1
        value, low, high = one.bands()
        if low.low > high.high:
            message = f"The interval begins above its end: {one.low:g} to {one.high:g}."
            # "-0.03 (-0.01 to -0.05)" counts away from zero, as one speaks of a decrease.
            away = one.high <= one.value <= one.low < 0
            severity, sure = (Severity.LOW, 0.4) if away else (Severity.MEDIUM, 0.8)
            found.append(_found(rule, severity, message, one, f"{one.high:g} to {one.low:g}", sure))
        elif not _within(value, low, high):
            severity, sure = (Severity.MEDIUM, 0.5) if one.compared or not one.labelled else (Severity.HIGH, 0.9)
            message = f"The estimate {one.value:g} lies outside its own interval of {one.low:g} to {one.high:g}."
            found.append(_found(rule, severity, message, one, f"{one.low:g} to {one.high:g}", sure))
    if not looked:
        return rule.not_checked("the paper states no estimate with an interval")
    return rule.checked(looked, found, f"looked at {looked} estimates with an interval")


def _within(value: Band, low: Band, high: Band) -> bool:
    """Whether the estimate can lie in the interval, also in percent against shares or as the logarithm of a ratio."""
    forms = [value, value.scaled(0.01), value.scaled(100)]
    if value.high < 20:
        forms.append(Band(math.exp(value.low), math.exp(value.high)))
    # "fell by 0.8 (-1.1 to -0.5)" tells the size of a change beside its signed interval.
    mirrored = Band(-value.high, -value.low)
    if (high.high < 0 < value.low or value.high < 0 < low.low) and mirrored.meets(Band(low.low, high.high)):
        return True
    near, rest = forms[0], forms[1:]
    return near.meets(Band(low.low, high.high)) or any(
        form.meets(Band(low.low, high.high)) for form in rest if low.low > 0
    )


def _shape(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    for one in estimates(manuscript):
        kind = one.kind
        if not kind or one.compared or not one.low < one.value < one.high or (kind == "ratio" and one.low <= 0):
            continue
        looked += 1
        skew, rounding = _skew(one, kind)
        if abs(skew) - rounding > SKEWED:
            severity, sure = (Severity.MEDIUM, 0.6) if abs(skew) - rounding > VERY_SKEWED else (Severity.LOW, 0.4)
            scale = "on the scale of logarithms " if kind == "ratio" else ""
            ends = f"{one.low:g} to {one.high:g}"
            message = f"The {kind} {one.value:g} is {scale}far from the middle of its interval of {ends}."
            middle = math.sqrt(one.low * one.high) if kind == "ratio" else (one.low + one.high) / 2
            found.append(_found(rule, severity, message, one, f"about {middle:.{one.decimals[0]}f}", sure))
    if not looked:
        return rule.not_checked("the paper states no ratio or difference with an interval")
    return rule.checked(looked, found, f"looked at {looked} ratios and differences with an interval")


def _skew(one: Estimate, kind: str) -> tuple[float, float]:
    """How far the estimate stands off the middle in half-widths, and how much of that rounding can explain."""
    value, low, high = one.bands()
    ends = [(value.low, value.high), (low.low, low.high), (high.low, high.high)]
    if kind == "ratio":
        tiny = 1e-12
        ends = [(math.log(max(a, tiny)), math.log(max(b, tiny))) for a, b in ends]
        middle, lowest, highest = (math.log(v) for v in (one.value, one.low, one.high))
    else:
        middle, lowest, highest = one.value, one.low, one.high
    half = (highest - lowest) / 2
    rounding = (ends[0][1] - ends[0][0]) / 2 + (ends[1][1] - ends[1][0] + ends[2][1] - ends[2][0]) / 4
    return (middle - (lowest + highest) / 2) / half, min(rounding, 10.0) / half


class Sized(NamedTuple):
    """An estimate with what its width can be computed from. `exact` where the counts stand right beside it."""

    estimate: Estimate
    measure: str
    k: float
    n: int
    positives: int
    negatives: int
    exact: bool


def _sized(manuscript: Manuscript) -> Iterator[Sized]:
    elsewhere = evaluated_on(manuscript)
    for one in estimates(manuscript):
        share = one.value / (100 if one.percent else 1)
        fits = one.k is not None and one.n is not None and 0 <= one.k <= one.n and one.n >= FEWEST_CASES
        if fits and one.k is not None and one.n is not None and abs(share - one.k / one.n) < 0.01:
            yield Sized(one, "share", one.k, one.n, 0, 0, True)
    for sentence in manuscript.sentences():
        counts = {**elsewhere, **told_counts(sentence.text)}
        for one in in_text(sentence.text, sentence.place):
            named = measures_in(one.before)
            if named and one.k is None and len(one.before) - named[-1][1] < 30:
                yield from _of_measure(one, named[-1][2].name, counts, False)
    for table in manuscript.tables:
        told = {**elsewhere, **told_counts(table.caption)}
        for row in rows_of(table):
            for measure, cell in row.cells.items():
                found = in_cell(cell.text, cell.place)
                if found is not None:
                    yield from _of_measure(found, measure, {**told, **row.counts}, bool(row.counts))


def _of_measure(one: Estimate, measure: str, counts: Mapping[str, int], exact: bool) -> Iterator[Sized]:
    """The measure's own number of cases."""
    positives, negatives, n = class_sizes(counts)
    said = {
        "sensitivity": positives, "recall": positives, "specificity": negatives, "accuracy": n,
        "ppv": counts["tp"] + counts["fp"] if {"tp", "fp"} <= set(counts) else None,
        "npv": counts["tn"] + counts["fn"] if {"tn", "fn"} <= set(counts) else None,
    }  # fmt: skip
    share = one.value / (100 if one.percent or one.value > 1.5 else 1)
    cases = said.get(measure)
    if cases and cases >= FEWEST_CASES and 0 <= share <= 1:
        yield Sized(one, "share", share * cases, cases, 0, 0, exact)
    if measure == "auc" and positives and negatives and 0.5 <= share < 0.995:
        yield Sized(one, "auc", share, positives + negatives, positives, negatives, False)


def _width(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    for sized in _sized(manuscript):
        one = sized.estimate
        if not one.low < one.high or one.compared:
            continue
        looked += 1
        finding = _auc_width(rule, sized) if sized.measure == "auc" else _share_width(rule, sized)
        found += [finding] if finding else []
    if not looked:
        return rule.not_checked("no interval of a proportion or area under the curve has its number of cases beside it")
    return rule.checked(looked, found, f"computed {looked} intervals again from their numbers of cases")


def _share_width(rule: Rule, sized: Sized) -> Finding | None:
    one = sized.estimate
    scale = 100.0 if one.percent or max(one.value, one.high) > 1.5 else 1.0
    made = proportion_intervals(sized.k, sized.n, one.level)
    wilson = made["Wilson"]
    width, expected = (one.high - one.low) / scale, wilson.high - wilson.low
    rounding = 10.0 ** -min(one.decimals[1:]) / scale
    off = SLACK * expected + rounding
    lows, highs = [ends.low for ends in made.values()], [ends.high for ends in made.values()]
    low, high = one.low / scale, one.high / scale
    if min(lows) - off <= low <= max(lows) + off and min(highs) - off <= high <= max(highs) + off:
        return None
    if width + rounding < NARROW * expected:
        severity, sure = (Severity.HIGH, 0.8) if sized.exact else (Severity.MEDIUM, 0.6)
    else:
        # Several cases of one person make an honest interval wider on both sides.
        around = low <= min(lows) + off and high >= max(highs) - off
        clear = sized.exact and width < WIDE * expected and not around
        severity, sure = (Severity.MEDIUM, 0.6) if clear else (Severity.LOW, 0.4)
    told = f"{wilson.low * scale:.{one.decimals[1]}f} to {wilson.high * scale:.{one.decimals[2]}f}"
    message = (
        f"With {sized.n} cases the interval of {one.value:g}{'%' if one.percent else ''} is about {told}, "
        f"not {one.low:g} to {one.high:g}."
    )
    return _found(rule, severity, message, one, told, sure)


def _auc_width(rule: Rule, sized: Sized) -> Finding | None:
    """Below the estimate, where an area near 1 leaves the interval room."""
    from scipy import stats

    one = sized.estimate
    scale = 100.0 if one.percent or one.value > 1.5 else 1.0
    half = float(stats.norm.ppf(0.5 + one.level / 2)) * auc_standard_error(sized.k, sized.positives, sized.negatives)
    rounding = 10.0 ** -min(one.decimals) / scale
    below = (one.value - one.low) / scale
    if NARROW * half - rounding <= below <= 2 * half + rounding:
        return None
    low, high = max(0.0, sized.k - half) * scale, min(1.0, sized.k + half) * scale
    told = f"{low:.{one.decimals[1]}f} to {high:.{one.decimals[2]}f}"
    narrow = below < half
    message = (
        f"With {sized.positives} positive and {sized.negatives} negative cases the interval of an area of "
        f"{one.value:g} is about {told}; {one.low:g} to {one.high:g} is much {'narrower' if narrow else 'wider'}."
    )
    severity, sure = (Severity.MEDIUM, 0.55) if narrow else (Severity.LOW, 0.35)
    return _found(rule, severity, message, one, told, sure)


def _with_p(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    another = says(manuscript, _ANOTHER_NULL)
    for one in estimates(manuscript):
        kind, p = one.kind, P_BEHIND.match(one.after)
        if not kind or p is None or not one.low < one.high or (kind == "ratio" and min(one.low, one.value) <= 0):
            continue
        looked += 1
        finding = None if _OTHER_QUESTION.search(one.after[p.end() :]) else _against_p(rule, one, kind, p, another)
        found += [finding] if finding else []
    if not looked:
        return rule.not_checked("no ratio or difference has both an interval and a p value beside it")
    return rule.checked(looked, found, f"compared {looked} intervals with the p values beside them")


def _against_p(rule: Rule, one: Estimate, kind: str, match: re.Match[str], another: bool) -> Finding | None:
    """A finding where the interval and p disagree about whether there is an effect, or p is far from the interval's.

    `another`: whether the paper also tests other questions (non-inferiority) or one side, whose p may be smaller.
    """
    stated, relation = plain(match["p"])[0], match["relation"]
    null = 1.0 if kind == "ratio" else 0.0
    _, low, high = one.bands()
    form = math.log if kind == "ratio" else float
    p = p_from_interval(form(one.value), form(one.low), form(one.high), form(null), one.level)
    alpha = 1 - one.level
    out, within = low.low > null or high.high < null, low.high < null < high.low
    above = relation in {"=", ">", "≥"} and stated > alpha * 1.2
    below = relation in {"=", "<", "≤"} and stated < alpha * 0.8 and not (relation in "<≤" and stated > alpha)
    clash = (out and above) or (within and below)
    if not clash:
        return None
    far = not p / 3 <= stated <= p * 3 if relation == "=" else (p > 2 * alpha if within else p < alpha / 2)
    severity, sure = (Severity.HIGH, 0.8) if far and not (another and within) else (Severity.MEDIUM, 0.5)
    side = "leaves out" if out else "includes"
    message = (
        f"The interval {one.low:g} to {one.high:g} {side} {null:g}, so that p is about {p:.2g}, "
        f"but p {relation} {match['p']} is stated."
    )
    return _found(rule, severity, message, one, f"p about {p:.2g}", sure)


RULES = (
    Rule(
        "interval-contains",
        "Intervals hold their estimate",
        "1",
        "Plain logic",
        "An estimate lies inside its own interval, and an interval begins below its end.",
        _contains,
    ),
    Rule(
        "interval-shape",
        "Estimates stand in the middle of their interval",
        "1",
        "Altman and Bland 2011, doi:10.1136/bmj.d2304",
        "A difference stands near the middle of its interval; a ratio does so on the scale of logarithms.",
        _shape,
    ),
    Rule(
        "interval-width",
        "Intervals are as wide as the number of cases allows",
        "1",
        "Newcombe 1998 (proportions); Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747",
        "The interval of a proportion or of an area under the curve is computed again from the number of cases.",
        _width,
    ),
    Rule(
        "interval-and-p",
        "Intervals and p values agree",
        "1",
        "Altman and Bland 2011, doi:10.1136/bmj.d2304",
        "An interval of 95 % that leaves out no effect goes with p below 0.05, and the other way round.",
        _with_p,
    ),
)
