"""Projects, models with their lineage, and assets: what is registered is checked, unique and exact."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.clips import write_case
from support.studio import BARE_CLIP, CLIP, MODEL, PROJECT, Studio

from core import registry
from core.canonical import digest, file_sha256
from core.errors import Conflict, Denied, GreenlightError, InputError, MediaRejected, NotFound
from core.lookup import asset_files, find, find_version, lineage
from core.tables import Artifact, Asset, AuditEvent, Base, Model, ModelVersion, Project
from policies import builtin_ids


def safetensors(path: Path, data: bytes = b"\x00" * 8) -> Path:
    head = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)
    return path


def create(studio: Studio, what: Any, by: str, /, **given: Any) -> Any:
    with studio.platform.work(studio.people[by]) as work:
        return what(work, **given)


def refused(studio: Studio, kind: type[GreenlightError], what: Any, by: str, /, **given: Any) -> str:
    """What the refusal says; it must leave no record and no event."""
    before = counts(studio)
    with pytest.raises(kind) as error:
        create(studio, what, by, **given)
    assert counts(studio) == before
    return str(error.value)


def counts(studio: Studio) -> dict[str, int]:
    tables: list[type[Base]] = [Project, Model, ModelVersion, Asset, Artifact, AuditEvent]
    with studio.platform.reading() as session:
        return {table.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables}


def project(**changes: Any) -> dict[str, Any]:
    return {"name": "Second", "kind": "production", "agreements": ["part-11"], **changes}


def version(**changes: Any) -> dict[str, Any]:
    return {"model": "remover", "version": "2", "licence": "Apache-2.0", **changes}


def test_what_nobody_has_said_stays_unknown(studio: Studio):
    row = create(studio, registry.create_project, "manager", **project())
    assert (row.final_deliverable, row.first_photography, row.strikes, row.tools) == (None, None, None, {})


@pytest.mark.parametrize(
    ("what", "given", "by"),
    [
        (registry.create_project, project(), "engineer"),
        (registry.create_project, project(), "auditor"),
        (registry.create_model, {"name": "new", "origin": "vendor"}, "legal"),
        (registry.create_version, version(), "manager"),
        (registry.create_version, version(licence_cleared=True), "engineer"),
        (registry.clear_licence, {"version": MODEL, "cleared": True}, "engineer"),
        (registry.clear_licence, {"version": MODEL, "cleared": True}, "manager"),
    ],
)
def test_who_may_not_is_told_whom_to_ask(studio: Studio, what: Any, given: dict[str, Any], by: str):
    assert "ask somebody who is" in refused(studio, Denied, what, by, **given)


@pytest.mark.parametrize(
    ("what", "given", "by"),
    [
        (registry.create_project, project(name=PROJECT), "manager"),
        (registry.create_project, project(name=f" {PROJECT} "), "manager"),
        (registry.create_model, {"name": "remover", "origin": "vendor"}, "engineer"),
        (registry.create_version, version(version="1"), "engineer"),
    ],
)
def test_a_name_is_given_once(studio: Studio, what: Any, given: dict[str, Any], by: str):
    assert "exists" in refused(studio, Conflict, what, by, **given)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("what", "given", "by", "told"),
    [
        (
            registry.create_project,
            project(kind="film"),
            "manager",
            "'film' is no kind of project; use production or study",
        ),
        (registry.create_project, project(name="a/b"), "manager", "cannot name a project"),
        (registry.create_project, project(name="a\nb"), "manager", "cannot name a project"),
        (registry.create_project, project(name="  "), "manager", "cannot name a project"),
        (registry.create_project, project(first_photography="next week"), "manager", "'next week' is no date"),
        (registry.create_project, project(first_photography="2026-02-30"), "manager", "'2026-02-30' is no date"),
        (registry.create_project, project(tools={"keeps_secrets": True}), "manager", "'keeps_secrets'"),
        (registry.create_model, {"name": "new", "origin": "found"}, "engineer", "'found' is no origin"),
        (registry.create_version, version(licence=" "), "engineer", "cannot name a licence"),
        (registry.create_version, version(card={"size": float("nan")}), "engineer", "cannot be stored as JSON"),
        (registry.create_version, version(card={"parameters": 2**60}), "engineer", "cannot be stored as JSON"),
        (registry.create_version, version(parents={"remover@1": "cousin"}), "engineer", "'cousin' is no relation"),
        (registry.create_version, version(parents={"remover@9": "base"}), "engineer", "no version '9'"),
        (registry.create_version, version(model="painter"), "engineer", "no model 'painter'; known: remover"),
    ],
)
def test_what_cannot_be_used_is_told(
    studio: Studio, what: Any, given: dict[str, Any], by: str, told: str, database_kind: str
):
    assert told in refused(studio, InputError, what, by, **given)


def test_an_unknown_pack_is_told_with_all_that_exist(studio: Studio):
    told = refused(studio, NotFound, registry.create_project, "manager", **project(agreements=["part-12"]))
    assert "part-12" in told
    assert all(pack in told for pack in builtin_ids())


def test_weights_are_known_by_their_content(studio: Studio, tmp_path: Path):
    path = safetensors(tmp_path / "weights.safetensors")
    row = create(studio, registry.create_version, "engineer", **version(weights=[path]))
    assert row.weights == [{"name": path.name, "sha256": file_sha256(path), "size": path.stat().st_size}]
    assert row.digest == digest(row.weights)
    assert row.weights_format == "safetensors"
    other = safetensors(tmp_path / "other.safetensors", b"\x01" * 8)
    assert (
        create(studio, registry.create_version, "engineer", **version(version="3", weights=[other])).digest
        != row.digest
    )


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("this must never run",))


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Harmful()),
        pickle.dumps({"w": [0.0]}, protocol=0),
        b"PK\x03\x04" + bytes(100),
        b"",
        b"\x08",
        (2).to_bytes(8, "little") + b"{",
        (1 << 40).to_bytes(8, "little") + b"{" + bytes(50),
        (30).to_bytes(8, "little") + b'{"w": not json at all........}' + bytes(8),
        (20).to_bytes(8, "little") + b'["a list, no table"]' + bytes(8),
    ],
    ids=["pickle", "old pickle", "zip", "empty", "a byte", "cut off", "too long", "no JSON", "no table"],
)
def test_weights_that_could_run_code_are_refused_whatever_their_name(
    studio: Studio, tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str], database_kind: str
):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    told = refused(studio, InputError, registry.create_version, "engineer", **version(weights=[path]))
    assert "not a safetensors file" in told
    assert "convert" in told
    assert capsys.readouterr().out == ""


def test_a_missing_weight_file_is_told(studio: Studio, tmp_path: Path):
    told = refused(studio, NotFound, registry.create_version, "engineer", **version(weights=[tmp_path / "none"]))
    assert "there is no weight file" in told


def test_lineage_is_followed_to_its_end_and_each_ancestor_named_once(studio: Studio):
    create(studio, registry.create_version, "engineer", **version(version="2", parents={"remover@1": "base"}))
    create(studio, registry.create_version, "engineer", **version(version="style", parents={"remover@1": "base"}))
    parents = {"remover@2": "base", "remover@style": "adapter"}
    row = create(studio, registry.create_version, "engineer", **version(version="3", parents=parents))
    with studio.platform.reading() as session:
        found = [(relation, parent.version) for relation, parent in lineage(session, row)]
    assert sorted(found) == [("adapter", "style"), ("base", "1"), ("base", "2")]


def test_the_legal_decision_on_a_licence_is_on_record(studio: Studio):
    create(studio, registry.clear_licence, "legal", version=MODEL, cleared=True)
    with studio.platform.reading() as session:
        assert find_version(session, MODEL).licence_cleared is True
        event = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.index.desc()).limit(1)).one()
    assert (event.action, json.loads(event.body)["payload"]) == ("model.licence_decided", {"cleared": True})


def test_a_clip_is_taken_in_with_exact_facts(studio: Studio, tmp_path: Path):
    folder = write_case(tmp_path / "shot", frames=7, size=(80, 48))
    (folder / "scale.json").write_text('{"metres_per_pixel": 0.01}', encoding="utf-8")
    row = registry.create_clip(studio.platform, studio.people["engineer"], project=PROJECT, folder=folder)
    assert row.name == "shot"
    facts = row.facts
    assert {name: facts[name] for name in ("frames", "width", "height", "fps", "prompt")} == {
        "frames": 7,
        "width": 80,
        "height": 48,
        "fps": 12.0,
        "prompt": "a wall",
    }
    removed = 12 * 12 / (80 * 48)
    assert facts["mask"]["exact"] is True
    assert facts["mask"]["shares"] == pytest.approx({"0": removed, "63": 0, "127": 0, "255": 1 - removed})
    with studio.platform.reading() as session:
        files = {role: file.sha256 for role, file in asset_files(session, row).items()}
    names = {"video": "input_video.mp4", "quadmask": "quadmask_0.mp4", "prompt": "prompt.json", "scale": "scale.json"}
    assert files == {role: file_sha256(folder / name) for role, name in names.items()}
    assert row.digest == digest(files)
    assert all(studio.platform.store.has(sha256) for sha256 in files.values())


def test_the_same_clip_may_stand_under_two_names_but_is_kept_once(studio: Studio):
    with studio.platform.reading() as session:
        first, second = find(session, Asset, CLIP), find(session, Asset, BARE_CLIP)
        assert first.digest == second.digest
    with pytest.raises(Conflict, match=f"asset '{CLIP}' already"):
        registry.create_clip(studio.platform, studio.people["engineer"], project=PROJECT, folder=studio.clip, name=CLIP)


def test_a_broken_clip_leaves_no_asset_and_no_file(studio: Studio):
    (studio.clip / "prompt.json").write_text("{", encoding="utf-8")
    before, stored = counts(studio), sorted((studio.platform.settings.home / "artifacts").rglob("*"))
    with pytest.raises(MediaRejected, match=r"prompt\.json"):
        registry.create_clip(studio.platform, studio.people["engineer"], project=PROJECT, folder=studio.clip, name="x")
    assert counts(studio) == before
    assert sorted((studio.platform.settings.home / "artifacts").rglob("*")) == stored


def test_only_an_engineer_takes_clips_in(studio: Studio):
    with pytest.raises(Denied):
        registry.create_clip(studio.platform, studio.people["legal"], project=PROJECT, folder=studio.clip, name="x")


def test_what_is_not_there_is_told_with_what_is(studio: Studio):
    with studio.platform.reading() as session:
        with pytest.raises(NotFound, match="no project 'Pilott'; known: Pilot"):
            find(session, Project, "Pilott")
        with pytest.raises(NotFound, match="name it as model@version"):
            find_version(session, "remover")
        with pytest.raises(NotFound, match=r"greenlight model list"):
            find_version(session, "remover@7")


def test_a_name_that_two_projects_use_needs_the_id(studio: Studio):
    create(studio, registry.create_project, "manager", **project())
    registry.create_clip(studio.platform, studio.people["engineer"], project="Second", folder=studio.clip, name=CLIP)
    with studio.platform.reading() as session, pytest.raises(InputError, match="give the asset's id"):
        find(session, Asset, CLIP)
