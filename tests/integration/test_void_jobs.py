"""VOID jobs in the queue: every layer's licence goes along, and a killed worker costs no finished pass."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.requirements import PROJECT
from support.studio import CLIP, Studio
from support.void_models import base_files, own_files, parameters, write_version

from core import registry
from core.facts import build_facts
from core.identity import open_session
from core.jobs.checkpoints import Checkpoints
from core.jobs.queue import Claim
from core.jobs.specification import specification_of
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.runners.void.weights import layers
from core.tables import Attempt, Job, Output

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
BASE_LICENCE = "CogVideoX licence"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_version(tmp_path_factory.mktemp("void") / "weights")


def register(studio: Studio, weights: Path) -> None:
    """The base, and VOID over it."""
    with studio.platform.work(studio.people["engineer"]) as work:
        for model in ("cogvideox-fun", "void"):
            registry.create_model(work, name=model, origin="vendor")
        registry.create_version(
            work, model="cogvideox-fun", version="1.5", licence=BASE_LICENCE, weights=base_files(weights),
            network_egress=False,
        )  # fmt: skip
        registry.create_version(
            work, model="void", version="1", licence="Apache-2.0", weights=own_files(weights),
            parents={"cogvideox-fun@1.5": "base"}, network_egress=False,
        )  # fmt: skip


def submitted(studio: Studio, weights: Path, **changes: Any) -> str:
    use = {"kind": "REMOVAL", "script_delta": "none"}
    wanted = JobRequest(CLIP, "void@1", "void", ai_use=use, parameters=parameters(weights, **changes), seed=7)
    with studio.platform.work(studio.people["engineer"]) as work:
        submission = submit(work, wanted)
    assert submission.decision.opens, submission.decision
    return submission.job.id


def output(studio: Studio, job: str) -> dict[str, Output]:
    with studio.platform.reading() as session:
        return {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == job))}


def until(condition: Callable[[], Any], seconds: float = 120) -> None:
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        pause.wait(0.02)


def test_runner_and_gate_are_given_every_layer_with_its_licence(studio: Studio, weights: Path):
    register(studio, weights)
    job = submitted(studio, weights)
    home = studio.platform.settings.home
    given = specification_of(studio.platform, Claim(job, 1, "tests"), Checkpoints(home), studio.folder / "inputs")
    assert list(layers(given.model)) == [
        {"name": "void", "version": "1", "licence": "Apache-2.0"},
        {"name": "cogvideox-fun", "version": "1.5", "licence": BASE_LICENCE},
    ]
    (base,) = given.model["lineage"]  # type: ignore[misc]
    assert {item["name"] for item in base["weights"]} == {path.name for path in base_files(weights)}
    with studio.platform.reading() as session:
        row = session.get_one(Job, job)
        facts: Any = build_facts(session, row, "submit", row.submitted_at)
    assert [(layer["name"], layer["licence"]) for layer in facts["model"]["lineage"]] == [
        ("cogvideox-fun", BASE_LICENCE)
    ]


@SQLITE
def test_a_worker_killed_after_the_first_pass_costs_only_the_second(studio: Studio, weights: Path, database_kind: str):
    register(studio, weights)
    whole = submitted(studio, weights)
    Worker(studio.platform).run(drain=True)
    job, home = submitted(studio, weights), studio.platform.settings.home
    environment = {
        **os.environ,
        "GREENLIGHT_HOME": str(home),
        "GREENLIGHT_TOKEN": open_session(studio.platform, studio.proof("engineer")),
    }
    command = [sys.executable, "-c", "from core.cli.main import run; run()", "worker", "run"]
    with (
        (studio.folder / "said").open("w") as said,
        subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=said, stderr=said) as worker,
    ):
        try:
            until((home / "attempts" / f"{job}-1" / "run" / "out" / "pass1.safetensors").exists)
        finally:
            worker.kill()
    Worker(studio.platform).run(drain=True)
    with studio.platform.reading() as session:
        attempts = session.scalars(sa.select(Attempt).where(Attempt.job_id == job).order_by(Attempt.number))
        assert [attempt.status for attempt in attempts] == ["lost", "succeeded"]
    before, after = output(studio, whole), output(studio, job)
    runs = [made["video"].facts["runner"] for made in (before, after)]
    assert [run["resumed"] for run in runs] == [False, True]
    assert "pass 1: denoise" not in runs[1]["seconds"]
    assert "The first pass was taken from an earlier attempt's checkpoint." in after["video"].facts["notes"]
    assert {role: row.sha256 for role, row in before.items()} == {role: row.sha256 for role, row in after.items()}
    assert list((home / "checkpoints").iterdir()) == list((home / "attempts").iterdir()) == []


@SQLITE
def test_successive_jobs_of_one_worker_load_the_model_once(studio: Studio, weights: Path, database_kind: str):
    register(studio, weights)
    jobs = [submitted(studio, weights) for _ in range(2)]
    Worker(studio.platform).run(drain=True)
    made = [output(studio, job) for job in jobs]
    assert [one["video"].facts["runner"]["models_loaded"] for one in made] == [4, 0]
    assert made[0]["latents"].sha256 == made[1]["latents"].sha256
    assert made[0]["video"].sha256 == made[1]["video"].sha256
