"""What the verdicts mean, in the words of a lawyer rather than of a programmer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from policies.engine import Assessment, Status, Verdict
from policies.wording import capital, full_stop, listing

GATE_WORDS = {"submit": "run", "release": "be released", "export": "leave"}
ORDER = (Status.FAIL, Status.ERROR, Status.INDETERMINATE)


class Reason(NamedTuple):
    """One thing that keeps a gate closed, and what to do about it."""

    sentence: str
    next_step: str


def headline(assessments: Sequence[Assessment]) -> str:
    """Say in one sentence whether the case may pass the gate, and if not, the first reason and what to do.

    Judged by no pack at all, nothing is known and nothing may pass.
    """
    if not assessments:
        return "Nothing was judged: no policy pack governs this project; name its agreements first."
    verb = GATE_WORDS[assessments[0].gate]
    found = reasons(assessments)
    if not found:
        return f"May {verb}: {_open_words(assessments)}."
    first, others = found[0], len(found) - 1
    more = f" {_others(others)}" if others else ""
    step = f" {full_stop(capital(first.next_step))}" if first.next_step else ""
    return f"May not {verb}: {first.sentence}{step}{more}"


def reasons(assessments: Sequence[Assessment]) -> tuple[Reason, ...]:
    """Return everything that keeps the gate closed: what fails first, then what broke, then what is missing."""
    found: list[Reason] = []
    for assessment in assessments:
        if assessment.problem is not None:
            step = assessment.verdicts[0].next_step if assessment.verdicts else ""
            found.append(Reason(assessment.problem, step))
    for status in ORDER:
        found.extend(_closing(assessments, status))
    return tuple(found)


def _closing(assessments: Sequence[Assessment], status: Status) -> Iterator[Reason]:
    for assessment in assessments:
        if assessment.problem is None:
            for verdict in assessment.closing:
                if verdict.status is status:
                    yield Reason(sentence(assessment, verdict), verdict.next_step)


def sentence(assessment: Assessment, verdict: Verdict) -> str:
    """Say what became of one control, with the pack it belongs to."""
    return f"the {assessment.pack_short_title}'s rule {verdict.sentence}"


def lines(assessment: Assessment) -> Iterator[str]:
    """Yield one line per verdict: its sentence, what to do, and what was said about waivers."""
    for verdict in assessment.verdicts:
        parts = (verdict.sentence, full_stop(verdict.next_step) if verdict.next_step else "", *verdict.notes)
        yield " ".join(part for part in parts if part)


def _open_words(assessments: Sequence[Assessment]) -> str:
    verdicts = [verdict for assessment in assessments for verdict in assessment.verdicts]
    waived = [verdict.control_id for verdict in verdicts if verdict.status is Status.WAIVED]
    remarks = [
        verdict.control_id
        for verdict in verdicts
        if not verdict.blocking and verdict.status in (Status.FAIL, Status.INDETERMINATE, Status.ERROR)
    ]
    packs = listing(f"the {assessment.pack_short_title}" for assessment in assessments)
    text = f"no rule of {packs} stands in the way"
    if waived:
        text += f"; {listing(waived)} {'is' if len(waived) == 1 else 'are'} waived"
    if remarks:
        text += f"; {listing(remarks)} {'deserves' if len(remarks) == 1 else 'deserve'} a look and does not block"
    return text


def _others(count: int) -> str:
    return "One more rule also keeps it closed." if count == 1 else f"{count} more rules also keep it closed."
