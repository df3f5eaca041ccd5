"""Prove a pack before anybody relies on it: every control can pass, can fail, and never passes on nothing.

Examples are executed, then each piece of evidence is taken away from the passing ones: a verdict that stays
`pass` without a piece of its evidence in every passing example shows that the piece is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from policies.clauses import Clause, paths
from policies.engine import Status, judge
from policies.errors import PolicyError
from policies.fixtures import Case, load_fixtures, without
from policies.pack import UNBINDING, Control, Pack, Severity

CONSTANT = {"always": {"holds": True}}


@dataclass(frozen=True)
class Finding:
    """One defect of a pack: the control (None for the pack), the rule of the lint, and what to do."""

    control: str | None
    rule: str
    sentence: str


def lint(pack: Pack, cases: Sequence[Case] | None = None, on: date | None = None) -> tuple[Finding, ...]:
    """Return all defects. `cases` default to the examples beside the pack; `on` is the day for expired citations."""
    examples = load_fixtures(pack) if cases is None else cases
    findings: list[Finding] = []
    for control in pack.controls:
        own = [case for case in examples if case.control == control.id]
        findings += _shape(control)
        findings += _authority(control, on)
        findings += _coverage(control, own)
        findings += _examples(pack, control, own)
        findings += _mutations(pack, control, own)
    return tuple(findings)


def _shape(control: Control) -> Iterator[Finding]:
    satisfier = control.passes_when.to_json()
    if satisfier in _conjuncts(control.applies_when) or satisfier == CONSTANT:
        text = "passes by the very thing that triggers it, so it can never fail; ask for something else"
        yield Finding(control.id, "trigger-is-satisfier", f"{control.id} {text}.")
    read = {path for clause in (control.applies_when, control.passes_when) for path in paths(clause)}
    for path in sorted(read - set(control.evidence)):
        yield Finding(control.id, "undeclared-evidence", f"{control.id} reads {path}; list it as evidence.")
    for path in sorted(set(control.evidence) - read):
        yield Finding(control.id, "unread-evidence", f"{control.id} never reads {path}; strike it from the evidence.")


def _conjuncts(clause: Clause) -> Iterator[dict[str, object]]:
    yield clause.to_json()
    if clause.op == "all":
        for part in clause.parts:
            yield from _conjuncts(part)


def _authority(control: Control, on: date | None) -> Iterator[Finding]:
    if not control.citations:
        yield Finding(control.id, "no-citation", f"{control.id} cites nothing; say where it comes from.")
    for citation in control.citations:
        if on and citation.valid_until and citation.valid_until < on:
            text = f"{control.id} cites {citation.instrument}, valid until {citation.valid_until.isoformat()}"
            yield Finding(control.id, "expired-citation", f"{text}; read the source again.")
        if on and citation.verified_on and citation.verified_on > on.isoformat():
            yield Finding(control.id, "future-citation", f"{control.id} was verified after today; correct the date.")
    if control.severity is not Severity.BLOCK or control.blocking:
        return
    draft = all(citation.status in UNBINDING for citation in control.citations)
    said = control.block_on_draft if draft else control.block_on_secondary
    if said is None:
        option = "block_on_draft" if draft else "block_on_secondary"
        text = "is called blocking, but no citation of it carries a block"
        yield Finding(control.id, "block-without-authority", f"{control.id} {text}; set {option} to true or false.")


def _coverage(control: Control, cases: Iterable[Case]) -> Iterator[Finding]:
    wanted = ["pass", "fail", "indeterminate"]
    if control.applies_when.to_json() != CONSTANT:
        wanted.append("not_applicable")
    had = {case.expect for case in cases}
    for status in wanted:
        if status not in had:
            yield Finding(control.id, "no-example", f"{control.id} has no example of '{status}'; add one.")


def _examples(pack: Pack, control: Control, cases: Iterable[Case]) -> Iterator[Finding]:
    for case in cases:
        status = _status(pack, control, case.facts, case.gate)
        if status != case.expect:
            text = f"{control.id} gives {status} where its example '{case.why}' expects {case.expect}"
            yield Finding(control.id, "example-differs", f"{text}; correct one of them.")


def _mutations(pack: Pack, control: Control, cases: Sequence[Case]) -> Iterator[Finding]:
    passing = [case for case in cases if case.expect == "pass"]
    closed = set(_closed_paths(control))
    for path in control.evidence:
        needed = False
        for case in passing:
            status = _status(pack, control, without(case.facts, path), case.gate)
            needed |= status != Status.PASS
            if status == Status.FAIL or (status == Status.NOT_APPLICABLE and path not in closed):
                text = f"{control.id} gives {status} when nothing is known of {path}; it must say so instead"
                yield Finding(control.id, "missing-decides", f"{text}.")
        if passing and not needed and path != "gate":
            text = f"{control.id} passes without {path} in all of its examples"
            yield Finding(control.id, "not-evidence", f"{text}; strike it, or add an example that rests on it.")


def _closed_paths(control: Control) -> Iterator[str]:
    """Yield the measures whose absence is an answer, because a clause asks whether they were taken."""
    stack = [control.applies_when, control.passes_when]
    while stack:
        clause = stack.pop()
        if clause.op == "taken":
            yield f"measurements.{clause.text('name')}"
        stack.extend(clause.parts)


def _status(pack: Pack, control: Control, facts: Mapping[str, object], gate: str) -> str:
    try:
        return judge(pack, facts, gate)[control.id].status.value
    except PolicyError as error:
        return f"no verdict ({error})"
    except KeyError:
        return f"no verdict (the gate {gate} does not ask for it)"
