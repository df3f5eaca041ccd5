"""The dashboard in a real browser, over a real server process and a SQLite installation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dashboard_case import DOUBLE, DOUBLE_NAME, Case, make_case
from playwright.sync_api import BrowserContext, Page, expect
from support.pages import give, open_release, sign_in, sign_out, told
from support.studio import PASSWORD

from core.errors import Denied
from core.identity import MAX_FAILURES, authenticate
from core.jobs.queue import claim, heartbeat
from core.tables import Release

pytestmark = pytest.mark.needs_tool("chromium")

HOSTILE = "<img src=x onerror=alert(1)> **not bold** \u202eesrever"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return make_case(tmp_path_factory.mktemp("dashboard"), candidates=3)


def decide(page: Page, button: str, *, password: str = PASSWORD, reason: str = "") -> None:
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("textbox", name="Your password").fill(password)
    page.get_by_role("button", name=button, exact=True).click()


def state_of(case: Case, release: str) -> str:
    platform = case.platform()
    with platform.reading() as session:
        state = session.get_one(Release, release).state
    platform.close()
    return state


def test_health_is_told_to_anybody(context: BrowserContext, address: str):
    answer = context.request.get(f"{address}/healthz")
    assert (answer.status, answer.json()["database"], answer.json()["schema"]) == (200, "reachable", "current")


def test_signing_in_needs_the_right_password_and_shows_the_releases(page: Page, case: Case):
    give(page, "legal", "not the password")
    told(page, "The login or the password is wrong; try again; nothing was changed.")
    sign_in(page, "legal")
    cards = page.locator(".gl-card")
    expect(cards).to_have_count(4)
    expect(page.locator(f"[data-release={case.refused}]")).to_contain_text("Refused by the rules")
    waiting = page.locator(f"[data-release={case.open[0]}]")
    expect(waiting).to_contain_text("legal lead must sign next (review)")
    expect(waiting).to_contain_text("Your signature is asked for")
    page.locator(".st-key-states").get_by_text("Refused by the rules").click()
    expect(cards).to_have_count(1)
    sign_out(page)


def test_too_many_wrong_passwords_lock_the_account(page: Page, case: Case):
    platform = case.platform()
    for attempt in range(MAX_FAILURES - 1):
        with pytest.raises(Denied):
            authenticate(platform, "clinical", f"wrong password {attempt}")
    platform.close()
    give(page, "clinical", "the last wrong password")
    told(page, "The login or the password is wrong")
    give(page, "clinical")
    told(page, "This account is locked until")


def test_a_refused_release_says_why_and_shows_its_evidence(page: Page, case: Case):
    sign_in(page, "auditor")
    open_release(page, case.refused)
    expect(page.locator(".gl-decision h1")).to_contain_text("Performer has revoked the consent")
    expect(page.locator(".gl-blockers li").first).to_contain_text("Next:")
    expect(page.get_by_role("button", name="Decline")).to_have_count(0)
    expect(page.locator(".gl-clips video")).to_have_count(2)
    expect(page.locator(".gl-frame img")).to_have_count(4)
    for clip in page.locator(".gl-clips video").all():
        assert clip.evaluate("video => new Promise(done => video.readyState ? done(video.videoWidth) "
                             ": video.onloadedmetadata = () => done(video.videoWidth))") == 64  # fmt: skip
    before = page.locator(".gl-frame").get_attribute("data-frame")
    page.get_by_role("slider", name="Frame").press("Home")
    expect(page.locator(".gl-frame")).to_have_attribute("data-frame", "0")
    assert before != "0"
    page.get_by_role("tab", name="Measurements").click()
    kept = page.locator("[data-measure=preservation_psnr]")
    page.get_by_text("that no rule judges").first.click()
    expect(kept).to_contain_text("dB")
    expect(page.locator("[data-measure=motion_ratio]")).to_contain_text("not measured: ")
    expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_attached()
    page.get_by_role("tab", name="Policy verdicts").click()
    verdict = page.locator("[data-control=UN-05R]")
    expect(verdict).to_contain_text("keeps the gate closed")
    verdict.get_by_text("How this was judged").click()
    expect(verdict.locator(".gl-trace")).to_contain_text("does not hold")
    page.get_by_role("tab", name="Persons and consents").click()
    expect(page.get_by_role("cell", name=re.compile("rider.*revoked"))).to_be_visible()


def test_two_people_sign_and_the_release_is_approved(page: Page, case: Case):
    release = case.open[0]
    sign_in(page, "legal")
    open_release(page, release)
    decide(page, "Sign", password="not the password", reason="I looked at every frame.")
    told(page, "The login or the password is wrong")
    assert state_of(case, release) == "candidate"
    expect(page.get_by_role("textbox", name="Your password")).to_have_value("")
    expect(page.get_by_label("Reason")).to_have_value("I looked at every frame.")
    decide(page, "Sign", reason="I looked at every frame.")
    told(page, "Your signature is on record.")
    expect(page.locator(".gl-signature").first).to_contain_text("I looked at every frame.")
    decide(page, "Sign")
    told(page, "has signed this release already; another person must sign next.")
    sign_out(page)
    sign_in(page, "manager")
    open_release(page, release)
    decide(page, "Sign")
    told(page, "The release is approved.")
    expect(page.locator(".gl-decision")).to_have_attribute("data-state", "approved")
    expect(page.locator(".gl-decision h1")).to_contain_text("Approved for release")
    assert state_of(case, release) == "approved"


def test_declining_needs_a_reason_which_is_shown_as_mere_text(page: Page, case: Case):
    release = case.open[1]
    sign_in(page, "legal")
    open_release(page, release)
    decide(page, "Decline")
    told(page, "Declining needs a reason; say what must change.")
    decide(page, "Decline", reason=HOSTILE)
    told(page, "The reason must be 1 to 10,000 printable characters; write it anew.")
    decide(page, "Decline", reason=HOSTILE.replace("\u202e", ""))
    told(page, "Your refusal is on record.")
    expect(page.locator(".gl-decision")).to_have_attribute("data-state", "declined")
    shown = "<img src=x onerror=alert(1)> **not bold** esrever"
    expect(page.locator(".gl-signature").first).to_contain_text(shown)
    assert state_of(case, release) == "declined"


def test_whoever_may_not_sign_is_told_so_and_nothing_changes(page: Page, case: Case):
    release = case.open[2]
    sign_in(page, "auditor")
    open_release(page, release)
    decide(page, "Sign")
    told(page, "Auditor may not do this (release:sign)")
    sign_out(page)
    sign_in(page, "legal")
    open_release(page, release)
    decide(page, "Sign")
    told(page, "Your signature is on record.")
    sign_out(page)
    sign_in(page, DOUBLE)
    expect(page.locator(".gl-masthead")).to_contain_text(DOUBLE_NAME)
    open_release(page, release)
    decide(page, "Sign")
    told(page, "Whoever submitted or proposed a release cannot approve it; ask another release manager.")
    assert state_of(case, release) == "candidate"


def test_the_log_is_verified_and_the_sealed_dossier_fetched(page: Page, case: Case):
    sign_in(page, "auditor")
    open_release(page, case.refused)
    page.get_by_role("tab", name="Record and proof").click()
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("[data-intact=true]")).to_contain_text("Intact.")
    page.get_by_role("button", name="Make the sealed dossier now").click()
    told(page, "The dossier is made")
    page.get_by_role("tab", name="Record and proof").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Sealed PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


def test_a_running_job_moves_its_bar_without_a_touch(page: Page, case: Case):
    case.submit_again()
    platform = case.platform()
    held = claim(platform, "a test")
    assert held
    heartbeat(platform, held, 0.25, "looking for the background")
    sign_in(page, "auditor")
    job = page.locator(".gl-job")
    expect(job).to_contain_text("25 % · looking for the background")
    heartbeat(platform, held, 0.75, "measuring")
    expect(job).to_contain_text("75 % · measuring")
    platform.close()


def test_an_unknown_release_is_one_sentence(page: Page, address: str):
    page.goto(f"{address}/?release=rel_unknown")
    give(page, "auditor")
    told(page, "There is no release 'rel_unknown'")


def test_the_page_can_be_read_on_a_narrow_screen(page: Page, case: Case):
    page.set_viewport_size({"width": 400, "height": 800})
    sign_in(page, "auditor")
    open_release(page, case.refused)
    expect(page.locator(".gl-frame img").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
