"""A configured judge in real jobs: what it sees, what is kept, what a policy may know, and where keys go."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from support.studio import Studio
from support.vlm import answering

from core.canonical import now
from core.errors import InputError
from core.facts import build_facts
from core.jobs.judging import measure_parameters, spared_key
from core.jobs.process import without_secrets
from core.jobs.submission import submit
from core.jobs.worker import Worker
from core.platform import Platform
from core.runners.base import RunSpecification
from core.settings import Settings
from core.tables import EvaluationRecord, Job, MeasurementRecord

ELSEWHERE = {"vlm_model": "vlm", "vlm_base_url": "http://192.0.2.1:9/v1"}


def with_judge(studio: Studio, **settings: str) -> Studio:
    return replace(studio, platform=Platform(replace(studio.platform.settings, **settings)))


def judged(studio: Studio, job: str) -> tuple[dict[str, MeasurementRecord], dict[str, object]]:
    with studio.platform.reading() as session:
        query = sa.select(MeasurementRecord).join(EvaluationRecord).where(EvaluationRecord.job_id == job)
        rows = {row.name: row for row in session.scalars(query.where(EvaluationRecord.evaluator == "judge"))}
        return rows, build_facts(session, session.get_one(Job, job), "release", now())


def test_a_judge_on_this_machine_is_kept_but_no_policy_can_rest_on_its_score(studio: Studio, serve, monkeypatch):
    monkeypatch.setenv("STUDIO_VLM_KEY", "a-key-for-the-judge")
    server = serve(answering())
    settings = {"vlm_model": "local-vlm", "vlm_base_url": server.url, "vlm_key_variable": "STUDIO_VLM_KEY"}
    local = with_judge(studio, **settings)
    job = local.submit()
    Worker(local.platform).run(drain=True)
    rows, facts = judged(local, job)
    local.platform.close()
    assert {name: (row.value, row.direction) for name, row in rows.items()} == {
        "judge_causality": (1.0, "diagnostic"),
        "judge_residue": (1.0, "diagnostic"),
    }
    assert {head["authorization"] for head in server.headers} == {"Bearer a-key-for-the-judge"}
    assert facts["judge"] == {"model": "local-vlm", "host": server.url[7:-3], "egress": False}
    assert "removal_residue" in facts["measurements"]
    assert not {"judge_causality", "judge_residue"} & set(facts["measurements"])
    assert facts["ai_use"]["network_egress"] is False


def test_a_judge_elsewhere_sees_only_jobs_that_said_so(studio: Studio):
    job = studio.submit()
    remote = with_judge(studio, **ELSEWHERE)
    Worker(remote.platform).run(drain=True)
    rows, facts = judged(remote, job)
    remote.platform.close()
    assert {row.value for row in rows.values()} == {None}
    assert "without saying that frames leave this machine" in rows["judge_residue"].reason
    assert facts["judge"]["egress"] is False


def test_a_job_says_that_frames_will_leave_for_the_judge(studio: Studio):
    remote = with_judge(studio, **ELSEWHERE)
    with remote.platform.work(remote.people["engineer"]) as work:
        job = submit(work, remote.request()).job
        assert job.ai_use["network_egress"] is True
        assert measure_parameters(work.settings, job.ai_use)["judge"]["forbidden"] is None
    remote.platform.close()


def test_without_a_judge_the_facts_hold_none(studio: Studio):
    rows, facts = judged(studio, studio.job)
    assert rows == {}
    assert facts["judge"] is None


def test_only_the_child_that_asks_the_judge_gets_the_key():
    environment = {"STUDIO_VLM_KEY": "k", "OTHER_KEY": "o", "GREENLIGHT_DATABASE_URL": "postgresql://h/d", "LANG": "C"}
    settings = Settings(vlm_model="vlm", vlm_base_url="http://127.0.0.1:9/v1", vlm_key_variable="STUDIO_VLM_KEY")
    parameters = measure_parameters(settings, {"network_egress": False})
    seen = {
        runner: set(without_secrets(environment, spared_key(RunSpecification(runner, {}, parameters))))
        for runner in ("measure", "command", "plate")
    }
    assert seen == {"measure": {"LANG", "STUDIO_VLM_KEY"}, "command": {"LANG"}, "plate": {"LANG"}}
    remote = replace(settings, vlm_base_url="http://192.0.2.1/v1")
    forbidden = measure_parameters(remote, {"network_egress": None})
    assert spared_key(RunSpecification("measure", {}, forbidden)) == ""
    assert "GREENLIGHT_DATABASE_URL" not in without_secrets(environment, "GREENLIGHT_DATABASE_URL")


def test_a_judge_that_cannot_be_is_told_with_its_setting():
    with pytest.raises(InputError, match="vlm_model"):
        measure_parameters(Settings(vlm_model="no-provider"), {})
