"""Judge a case at a gate with every pack that governs its project, and keep the assessment."""

from __future__ import annotations

from dataclasses import dataclass

from core.canonical import new_id
from core.facts import Facts, build_facts
from core.platform import Work
from core.tables import AssessmentRecord, Job, Project, Release
from policies import Assessment, headline, judge, load_builtin
from policies.explain import GATE_WORDS, reasons

TRIAL = ("the job was an internal trial, whose output never leaves.", "Submit it again for release.")


@dataclass(frozen=True)
class GateDecision:
    """What a gate decided: open or not, one sentence why, each pack's assessment, and the facts judged."""

    gate: str
    opens: bool
    headline: str
    reasons: tuple[tuple[str, str], ...]
    """(what keeps it closed, what to do next), the most important first."""
    assessments: tuple[Assessment, ...]
    facts: Facts
    facts_sha256: str


def judge_case(
    work: Work, job: Job, gate: str, *, release: Release | None = None, audit: Facts | None = None
) -> GateDecision:
    """Judge a job's case now and store one assessment per pack. No pack at all keeps the gate closed.

    `audit` is what a verification of the log just found; None means that none was made.
    """
    project = work.session.get_one(Project, job.project_id)
    facts = build_facts(work.session, job, gate, work.at, release=release, audit=audit, store=work.store)
    assessments = tuple(judge(load_builtin(pack), facts, gate) for pack in project.agreements)
    kept = work.keep_json(facts)
    opens = bool(assessments) and all(assessment.opens for assessment in assessments)
    found = [(reason.sentence, reason.next_step) for reason in reasons(assessments)]
    words = headline(assessments)
    if job.purpose == "internal_trial" and gate != "submit":
        # Kept inside by the platform, whether or not an agreement asks for it.
        words = f"May not {GATE_WORDS[gate]}: {TRIAL[0]} {TRIAL[1]}" if opens else words
        opens, found = False, [*found, TRIAL]
    decision = GateDecision(
        gate=gate,
        opens=opens,
        headline=words,
        reasons=tuple(found),
        assessments=assessments,
        facts=facts,
        facts_sha256=kept.sha256,
    )
    for assessment in assessments:
        _store(work, job, release, assessment, decision)
    work.record(
        f"gate.{gate}", release.id if release else job.id, opens=decision.opens, facts_sha256=kept.sha256, job=job.id
    )
    return decision


def _store(work: Work, job: Job, release: Release | None, assessment: Assessment, decision: GateDecision) -> None:
    content = assessment.to_json()
    work.add(
        AssessmentRecord(
            id=new_id("asm"),
            job_id=job.id,
            release_id=release.id if release else None,
            gate=assessment.gate,
            pack_id=assessment.pack_id,
            pack_version=assessment.pack_version,
            pack_digest=assessment.pack_digest,
            facts_sha256=decision.facts_sha256,
            opens=assessment.opens,
            headline=headline([assessment]),
            verdicts=content["verdicts"],
            judged_at=work.at,
        )
    )
