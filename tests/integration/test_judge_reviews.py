"""A language model's review of what a job wrote is kept beside people's, or nothing is kept and the reason is said."""

from __future__ import annotations

import json

import pytest
import sqlalchemy as sa
from support.reviewing import FORM, ITEMS, PAPER, SENTENCE, good_form, written
from support.studio import Studio

from core import reviews
from core.audit.verify import verify
from core.errors import Denied, Unavailable
from core.tables import Job, Review
from evaluators.judging.options import ModelOptions
from evaluators.manuscript.panel import Panel, Seat


def panel(url: str, *personas: str) -> Panel:
    """One model at a server, asked once."""
    options = ModelOptions("local", url, samples=1, backoff_s=0.01)
    return Panel(tuple(Seat(options, persona, 1.0, 2.0) for persona in personas or ("reader",)))


def kept(studio: Studio) -> int:
    with studio.platform.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Review)) or 0


def test_what_the_panel_said_is_on_record_with_its_quotes_and_its_cost(studio: Studio, serve):
    job = written(studio, *PAPER)
    server = serve(good_form)
    row, form, said = reviews.judge_review(
        studio.platform, studio.people["engineer"], job=job, rubric=FORM, panel=panel(server.url, "reader", "clinician")
    )
    assert (row["kind"], row["reviewer_name"], row["rubric_id"]) == ("judge", "local as reader, clinician", form.id)
    with studio.platform.reading() as session:
        (seen,) = reviews.reviews_for(session, studio.people["auditor"], job)
    assert {item: one["value"] for item, one in seen.answers.items()} == dict.fromkeys(ITEMS, 4)
    assert seen.answers["clarity"]["quote"] == SENTENCE
    assert seen.parameters["cost"]["requests"] == len(server.requests)
    assert seen.parameters["cost"]["usd"] == pytest.approx(said.cost.usd)
    record = json.loads(studio.platform.store.read(seen.parameters["record"]))
    assert record["votes"]["clarity"][0]["place"]["page"] == 1
    with studio.platform.reading() as session:
        assert verify(session, studio.platform.store, studio.platform.key.public).intact


def test_a_judge_whose_quotes_are_nowhere_or_who_does_not_answer_leaves_nothing(studio: Studio, serve):
    job = written(studio, *PAPER)
    elsewhere = serve(lambda body: good_form(body, "The earth is flat and nobody has looked."))
    down = serve(lambda _body: (500, {}, b"{}"))
    for server, why in ((elsewhere, "does not occur in the paper"), (down, "failed its canaries")):
        with pytest.raises(Unavailable, match=why):
            reviews.judge_review(
                studio.platform, studio.people["engineer"], job=job, rubric=FORM, panel=panel(server.url)
            )
    assert kept(studio) == 0


def test_a_manuscript_leaves_the_machine_only_where_its_job_said_so(studio: Studio):
    job = written(studio, *PAPER)
    hosted = Panel((Seat(ModelOptions("openai:some", key_variable="NO_SUCH_KEY")),))
    with pytest.raises(Denied, match="leaves this machine"):
        reviews.judge_review(studio.platform, studio.people["engineer"], job=job, rubric=FORM, panel=hosted)
    with studio.platform.work(studio.people["engineer"]) as work:
        row = work.session.get_one(Job, job)
        row.ai_use = {**row.ai_use, "network_egress": True}
    with pytest.raises(Unavailable, match="set the variable NO_SUCH_KEY"):
        reviews.judge_review(studio.platform, studio.people["engineer"], job=job, rubric=FORM, panel=hosted)
    with pytest.raises(Denied):
        reviews.judge_review(studio.platform, studio.people["legal"], job=job, rubric=FORM, panel=hosted)
    assert kept(studio) == 0
