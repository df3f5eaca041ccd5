"""A job repeated from its record: the same digest where the runner is exact, and otherwise how far apart, and why."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
import torch
from safetensors.torch import save_file
from support.clips import FPS, wall
from support.studio import Studio

from core import consents
from core.audit.verify import verify
from core.errors import Conflict, Denied
from core.jobs.worker import Worker
from core.rerun import Reproduction, compare_rerun, rerun
from core.tables import Attempt, AuditEvent, Job, Rerun
from evaluators.qualification.encoding import write_video

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
COPY = "import shutil, sys; shutil.copyfile(sys.argv[1], 'out.mp4')"


def repeat(studio: Studio, job: str) -> str:
    with studio.platform.work(studio.people["engineer"]) as work:
        made = rerun(work, job).job.id
    Worker(studio.platform).run(drain=True)
    return made


def compare(studio: Studio, job: str) -> Reproduction:
    return compare_rerun(studio.platform, studio.people["engineer"], job)


def copying(studio: Studio, source: Path) -> str:
    """A job whose program copies a file that is no input: what it makes depends on the day."""
    argv = [sys.executable, "-c", COPY, str(source)]
    artifacts = [{"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"}]
    parameters = {"argv": argv, "artifacts": artifacts}
    job = studio.submit(runner="command", provenance=None, files={}, parameters=parameters)
    Worker(studio.platform).run(drain=True)
    return job


def test_a_clean_plate_is_reproduced_by_digest_and_the_proof_is_kept(studio: Studio):
    job = studio.submit(runner="plate", provenance=None, files={}, seed=11)
    Worker(studio.platform).run(drain=True)
    again = repeat(studio, job)
    found = compare(studio, again)
    assert found.equal
    assert found.headline == "Reproduced exactly: the video has the same digest. The environment is the same."
    assert set(found.record["same"].values()) == {True}
    assert found.record["measurements"] == []
    assert found.record["measurements_alike"] >= 8
    with studio.platform.reading() as session:
        link = session.get_one(Rerun, again)
        assert (link.original_id, link.equal, link.report_sha256) == (job, True, found.sha256)
        assert session.get_one(Job, again).seed == 11
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "job.rerun_compared")).one()
        assert event.subject == again
        assert verify(session, studio.platform.store, studio.platform.key.public).intact
    assert json.loads(studio.platform.store.read(found.sha256)) == found.record


def test_an_ingested_output_is_repeated_from_the_stored_file(studio: Studio):
    studio.output.unlink()
    found = compare(studio, repeat(studio, studio.job))
    assert found.equal
    assert set(found.record["same"].values()) == {True}


@SQLITE
def test_another_result_is_measured_in_decoded_frames_and_measures(studio: Studio, database_kind: str):
    source = studio.folder / "made.mp4"
    job = copying(studio, source)
    frames = np.repeat(wall(64, 48)[None], 12, axis=0)
    frames[5:, 20:24, 20:24] //= 2
    write_video(frames, source, FPS)
    found = compare(studio, repeat(studio, job))
    assert not found.equal
    (video,) = (one for one in found.record["outputs"] if one["role"] == "video")
    apart = video["difference"]
    assert apart["frames"] == [12, 12]
    assert 7 <= apart["differing_frames"] <= 12
    assert apart["max_abs"] > 20
    assert 20 < apart["psnr_db"] < 60
    assert f"by at most {apart['max_abs']} of 255 levels" in found.headline
    rows = {row["name"]: row for row in found.record["measurements"]}
    assert rows["preservation_psnr"]["difference"] == (
        rows["preservation_psnr"]["rerun"] - rows["preservation_psnr"]["original"]
    )


@SQLITE
def test_other_bytes_of_the_same_frames_are_told_from_other_frames(studio: Studio, database_kind: str):
    source, clip = studio.folder / "out.mp4", studio.folder / "made.mp4"
    shutil.copyfile(clip, source)
    job = copying(studio, source)
    source.write_bytes(clip.read_bytes() + b"\0\0\0\x08free")
    found = compare(studio, repeat(studio, job))
    assert not found.equal
    assert found.headline.startswith("Reproduced in every pixel: only the files' bytes differ.")


@SQLITE
def test_another_length_is_said(studio: Studio, database_kind: str):
    source = studio.folder / "out.mp4"
    write_video(np.repeat(wall(64, 48)[None], 12, axis=0), source, FPS)
    job = copying(studio, source)
    write_video(np.repeat(wall(64, 48)[None], 9, axis=0), source, FPS)
    assert compare(studio, repeat(studio, job)).headline.startswith("Not reproduced: 12 frames became 9.")


@SQLITE
def test_what_is_different_about_the_machines_is_in_a_table(studio: Studio, database_kind: str):
    again = repeat(studio, studio.job)
    with studio.platform.database.writing() as session:
        attempt = session.get_one(Attempt, (studio.job, 1))
        attempt.environment = {**attempt.environment, "gpus": ["NVIDIA H100"], "driver": "570.1", "torch": "2.6.0"}
    found = compare(studio, again)
    table = {row["name"]: row for row in found.record["environment"] if not row["equal"]}
    assert set(table) == {"gpus", "driver", "torch"}
    same = {row["name"]: row for row in found.record["environment"] if row["equal"]}
    assert same["evaluator temporal"]["original"] == same["evaluator temporal"]["rerun"]
    assert (table["driver"]["original"], table["driver"]["rerun"]) == ("570.1", None)
    assert found.headline.endswith("Different in the environment: driver, gpus, torch.")


@SQLITE
def test_the_gate_judges_a_repetition_anew(studio: Studio, database_kind: str):
    with studio.platform.work(studio.people["legal"]) as work:
        consents.revoke_consent(work, consent=studio.consent, reason="withdrawn")
    with studio.platform.work(studio.people["engineer"]) as work:
        submission = rerun(work, studio.job)
    assert submission.job.status == "refused"
    with pytest.raises(Conflict, match="is refused"):
        compare(studio, submission.job.id)


@SQLITE
def test_only_what_succeeded_can_be_repeated_and_only_repetitions_compared(studio: Studio, database_kind: str):
    waiting = studio.submit()
    with studio.platform.work(studio.people["engineer"]) as work, pytest.raises(Conflict, match="is queued"):
        rerun(work, waiting)
    with pytest.raises(Conflict, match="repeats no other"):
        compare(studio, studio.job)
    with studio.platform.work(studio.people["auditor"]) as work, pytest.raises(Denied):
        rerun(work, studio.job)


@SQLITE
def test_tensors_that_differ_are_measured_by_name(studio: Studio, database_kind: str):
    source, clip = studio.folder / "x.safetensors", studio.folder / "made.mp4"
    save_file({"latents": torch.zeros(2, 3), "gone": torch.zeros(1)}, source)
    program = f"{COPY}; shutil.copyfile(sys.argv[2], 'x.safetensors')"
    artifacts = [
        {"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"},
        {"role": "latents", "pattern": "x.safetensors", "media_type": "application/octet-stream"},
    ]
    parameters = {"argv": [sys.executable, "-c", program, str(clip), str(source)], "artifacts": artifacts}
    job = studio.submit(runner="command", provenance=None, files={}, parameters=parameters)
    Worker(studio.platform).run(drain=True)
    save_file({"latents": torch.tensor([[0.0, 0.5, 0.0], [0.0, 0.0, -0.25]])}, source)
    found = compare(studio, repeat(studio, job))
    assert found.equal
    (latents,) = (one for one in found.record["outputs"] if one["role"] == "latents")
    assert latents["difference"] == {"max_abs": {"latents": 0.5}, "not_compared": ["gone"]}


@SQLITE
def test_the_results_of_a_study_are_compared_number_by_number(studio: Studio, database_kind: str):
    source, clip = studio.folder / "results.json", studio.folder / "out.mp4"
    shutil.copyfile(studio.output, clip)
    environment = studio.folder / "environment.json"
    source.write_text(json.dumps({"auc": 0.96, "n": 569, "slope": 1.0}))
    environment.write_text(json.dumps({"python": "3.12.1", "distributions": [{"name": "numpy", "version": "2.0"}]}))
    program = f"{COPY}; [shutil.copy(path, '.') for path in sys.argv[2:]]"
    artifacts = [
        {"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"},
        {"role": "results", "pattern": "results.json", "media_type": "application/json"},
        {"role": "environment", "pattern": "environment.json", "media_type": "application/json"},
    ]
    argv = [sys.executable, "-c", program, str(clip), str(source), str(environment)]
    job = studio.submit(runner="command", provenance=None, files={}, parameters={"argv": argv, "artifacts": artifacts})
    Worker(studio.platform).run(drain=True)

    clip.write_bytes(studio.output.read_bytes() + b"\0\0\0\x08free")
    source.write_text(json.dumps({"auc": 0.96, "n": 569, "slope": 1.0 + 1e-9}))
    found = compare(studio, repeat(studio, job))
    assert found.headline.startswith("Reproduced in every number: 2 of 3 values are the same, the others within 1e-06.")

    source.write_text(json.dumps({"auc": 0.95, "n": 569, "brier": 0.1}))
    environment.write_text(json.dumps({"python": "3.12.1", "distributions": [{"name": "numpy", "version": "2.1"}]}))
    found = compare(studio, repeat(studio, job))
    assert found.headline == (
        "Not reproduced: of 4 reported values 1 came out different, 2 only once. Different in the environment: numpy."
    )
    (results,) = (one for one in found.record["outputs"] if one["role"] == "results")
    assert {row["pointer"]: row["status"] for row in results["difference"]["rows"]} == {
        "/auc": "different",
        "/slope": "only_original",
        "/brier": "only_rerun",
    }
    (row,) = (row for row in found.record["environment"] if not row["equal"])
    assert (row["name"], row["original"], row["rerun"]) == ("numpy", "2.0", "2.1")


@SQLITE
def test_results_that_are_no_json_are_not_compared_and_it_is_said(studio: Studio, database_kind: str):
    source, clip = studio.folder / "results.json", studio.folder / "out.mp4"
    shutil.copyfile(studio.output, clip)
    source.write_text("{}")
    artifacts = [
        {"role": "video", "pattern": "out.mp4", "media_type": "video/mp4"},
        {"role": "results", "pattern": "results.json", "media_type": "application/json"},
    ]
    argv = [sys.executable, "-c", f"{COPY}; shutil.copy(sys.argv[2], '.')", str(clip), str(source)]
    job = studio.submit(runner="command", provenance=None, files={}, parameters={"argv": argv, "artifacts": artifacts})
    Worker(studio.platform).run(drain=True)
    source.write_text("{")
    clip.write_bytes(studio.output.read_bytes() + b"\0\0\0\x08free")
    found = compare(studio, repeat(studio, job))
    assert found.headline.startswith("Not reproduced: the results cannot be compared (rerun is no JSON")
