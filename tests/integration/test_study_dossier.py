"""The dossier and the page of a real study: carried out here, or taken in from elsewhere."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from support.asking import offer
from support.runs import write_v1
from support.studies import GROUP, VERSION, approved, found_group, take_in
from support.studio import Studio

from core import releases
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.reading import job_list, release_page, task_list
from core.reports.dossier import make_dossier
from core.reports.study import Study
from core.runs import create_run


def proposed(studio: Studio, asset: str, runner: str) -> str:
    """Run a study and put it up for release; returns the release's id."""
    with studio.platform.work(studio.people["engineer"]) as work:
        job = submit(work, JobRequest(asset=asset, version=VERSION, runner=runner)).job.id
    Worker(studio.platform).run(drain=True)
    return releases.propose(studio.platform, studio.people["engineer"], job).release.id


def test_a_study_reaches_its_dossier_with_what_vouches_for_it(studio: Studio, tmp_path: Path):
    found_group(studio)
    asset = take_in(studio, tmp_path / "small")
    approved(studio, asset)
    release = proposed(studio, asset, "protocol")
    with studio.platform.reading() as session:
        page = release_page(session, studio.platform.store, release)
    study = page.document.study
    assert study is not None
    assert (page.clips, next(iter(page.files)), page.line.use) == ({}, "manuscript", "manuscript")
    assert page.document.title == "small: reproduction"
    assert study.approval is not None
    assert (study.approval.by, study.approval.covers) == ("Clinical", True)
    assert study.results[0].title == "Primary measure: Root mean squared error"
    assert study.results[0].rows[0].value == value_at(studio, page.files["results"].sha256, study)
    assert study.numbers == study.traced
    assert study.traced
    assert study.cards is not None
    assert study.cards[0].rows == 442
    files = make_dossier(studio.platform, studio.people["auditor"], release)
    reader = pypdf.PdfReader(BytesIO(files.pdf))
    carried = reader.attachments
    for role, name in (("manuscript", "manuscript.pdf"), ("results", "results.json"), ("code", "code.py")):
        assert carried[name] == [studio.platform.store.read(page.files[role].sha256)]
    text = "".join(sheet.extract_text() for sheet in reader.pages)
    assert "442 rows of 442 patients were analysed." in text.replace("\n", " ")
    assert len(reader.pages[0].images) >= 3
    assert "Page 1 of the manuscript, reduced" in files.html.decode()
    assert json.loads(carried["dossier.json"][0])["study"]["question"] == study.question


def value_at(studio: Studio, sha256: str, study: Study) -> float:
    """The value that the first row's pointer leads to in the results file."""
    found = json.loads(studio.platform.store.read(sha256))
    for key in study.results[0].rows[0].pointer.split("/")[1:]:
        found = found[key]
    return float(found["estimate"])


def test_a_run_made_elsewhere_says_what_nobody_knows(studio: Studio, tmp_path: Path):
    found_group(studio)
    asset = create_run(
        studio.platform, studio.people["engineer"], project=GROUP, source=write_v1(tmp_path / "rings"), name="rings"
    )
    release = proposed(studio, asset.id, "run-ingest")
    with studio.platform.reading() as session:
        study = release_page(session, studio.platform.store, release).document.study
    assert study is not None
    assert (study.framework, study.approval, study.traced, study.mode) == ("ai-scientist-v1", None, None, None)
    assert {check.status for check in study.checks or ()} == {"not_checked"}
    assert [group.title for group in study.results] == ["Recorded by the run: run_0", "Recorded by the run: run_1"]
    files = make_dossier(studio.platform, studio.people["auditor"], release)
    text = " ".join(sheet.extract_text() for sheet in pypdf.PdfReader(BytesIO(files.pdf)).pages).replace("\n", " ")
    assert "The run does not say where its manuscript's numbers come from" in text
    assert "carried out elsewhere and taken in (ai-scientist-v1)" in text


def test_a_question_is_listed_with_what_there_is_to_read(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    offer(tmp_path, monkeypatch)
    studio.submit(runner="asks", provenance=None, files={})
    Worker(studio.platform).run(drain=True)
    with studio.platform.reading() as session:
        (task,) = task_list(session)
        waiting = [job.status for job in job_list(session)]
    assert (task.gate, task.question, task.submitted_by) == ("execution", "May the plan be carried out?", "Engineer")
    (plan,) = task.documents
    assert (plan.role, plan.media_type, studio.platform.store.read(plan.sha256)) == ("plan", "text/plain", b"the plan")
    assert waiting == ["waiting"]
