"""A reporting guideline filled in a real browser, with what a rule found beside it, and shown on the release."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from support.pages import open_release, sign_in, sign_out, told
from support.reviewing import assigned, hire_reviewers, measured, written
from support.studio import PASSWORD, Studio, found, people_of

from core import releases, reviews
from core.platform import Platform
from core.settings import Settings

pytestmark = pytest.mark.needs_tool("chromium")
GUIDELINE, ITEMS, FOUND = "consort-ai", 14, "The learning rate was <b>1e-4</b> in all runs."


@dataclass(frozen=True)
class ChecklistCase:
    """An installation with a measured manuscript up for release, and two checklists asked for."""

    home: Path
    release: str
    job: str


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> ChecklistCase:
    folder = tmp_path_factory.mktemp("checklist")
    settings = Settings(home=folder / "home")
    Platform.create(settings).close()
    known = found(settings)
    platform = Platform.open(settings)
    studio = Studio(platform, folder, people_of(platform), known["job"], known["consent"])
    job = written(studio, "METHODS", FOUND)
    measured(studio, job)
    hire_reviewers(studio, "ada", "ben")
    assigned(studio, job, "ada", rubric=GUIDELINE)
    assigned(studio, job, "ben", rubric="tripod-ai")
    release = releases.propose(platform, studio.people["engineer"], job).release.id
    platform.close()
    return ChecklistCase(settings.home, release, job)


def test_a_rules_sentence_stands_with_its_item_and_nothing_is_chosen_beforehand(page: Page, case: ChecklistCase):
    sign_in(page, "ben")
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator("[data-item]")).to_have_count(52)
    item = page.locator("[data-item=item_12c]")
    expect(item).to_contain_text("A rule found")
    expect(item).to_contain_text(FOUND)
    expect(page.locator("[data-item=item_1] .gl-hint")).to_have_count(0)
    expect(page.locator(".gl-checklist")).to_contain_text("Rules found sentences for 1 of them")
    expect(page.locator(".gl-checklist-section").first).to_have_text("Title")
    assert page.locator("input[type=radio]:checked").count() == 0
    page.locator("[data-item]").last.scroll_into_view_if_needed()
    expect(page.locator("[data-item=item_1]")).not_to_be_in_viewport()
    expect(page.locator(".gl-book img")).to_be_in_viewport(ratio=0.5)


def test_a_checklist_is_filled_and_its_answers_stand_on_the_release_without_a_name(page: Page, case: ChecklistCase):
    sign_in(page, "ada")
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator("[data-item]")).to_have_count(ITEMS)
    expect(page.locator(".gl-checklist")).to_contain_text("No rule found a sentence")
    expect(page.get_by_role("radiogroup")).to_have_count(ITEMS)
    for group in page.get_by_role("radiogroup").all()[:-1]:
        group.get_by_text("Not reported", exact=True).click()
    page.get_by_text("I have no conflict of interest with this study.").click()
    give(page)
    told(page, "The review lacks item_25")
    page.get_by_role("radiogroup").last.get_by_text("Reported", exact=True).click()
    page.get_by_role("textbox", name="Where in the paper").last.fill("page 1, the last <i>line</i>")
    give(page)
    told(page, "Your review is on record.")
    platform = Platform.open(Settings(home=case.home))
    with platform.reading() as session:
        (review,) = reviews.reviews_for(session, people_of(platform)["auditor"], case.job)
    platform.close()
    assert review.answers["item_25"] == {"value": "reported", "quote": "page 1, the last <i>line</i>", "reason": ""}
    sign_out(page)
    sign_in(page, "auditor")
    open_release(page, case.release)
    page.get_by_role("tab", name="Findings and reviews").click()
    shown = page.locator("[role=tabpanel]:visible")
    expect(shown).to_contain_text("1 of 14 items reported (1 said by people); 13 not reported; 0 wait for a reviewer")
    shown.get_by_text("CONSORT-AI: what people said").click()
    expect(shown.locator("[data-checklist]")).to_contain_text("page 1, the last <i>line</i>")
    expect(shown.locator("[data-checklist]")).to_contain_text("Reviewer 1")
    assert "Ada" not in shown.inner_text()
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def give(page: Page) -> None:
    page.get_by_role("textbox", name="Your password").fill(PASSWORD)
    page.get_by_role("button", name="Give this review").click()
