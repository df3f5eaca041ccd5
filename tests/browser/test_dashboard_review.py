"""Reviewing a manuscript in a real browser: the queue, the pages with their findings, the form, and what is hidden."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from support.pages import open_release, sign_in, sign_out, told
from support.reviewing import ITEMS, assigned, hire_reviewers, measured, written
from support.studio import PASSWORD, Studio, found, people_of

from core import releases, reviews
from core.platform import Platform
from core.settings import Settings

pytestmark = pytest.mark.needs_tool("chromium")
WRONG = "The groups differed, t(28) = 2.20, p = .40, <b>in</b> the primary outcome."


@dataclass(frozen=True)
class ReviewCase:
    """An installation with a measured manuscript that was put up for release, and two reviews asked for."""

    home: Path
    release: str
    job: str


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> ReviewCase:
    folder = tmp_path_factory.mktemp("review")
    settings = Settings(home=folder / "home")
    Platform.create(settings).close()
    known = found(settings)
    platform = Platform.open(settings)
    studio = Studio(platform, folder, people_of(platform), known["job"], known["consent"])
    job = written(studio, "1 Results", WRONG)
    measured(studio, job)
    hire_reviewers(studio, "ada")
    assigned(studio, job, "ada")
    assigned(studio, job, "clinical")
    release = releases.propose(platform, studio.people["engineer"], job).release.id
    platform.close()
    return ReviewCase(settings.home, release, job)


def test_a_reviewer_reads_the_findings_beside_the_pages_fills_the_form_and_learns_no_name(page: Page, case: ReviewCase):
    sign_in(page, "ada")
    card = page.locator("[data-review]")
    expect(card).to_contain_text("Your review is asked for")
    listed = page.locator(f"[data-release={case.release}]")
    expect(listed).to_contain_text("opens to you once your review is given")
    expect(page.locator("[data-testid=stMainBlockContainer]")).not_to_contain_text("Engineer")
    page.locator(f".st-key-open-{case.release} button").click()
    told(page, "You still owe a blind review of this manuscript")
    expect(page.locator(".gl-decision")).to_have_count(0)
    page.get_by_role("button", name="← All releases").click()
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.locator(".gl-book img").first).to_be_visible()
    page.get_by_role("tab", name="Findings (1)").click()
    expect(page.locator("[data-rule=recomputed-p]")).to_contain_text("t(28) = 2.20, p = .40")
    expect(page.locator("[data-rule=recomputed-p]")).to_contain_text("High")
    expect(page.locator("[data-testid=stMainBlockContainer]")).not_to_contain_text("Engineer")
    page.get_by_role("tab", name="Your review").click()
    expect(page.locator("[data-item]")).to_have_count(len(ITEMS))
    expect(page.get_by_role("radiogroup")).to_have_count(len(ITEMS))
    for group in page.get_by_role("radiogroup").all()[:-1]:
        choose(group, "4")
    give_review(page)
    told(page, "needs your statement that you have no conflict of interest")
    page.get_by_text("I have no conflict of interest with this study.").click()
    give_review(page)
    told(page, "The review lacks coverage")
    choose(page.get_by_role("radiogroup").last, "2")
    give_review(page)
    told(page, "Your review is on record.")
    expect(page.locator("[data-review]")).to_have_count(0)
    platform = Platform.open(Settings(home=case.home))
    with platform.reading() as session:
        (review,) = reviews.reviews_for(session, people_of(platform)["auditor"], case.job)
    platform.close()
    assert (review.reviewer, review.answers["coverage"]["value"]) == ("Ada Example", 2.0)
    assert review.answers["novelty"]["value"] == 4.0


def test_findings_and_reviews_stand_on_the_releases_page_without_names(page: Page, case: ReviewCase):
    sign_in(page, "auditor")
    open_release(page, case.release)
    page.get_by_role("tab", name="Findings and reviews").click()
    shown = page.locator("[role=tabpanel]:visible")
    expect(shown).to_contain_text("Findings: 1 high.")
    expect(shown).to_contain_text("rules could not be checked")
    expect(shown).to_contain_text("Filled by 1 person.")
    expect(shown).to_contain_text("1 review is still asked for.")
    assert "Ada" not in shown.inner_text()
    page.get_by_role("tab", name="Manuscript").click()
    leaf = page.locator(".gl-book img").first
    expect(leaf).to_be_visible()
    marked = leaf.get_attribute("src")
    assert marked is not None
    page.get_by_text("Highlight what the rules found").click()
    expect(leaf).not_to_have_attribute("src", marked)
    page.get_by_role("tab", name="Findings and reviews").click()
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_review_is_declined_with_a_reason(page: Page, case: ReviewCase):
    sign_in(page, "clinical")
    page.get_by_role("button", name="Review", exact=True).click()
    page.get_by_text("I cannot review it").click()
    page.get_by_label("Why", exact=True).fill("No time before the due date.")
    page.get_by_role("button", name="Decline").click()
    told(page, "You declined the review.")
    open_release(page, case.release)
    sign_out(page)


def choose(group: Locator, value: str) -> None:
    group.get_by_text(value, exact=True).click()


def give_review(page: Page) -> None:
    page.get_by_role("textbox", name="Your password").fill(PASSWORD)
    page.get_by_role("button", name="Give this review").click()
