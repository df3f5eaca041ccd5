"""A study in a real browser: its manuscript as pages, its facts, and a run that asks before it goes on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from reportlab.pdfgen.canvas import Canvas
from support.asking import offer
from support.pages import give, open_release, sign_in, sign_out, told
from support.runs import png
from support.studies import VERSION, approved, found_group, take_in
from support.studio import PASSWORD, Studio, found, people_of

from core import releases
from core.access import WORKER
from core.jobs.queue import Made, claim, finish
from core.jobs.submission import JobRequest, submit
from core.jobs.worker import Worker
from core.platform import Platform
from core.settings import Settings
from core.tasks import tasks_of

pytestmark = pytest.mark.needs_tool("chromium")
PAGES = 3
TABS = ["Manuscript", "Study", "Findings and reviews", "Policy verdicts", "Record and proof"]
RESULTS = {
    "schema": "greenlight.study-results/1",
    "settings": {"primary": "rmse"},
    "models": {"ridge": {"title": "Ridge <b>regression</b>", "performance": {"rmse": {"estimate": 54.25}}}},
}
FACTS = {
    "backend": "protocol",
    "mode": "reproduction",
    "deviations": [],
    "datasets": [{"name": "cohort", "rights": "CC BY 4.0", "rows": 442, "patients": 442}],
    "leakage": [{"check": "time", "status": "not_checked", "detail": "The data hold no dates."}],
    "numbers": {"total": 5, "traced": 4},
}


@dataclass(frozen=True)
class StudyCase:
    """An installation with a study that was put up for release, and a job that waits for a decision."""

    home: Path
    release: str
    waiting: str


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> StudyCase:
    folder = tmp_path_factory.mktemp("study")
    settings = Settings(home=folder / "home")
    Platform.create(settings).close()
    known = found(settings)
    platform = Platform.open(settings)
    studio = Studio(platform, folder, people_of(platform), known["job"], known["consent"])
    release = study_release(studio)
    with pytest.MonkeyPatch.context() as patch:
        offer(folder, patch)
        waiting = studio.submit(runner="asks", provenance=None, files={})
        Worker(platform).run(drain=True)
    platform.close()
    return StudyCase(settings.home, release, waiting)


def study_release(studio: Studio) -> str:
    """A study whose outputs are given instead of computed, put up for release."""
    found_group(studio)
    asset = take_in(studio, studio.folder / "small")
    approved(studio, asset)
    with studio.platform.work(studio.people["engineer"]) as work:
        job = submit(work, JobRequest(asset, VERSION, "protocol")).job.id
    held = claim(studio.platform, "tests")
    assert held is not None
    files = {
        "manuscript.pdf": ("manuscript", paper(), "application/pdf"),
        "results.json": ("results", json.dumps(RESULTS).encode(), "application/json"),
        "figure_flow.png": ("figure_flow", png(1, 1), "image/png"),
    }
    with studio.platform.work(WORKER) as work:
        made = [
            Made(role, name, work.keep(data, kind).sha256, {"runner": {"study": FACTS}} if role == "manuscript" else {})
            for name, (role, data, kind) in files.items()
        ]
        assert finish(work, held, made, {})
    return releases.propose(studio.platform, studio.people["engineer"], job).release.id


def paper() -> bytes:
    buffer = BytesIO()
    canvas = Canvas(buffer, invariant=1)
    for number in range(1, PAGES + 1):
        canvas.drawString(72, 700, f"The manuscript's page {number}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_a_manuscript_is_read_page_by_page_and_saved(page: Page, case: StudyCase):
    sign_in(page, "auditor")
    expect(page.locator(f"[data-release={case.release}] h2")).to_contain_text("manuscript")
    open_release(page, case.release)
    shown = page.locator(".gl-book figcaption")
    expect(shown).to_have_text(["Page 1 of 3", "Page 2 of 3"])
    picture = page.locator(".gl-book img").first
    assert picture.evaluate("picture => picture.naturalWidth") == 1000
    page.get_by_role("slider", name="Page").press("End")
    expect(shown).to_have_text(["Page 3 of 3"])
    page.get_by_role("slider", name="Page").press("Home")
    page.get_by_text("One large page").click()
    expect(shown).to_have_text(["Page 1 of 3"])
    expect(page.locator(".gl-figures img")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="The manuscript", exact=True).click()
    assert Path(download.value.path()).read_bytes() == paper()


def test_a_studys_facts_stand_in_words_and_no_clip_is_looked_for(page: Page, case: StudyCase):
    sign_in(page, "auditor")
    open_release(page, case.release)
    assert page.get_by_role("tab").all_inner_texts() == TABS
    page.get_by_role("tab", name="Study", exact=True).click()
    study = page.locator("[role=tabpanel]:visible")
    expect(study).to_contain_text("How well do two baseline measurements predict progression?")
    expect(study).to_contain_text("Approved by Clinical, clinical lead")
    expect(study.locator("[data-pointer='/models/ridge/performance/rmse']")).to_contain_text("Ridge <b>regression</b>")
    expect(study.locator(".gl-checks")).to_contain_text("Not checked")
    expect(study).to_contain_text("4 of 5 numbers in the manuscript lead to a recorded result.")
    expect(study).to_contain_text("No deviation from the protocol is recorded.")
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_run_goes_on_by_a_clinical_leads_decision_given_with_the_password(page: Page, case: StudyCase):
    sign_in(page, "engineer")
    question = page.locator("[data-task]")
    expect(question).to_contain_text("May the plan be carried out?")
    expect(question).to_contain_text("A clinical lead who did not submit this job decides.")
    expect(page.get_by_role("button", name="Approve: the run goes on")).to_have_count(0)
    sign_out(page)
    give(page, "clinical")
    expect(question).to_contain_text("Your decision is asked for")
    question.get_by_text("Read note.txt here").click()
    expect(question.locator(".gl-text")).to_have_text("the plan")
    choose(page, "Approve: the run goes on", "not the password")
    told(page, "The login or the password is wrong")
    choose(page, "Reject: the run ends")
    told(page, "A rejection needs a reason; say what must change.")
    choose(page, "Approve: the run goes on")
    told(page, "Your decision is on record; the run goes on.")
    expect(question).to_have_count(0)
    platform = Platform.open(Settings(home=case.home))
    with platform.reading() as session:
        (task,) = tasks_of(session, case.waiting)
        assert (task.decision, task.decided_by_name, task.role) == ("approve", "Clinical", "clinical_lead")
    platform.close()


def choose(page: Page, button: str, password: str = PASSWORD) -> None:
    page.get_by_role("textbox", name="Your password").fill(password)
    page.get_by_role("button", name=button).click()
