"""Judge facts against a pack at a gate. Pure and deterministic: the only moment is the facts' own `at`.

A gate opens only if the pack is known to be in force and every blocking control is pass, not applicable or
waived. Whatever is missing makes a control indeterminate; whatever breaks makes it an error; both close.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from policies import moments, sentences
from policies.digests import digest
from policies.errors import FactsError, OperandError, PolicyError
from policies.loading import citation_json
from policies.logic import Truth
from policies.operators import evaluate
from policies.pack import GATES, Control, Pack
from policies.scope import Scope, collect
from policies.trace import TraceNode
from policies.waivers import Waiver, concerns, objection
from policies.wording import full_stop, phrase, words

SCHEMA = "greenlight.facts/1"


class Status(StrEnum):
    """What became of one control."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    INDETERMINATE = "indeterminate"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"
    ERROR = "error"


OPENING = frozenset({Status.PASS, Status.NOT_APPLICABLE, Status.WAIVED})
WAIVABLE = frozenset({Status.FAIL, Status.INDETERMINATE})


@dataclass(frozen=True)
class Evidence:
    """A fact path with the digest of all values found there; None when there were none."""

    path: str
    sha256: str | None


@dataclass(frozen=True)
class Verdict:
    """One control judged. `blocking` says whether the control can close a gate, `closes` whether it does."""

    control_id: str
    control_version: str
    title: str
    status: Status
    severity: str
    blocking: bool
    sentence: str
    next_step: str
    evidence: tuple[Evidence, ...] = ()
    citations: tuple[Mapping[str, object], ...] = ()
    applies_trace: TraceNode | None = None
    passes_trace: TraceNode | None = None
    waiver_id: str | None = None
    notes: tuple[str, ...] = ()
    """Why an offered waiver was not accepted."""

    @property
    def closes(self) -> bool:
        """Whether this verdict keeps the gate closed."""
        return self.blocking and self.status not in OPENING

    def to_json(self) -> dict[str, object]:
        """The verdict as plain JSON values, its traces included."""
        return {
            "control_id": self.control_id,
            "control_version": self.control_version,
            "title": self.title,
            "status": self.status.value,
            "severity": self.severity,
            "blocking": self.blocking,
            "closes": self.closes,
            "sentence": self.sentence,
            "next_step": self.next_step,
            "evidence": [{"path": item.path, "sha256": item.sha256} for item in self.evidence],
            "citations": [dict(citation) for citation in self.citations],
            "waiver_id": self.waiver_id,
            "notes": list(self.notes),
            "trace": {
                "applies_when": self.applies_trace.to_json() if self.applies_trace else None,
                "passes_when": self.passes_trace.to_json() if self.passes_trace else None,
            },
        }


@dataclass(frozen=True)
class Assessment:
    """One pack judged at one gate. `problem` says why the pack itself cannot open the gate, if so."""

    pack_id: str
    pack_version: str
    pack_digest: str
    pack_title: str
    pack_short_title: str
    pack_status: str
    gate: str
    at: str
    facts_sha256: str
    verdicts: tuple[Verdict, ...]
    problem: str | None = None

    @property
    def opens(self) -> bool:
        """Whether this pack lets the case through the gate."""
        return self.problem is None and not self.closing

    @property
    def closing(self) -> tuple[Verdict, ...]:
        """The verdicts that keep the gate closed, in the pack's order."""
        return tuple(verdict for verdict in self.verdicts if verdict.closes)

    def __getitem__(self, control_id: str) -> Verdict:
        for verdict in self.verdicts:
            if verdict.control_id == control_id:
                return verdict
        raise KeyError(control_id)

    def to_json(self) -> dict[str, object]:
        """The assessment as plain JSON values."""
        return {
            "pack": {
                "id": self.pack_id,
                "version": self.pack_version,
                "digest": self.pack_digest,
                "title": self.pack_title,
                "short_title": self.pack_short_title,
                "status": self.pack_status,
            },
            "gate": self.gate,
            "at": self.at,
            "facts_sha256": self.facts_sha256,
            "opens": self.opens,
            "problem": self.problem,
            "verdicts": [verdict.to_json() for verdict in self.verdicts],
        }


@dataclass(frozen=True)
class _Force:
    """Whether something is in force: TRUE, FALSE or UNKNOWN, and the sentence when it is not TRUE."""

    truth: Truth
    sentence: str = ""
    next_step: str = ""


def judge(pack: Pack, facts: Mapping[str, object], gate: str, waivers: Sequence[Waiver] = ()) -> Assessment:
    """Judge every control of the pack that belongs to the gate; a FactsError if the facts cannot be judged."""
    document = _checked(facts, gate)
    facts_sha256 = _facts_sha256(facts)
    force = _pack_force(pack, document)
    controls = (control for control in pack.controls if gate in control.gates)
    verdicts = tuple(_judge(pack, control, document, gate, waivers, force) for control in controls)
    return Assessment(
        pack_id=pack.id,
        pack_version=pack.version,
        pack_digest=pack.digest,
        pack_title=pack.title,
        pack_short_title=pack.short_title,
        pack_status=pack.status.value,
        gate=gate,
        at=str(document["at"]),
        facts_sha256=facts_sha256,
        verdicts=verdicts,
        problem=None if force.truth is Truth.TRUE else force.sentence,
    )


def _checked(facts: Mapping[str, object], gate: str) -> Mapping[str, object]:
    if gate not in GATES:
        raise FactsError(f"'{gate}' is not a gate; use one of {', '.join(GATES)}.")
    if facts.get("schema", SCHEMA) != SCHEMA:
        raise FactsError(f"the facts are written as {facts['schema']!r}; write them as '{SCHEMA}'.")
    if facts.get("gate") not in (None, gate):
        raise FactsError(f"the facts were gathered for the gate {facts['gate']!r}; gather them again for '{gate}'.")
    try:
        moments.parse(facts.get("at"), "at")
    except OperandError:
        raise FactsError("the facts do not say at which moment they are judged; give 'at' as a UTC moment.") from None
    return {**facts, "gate": gate}


def _facts_sha256(facts: Mapping[str, object]) -> str:
    try:
        return digest(facts)
    except (TypeError, ValueError, RecursionError) as error:
        raise FactsError(f"the facts hold something that is not plain JSON ({error}); leave it out.") from None


def _pack_force(pack: Pack, facts: Mapping[str, object]) -> _Force:
    named = f"the {pack.short_title} '{pack.title}'"
    if pack.effective_from is None and pack.effective_to is None:
        return _Force(Truth.TRUE)
    try:
        reading = Scope(facts).read(pack.in_force_by)
        if not reading.known:
            missing = phrase(pack.in_force_by)
            sentence = f"it cannot be told whether {named} is in force, because nobody has recorded {missing}"
            return _Force(Truth.UNKNOWN, full_stop(sentence), f"Have it recorded: {missing}.")
        span = moments.parse(reading.value, reading.path)
    except PolicyError as error:
        sentence = f"it cannot be told whether {named} is in force: {error}"
        return _Force(Truth.FALSE, full_stop(sentence), "Correct the recorded date.")
    if pack.in_force_on(span.earliest.date()) and pack.in_force_on(span.latest.date()):
        return _Force(Truth.TRUE)
    sentence = f"{named} is in force {pack.period}, and {phrase(pack.in_force_by)} is {reading.value}"
    return _Force(Truth.FALSE, full_stop(sentence), "Name the pack of the terms that govern this project.")


def _judge(
    pack: Pack,
    control: Control,
    facts: Mapping[str, object],
    gate: str,
    waivers: Iterable[Waiver],
    force: _Force,
) -> Verdict:
    if force.truth is not Truth.TRUE:
        status = Status.INDETERMINATE if force.truth is Truth.UNKNOWN else Status.ERROR
        return _verdict(control, facts, status, f"{control.id} cannot be judged: {force.sentence}", force.next_step)
    verdict = _judge_alone(control, facts)
    return _waive(verdict, pack, control, facts, gate, waivers)


def _judge_alone(control: Control, facts: Mapping[str, object]) -> Verdict:
    try:
        return _evaluated(control, facts)
    except OperandError as error:
        sentence = f"{control.id} cannot be judged because a fact has the wrong form: {error}"
        return _verdict(control, facts, Status.ERROR, full_stop(sentence), "Correct the recorded fact.")
    except Exception as error:
        sentence = f"{control.id} cannot be judged because its evaluation broke ({type(error).__name__})"
        return _verdict(control, facts, Status.ERROR, full_stop(sentence), "Report this with the case's facts.")


def _evaluated(control: Control, facts: Mapping[str, object]) -> Verdict:
    scope = Scope(facts)
    if early := _control_dates(control, scope):
        return _verdict(control, facts, Status.NOT_APPLICABLE, early, "")
    applies = evaluate(control.applies_when, scope)
    if applies.result is Truth.FALSE:
        text = sentences.not_applicable(control, applies)
        return _verdict(control, facts, Status.NOT_APPLICABLE, text, "", applies)
    if applies.result is Truth.UNKNOWN:
        text, step = sentences.unknown(control, applies), sentences.unknown_step(control, applies)
        return _verdict(control, facts, Status.INDETERMINATE, text, step, applies)
    passes = evaluate(control.passes_when, scope)
    if passes.result is Truth.TRUE:
        return _verdict(control, facts, Status.PASS, sentences.met(control, passes), "", applies, passes)
    if passes.result is Truth.FALSE:
        text, step = sentences.failed(control, passes, facts), sentences.fill(control.next_step, passes, facts)
        return _verdict(control, facts, Status.FAIL, text, full_stop(step), applies, passes)
    text, step = sentences.unknown(control, passes), sentences.unknown_step(control, passes)
    return _verdict(control, facts, Status.INDETERMINATE, text, step, applies, passes)


def _control_dates(control: Control, scope: Scope) -> str | None:
    span = moments.parse(scope.read("at").value, "at")
    start, end = control.effective_from or date.min, control.effective_to or date.max
    if span.latest.date() < start:
        return f"{control.id} does not apply: it takes effect on {start.isoformat()}."
    if span.earliest.date() > end:
        return f"{control.id} does not apply: it ended on {end.isoformat()}."
    return None


def _verdict(
    control: Control,
    facts: Mapping[str, object],
    status: Status,
    sentence: str,
    next_step: str,
    applies: TraceNode | None = None,
    passes: TraceNode | None = None,
) -> Verdict:
    return Verdict(
        control_id=control.id,
        control_version=control.version,
        title=control.title,
        status=status,
        severity=control.severity.value,
        blocking=control.blocking,
        sentence=sentence,
        next_step=next_step,
        evidence=tuple(_evidence(path, facts) for path in control.evidence),
        citations=tuple(citation_json(citation) for citation in control.citations),
        applies_trace=applies,
        passes_trace=passes,
    )


def _evidence(path: str, facts: Mapping[str, object]) -> Evidence:
    found = list(collect(facts, path))
    return Evidence(path, digest(found if "[]" in path else found[0]) if found else None)


def _waive(
    verdict: Verdict,
    pack: Pack,
    control: Control,
    facts: Mapping[str, object],
    gate: str,
    waivers: Iterable[Waiver],
) -> Verdict:
    if verdict.status not in WAIVABLE:
        return verdict
    notes: list[str] = []
    for waiver in sorted(waivers, key=lambda one: one.id):
        if not concerns(waiver, pack, control, gate):
            continue
        problem = objection(waiver, control, facts)
        if problem is None:
            return _waived(verdict, waiver)
        notes.append(f"A waiver by {waiver.by_name} was not accepted: {problem}.")
    return replace(verdict, notes=tuple(notes))


def _waived(verdict: Verdict, waiver: Waiver) -> Verdict:
    signer = f"{waiver.by_name} ({words(waiver.role)})"
    without = verdict.sentence.removesuffix(".")
    text = f"{verdict.control_id} is waived until {waiver.expires_at} by {signer}: {waiver.reason.rstrip('.')}"
    notes = (f"Without the waiver: {without}.",)
    return replace(
        verdict,
        status=Status.WAIVED,
        sentence=full_stop(text),
        next_step="",
        waiver_id=waiver.id,
        notes=notes,
    )
