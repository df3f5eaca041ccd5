"""Overseeing reviews in a real browser: a clinical lead asks for one, and settles what reviewers dispute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.pages import open_release, sign_in, sign_out, told
from support.reviewing import answers, assigned, hire_reviewers, measured, reviewed, written
from support.studio import PASSWORD, Studio, found, people_of

from core import releases
from core.platform import Platform
from core.settings import Settings

pytestmark = pytest.mark.needs_tool("chromium")


@dataclass(frozen=True)
class Disputed:
    """An installation with a manuscript on which two reviewers differ."""

    home: Path
    release: str


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Disputed:
    folder = tmp_path_factory.mktemp("reviewers")
    settings = Settings(home=folder / "home")
    Platform.create(settings).close()
    known = found(settings)
    platform = Platform.open(settings)
    studio = Studio(platform, folder, people_of(platform), known["job"], known["consent"])
    job = written(studio, "1 Results", "The groups did not differ.")
    measured(studio, job)
    hire_reviewers(studio, "ada", "ben", "cy")
    for login, novelty in {"ada": 5, "ben": 1}.items():
        reviewed(studio, assigned(studio, job, login), login, answers(novelty=novelty))
    release = releases.propose(platform, studio.people["engineer"], job).release.id
    platform.close()
    return Disputed(settings.home, release)


def test_a_clinical_lead_asks_for_a_review_and_settles_what_reviewers_dispute(page: Page, case: Disputed):
    sign_in(page, "clinical")
    open_release(page, case.release)
    page.get_by_role("tab", name="Findings and reviews").click()
    page.get_by_text("Ask somebody for a review").click()
    page.get_by_role("button", name="Ask for this review").click()
    told(page, "Nobody is chosen")
    page.get_by_role("combobox", name="Who").click()
    expect(page.get_by_role("option", name="Cy Example")).to_be_visible()
    expect(page.get_by_role("option", name="Engineer")).to_have_count(0)
    page.get_by_role("option", name="Cy Example").click()
    page.get_by_role("button", name="Ask for this review").click()
    told(page, "Cy Example is asked for a review.")
    page.get_by_role("tab", name="Findings and reviews").click()
    expect(page.locator("[data-reviewers] tbody tr")).to_have_count(3)
    settling = page.locator("[data-said=novelty]")
    expect(settling).to_contain_text("Ada Example: 5")
    expect(settling).to_contain_text("Ben Example: 1")
    page.get_by_role("radiogroup").last.get_by_text("3", exact=True).click()
    page.get_by_label("Why you decide so").fill("The method is known.")
    page.get_by_role("textbox", name="Your password, again").last.fill(PASSWORD)
    page.get_by_role("button", name="Settle").click()
    told(page, "Your decision on what reviewers dispute is on record.")
    page.get_by_role("tab", name="Findings and reviews").click()
    expect(settling).to_have_count(0)
    sign_out(page)
