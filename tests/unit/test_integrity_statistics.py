"""A clinical paper whose statistics were really computed: no finding; with one number altered: nearly always one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from evaluators.manuscript.findings import Finding, Inputs, Rule
from evaluators.manuscript.integrity import confusion, fractions, grim, hidden, intervals, phrases, pvalues, ranges
from evaluators.manuscript.integrity.intervals import auc_standard_error, proportion_intervals
from tests.support.manuscripts import paper

MODULES = (pvalues, grim, confusion, fractions, ranges, intervals, hidden, phrases)
CHECKED: tuple[Rule, ...] = tuple(rule for module in MODULES for rule in module.RULES)
SEEDS = range(16)


def p_text(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {p:.3f}"


def ratings(random: np.random.Generator) -> str:
    a, b = random.integers(1, 8, 24), random.integers(2, 8, 19)
    test = stats.ttest_ind(a, b)
    return (
        f"Clinicians rated usefulness on a 7-point scale, with the tool (M = {a.mean():.2f}, SD = {a.std(ddof=1):.2f}, "
        f"n = {len(a)}) and without it (M = {b.mean():.2f}, SD = {b.std(ddof=1):.2f}, n = {len(b)}). "
        f"The groups were compared by a t test, t(41) = {test.statistic:.2f}, {p_text(test.pvalue)}."
    )


def compared(random: np.random.Generator) -> str:
    groups = [random.normal(shift, 1, 20) for shift in random.uniform(0, 0.8, 3)]
    f = stats.f_oneway(*groups)
    table = random.integers(8, 60, (2, 3))
    chi = stats.chi2_contingency(table)
    x = random.normal(size=50)
    r = stats.pearsonr(x, 0.3 * x + random.normal(size=50))
    return (
        f"Age differed between sites, F(2, 57) = {f.statistic:.2f}, {p_text(f.pvalue)}, and so did sex, "
        f"χ2({chi.dof}, N = {table.sum()}) = {chi.statistic:.2f}, {p_text(chi.pvalue)}. Dose and response "
        f"correlated, r(48) = {r.statistic:.3f}, {p_text(r.pvalue)}."
    )


def hazard(random: np.random.Generator) -> str:
    beta, error = random.normal(-0.3, 0.2), random.uniform(0.08, 0.25)
    p = 2 * stats.norm.sf(abs(beta) / error)
    low, high = math.exp(beta - 1.96 * error), math.exp(beta + 1.96 * error)
    return f"The hazard ratio was {math.exp(beta):.3f} (95% CI {low:.3f} to {high:.3f}; {p_text(p)})."


def screening(random: np.random.Generator) -> str:
    positives, negatives = int(random.integers(40, 120)), int(random.integers(150, 500))
    tp, tn = random.binomial(positives, 0.88), random.binomial(negatives, 0.81)
    sens, spec = tp / positives, tn / negatives
    accuracy, ppv = (tp + tn) / (positives + negatives), tp / (tp + negatives - tn)
    low, high = proportion_intervals(tp, positives)["Wilson"]
    auc = random.uniform(0.8, 0.93)
    half = 1.96 * auc_standard_error(auc, positives, negatives)
    return (
        f"Sensitivity was {100 * sens:.1f}% ({tp}/{positives}; 95% CI {100 * low:.1f} to {100 * high:.1f}). "
        f"Among {positives} positive and {negatives} negative cases the sensitivity was {sens:.3f}, the specificity "
        f"{spec:.3f}, the accuracy {accuracy:.3f} and the PPV {ppv:.3f}. "
        f"With {positives} positive and {negatives} negative cases the AUC was {auc:.3f} "
        f"(95% CI {auc - half:.3f} to {auc + half:.3f}). "
        f"An alarm was raised in {tp} of {positives} patients ({100 * sens:.1f}%)."
    )


PARTS: tuple[Callable[[np.random.Generator], str], ...] = (ratings, compared, hazard, screening)


def clean(seed: int) -> str:
    random = np.random.default_rng(seed)
    return " ".join(part(random) for part in PARTS)


def findings(text: str) -> list[Finding]:
    manuscript = paper(text)
    return [finding for rule in CHECKED for finding in rule(manuscript, Inputs()).findings]


@pytest.mark.parametrize("seed", SEEDS)
def test_computed_statistics_give_no_finding(seed: int) -> None:
    assert findings(clean(seed)) == []


def shifted(by: float) -> Callable[[str], str]:
    """The same number with the same decimals, further up or down."""
    return lambda written: f"{float(written) + by:.{len(written.partition('.')[2])}f}"


def other_p(written: str) -> str:
    return "p = .620" if "<" in written or float(written.split()[-1]) < 0.2 else "p = .012"


def impossible_mean(written: str) -> str:
    """The next mean that no sum of 24 whole numbers gives."""
    possible = {f"{total / 24:.2f}" for total in range(24 * 8)}
    steps = (f"{float(written) + step / 100:.2f}" for step in range(1, 9))
    return next(mean for mean in steps if mean not in possible)


ALTERED: dict[str, tuple[str, Callable[[str], str]]] = {
    "the p of the t test": (r"t\(41\) = [-\d.]+, (p [<=] \d?\.\d+)", other_p),
    "the p of F": (r"F\(2, 57\) = [\d.]+, (p [<=] \d?\.\d+)", other_p),
    "the p of chi square": (r"χ2\(2, N = \d+\) = [\d.]+, (p [<=] \d?\.\d+)", other_p),
    "the p of the correlation": (r"r\(48\) = [-\d.]+, (p [<=] \d?\.\d+)", other_p),
    "a mean": (r"\(M = ([\d.]+)", impossible_mean),
    "the hazard ratio": (r"hazard ratio was ([\d.]+)", shifted(0.9)),
    "a percentage": (r"Sensitivity was ([\d.]+)%", shifted(-8)),
    "the sensitivity": (r"the sensitivity was ([\d.]+)", shifted(-0.09)),
    "the accuracy": (r"the accuracy ([\d.]+)", shifted(0.07)),
    "the predictive value": (r"PPV ([\d.]+\d)", shifted(0.09)),
    "the area": (r"the AUC was ([\d.]+)", shifted(-0.2)),
    "a count": (r"raised in (\d+)", shifted(-9)),
    "a number of cases": (r"Among (\d+)", shifted(31)),
}


def test_altered_numbers_are_found() -> None:
    missed = []
    tried = 0
    for seed in SEEDS:
        text = clean(seed)
        for name, (pattern, altering) in ALTERED.items():
            match = re.search(pattern, text)
            assert match is not None
            altered = text[: match.start(1)] + altering(match[1]) + text[match.end(1) :]
            tried += 1
            missed += [] if findings(altered) else [(seed, name)]
    assert tried >= 200
    assert len(missed) <= 0.05 * tried, missed
