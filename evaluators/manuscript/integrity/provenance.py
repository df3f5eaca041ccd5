"""Each printed number of two or more decimals is traced to what the run logged."""

from __future__ import annotations

from collections import Counter

from evaluators.manuscript.document import Manuscript, Number
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.accounting import Account
from evaluators.manuscript.integrity.printed import Printed, printed_numbers
from evaluators.manuscript.integrity.tracing import Trace, Tracer

MOST_LISTED = 2000
ALIEN_SHARE, ALIEN_COUNT = 0.3, 8
"""A run that explains less than this share of so many numbers may be another paper's: nothing is HIGH then."""
CLOSE = 0.2
"""Relative distance within which a sentence's number is taken for a misprint of the logged one it names."""


def examine(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    """Trace every number; `evidence` holds the counts, the share and where each number comes from."""
    if inputs.run is None:
        return rule.not_checked("no run was given")
    if not inputs.run.numbers:
        return rule.not_checked("the run logged no numbers")
    found = list(printed_numbers(manuscript))
    traced = list(zip(found, Account(Tracer(inputs.run), found).traces, strict=True))
    counted = [(p, t) for p, t in traced if p.counted]
    if not counted:
        return rule.not_checked("the paper states no number of two or more decimals")
    own = [(p, t) for p, t in counted if not (p.cited and t.status != "traced") and t.status != "setup"]
    share = sum(t.status == "traced" for _, t in own) / len(own) if own else None
    alien = share is not None and share < ALIEN_SHARE and len(own) >= ALIEN_COUNT
    contradicted = [(p, t) for p, t in traced if not p.counted and t.status == "differs"]
    told = (_finding(rule, printed, trace, alien) for printed, trace in (*own, *contradicted))
    findings = [finding for finding in told if finding is not None]
    evidence = _evidence(counted, own, share)
    return rule.checked(len(own), findings, _told(evidence, alien, inputs), evidence)


def _finding(rule: Rule, printed: Printed, trace: Trace, alien: bool) -> Finding | None:
    if trace.status == "traced":
        return None
    severity, confidence = _weight(printed, trace)
    if alien and severity is Severity.HIGH:
        severity, confidence = Severity.MEDIUM, 0.5
    nearest = f"{_short(trace.expected[0][0], printed.number)} ({trace.expected[0][1]})" if trace.expected else ""
    loose = nearest and printed.of is None and trace.status != "differs"
    expected = f"what was logged; the nearest is {nearest}" if loose else nearest
    evidence = {
        "printed": printed.number.text,
        "status": trace.status,
        "logged": [{"value": value, "where": where} for value, where in trace.expected],
    }
    message = _message(printed, trace)
    return Finding(rule.name, severity, message, printed.place, printed.quote, expected, confidence, evidence)


def _weight(printed: Printed, trace: Trace) -> tuple[Severity, float]:
    if trace.status == "differs":
        return Severity.HIGH, 0.9
    if printed.of is None and not printed.around.cell and not printed.cited and _misprint(printed.number, trace):
        return Severity.HIGH, 0.7
    if trace.status == "coincidence" and not trace.named:
        return Severity.LOW, 0.4
    return Severity.MEDIUM, 0.6


def _misprint(number: Number, trace: Trace) -> bool:
    """Whether a sentence names a logged quantity and prints a number close to it that is not it."""
    if not trace.expected or not trace.named:
        return False
    nearest = trace.expected[0][0]
    return nearest * number.value > 0 and abs(nearest - number.value) <= CLOSE * abs(nearest)


def _message(printed: Printed, trace: Trace) -> str:
    number = printed.number.text
    if printed.of is not None:
        given = f"{printed.of.text} ± {number}"
        if trace.form == "once":
            return f'The run measured this once, so "{given}" has a deviation that nothing could give.'
        if trace.expected and not any(value for value, _ in trace.expected):
            return f'The run logged a deviation of 0 here, not the one in "{given}".'
        if trace.expected:
            return f'The deviation in "{given}" is not what the run gives, in any usual form.'
        return f'The deviation in "{given}" rests on nothing that the run logged.'
    if trace.status == "differs":
        of = f"for {printed.what}" if printed.what else "in this place"
        return f"The number {number} {of} is not what the run logged there."
    if trace.status == "misplaced":
        where = " or ".join(dict.fromkeys(trace.pointers))
        return f"The run logged {number} elsewhere ({where}), not for what this table's caption names."
    if trace.status == "coincidence":
        return (
            f"The number {number} matches nothing that the run logged under its name, only unrelated values by chance."
        )
    return (
        f"The number {number} is not found in the run, nor as a mean, deviation, difference, ratio or percent change."
    )


def _short(value: float, number: Number) -> str:
    return f"{value:.{min(10, number.decimals + 1)}f}" if abs(value) >= 10.0**-number.decimals else f"{value:.2g}"


def _evidence(
    traced: list[tuple[Printed, Trace]], own: list[tuple[Printed, Trace]], share: float | None
) -> dict[str, object]:
    counts = Counter(trace.status for _, trace in own)
    listed = [
        {
            "number": printed.number.text,
            "quote": printed.quote,
            "page": printed.place.page,
            "line": printed.place.line,
            "status": trace.status,
            "form": trace.form,
            "pointers": list(trace.pointers),
        }
        for printed, trace in traced[:MOST_LISTED]
    ]
    return {
        "share": share,
        "numbers": len(own),
        "traced": counts["traced"],
        "setup": sum(trace.status == "setup" for _, trace in traced),
        "of_others": len(traced) - len(own) - sum(trace.status == "setup" for _, trace in traced),
        "listed": listed,
    }


def _told(evidence: dict[str, object], alien: bool, inputs: Inputs) -> str:
    text = f"{evidence['traced']} of {evidence['numbers']} numbers of two or more decimals come from the run"
    if alien:
        text += "; so few that the folder may be another paper's run"
    notes = inputs.run.notes if inputs.run else ()
    return "; ".join((text, *notes))


RULES = (
    Rule(
        "number-provenance",
        "Numbers traced to the run",
        "3",
        "Provenance of reported results; after the numeric checks of AI-generated manuscripts",
        "Looks for every printed number in the files of the run, also as a mean, deviation or change of logged values.",
        examine,
    ),
)
