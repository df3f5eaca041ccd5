"""A manuscript is measured when its job ends: findings, traced numbers, checklists; its reviews are in the facts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support.reviewing import answers, assigned, hire_reviewers, paper, reviewed, written
from support.studies import GROUP, VERSION, found_group
from support.studio import Studio

from core.canonical import now
from core.facts import build_facts
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.reports.evaluations import evaluation_of
from core.runs import create_run
from core.tables import EvaluationRecord, Job
from policies import judge, load_builtin


def facts_of(studio: Studio, job: str) -> dict[str, Any]:
    with studio.platform.reading() as session:
        return build_facts(session, session.get_one(Job, job), "release", now())


def verdict(facts: dict[str, Any], control: str) -> str:
    return str(judge(load_builtin("clinical-research"), facts, "release")[control].status)


def test_a_lone_manuscript_is_measured_and_what_was_not_checked_is_no_pass(studio: Studio, tmp_path: Path):
    found_group(studio)
    (tmp_path / "paper.pdf").write_bytes(paper("Abstract", "The accuracy was 0.8125 in 150 patients of the test set."))
    asset = create_run(
        studio.platform,
        studio.people["engineer"],
        project=GROUP,
        source=tmp_path / "paper.pdf",
        name="lone",
    )
    with studio.platform.work(studio.people["engineer"]) as work:
        job = submit(work, JobRequest(asset=asset.id, version=VERSION, runner="run-ingest")).job.id
    Worker(studio.platform).run(drain=True)
    with studio.platform.reading() as session:
        rows = {
            row.evaluator for row in session.scalars(sa.select(EvaluationRecord).where(EvaluationRecord.job_id == job))
        }
        kept = evaluation_of(session, studio.platform.store, session.get_one(Job, job))
    assert rows == {"manuscript-integrity", "reporting-checklist"}
    assert kept is not None
    assert kept["manuscript"]["pages"] == 1
    assert {check["status"] for check in kept["checks"]} == {"checked", "not_checked"}
    assert kept["checklists"][0]["coverage"]["items"] == 52
    facts = facts_of(studio, job)
    share = facts["measurements"]["provenance_share"]
    assert share["value"] is None
    assert share["reason"]
    assert facts["measurements"]["findings_high"]["value"] is not None
    assert verdict(facts, "MS-03") == "indeterminate"


def test_a_manuscript_that_was_not_measured_is_no_pass_either(studio: Studio):
    job = written(studio)
    facts = facts_of(studio, job)
    assert verdict(facts, "MS-07") == "indeterminate"
    assert verdict(facts, "CR-07") == "fail"


def test_reviews_and_their_disputes_reach_the_judged_facts_but_no_judges_score(studio: Studio):
    job = written(studio)
    assert facts_of(studio, studio.job)["reviews"] is None
    hire_reviewers(studio, "ada", "ben")
    reviewed(studio, assigned(studio, job, "ada"), "ada", answers(novelty=5))
    waiting = assigned(studio, job, "ben", blind=False)
    facts = facts_of(studio, job)
    assert (facts["reviews"]["open"], facts["reviews"]["disputed"]) == (1, [])
    assert (verdict(facts, "CR-07"), verdict(facts, "CR-08")) == ("pass", "pass")
    reviewed(studio, waiting, "ben", answers())
    facts = facts_of(studio, job)
    assert [one["by_name"] for one in facts["reviews"]["people"]] == [None, "Ben Example"]
    assert verdict(facts, "CR-08") == "fail"
