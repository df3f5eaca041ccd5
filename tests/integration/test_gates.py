"""The gates: no consent, no run; what nobody knows is never a pass; each decision is kept with the facts it judged."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa
from support.studio import BARE_CLIP, CLIP, PERFORMER, PROVENANCE, Studio, finish_without_running, give_consent

from core import consents, registry, releases
from core.canonical import digest
from core.errors import Denied
from core.gates import GateDecision
from core.jobs.submission import Submission, submit
from core.tables import Artifact, AssessmentRecord, AuditEvent, Job


def submitted(studio: Studio, by: str = "engineer", **changes: Any) -> Submission:
    with studio.platform.work(studio.people[by]) as work:
        return submit(work, studio.request(**changes))


def declare(studio: Studio, asset: str = BARE_CLIP, **persons: str) -> None:
    with studio.platform.work(studio.people["legal"]) as work:
        consents.declare_persons(work, asset=asset, persons=persons, basis="watched it")


def proposed(studio: Studio, job_id: str) -> releases.Proposal:
    return releases.propose(studio.platform, studio.people["engineer"], job_id)


def verdicts(decision: GateDecision) -> dict[str, str]:
    return {v.control_id: v.status.value for one in decision.assessments for v in one.verdicts}


def test_a_case_with_consent_and_review_may_run_and_be_put_up_for_release(studio: Studio):
    assert submitted(studio).decision.opens
    proposal = proposed(studio, studio.job)
    assert proposal.decision.opens
    assert proposal.release.state == "candidate"
    assert proposal.decision.headline.startswith("May be released")


def test_without_consent_nothing_runs_and_the_sentence_says_why_and_what_to_do(studio: Studio):
    with studio.platform.work(studio.people["legal"]) as work:
        consents.create_subject(work, name="Stranger", union="SAG-AFTRA")
    declare(studio, Stranger="removed")
    submission = submitted(studio, asset=BARE_CLIP)
    assert (submission.job.status, submission.decision.opens) == ("refused", False)
    assert submission.decision.headline.startswith("May not run: ")
    assert "no consent covers the removal of Stranger" in submission.decision.headline
    assert "Get a consent from Stranger" in submission.decision.headline
    assert verdicts(submission.decision)["UN-12"] == "fail"
    with studio.platform.reading() as session:
        kept = session.get_one(Job, submission.job.id)
        assert (kept.status, kept.message) == ("refused", submission.decision.headline[:500])
        assert kept.finished_at is not None


def test_what_is_said_of_nobody_keeps_the_gate_closed(studio: Studio):
    decision = submitted(studio, asset=BARE_CLIP).decision
    assert not decision.opens
    assert verdicts(decision)["UN-01"] == "indeterminate"


def test_a_statement_that_nobody_is_visible_opens_it(studio: Studio):
    declare(studio)
    assert submitted(studio, asset=BARE_CLIP).decision.opens


@pytest.mark.parametrize(
    "lacking",
    [{"uses": ["TRAINING"]}, {"expires_at": "yesterday"}, {"project": "Other"}],
    ids=["another use", "expired", "another project"],
)
def test_a_consent_counts_only_within_its_scope(studio: Studio, lacking: dict[str, Any]):
    with studio.platform.work(studio.people["manager"]) as work:
        registry.create_project(work, name="Other", kind="production", agreements=["part-11"])
    with studio.platform.work(studio.people["legal"]) as work:
        other = consents.create_subject(work, name="Other performer", union="SAG-AFTRA")
        changes = dict(lacking)
        if "expires_at" in changes:
            changes["expires_at"] = work.at
        give_consent(work, other.id, **changes)
    declare(studio, CLIP, **{other.id: "removed"})
    decision = submitted(studio).decision
    assert not decision.opens
    assert "Other performer" in decision.headline


def test_an_internal_trial_runs_but_is_never_released(studio: Studio):
    # The agreements ask for persons only when a release is asked for; the platform itself keeps trials inside.
    submission = submitted(studio, asset=BARE_CLIP, purpose="internal_trial")
    assert submission.decision.opens
    finish_without_running(studio, submission.job.id)
    proposal = proposed(studio, submission.job.id)
    assert proposal.release.state == "refused"
    assert verdicts(proposal.decision)["UN-01"] == "indeterminate"


def test_an_internal_trial_is_not_released_even_where_no_agreement_forbids_it(studio: Studio):
    with studio.platform.work(studio.people["manager"]) as work:
        registry.create_project(work, name="Lenient", kind="production", agreements=["part-11"])
    engineer = studio.people["engineer"]
    registry.create_clip(studio.platform, engineer, project="Lenient", folder=studio.clip, name="trial")
    submission = submitted(studio, asset="trial", purpose="internal_trial")
    finish_without_running(studio, submission.job.id)
    proposal = proposed(studio, submission.job.id)
    assert proposal.release.state == "refused"
    assert proposal.release.headline.startswith("May not be released: the job was an internal trial")
    assert ("the job was an internal trial, whose output never leaves", "Submit it again for release") in [
        (sentence.rstrip("."), step.rstrip(".")) for sentence, step in proposal.decision.reasons
    ]


def test_undeclared_persons_are_refused_at_release_as_not_known(studio: Studio):
    # Judged at submission with everybody declared; the newest declaration says something nobody can tell.
    with studio.platform.work(studio.people["legal"]) as work:
        consents.create_subject(work, name="Stranger", union=None)
    declare(studio, CLIP, **{PERFORMER: "removed", "Stranger": "affected"})
    proposal = proposed(studio, studio.job)
    assert proposal.release.state == "refused"
    assert "Stranger" in " ".join(sentence for sentence, _ in proposal.decision.reasons)


def test_a_project_without_agreements_opens_no_gate(studio: Studio):
    with studio.platform.work(studio.people["manager"]) as work:
        registry.create_project(work, name="Ungoverned", kind="production", agreements=[])
    engineer = studio.people["engineer"]
    registry.create_clip(studio.platform, engineer, project="Ungoverned", folder=studio.clip, name="free")
    submission = submitted(studio, asset="free", purpose="internal_trial")
    assert submission.job.status == "refused"
    assert "name its agreements first" in submission.decision.headline


def test_every_decision_is_kept_with_the_facts_that_it_judged(studio: Studio):
    submission = submitted(studio, asset=BARE_CLIP)
    query = sa.select(AssessmentRecord).where(AssessmentRecord.job_id == submission.job.id)
    with studio.platform.reading() as session:
        rows = list(session.scalars(query))
        assert {row.pack_id for row in rows} == {"sag-aftra-tv-2026", "part-11"}
        (facts_sha256,) = {row.facts_sha256 for row in rows}
        assert session.get_one(Artifact, facts_sha256).media_type == "application/json"
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "gate.submit")).all()[-1]
    facts = json.loads(studio.platform.store.read(facts_sha256))
    assert (digest(facts), facts["asset"]["name"], facts["persons"]) == (facts_sha256, BARE_CLIP, None)
    assert json.loads(event.body)["payload"] == {
        "facts_sha256": facts_sha256,
        "job": submission.job.id,
        "opens": False,
    }


def test_only_an_engineer_submits(studio: Studio):
    for by in ("legal", "manager", "auditor", "admin"):
        with pytest.raises(Denied):
            submitted(studio, by)


def test_what_a_vendor_declares_reaches_the_facts_as_declared(studio: Studio):
    job_id = submitted(studio, origin="vendor").job.id
    finish_without_running(studio, job_id)
    facts = proposed(studio, job_id).decision.facts
    assert facts["job"]["provenance"] == PROVENANCE  # type: ignore[index]
    assert facts["job"]["origin"] == "vendor"  # type: ignore[index]
