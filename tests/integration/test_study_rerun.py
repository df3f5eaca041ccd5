"""A study by language models is repeated from the program that it left: no model is asked, numbers are compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.studies import VERSION, approved, found_group, take_in, write_protocol
from support.studio import Studio

from core.errors import Conflict, RunFailed
from core.jobs.queue import Made, claim, finish
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import WORKER, Worker
from core.rerun import compare_rerun, rerun
from core.runners.base import RunContext, RunSpecification
from core.runners.scientist.graph.repeat import StudyCodeRunner
from core.tables import Job

pytestmark = pytest.mark.needs_tool("bwrap")
PROGRAM = """
import csv, json
rows = list(csv.DictReader(open("/inputs/data.csv")))
values = [float(row["bmi"]) for row in rows]
results = {"n": len(rows), "bmi": {"mean": sum(values) / len(values), "largest": max(values)}}
json.dump(results, open("results.json", "w"))
"""
MODELS = {"models": {"default": {"model": "nobody", "base_url": "http://127.0.0.1:9/v1"}}, "mode": "reproduction"}


@pytest.fixture
def asset(studio: Studio, tmp_path: Path) -> str:
    found_group(studio)
    taken = take_in(studio, tmp_path / "small")
    approved(studio, taken)
    return taken


def carry_out(program: str, folder: Path) -> Path:
    """Run a program as the runner does, without a platform, and return its results."""
    (folder / "code.py").write_text(program)
    inputs = {"code": folder / "code.py", "protocol": write_protocol(folder / "given") / "protocol.yaml"}
    (folder / "attempt").mkdir()
    context = RunContext(folder / "attempt", lambda *_: None)
    manifest = StudyCodeRunner().run(RunSpecification("study-code", inputs), context)
    return next(output.path for output in manifest.outputs if output.role == "results")


def left_by_models(studio: Studio, asset: str, **files: bytes) -> str:
    """A finished job of the graph that left these outputs, by role."""
    with studio.platform.work(studio.people["engineer"]) as work:
        job = submit(work, JobRequest(asset, VERSION, "scientist", parameters=MODELS)).job.id
    held = claim(studio.platform, "tests")
    assert held is not None
    assert held.job_id == job
    with studio.platform.work(WORKER) as work:
        made = []
        for role, data in files.items():
            path = studio.folder / role
            path.write_bytes(data)
            name = f"{role}.{'pdf' if role == 'manuscript' else 'py' if role == 'code' else 'json'}"
            made.append(Made(role, name, work.keep(path, "application/octet-stream").sha256, {}))
        assert finish(work, held, made, {})
    return job


def repeat(studio: Studio, job: str) -> str:
    with studio.platform.work(studio.people["engineer"]) as work:
        again = rerun(work, job).job.id
    Worker(studio.platform).run(drain=True)
    return again


def test_the_program_that_was_left_gives_the_numbers_that_were_reported(studio: Studio, asset: str, tmp_path: Path):
    results = carry_out(PROGRAM, tmp_path).read_bytes()
    assert json.loads(results)["n"] == 442
    again = repeat(studio, left_by_models(studio, asset, manuscript=b"%PDF", code=PROGRAM.encode(), results=results))
    with studio.platform.reading() as session:
        assert session.get_one(Job, again).runner == "study-code"
    found = compare_rerun(studio.platform, studio.people["engineer"], again)
    assert found.equal
    assert found.headline.startswith("Reproduced in every number: the results have the same digest.")
    assert set(found.record["same"].values()) == {True}
    assert {one["role"]: one["equal"] for one in found.record["outputs"]}["code"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_number_that_the_program_does_not_give_is_found(studio: Studio, asset: str, database_kind: str):
    reported = json.dumps({"n": 442, "bmi": {"mean": 0.5}}).encode()
    again = repeat(studio, left_by_models(studio, asset, manuscript=b"%PDF", code=PROGRAM.encode(), results=reported))
    found = compare_rerun(studio.platform, studio.people["engineer"], again)
    assert not found.equal
    assert found.headline.startswith("Not reproduced: of 3 reported values 1 came out different, 1 only once.")
    (results,) = (one for one in found.record["outputs"] if one["role"] == "results")
    statuses = {row["pointer"]: row["status"] for row in results["difference"]["rows"]}
    assert statuses == {"/bmi/mean": "different", "/bmi/largest": "only_rerun"}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import sys; sys.exit('no')", "the code ended with exit code 1 (no)"),
        ("print(1)", "the code left no /outputs/results.json"),
        ("open('results.json', 'w').write('{\"a\": NaN}')", "NaN"),
    ],
)
def test_a_program_without_results_fails_with_its_reason(tmp_path: Path, program: str, message: str):
    with pytest.raises(RunFailed) as caught:
        carry_out(program, tmp_path)
    assert message in caught.value.what


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_study_that_left_no_program_cannot_be_repeated(studio: Studio, asset: str, database_kind: str):
    job = left_by_models(studio, asset, manuscript=b"%PDF")
    with studio.platform.work(studio.people["engineer"]) as work, pytest.raises(Conflict, match="left no program"):
        rerun(work, job)
