"""`greenlight review` with the registry: asked for, read, given and settled from the shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.reviewing import FORM, PAPER, answers, assigned, good_form, hire_reviewers, measured, reviewed, written
from support.shell import Command
from support.studio import Studio
from support.vlm import Server

SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


@SQLITE
def test_two_reviews_are_asked_for_given_and_their_dispute_settled(
    greenlight: Command, studio: Studio, tmp_path: Path, database_kind: str
):
    job = written(studio, "The AUC was 0.81 in 150 patients.")
    hire_reviewers(studio, "ada", "ben")
    asked = {}
    for login in ("ada", "ben"):
        code, made, slip = greenlight("manager", "review", "assign", job, login, "--due", "2099-12-31", "--json")
        assert (code, slip) == (0, ""), made
        asked[login] = json.loads(made)["id"]
    code, made, slip = greenlight("engineer", "review", "assign", job, "ada")
    assert (code, "ask somebody who is clinical lead or release manager" in slip) == (3, True)
    code, shown, _ = greenlight("ada", "review", "list")
    assert (code, asked["ada"] in shown, asked["ben"] in shown, "Engineer" in shown) == (0, True, False, False)
    code, shown, _ = greenlight("ada", "review", "show", asked["ada"], "--to", tmp_path / "paper")
    assert (code, "Does the paper add something" in shown) == (0, True)
    assert (tmp_path / "paper" / "manuscript.pdf").read_bytes().startswith(b"%PDF-")
    assert greenlight("engineer", "release", "propose", job)[0] == 4
    for login, told in {"ada": (False, True), "manager": (True, False)}.items():
        code, shown, _ = greenlight(login, "release", "list")
        assert ("May not be released" in shown, "opens to you once" in shown) == told
    for closed in (("job", "show", job), ("study", "show", "small"), ("asset", "show", "small")):
        code, shown, slip = greenlight("ada", *closed)
        assert (code, shown, "owe a blind review" in slip) == (3, "", True), closed
    form = json.loads((tmp_path / "paper" / "answers.json").read_text())
    assert set(form) == set(answers())
    assert form["novelty"] == {"value": None, "quote": "", "reason": ""}
    questions = (tmp_path / "paper" / "questions.txt").read_text()
    assert "  novelty: Novelty. Does the paper add something to what it cites?\n      1, 2, 3, 4, 5\n" in questions
    assert "      3: A modest extension." in questions
    code, _, slip = greenlight("ada", "review", "show", asked["ada"], "--to", tmp_path / "paper")
    assert (code, "holds answers already" in slip) == (2, True)
    for login, filled in {"ada": answers(novelty=5), "ben": answers()}.items():
        (tmp_path / f"{login}.json").write_text(json.dumps(filled))
        give = ("review", "submit", asked[login], "--answers", tmp_path / f"{login}.json", "--password-stdin")
        code, _, slip = greenlight(login, *give)
        assert (code, "no conflict of interest" in slip) == (2, True)
        code, shown, slip = greenlight(login, *give, "--no-conflict")
        assert (code, slip) == (0, "")
    assert "It differs from another on Novelty." in shown
    code, shown, _ = greenlight("engineer", "review", "show", job)
    assert ("Reviewer 1" in shown, "Ada" in shown, "In dispute" in shown) == (True, False, True)
    (tmp_path / "settled.json").write_text('{"novelty": 4}')
    settle = ("review", "adjudicate", job, "--answers", tmp_path / "settled.json", "--reason", "The method is known.")
    code, shown, slip = greenlight("clinical", *settle, "--password-stdin")
    assert (code, shown.strip(), slip) == (0, "Clinical settled novelty.", "")
    code, machine, _ = greenlight("auditor", "review", "show", job, "--json")
    record = json.loads(machine)
    assert (code, record["disputed"], len(record["reviews"])) == (0, {}, 3)
    assert {one["rubric"] for one in record["reviews"]} == {FORM}


@SQLITE
def test_a_review_is_declined_withdrawn_and_stopped_by_a_conflict(
    greenlight: Command, studio: Studio, database_kind: str
):
    job = written(studio)
    hire_reviewers(studio, "ada", "ben")
    first, second = (
        json.loads(greenlight("clinical", "review", "assign", job, login, "--json")[1])["id"]
        for login in ("ada", "ben")
    )
    code, shown, _ = greenlight("ada", "review", "conflict", first, "--statement", "I advise the sponsor.")
    assert (code, shown.strip()) == (0, "The conflict of interest is on record.")
    code, _, slip = greenlight("clinical", "review", "assign", job, "ada")
    assert (code, "has a declared conflict of interest" in slip) == (3, True)
    code, shown, _ = greenlight("clinical", "review", "withdraw", second, "--reason", "Asked twice.")
    assert (code, shown.strip()) == (0, "Ben Example is no longer asked for the review.")
    code, _, slip = greenlight("ben", "review", "decline", second, "--reason", "No time.")
    assert (code, "withdrawn" in slip) == (5, True)
    code, shown, _ = greenlight("clinical", "review", "list")
    assert (code, shown.strip()) == (0, "No review is asked for.")
    code, _, slip = greenlight("clinical", "review", "assign", job, "ben", "--due", "soon")
    assert (code, "'soon' is no date" in slip) == (2, True)


@SQLITE
def test_a_judges_review_of_a_job_is_kept_and_shown_with_its_cost(
    greenlight: Command, studio: Studio, serve: Callable[..., Server], database_kind: str
):
    job = written(studio, *PAPER)
    asked = ("review", "judge", job, "--judge", "local", "--judge-url", serve(good_form).url, "--samples", 1)
    code, shown, slip = greenlight("engineer", *asked, "--price-in", 1, "--price-out", 2)
    assert (code, "is on record beside people's" in shown) == (0, True), slip
    _, shown, _ = greenlight("auditor", "review", "show", job)
    assert ("local as reader" in shown, "USD" in shown) == (True, True)
    code, _, slip = greenlight("legal", *asked)
    assert (code, "Traceback" in slip) == (3, False)
    calibrate = ("review", "calibrate", "--rubric", FORM, "--dimension")
    code, _, slip = greenlight("auditor", *calibrate, "clarity")
    assert (code, "There are no people's ratings" in slip) == (2, True), slip
    hire_reviewers(studio, "ada", "ben")
    for login, clarity in {"ada": 1, "ben": 3}.items():
        reviewed(studio, assigned(studio, job, login), login, answers(clarity=clarity))
    code, shown, slip = greenlight("auditor", *calibrate, "clarity")
    assert (code, "The judge local as reader" in shown, "+2.00" in shown) == (0, True, True), slip
    for login, form, why, number in (
        ("auditor", (*calibrate, "taste"), "choose overall or one of: clarity", 2),
        ("auditor", ("review", "calibrate"), "give files, or a form", 2),
        ("ada", (*calibrate, "clarity"), "may not see everybody's reviews", 3),
    ):
        code, _, slip = greenlight(login, *form)
        assert (code, why in slip) == (number, True), slip


@SQLITE
def test_a_guidelines_checklist_is_filled_from_the_shell_and_its_dispute_settled(
    greenlight: Command, studio: Studio, tmp_path: Path, database_kind: str
):
    job = written(studio, "METHODS", "The learning rate was 1e-4 in all runs.")
    measured(studio, job)
    hire_reviewers(studio, "ada", "ben")
    for login, word in {"ada": "reported", "ben": "not_applicable"}.items():
        made = greenlight("manager", "review", "assign", job, login, "--rubric", "tripod-ai", "--json")[1]
        asked, folder = json.loads(made)["id"], tmp_path / login
        code, shown, _ = greenlight(login, "review", "show", asked, "--to", folder)
        assert (code, "The learning rate was 1e-4" in shown) == (0, True)
        questions = (folder / "questions.txt").read_text()
        assert "  item_12c: Item 12c. Gives the kind of model" in questions
        assert "      A rule found: The learning rate was 1e-4 in all runs. (page 1)" in questions
        form = json.loads((folder / "answers.json").read_text())
        assert form["item_12c"] == {"value": None, "quote": "", "reason": ""}
        for one in form.values():
            one["value"] = "not_reported"
        form["item_12c"]["value"] = word
        (folder / "answers.json").write_text(json.dumps(form))
        give = ("review", "submit", asked, "--answers", folder / "answers.json", "--password-stdin", "--no-conflict")
        code, shown, slip = greenlight(login, *give)
        assert (code, slip) == (0, "")
    assert "It differs from another on Item 12c." in shown
    code, shown, _ = greenlight("engineer", "review", "show", job)
    assert "Item 12c (reported against not_applicable)" in shown
    assert ("1 reported, 51 not reported" in shown, "Ada" in shown) == (True, False)
    (tmp_path / "settled.json").write_text('{"item_12c": "reported"}')
    settle = ("review", "adjudicate", job, "--rubric", "tripod-ai", "--answers", tmp_path / "settled.json")
    code, shown, slip = greenlight("clinical", *settle, "--reason", "It is stated.", "--password-stdin")
    assert (code, shown.strip(), slip) == (0, "Clinical settled item_12c.", "")
    code, machine, _ = greenlight("auditor", "review", "show", job, "--json")
    assert (code, json.loads(machine)["disputed"]) == (0, {})
