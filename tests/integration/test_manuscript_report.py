"""A manuscript's findings and reviews in the dossier, and its copy with the findings highlighted."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
from pypdf.generic import DictionaryObject, NameObject, TextStringObject
from support.reviewing import FORM, answers, assigned, hire_reviewers, measured, paper, reviewed, written
from support.studio import Studio

from core import releases, reviews
from core.canonical import now
from core.errors import Denied
from core.reading import release_page
from core.reports.annotated import MOST_MARKS, annotate
from core.reports.dossier import make_dossier
from core.reviews.forms import rubric_file
from core.tables import Asset, Job

WRONG = "The groups differed, t(28) = 2.20, p = .40, in the primary outcome."


def test_findings_reviews_and_what_was_not_checked_stand_in_the_dossier(studio: Studio):
    job = written(studio, "1 Results", WRONG)
    found = measured(studio, job)
    assert [(one["rule"], one["severity"]) for one in found["findings"]] == [("recomputed-p", "high")]
    hire_reviewers(studio, "ada", "ben")
    reviewed(studio, assigned(studio, job, "ada"), "ada", answers(novelty=5, clarity=2))
    waiting = assigned(studio, job, "ben", blind=False)
    with studio.platform.work(studio.people["engineer"]) as work:
        reviews.record_judge_review(
            work, job=job, rubric=rubric_file(FORM), model="stub:one", answers={"clarity": 1}, parameters={}
        )
    proposal = releases.propose(studio.platform, studio.people["engineer"], job)
    assert "MS-07" in {
        verdict.control_id for one in proposal.decision.assessments for verdict in one.verdicts if verdict.closes
    }
    reviewed(studio, waiting, "ben", answers(clarity=4))
    with studio.platform.reading() as session:
        document = release_page(session, studio.platform.store, proposal.release.id).document
    page = document.manuscript
    assert page is not None
    assert (page.findings[0].severity, page.findings[0].where.split(",")[0]) == ("high", "page 1")
    assert page.findings[0].quote in WRONG
    assert page.unchecked
    assert page.traced_share is None or page.traced_of
    (form,) = page.forms
    clarity = next(one for one in form.items if one.title == "Clarity")
    assert (clarity.values, clarity.mean, clarity.judges) == ((2, 4), 3, (1,))
    assert form.disputed == ("Novelty", "Clarity")
    assert [row.reviewer for row in document.reviews] == ["Reviewer 1, blind", "stub:one", "Ben Example"]
    files = make_dossier(studio.platform, studio.people["auditor"], proposal.release.id)
    reader = pypdf.PdfReader(BytesIO(files.pdf))
    text = " ".join(sheet.extract_text() for sheet in reader.pages).replace("\n", " ")
    for words in ("Findings: 1 high.", "Not checked", "In dispute, and not settled: Novelty, Clarity.", "t(28) = 2.20"):
        assert words in text
    html = files.html.decode()
    assert "A language model&#39;s score stands beside people&#39;s and opens nothing." in html
    assert "Ada" not in html
    assert json.loads(reader.attachments["findings.json"][0])[0]["rule"] == "recomputed-p"
    marks = marks_of(reader.attachments["manuscript-findings.pdf"][0])
    assert [(mark["/Subtype"], mark["/T"]) for mark in marks] == [("/Highlight", "HIGH: recomputed-p")]


def test_who_owes_a_blind_review_makes_no_dossier_of_it(studio: Studio):
    job = written(studio)
    assignment = assigned(studio, job, "clinical")
    release = releases.propose(studio.platform, studio.people["engineer"], job).release.id
    with pytest.raises(Denied, match="owe a blind review"):
        make_dossier(studio.platform, studio.people["clinical"], release)
    reviewed(studio, assignment, "clinical", answers())
    html = make_dossier(studio.platform, studio.people["clinical"], release).html.decode()
    assert "Not measured: nobody has measured it." in html


def finding(page: int | None, *boxes: tuple[float, ...]) -> dict[str, object]:
    return {
        "rule": "some-rule", "severity": "high", "message": "It cannot be so.", "quote": "so", "expected": "thus",
        "confidence": 0.9, "place": {"section": "", "page": page, "line": None, "boxes": [list(box) for box in boxes]},
    }  # fmt: skip


def marks_of(data: bytes, page: int = 0) -> list[pypdf.generic.DictionaryObject]:
    reader = pypdf.PdfReader(BytesIO(data))
    return [one.get_object() for one in reader.pages[page].get("/Annots") or ()]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_box_is_found_on_a_page_that_is_turned_and_cropped(tmp_path: Path, turned: int):
    writer = pypdf.PdfWriter()
    sheet = writer.add_page(pypdf.PdfReader(BytesIO(paper())).pages[0])
    sheet.cropbox = pypdf.generic.RectangleObject((10, 20, 510, 720))
    sheet.rotate(turned)
    writer.write(tmp_path / "paper.pdf")
    made = annotate(tmp_path / "paper.pdf", [finding(1, (1, 0, 0, 30, 40))])
    assert made.pdf is not None
    (mark,) = marks_of(made.pdf)
    corner = {0: (10, 680, 40, 720), 90: (10, 20, 50, 50), 180: (480, 20, 510, 60), 270: (470, 690, 510, 720)}[turned]
    assert [float(value) for value in mark["/Rect"]] == pytest.approx(corner)


def test_what_has_no_place_becomes_a_note_and_nothing_is_lost_without_saying_so(tmp_path: Path):
    (tmp_path / "paper.pdf").write_bytes(paper())
    made = annotate(tmp_path / "paper.pdf", [finding(None), finding(9, (9, 0, 0, 1, 1)), *[finding(1)] * MOST_MARKS])
    assert made.pdf is not None
    assert made.marks == MOST_MARKS
    marks = marks_of(made.pdf)
    assert {mark["/Subtype"] for mark in marks} == {"/Text"}
    assert marks[-1]["/Contents"] == "2 more findings are in the evaluation."
    assert annotate(tmp_path / "paper.pdf", []).reason == "there is no finding to show"


def test_a_paper_that_acts_by_itself_comes_back_still_and_a_broken_one_says_why(tmp_path: Path):
    writer = pypdf.PdfWriter(clone_from=BytesIO(paper()))
    script = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(script)
    writer.write(tmp_path / "acts.pdf")
    assert b"/JavaScript" in (tmp_path / "acts.pdf").read_bytes()
    made = annotate(tmp_path / "acts.pdf", [finding(1, (1, 0, 0, 5, 5))])
    assert made.pdf is not None
    assert b"/JavaScript" not in made.pdf
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\0" * 100)
    broken = annotate(tmp_path / "broken.pdf", [finding(1)])
    assert broken.pdf is None
    assert broken.reason


def test_a_reviewer_reads_the_title_that_the_manuscript_prints(studio: Studio):
    job = written(studio, "1 Results", WRONG)
    hire_reviewers(studio, "ada")
    assigned(studio, job, "ada")
    with studio.platform.work(studio.people["engineer"]) as work:
        asset = work.session.get_one(Asset, work.session.get_one(Job, job).asset_id)
        asset.facts = {**asset.facts, "title": None}
    for title in ("A manuscript", "A study of something"):
        with studio.platform.reading() as session:
            (asked,) = reviews.assignments_for(session, studio.proof("ada").actor, now())
        assert asked.title == title
        measured(studio, job)
