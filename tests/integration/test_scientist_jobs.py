"""A study by language models as a job: models fixed and judged at submission, questions as tasks, files as outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.chat_server import PROTOCOL, REFERENCES, Script
from support.studies import GROUP, VERSION, approved, found_group
from support.studio import Studio
from support.vlm import Server, serve  # noqa: F401

from core.errors import InputError
from core.jobs.asked import frozen_parameters, leaves_machine, runner_parameters, spared_keys
from core.jobs.process import without_secrets
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.lookup import output_of
from core.runners.base import RunSpecification
from core.settings import Settings
from core.studies import create_study
from core.tables import Job
from core.tasks import decide, tasks_of

LOCAL = {"model": "local", "base_url": "http://127.0.0.1:9/v1"}
ELSEWHERE = {"model": "big", "base_url": "http://models.example/v1"}


def kill_attempt() -> None:
    """Kill the process of the attempt that this process supervises."""
    for process in psutil.Process().children():
        if "core.jobs.attempt" in process.cmdline():
            process.kill()


@pytest.mark.needs_tool("bwrap")
def test_a_study_waits_for_a_person_goes_on_after_a_kill_and_ends_with_its_manuscript(
    studio: Studio,
    tmp_path: Path,
    serve: Callable[..., Server],  # noqa: F811
):
    found_group(studio)
    script = Script()
    script.before = lambda form: kill_attempt() if form == "Judgement" and not script.asked[form] else None
    folder = tmp_path / "nuclei"
    folder.mkdir()
    (folder / "protocol.yaml").write_text(PROTOCOL.replace("MODE", "innovation"), encoding="utf-8")
    (tmp_path / "references.yaml").write_text(REFERENCES, encoding="utf-8")
    asset = create_study(studio.platform, studio.people["engineer"], project=GROUP, path=folder, name="nuclei").id
    approved(studio, asset)
    parameters = {"models": {"default": {"model": "local", "base_url": serve(script).url}}, "gates": ["execution"]}
    request = JobRequest(
        asset=asset,
        version=VERSION,
        runner="scientist",
        parameters=parameters,
        files={"references": tmp_path / "references.yaml"},
    )
    with studio.platform.work(studio.people["engineer"]) as work:
        job = submit(work, request).job
    assert job.ai_use["network_egress"] is False
    worker = Worker(studio.platform)
    worker.run(drain=True)
    with studio.platform.reading() as session:
        (task,) = tasks_of(session, job.id)
    assert b"json.dump(results" in studio.platform.store.read(task.documents["code"]["sha256"])
    proof = studio.proof("clinical")
    with studio.platform.work(studio.people["clinical"]) as work:
        decide(work, proof, task.id, "approve", "Read it.")
    worker.run(drain=True)
    with studio.platform.reading() as session:
        ended = session.get_one(Job, job.id)
        output = output_of(session, job.id)
        assert (ended.status, ended.message) == ("succeeded", "done")
        assert output is not None
        told: Any = output.facts["runner"]
    assert output.role == "manuscript"
    assert told["study"]["backend"] == "graph"
    assert told["models"]["network_egress"] is False
    # The attempt was killed while the judge was asked; the next one asked the judge again and nobody else.
    assert (ended.attempt, script.asked.pop("Judgement")) == (3, 2)
    assert set(script.asked.values()) == {1}
    assert not (studio.platform.settings.home / "checkpoints" / job.id / "ledger.sqlite").exists()


def test_a_study_asks_the_models_that_were_fixed_when_it_was_submitted():
    ours = Settings(llm_model="local", llm_base_url="http://10.0.0.7/v1", llm_key_variable="HOUSE_KEY")
    kept = frozen_parameters(ours, "scientist", {"rounds": 2}, ())
    assert kept == {"rounds": 2, "models": {"default": {"model": "local", "base_url": "http://10.0.0.7/v1"}}}
    assert leaves_machine(ours, "scientist", kept)
    given = runner_parameters(ours, "scientist", kept, {"network_egress": True})
    assert given["models"]["default"] | {"key_variable": "HOUSE_KEY", "forbidden": None} == given["models"]["default"]
    assert spared_keys(RunSpecification("scientist", {}, given)) == ("HOUSE_KEY",)
    # Other settings later change neither the model nor give it a key.
    later = runner_parameters(replace(ours, llm_model="new"), "scientist", kept, {"network_egress": True})
    assert later["models"]["default"]["model"] == "local"
    assert later["models"]["default"]["key_variable"] is None


def test_a_judge_of_clips_elsewhere_is_no_egress_of_a_study():
    settings = Settings(vlm_model="big", vlm_base_url="http://models.example/v1")
    assert leaves_machine(settings, "plate", {})
    assert not leaves_machine(settings, "protocol", {})


def test_no_key_and_no_data_go_where_the_submission_did_not_say():
    settings = Settings(checkpoints_variable="STUDY_DATABASE")
    kept = frozen_parameters(settings, "scientist", {"models": {"default": LOCAL, "judge": ELSEWHERE}}, ())
    assert leaves_machine(settings, "scientist", kept)
    assert not leaves_machine(settings, "scientist", {"models": {"default": LOCAL}})
    given: Any = runner_parameters(settings, "scientist", kept, {"network_egress": False})
    assert given["models"]["default"]["forbidden"] is None
    assert "leave this machine" in given["models"]["judge"]["forbidden"]
    environment = {"STUDY_DATABASE": "postgresql://u:p@db/x", "OPENAI_API_KEY": "k", "GREENLIGHT_DATABASE_URL": "x"}
    spared = spared_keys(RunSpecification("scientist", {}, given))
    assert set(without_secrets(environment, *spared)) == {"STUDY_DATABASE"}


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({}, "needs a model"),
        ({"models": {}}, "needs a model"),
        ({"models": {"judge": {"base_url": "http://127.0.0.1/v1"}}}, "for 'judge' cannot be read"),
        ({"models": {"default": LOCAL | {"key_variable": "OPENAI_API_KEY"}}}, "keys are settings"),
        ({"models": {"default": {"model": "nowhere"}}}, "Nobody knows where the model 'nowhere' is"),
        ({"models": {"default": LOCAL}, "checkpoints_variable": "HOME"}, "'checkpoints_variable' is no parameter"),
    ],
)
def test_models_that_cannot_be_asked_are_told_at_submission(parameters: dict[str, Any], why: str):
    with pytest.raises(InputError, match=why):
        frozen_parameters(Settings(), "scientist", parameters, ())
