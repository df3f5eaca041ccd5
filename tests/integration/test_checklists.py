"""A reporting guideline filled by people: asked for, given, disputed, settled, judged, frozen, and in the dossier."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pypdf
import pytest
from support.reviewing import answers, assigned, hire_reviewers, measured, reviewed, written
from support.studio import Studio

from core import releases, reviews
from core.artifacts import ArtifactStore
from core.canonical import now
from core.errors import InputError, NotFound
from core.facts import build_facts
from core.reading import release_page
from core.reports.dossier import make_dossier
from core.reports.manuscript import ChecklistItem, ManuscriptPage
from core.reports.manuscript_case import page_for
from core.reports.manuscript_wording import coverage
from core.reviews.forms import kept_rubric, parse_rubric, rubric_file
from core.tables import Job, ReviewAssignment
from evaluators.manuscript.guideline import load_guideline
from policies import judge, load_builtin

GUIDELINE = "tripod-ai"
FOUND = "The learning rate was 1e-4 in all runs."
WHERE = "page 1, the second paragraph"
ITEMS = [leaf.id for leaf in parse_rubric(rubric_file(GUIDELINE)).leaves()]


def filled(**changes: object) -> dict[str, object]:
    """Every item not reported, but where said otherwise."""
    return {**dict.fromkeys(ITEMS, "not_reported"), **changes}


@pytest.fixture
def case(studio: Studio) -> tuple[Studio, str]:
    """A studio with a measured manuscript in which a rule finds item 12c of TRIPOD+AI, and two reviewers."""
    job = written(studio, "METHODS", FOUND)
    measured(studio, job)
    hire_reviewers(studio, "ada", "ben")
    return studio, job


def facts_of(studio: Studio, job: str) -> dict[str, Any]:
    with studio.platform.reading() as session:
        row = session.get_one(Job, job)
        return build_facts(session, row, "release", now(), store=studio.platform.store)


def checklist(studio: Studio, job: str) -> dict[str, Any]:
    (found,) = facts_of(studio, job)["reviews"]["checklists"]
    return dict(found)


def verdict(studio: Studio, job: str, control: str) -> str:
    return str(judge(load_builtin("clinical-research"), facts_of(studio, job), "release")[control].status)


def page(studio: Studio, release: str) -> ManuscriptPage:
    with studio.platform.reading() as session:
        found = release_page(session, studio.platform.store, release).document.manuscript
    assert found is not None
    return found


def said(found: ManuscriptPage) -> dict[str, ChecklistItem]:
    return {item.id: item for item in found.checklists[0].said}


def test_a_guidelines_form_is_kept_and_shows_what_the_rules_found_and_nothing_that_anybody_said(
    case: tuple[Studio, str],
):
    studio, job = case
    first, second = (assigned(studio, job, login, rubric=GUIDELINE) for login in ("ada", "ben"))
    third = assigned(studio, job, "ben")
    reviewed(studio, first, "ada", filled())
    with studio.platform.reading() as session:
        row = session.get_one(ReviewAssignment, second)
        form = kept_rubric(studio.platform.store, row.rubric_sha256)
        shown = page_for(session, studio.platform.store, second)
        other = page_for(session, studio.platform.store, third)
    assert (row.rubric_id, row.rubric_version) == (GUIDELINE, load_guideline(GUIDELINE).content.version)
    assert len(form.leaves()) == 52
    assert set(shown.hints) == {"item_12c"}
    assert shown.hints["item_12c"].startswith("The learning rate was 1e-4")
    assert "page 1" in shown.hints["item_12c"]
    assert (shown.page.checklists[0].by_rule, shown.page.checklists[0].said) == (1, ())
    assert other.hints == {}
    with pytest.raises(NotFound, match="no rubric or guideline 'strobe'"):
        assigned(studio, job, "ben", rubric="strobe")


def test_a_checklist_that_is_not_filled_as_asked_is_refused_and_the_right_one_is_taken(case: tuple[Studio, str]):
    studio, job = case
    assignment = assigned(studio, job, "ada", rubric=GUIDELINE)
    wrong: dict[str, dict[str, object]] = {
        "choose one of reported, not_reported, not_applicable": {"item_4": "yes"},
        "lacks item_4;": {"item_4": None},
        "lacks item_12c;": {"item_12c": {"value": None, "quote": WHERE}},
        "no item 'item_99'": {"item_99": "reported"},
    }
    for problem, changes in wrong.items():
        with pytest.raises(InputError) as caught:
            reviewed(studio, assignment, "ada", filled(**changes))
        assert problem in f"{caught.value};"
    assert reviewed(studio, assignment, "ada", filled()).disputed == []


def test_peoples_answers_go_before_the_rules_disputes_wait_and_a_clinical_lead_settles_them(case: tuple[Studio, str]):
    studio, job = case
    before = checklist(studio, job)
    assert (before["reported_by_rule"], before["reported_by_people"], before["waiting"]) == (1, 0, 51)
    given = {"item_12c": "reported", "item_4": {"value": "reported", "quote": WHERE, "reason": "The aim is stated."}}
    review = reviewed(studio, assigned(studio, job, "ada", rubric=GUIDELINE), "ada", filled(**given))
    assert review.scores["total"]["share"] is None
    assert "no total" in review.scores["total"]["reason"]
    assert review.answers["item_4"] == {"value": "reported", "quote": WHERE, "reason": "The aim is stated."}
    alone = checklist(studio, job)
    assert (alone["reported_by_rule"], alone["reported_by_people"], alone["not_reported"]) == (0, 2, 50)
    assert (alone["waiting"], alone["share"]) == (0, pytest.approx(2 / 52))
    assert alone["entries"]["4"] == {"status": "reported", "by": review.reviewer_id}
    other = reviewed(
        studio, assigned(studio, job, "ben", rubric=GUIDELINE, blind=False), "ben", filled(item_12c="reported")
    )
    assert [(one["title"], one["low"], one["high"]) for one in other.disputed] == [
        ("Item 4", "reported", "not_reported")
    ]
    both = checklist(studio, job)
    assert (both["reported_by_people"], both["not_reported"], both["waiting"], both["disputed"]) == (1, 50, 1, 1)
    assert [one["by_name"] for one in both["people"]] == [None, "Ben Example"]
    assert verdict(studio, job, "CR-08") == "fail"
    proof = studio.proof("clinical")
    with studio.platform.work(proof.actor) as work:
        reviews.adjudicate(
            work, proof, job=job, rubric=GUIDELINE, answers={"item_4": "reported"}, reason="It is in the abstract."
        )
    settled = checklist(studio, job)
    assert (settled["reported_by_people"], settled["waiting"], settled["disputed"]) == (2, 0, 0)
    assert settled["entries"]["4"]["by"] == studio.people["clinical"].id
    assert verdict(studio, job, "CR-08") == "pass"


def test_a_checklist_is_no_review_of_a_manuscripts_worth_and_a_judges_changes_nothing(case: tuple[Studio, str]):
    studio, job = case
    with studio.platform.work(studio.people["engineer"]) as work:
        reviews.record_judge_review(
            work, job=job, rubric=rubric_file(GUIDELINE), model="stub:one", answers=filled(), parameters={}
        )
    assert checklist(studio, job)["waiting"] == 51
    reviewed(studio, assigned(studio, job, "ada", rubric=GUIDELINE), "ada", filled())
    assert verdict(studio, job, "CR-07") == "fail"
    assert facts_of(studio, job)["reviews"]["people"] == []
    reviewed(studio, assigned(studio, job, "ada"), "ada", answers())
    assert verdict(studio, job, "CR-07") == "pass"


def test_a_guideline_that_nobody_measured_rests_on_people_alone_and_a_lost_measurement_is_not_known(
    case: tuple[Studio, str],
):
    studio, job = case
    form = parse_rubric(rubric_file("stard-ai"))
    given = {leaf.id: "not_applicable" for leaf in form.leaves()}
    reviewed(studio, assigned(studio, job, "ada", rubric="stard-ai"), "ada", given)
    found = {one["guideline"]: one for one in facts_of(studio, job)["reviews"]["checklists"]}
    assert set(found) == {GUIDELINE, "stard-ai"}
    assert (found["stard-ai"]["not_applicable"], found["stard-ai"]["share"]) == (48, None)
    empty = ArtifactStore(str(studio.folder / "lost"))
    with studio.platform.reading() as session:
        row = session.get_one(Job, job)
        for store in (None, empty):
            known: Any = build_facts(session, row, "release", now(), store=store)["reviews"]
            assert known["checklists"] is None


def test_the_dossier_shows_who_said_what_and_the_frozen_evidence_holds_it(case: tuple[Studio, str]):
    studio, job = case
    given = {"item_4": {"value": "reported", "quote": WHERE}, "item_12c": "reported"}
    first = reviewed(studio, assigned(studio, job, "ada", rubric=GUIDELINE), "ada", filled(**given))
    second = reviewed(studio, assigned(studio, job, "ben", rubric=GUIDELINE, blind=False), "ben", filled())
    release = releases.propose(studio.platform, studio.people["engineer"], job).release
    evidence = json.loads(studio.platform.store.read(release.evidence_sha256))
    (frozen,) = evidence["facts"]["reviews"]["checklists"]
    assert [one["id"] for one in frozen["people"]] == [first.id, second.id]
    assert frozen["disputed"] == 2
    shown = page(studio, release.id)
    row = shown.checklists[0]
    assert (row.items, row.by_rule, row.by_people, row.not_reported, row.waiting, row.disputed) == (52, 0, 0, 50, 2, 2)
    assert coverage(row) == "0 of 52 items reported; 50 not reported; 2 wait for a reviewer, 2 of them in dispute"
    assert shown.forms == ()
    assert said(shown)["4"].reason == "Reviewer 1 says reported; Ben Example says not reported"
    assert (said(shown)["1"].status, said(shown)["1"].by) == ("not_reported", "Reviewer 1 and Ben Example")
    proof = studio.proof("clinical")
    with studio.platform.work(proof.actor) as work:
        reviews.adjudicate(
            work, proof, job=job, rubric=GUIDELINE, reason="Read again.",
            answers={"item_4": {"value": "reported", "quote": WHERE}, "item_12c": "reported"},
        )  # fmt: skip
    later = page(studio, release.id)
    assert (later.checklists[0].by_people, later.checklists[0].disputed) == (2, 0)
    assert (said(later)["4"].by, said(later)["4"].quote) == ("Clinical", WHERE)
    assert said(later)["12c"].by_rule.startswith("The learning rate")
    files = make_dossier(studio.platform, studio.people["auditor"], release.id)
    text = " ".join(sheet.extract_text() for sheet in pypdf.PdfReader(BytesIO(files.pdf)).pages)
    html = files.html.decode()
    counts = "2 of 52 items reported (2 said by people); 50 not reported; 0 wait for a reviewer"
    for words in (counts, "TRIPOD+AI: what people said"):
        assert words in " ".join(text.split())
        assert words in html
    assert WHERE in html
    assert "A checklist, which has no total" in html
    assert "Reviewer 1 and Ben Example" in html
    assert "Ada" not in html + text
