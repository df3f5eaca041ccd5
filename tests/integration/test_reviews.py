"""Reviews: asked for, given blind on the form that was fixed, without interest, and settled where people differ."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.reviewing import FORM, answers, assigned, hire_reviewers, reviewed, written
from support.studies import GROUP
from support.studio import Studio

from core import consents, reviews
from core.access import Actor
from core.audit.verify import verify
from core.canonical import now
from core.errors import Conflict, Denied, InputError, NotFound
from core.reviews.conflicts import conflict_of
from core.reviews.forms import kept_rubric, rubric_file
from core.reviews.seeing import assignment_for, refuse_blind
from core.tables import Job, Review, ReviewAssignment, User


@pytest.fixture
def case(studio: Studio) -> tuple[Studio, str]:
    """A studio with a manuscript to review, and two reviewers."""
    job = written(studio, "The AUC was 0.81 in 150 patients.")
    hire_reviewers(studio, "ada", "ben")
    return studio, job


def seen(studio: Studio, who: str, job: str) -> tuple[reviews.Seen, ...]:
    with studio.platform.reading() as session:
        return reviews.reviews_for(session, studio.proof(who).actor, job)


def listed(studio: Studio, actor: Actor) -> tuple[reviews.Assigned, ...]:
    with studio.platform.reading() as session:
        return reviews.assignments_for(session, actor, now())


def intact(studio: Studio) -> bool:
    with studio.platform.reading() as session:
        return verify(session, studio.platform.store, studio.platform.key.public).intact


def test_a_review_is_asked_for_and_given_once_on_the_form_that_was_fixed(case: tuple[Studio, str]):
    studio, job = case
    assignment = assigned(studio, job, "ada")
    review = reviewed(studio, assignment, "ada", answers(clarity=5))
    assert (review.kind, review.role, review.reviewer_name) == ("person", "reviewer", "Ada Example")
    assert review.scores["total"]["share"] == pytest.approx(0.6)
    assert "no conflict of interest" in review.statement
    with studio.platform.reading() as session:
        row = session.get_one(ReviewAssignment, assignment)
        assert (row.state, row.closed_at) == ("submitted", review.submitted_at)
    assert kept_rubric(studio.platform.store, review.rubric_sha256).id == FORM
    with pytest.raises(Conflict, match="submitted"):
        reviewed(studio, assignment, "ada", answers())
    with pytest.raises(Conflict, match="asked for this review already"):
        assigned(studio, job, "ada")
    with (
        studio.platform.work(studio.people["admin"]) as work,
        pytest.raises(sa.exc.DatabaseError, match="append-only"),
    ):
        work.session.execute(sa.update(Review).values(kind="judge"))
    assert intact(studio)


def test_a_reviewer_sees_neither_authors_nor_other_reviews_before_their_own_is_in(case: tuple[Studio, str]):
    studio, job = case
    first, second = assigned(studio, job, "ada"), assigned(studio, job, "ben")
    reviewed(studio, first, "ada", answers(novelty=5))
    ben = studio.proof("ben").actor
    (own,) = listed(studio, ben)
    assert (own.job, own.asset, own.yours) == (None, None, True)
    shown = str(asdict(own))
    assert "Engineer" not in shown
    assert "Ada" not in shown
    assert seen(studio, "ben", job) == ()
    with studio.platform.reading() as session:
        assert reviews.disputes(session, ben, job) == {}
        asset = session.get_one(Job, job).asset_id
        with pytest.raises(Denied, match="owe a blind review"):
            refuse_blind(session, ben, asset)
        with pytest.raises(Denied, match="somebody else"):
            assignment_for(session, ben, now(), first)
    reviewed(studio, second, "ben", answers())
    assert [one.reviewer for one in seen(studio, "ben", job)] == ["Ada Example", "Ben Example"]
    with studio.platform.reading() as session:
        refuse_blind(session, ben, asset)
        assert assignment_for(session, ben, now(), second).job == job


def test_authors_do_not_learn_who_reviewed_blind(case: tuple[Studio, str]):
    studio, job = case
    reviewed(studio, assigned(studio, job, "ada"), "ada", answers())
    reviewed(studio, assigned(studio, job, "ben", blind=False), "ben", answers())
    assert [one.reviewer for one in seen(studio, "engineer", job)] == ["Reviewer 1", "Ben Example"]
    assert listed(studio, studio.people["engineer"]) == ()
    assert len(listed(studio, studio.people["auditor"])) == 2


def test_who_made_it_or_has_an_interest_cannot_review(case: tuple[Studio, str]):
    studio, job = case
    with studio.platform.reading() as session:
        engineer = session.get_one(User, studio.people["engineer"].id)
        assert conflict_of(session, session.get_one(Job, job), engineer) == "submitted the run that made it"
    with pytest.raises(Denied, match="may not review"):
        assigned(studio, job, "engineer")
    with studio.platform.work(studio.people["clinical"]) as work:
        consents.attest(
            work, project=GROUP, kind="human_authorship", statement="C. Other and  ADA\nexample wrote the text."
        )
    with pytest.raises(Denied, match="named as an author"):
        assigned(studio, job, "ada")
    assignment = assigned(studio, job, "ben")
    ben = studio.proof("ben").actor
    with studio.platform.work(ben) as work:
        reviews.declare_conflict(work, job, "I lead the competing trial.")
    with studio.platform.reading() as session:
        row = session.get_one(ReviewAssignment, assignment)
        assert (row.state, row.reason) == ("declined", "a conflict of interest was declared")
    with pytest.raises(Denied, match="declared conflict"):
        assigned(studio, job, "ben")
    with studio.platform.work(ben) as work, pytest.raises(Denied):
        reviews.declare_conflict(work, job, "She told me.", "clinical")
    assert intact(studio)


def test_an_interest_that_comes_up_after_the_assignment_stops_the_review(case: tuple[Studio, str]):
    studio, job = case
    assignment = assigned(studio, job, "ada")
    with studio.platform.work(studio.people["clinical"]) as work:
        consents.attest(work, project=GROUP, kind="human_authorship", statement="Written by Ada Example.")
    with pytest.raises(Denied, match="named as an author"):
        reviewed(studio, assignment, "ada", answers())
    with pytest.raises(InputError, match="no conflict of interest"):
        reviewed(studio, assigned(studio, job, "ben"), "ben", answers(), no_conflict=False)


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"novelty": 3}, "lacks clarity, coherence"),
        (answers() | {"novelty": 9}, "choose one of 1, 2, 3, 4, 5"),
        (answers() | {"beauty": 3}, "no item 'beauty'"),
        (answers() | {"novelty": True}, "choose one of"),
    ],
)
def test_a_form_that_is_not_filled_as_asked_is_refused(case: tuple[Studio, str], filled: dict[str, object], said: str):
    studio, job = case
    assignment = assigned(studio, job, "ada")
    with pytest.raises(InputError, match=said):
        reviewed(studio, assignment, "ada", filled)
    reviewed(studio, assignment, "ada", answers())


def test_a_dispute_is_settled_by_a_clinical_lead_who_did_not_review(case: tuple[Studio, str]):
    studio, job = case
    assert reviewed(studio, assigned(studio, job, "ada"), "ada", answers(novelty=5)).disputed == []
    assert [one["item"] for one in reviewed(studio, assigned(studio, job, "ben"), "ben", answers()).disputed] == [
        "novelty"
    ]
    with studio.platform.reading() as session:
        assert set(reviews.disputes(session, studio.people["auditor"], job)) == {FORM}
    proof = studio.proof("clinical")
    given = {"job": job, "rubric": FORM, "reason": "The method is known."}
    with studio.platform.work(proof.actor) as work, pytest.raises(InputError, match="answer novelty"):
        reviews.adjudicate(work, proof, answers={"novelty": 4, "clarity": 1}, **given)
    with studio.platform.work(studio.people["manager"]) as work, pytest.raises(Denied):
        reviews.adjudicate(work, studio.proof("manager"), answers={"novelty": 4}, **given)
    with studio.platform.work(proof.actor) as work:
        settled = reviews.adjudicate(work, proof, answers={"novelty": 3}, **given)
    assert (settled.kind, settled.role, settled.disputed) == ("adjudication", "clinical_lead", [])
    with studio.platform.reading() as session:
        assert reviews.disputes(session, studio.people["auditor"], job) == {}
    with studio.platform.work(proof.actor) as work, pytest.raises(Conflict, match="nothing is in dispute"):
        reviews.adjudicate(work, proof, answers={"novelty": 3}, **given)
    assert intact(studio)


def test_a_clinical_lead_who_reviewed_cannot_settle(case: tuple[Studio, str]):
    studio, job = case
    reviewed(studio, assigned(studio, job, "clinical"), "clinical", answers(novelty=5))
    reviewed(studio, assigned(studio, job, "ben"), "ben", answers(novelty=1))
    proof = studio.proof("clinical")
    with studio.platform.work(proof.actor) as work, pytest.raises(Denied, match="whoever reviewed"):
        reviews.adjudicate(work, proof, job=job, rubric=FORM, answers={"novelty": 3}, reason="Mine is right.")


def test_a_judges_review_stands_beside_peoples_and_disputes_nothing(case: tuple[Studio, str]):
    studio, job = case
    reviewed(studio, assigned(studio, job, "ada"), "ada", answers(novelty=5))
    with studio.platform.work(studio.people["engineer"]) as work:
        judged = reviews.record_judge_review(
            work, job=job, rubric=rubric_file(FORM), model="stub:one", answers={"novelty": 1}, parameters={"samples": 3}
        )
    assert (judged.kind, judged.scores["total"]["share"]) == ("judge", None)
    with studio.platform.reading() as session:
        assert reviews.disputes(session, studio.people["auditor"], job) == {}
    with studio.platform.work(studio.people["clinical"]) as work, pytest.raises(Denied):
        reviews.record_judge_review(work, job=job, rubric=rubric_file(FORM), model="x", answers={}, parameters={})


def test_the_queue_shows_what_is_overdue_and_lets_go(case: tuple[Studio, str]):
    studio, job = case
    with pytest.raises(InputError, match="due in the past"):
        assigned(studio, job, "ada", due_at=now() - timedelta(days=1))
    first = assigned(studio, job, "ada", due_at=now() + timedelta(days=1))
    second = assigned(studio, job, "ben")
    with studio.platform.reading() as session:
        later = reviews.assignments_for(session, studio.people["manager"], now() + timedelta(days=2))
    assert [(one.id, one.overdue) for one in later] == [(first, True), (second, False)]
    with studio.platform.work(studio.proof("ada").actor) as work:
        reviews.decline(work, first, "No time.")
        with pytest.raises(Denied):
            reviews.decline(work, second, "Not mine.")
    with studio.platform.work(studio.people["manager"]) as work:
        assert reviews.withdraw(work, second, "Asked twice.").state == "withdrawn"
    assert assigned(studio, job, "ada") != first
    assert intact(studio)


def test_a_rubric_of_ones_own_is_kept_with_the_review(case: tuple[Studio, str], tmp_path: Path):
    studio, job = case
    own = tmp_path / "own.yaml"
    own.write_text(
        'schema: greenlight.rubric/1\nid: own\nversion: "1"\ntitle: Own\njudges: manuscript\nsource: {title: ours}\n'
        "items:\n  - {id: sound, title: Sound, kind: yes_no}\n"
    )
    assignment = assigned(studio, job, "ada", rubric=str(own))
    own.write_text("changed")
    assert reviewed(studio, assignment, "ada", {"sound": True}).scores["total"]["share"] == 1
    with pytest.raises(InputError):
        assigned(studio, job, "ben", rubric=str(own))
    with pytest.raises(NotFound, match="choose one of"):
        assigned(studio, job, "ben", rubric="nothing")
    with pytest.raises(InputError, match="made no manuscript"):
        assigned(studio, studio.job, "ben")
