"""Masks as records: made by a job or by hand, checked exactly, with author, parent and what they change."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from support.clips import FPS
from support.sam2 import write_sam2
from support.studio import CLIP, PROJECT, Studio
from support.vlm import completion

from core import consents, masks, registry
from core.audit.verify import verify
from core.canonical import now
from core.errors import Conflict, Denied, InputError, MediaRejected
from core.facts import build_facts
from core.jobs.judging import spared_key
from core.jobs.masking import runner_parameters
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.lookup import asset_files, find
from core.platform import Platform
from core.releases import propose
from core.runners.base import RunSpecification
from core.tables import Asset, AuditEvent, Job, Output
from evaluators.qualification.encoding import write_video

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
ANSWER = {
    "edit_instruction": "remove the square", "integral_belongings": [], "scene_description": "A wall.",
    "confidence": 0.8, "affected_objects": [{
        "noun": "shadow", "category": "visual_artifact", "why": "cast", "will_move": False, "movement_description": "",
        "first_appears_frame": 0,
        "grid_localizations": [{"frame": 0, "grid_regions": [{"row": 7, "col": 0}]}],
    }],
}  # fmt: skip
POINTS = [[0, 8, 20, 1]]


@pytest.fixture(scope="module")
def sam2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sam2(tmp_path_factory.mktemp("weights") / "sam2")


def with_model(studio: Studio, **settings: str) -> Studio:
    return replace(studio, platform=Platform(replace(studio.platform.settings, **settings)))


def prepare(studio: Studio, sam2: Path) -> Studio:
    """Register SAM2 and take in the clip without its mask, as `bare`, where nobody is visible."""
    engineer, legal = studio.people["engineer"], studio.people["legal"]
    folder = studio.folder / "bare"
    folder.mkdir()
    for name in ("input_video.mp4", "prompt.json"):
        (folder / name).write_bytes((studio.clip / name).read_bytes())
    masks.create_unmasked_clip(studio.platform, engineer, project=PROJECT, folder=folder)
    with studio.platform.work(engineer) as work:
        registry.create_model(work, name="sam2", origin="vendor")
        registry.create_version(
            work, model="sam2", version="1", licence="Apache-2.0", weights=[sam2 / "model.safetensors"],
            network_egress=False,
        )  # fmt: skip
    with studio.platform.work(legal) as work:
        consents.declare_persons(work, asset="bare", persons={}, basis="watched the whole clip")
    return studio


def request(sam2: Path, **changes: Any) -> JobRequest:
    parameters = {"weights": str(sam2), "points": POINTS, "instruction": "remove the square"}
    usual = {"asset": "bare", "version": "sam2@1", "runner": "mask", "parameters": parameters}
    return JobRequest(**{**usual, **changes})


def submitted(studio: Studio, wanted: JobRequest) -> Job:
    with studio.platform.work(studio.people["engineer"]) as work:
        return submit(work, wanted).job


def job(studio: Studio, job_id: str) -> Job:
    with studio.platform.reading() as session:
        return session.get_one(Job, job_id)


def painted(studio: Studio, name: str, *, lossless: bool = True, off: int = 0) -> Path:
    """The studio's clip's mask with 32 more pixels removed on each frame."""
    import av

    with av.open(str(studio.clip / "quadmask_0.mp4")) as container:
        mask = np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)])
    mask[:, 40:44, 50:58] = off
    return write_video(mask, studio.folder / name, FPS, lossless=lossless)


def test_a_mask_job_ends_unmeasured_and_its_mask_becomes_an_asset(studio: Studio, sam2, serve, monkeypatch):
    monkeypatch.setenv("STUDIO_VLM_KEY", "a-key")
    server = serve(lambda _body: completion(json.dumps(ANSWER)))
    settings = {"vlm_model": "local-vlm", "vlm_base_url": server.url, "vlm_key_variable": "STUDIO_VLM_KEY"}
    local = prepare(with_model(studio, **settings), sam2)
    made = submitted(local, request(sam2))
    assert made.parameters["vlm"] == {"model": "local-vlm", "base_url": server.url}
    assert made.ai_use["network_egress"] is False
    Worker(local.platform).run(drain=True)
    assert (job(local, made.id).status, job(local, made.id).message) == ("succeeded", "done")
    assert server.headers[0]["authorization"] == "Bearer a-key"
    with local.platform.reading() as session:
        outputs = {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == made.id))}
        assert build_facts(session, session.get_one(Job, made.id), "release", now())["measurements"] == {}
    assert set(outputs) == {"quadmask", "segmentation_info", "vlm_analysis", "record"}
    vlm = outputs["quadmask"].facts["runner"]["vlm"]
    assert (vlm["model"], vlm["network_egress"], vlm["requests"]) == ("local-vlm", False, 1)
    with pytest.raises(Conflict, match="made nothing that could be released"):
        propose(local.platform, local.people["engineer"], made.id)

    row = masks.take_mask(local.platform, local.people["engineer"], job=made.id, name="masked", note="looked at it")
    mask = row.facts["mask"]
    assert (mask["origin"], mask["job"], mask["author_name"]) == ("job", made.id, "Engineer")
    assert mask["changed_share"] is None
    with local.platform.reading() as session:
        parent = find(session, Asset, "bare")
        files, before = asset_files(session, row), asset_files(session, parent)
        assert mask["parent"] == parent.id
        assert verify(session, local.platform.store, local.platform.key.public).intact
    assert files["video"].sha256 == before["video"].sha256
    assert files["quadmask"].sha256 == outputs["quadmask"].sha256
    local.platform.close()


def test_frames_that_leave_are_judged_when_the_job_is_submitted(studio: Studio, sam2):
    with studio.platform.work(studio.people["manager"]) as work:
        find(work.session, registry.Project, PROJECT).agreements = ["netflix-genai"]
        work.record("project.changed", "test")
    remote = prepare(with_model(studio, vlm_model="vlm", vlm_base_url="http://192.0.2.1:9/v1"), sam2)
    made = submitted(remote, request(sam2))
    assert made.ai_use["network_egress"] is True
    with remote.platform.reading() as session:
        events = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "gate.submit"))
        assert any(made.id in event.body for event in events)
        facts = build_facts(session, session.get_one(Job, made.id), "submit", now())
    assert facts["ai_use"]["network_egress"] is True
    assert made.status == "refused"
    remote.platform.close()


@SQLITE
def test_a_job_that_did_not_say_that_frames_leave_asks_no_model(studio: Studio, sam2, database_kind: str):
    remote = prepare(with_model(studio, vlm_model="vlm", vlm_base_url="http://192.0.2.1:9/v1"), sam2)
    kept = {"weights": str(sam2), "vlm": {"model": "vlm", "base_url": "http://192.0.2.1:9/v1"}}
    given = runner_parameters(remote.platform.settings, "mask", kept, {"network_egress": False})
    assert "without saying that frames leave" in given["vlm"]["forbidden"]
    assert spared_key(RunSpecification("mask", {}, given)) == ""
    remote.platform.close()


@SQLITE
def test_a_submitter_cannot_send_the_houses_key_elsewhere(studio: Studio, sam2, database_kind: str):
    settings = {"vlm_model": "vlm", "vlm_base_url": "http://127.0.0.1:9/v1", "vlm_key_variable": "STUDIO_VLM_KEY"}
    local = prepare(with_model(studio, **settings), sam2)
    elsewhere = {"model": "vlm", "base_url": "http://127.0.0.1:10/v1"}
    given = runner_parameters(local.platform.settings, "mask", {"vlm": elsewhere}, {"network_egress": False})
    assert given["vlm"]["key_variable"] is None
    ours = {"model": "vlm", "base_url": "http://127.0.0.1:9/v1"}
    given = runner_parameters(local.platform.settings, "mask", {"vlm": ours}, {"network_egress": False})
    assert spared_key(RunSpecification("mask", {}, given)) == "STUDIO_VLM_KEY"
    parameters = {"weights": str(sam2), "points": POINTS, "instruction": "x"}
    with pytest.raises(InputError, match="'vlm' cannot be read"):
        submitted(
            local, request(sam2, parameters={**parameters, "vlm": {**elsewhere, "key_variable": "STUDIO_VLM_KEY"}})
        )
    with pytest.raises(InputError, match="no http or https address"):
        submitted(local, request(sam2, parameters={**parameters, "vlm": {"model": "m", "base_url": "file:///etc"}}))
    local.platform.close()


@SQLITE
def test_without_any_model_a_mask_job_is_not_even_submitted(studio: Studio, sam2, database_kind: str):
    prepare(studio, sam2)
    with pytest.raises(InputError, match="needs a vision-language model"):
        submitted(studio, request(sam2))
    analysis = studio.folder / "analysis.json"
    analysis.write_text(json.dumps({"affected_objects": []}), encoding="utf-8")
    made = submitted(studio, request(sam2, files={"vlm_analysis": analysis}))
    assert (made.status, "vlm" in made.parameters, made.ai_use["network_egress"]) == ("queued", False, False)
    Worker(studio.platform).run(drain=True)
    assert job(studio, made.id).status == "succeeded"


def test_a_corrected_mask_is_a_new_asset_with_author_parent_and_the_share_changed(studio: Studio):
    row = masks.correct_mask(
        studio.platform, studio.people["engineer"], asset=CLIP, quadmask=painted(studio, "edited.mp4"),
        name="crossing, foot included", note="The left foot was missing.",
    )  # fmt: skip
    mask = row.facts["mask"]
    assert mask["changed_share"] == pytest.approx(32 / (64 * 48))
    assert (mask["author"], mask["note"]) == (studio.people["engineer"].id, "The left foot was missing.")
    assert sum(mask["shares"].values()) == pytest.approx(1)
    with studio.platform.reading() as session:
        parent = find(session, Asset, CLIP)
        assert (mask["parent"], mask["parent_digest"]) == (parent.id, parent.digest)
        assert row.digest != parent.digest
        assert {role: item.sha256 for role, item in asset_files(session, parent).items()}["video"] == (
            asset_files(session, row)["video"].sha256
        )
        event = session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "asset.mask_made")).one()
        assert event.subject == row.id
        assert verify(session, studio.platform.store, studio.platform.key.public).intact


@SQLITE
def test_a_corrected_mask_that_cannot_be_used_leaves_nothing(studio: Studio, database_kind: str):
    engineer = studio.people["engineer"]
    named = {"asset": CLIP, "name": "edited", "note": "mine"}
    short = write_video(np.full((11, 48, 64), 255, np.uint8), studio.folder / "short.mp4", FPS, lossless=True)
    small = write_video(np.full((12, 32, 64), 255, np.uint8), studio.folder / "small.mp4", FPS, lossless=True)
    polar = write_video(np.full((12, 48, 64), 255, np.uint8), studio.folder / "mask_edited.mp4", FPS, lossless=True)
    for path, told in (
        (painted(studio, "off.mp4", off=64), "384 pixels that are not 0, 63, 127 or 255, first in frame 0"),
        (short, "11 frames but the video has 12"),
        (small, "64x32 but the video is 64x48"),
        (polar, "opposite polarity"),
        (studio.folder / "missing.mp4", "cannot be read"),
    ):
        with pytest.raises(MediaRejected, match=told):
            masks.correct_mask(studio.platform, engineer, **named, quadmask=path)
    with pytest.raises(InputError, match="changes no pixel"):
        masks.correct_mask(studio.platform, engineer, **named, quadmask=studio.clip / "quadmask_0.mp4")
    with pytest.raises(Conflict, match="has an asset 'crossing' already"):
        masks.correct_mask(studio.platform, engineer, **{**named, "name": CLIP}, quadmask=painted(studio, "e.mp4"))
    with pytest.raises(Denied):
        masks.correct_mask(studio.platform, studio.people["auditor"], **named, quadmask=painted(studio, "f.mp4"))
    with pytest.raises(Conflict, match="made no quadmask"):
        masks.take_mask(studio.platform, engineer, job=studio.job, name="edited")
    with studio.platform.reading() as session:
        assert session.scalar(sa.select(Asset.id).where(Asset.name == "edited")) is None
