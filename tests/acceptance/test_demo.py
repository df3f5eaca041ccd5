"""`greenlight demo`: two cases travel from submission to sealed decisions, and nobody else's record is touched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.clips import write_case
from support.requirements import PROJECT
from support.studio import Studio

from core.audit.verify import verify
from core.canonical import file_sha256, sha256
from core.identity import actor_from_token
from core.lookup import output_of
from core.platform import Platform
from core.reports.dossier import check_dossier
from core.reports.sealing import attached
from core.settings import Settings
from core.signatures import check_signature
from core.tables import Output, ProtocolApproval, Release, SignatureRecord

Demo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """Run the command in a folder of its own, as a shell does; the same folder at every call."""

    def command(*arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", "from core.cli.main import run; run()", "demo", *map(str, arguments)]
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), **environ}
        return subprocess.run(
            program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )

    return command


def check_ending(platform: Platform, folder: Path, ending: dict[str, Any], state: str) -> None:
    """The release is in that state, its dossier sealed over the evidence, and what left is what was approved."""
    assert ending["state"] == state
    pdf = folder / ending["pdf"]
    report = check_dossier(platform, pdf)
    with platform.reading() as session:
        release = session.get_one(Release, ending["release"])
        output = output_of(session, release.job_id)
        assert output is not None
        signatures = session.scalars(sa.select(SignatureRecord).where(SignatureRecord.release_id == release.id)).all()
    assert (report.holds, report.record_sha256, release.state) == (True, release.evidence_sha256, state)
    evidence = attached(pdf.read_bytes())["evidence.json"]
    assert sha256(evidence) == release.evidence_sha256
    assert json.loads(evidence)["outputs"][output.role] == output.sha256
    html = (folder / ending["html"]).read_text(encoding="utf-8")
    assert release.id in html
    for signature in signatures:
        check_signature(signature, release, platform.key.public)
    if state == "approved":
        assert len({signature.user_id for signature in signatures}) == 2
        assert file_sha256(folder / ending["exported"]) == output.sha256
    else:
        assert (signatures, ending["exported"]) == ([], None)


def test_one_case_is_refused_and_one_approved_sealed_and_exported_and_it_can_be_run_again(tmp_path: Path, demo: Demo):
    first = demo("--json")
    assert (first.returncode, first.stderr) == (0, "")
    refused, approved = json.loads(first.stdout)
    reasons = " ".join(sentence for sentence, _ in refused["reasons"])
    assert "no consent covers the removal of Demo performer A" in reasons
    assert "does not move as it would without it" in reasons
    again = demo()
    assert (again.returncode, again.stderr) == (0, "")
    assert "NOT RELEASED" in again.stdout
    assert "APPROVED" in again.stdout
    named = re.findall(r"Sealed dossier: (\S+)  \(in a browser: (\S+)\)|Released output: (\S+)", again.stdout)
    files = [tmp_path / name for line in named for name in line if name]
    assert len(files) == 5
    assert all(file.stat().st_size for file in files)
    home = tmp_path / ".greenlight"
    assert (home / "demo-people.json").stat().st_mode & 0o777 == 0o600
    with closing(Platform.open(Settings(home=home))) as platform:
        check_ending(platform, tmp_path, refused, "refused")
        check_ending(platform, tmp_path, approved, "approved")
        with platform.reading() as session:
            states = session.scalars(sa.select(Release.state).order_by(Release.proposed_at)).all()
            found = verify(session, platform.store, platform.key.public)
        assert states == ["refused", "approved", "refused", "approved"]
        assert found.findings == ()
        signed_in = actor_from_token(platform, (home / "session").read_text(encoding="utf-8"))
        assert sorted(signed_in.roles) == ["auditor"]


def test_a_clip_of_one_s_own_runs_through_to_its_dossier(tmp_path: Path, demo: Demo):
    clip = write_case(tmp_path / "own clip", frames=16, size=(160, 96))
    done = demo("--input", clip, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (ending,) = json.loads(done.stdout)
    with closing(Platform.open(Settings(home=tmp_path / ".greenlight"))) as platform:
        check_ending(platform, tmp_path, ending, "refused")
        with platform.reading() as session:
            assert verify(session, platform.store, platform.key.public).intact
    assert "whose output never leaves" in " ".join(sentence for sentence, _ in ending["reasons"])
    assert "it is not known who is visible in the picture" in " ".join(sentence for sentence, _ in ending["reasons"])


def test_the_smallest_sample_runs_through_to_its_dossier(tmp_path: Path, demo: Demo, samples: Path):
    done = demo("--input", samples / "void" / "BigBen", "--nobody", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (ending,) = json.loads(done.stdout)
    with closing(Platform.open(Settings(home=tmp_path / ".greenlight"))) as platform:
        check_ending(platform, tmp_path, ending, ending["state"])
        with platform.reading() as session:
            assert verify(session, platform.store, platform.key.public).intact


def test_a_study_goes_from_its_protocol_to_a_signed_manuscript(tmp_path: Path, demo: Demo):
    done = demo("--study", "--json")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (ending,) = json.loads(done.stdout)
    assert (tmp_path / ending["exported"]).read_bytes().startswith(b"%PDF-")
    with closing(Platform.open(Settings(home=tmp_path / ".greenlight"))) as platform:
        check_ending(platform, tmp_path, ending, "approved")
        with platform.reading() as session:
            job = session.get_one(Release, ending["release"]).job_id
            made = {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == job))}
            approval = session.scalars(sa.select(ProtocolApproval)).one()
            assert verify(session, platform.store, platform.key.public).findings == ()
        study = made["manuscript"].facts["runner"]["study"]
        assert study["protocol_sha256"] == approval.protocol_sha256
        assert study["numbers"]["traced"] == study["numbers"]["total"] > 100
        assert {"results", "provenance", "code", "predictions", "environment", "manuscript_tex"} <= set(made)
        results = json.loads(platform.store.read(made["results"].sha256))
    assert results["flow"]["patients"] == 569
    refused = demo("--study", "--input", "anywhere")
    assert (refused.returncode, refused.stdout) == (2, "")


def test_a_clip_that_cannot_be_used_is_told_in_one_sentence(tmp_path: Path, demo: Demo):
    clip = write_case(tmp_path / "clip", frames=4)
    (clip / "quadmask_0.mp4").unlink()
    done = demo("--input", clip)
    assert done.returncode == 2
    assert done.stderr == ("Error: clip has no quadmask; add the mask as quadmask_0.mp4 or trimask_quadmask.mp4.\n")


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_an_installation_that_is_no_demo_is_left_alone(studio: Studio, demo: Demo, database_kind: str):
    home = studio.platform.settings.home
    before = sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*"))
    done = demo(GREENLIGHT_HOME=str(home))
    assert (done.returncode, done.stdout) == (5, "")
    assert re.fullmatch(
        r"Error: \S+ holds a Greenlight that is not a demonstration; run the demo in .*\.\n", done.stderr
    )
    assert sorted((path, path.stat().st_mtime_ns) for path in home.rglob("*")) == before


def test_a_team_s_database_is_left_alone(tmp_path: Path, demo: Demo):
    done = demo(GREENLIGHT_DATABASE_URL="postgresql://127.0.0.1:1/studio")
    assert done.returncode == 5
    assert "not a demonstration" in done.stderr
    assert not (tmp_path / ".greenlight").exists()
