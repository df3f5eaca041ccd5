"""A study with a manuscript that nobody had to compute, and people who review it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import sqlalchemy as sa
from reportlab.pdfgen.canvas import Canvas

from core import identity, reviews
from core.access import WORKER, Actor
from core.evaluation import record_evaluations
from core.jobs.queue import Made, claim, finish
from core.jobs.submission import JobRequest, submit
from core.runners.base import RunContext, RunSpecification
from core.runners.measure import RESULT, MeasureRunner
from core.tables import Job, Output, Review
from support.studies import VERSION, approved, found_group, take_in
from support.studio import PASSWORD, Studio
from support.vlm import Reply, completion

FORM = "medical-ai-scientist-manuscript"
ITEMS = ("novelty", "clarity", "coherence", "reproducibility", "coverage")
FACTS: dict[str, Any] = {"backend": "protocol", "mode": "reproduction", "deviations": [], "numbers": None}


SENTENCE = "Missing values were imputed by chained equations."
PAPER = ("1 Methods", SENTENCE, *["The cohort held 420 patients of one hospital, all of them adults."] * 6)
"""Lines of a manuscript that holds enough to be judged."""


def good_form(body: dict[str, Any], quote: str = SENTENCE) -> Reply:
    """What a language model answers about `PAPER`: 4 everywhere, and 1 for the bad one of its canaries."""
    value = 1 if "universal deep framework" in body["messages"][1]["content"] else 4
    form = {name: {"score": value, "quote": quote, "reason": "So it is."} for name in ITEMS}
    return completion(json.dumps({"text_addressed_to_judge": False} | form))


def answers(**changes: int) -> dict[str, int]:
    """A filled form: 3 everywhere but where said otherwise."""
    return {**dict.fromkeys(ITEMS, 3), **changes}


def paper(*lines: str) -> bytes:
    """A manuscript of one page with these lines."""
    buffer = BytesIO()
    canvas = Canvas(buffer, invariant=1)
    for number, line in enumerate(("A study of something", *lines)):
        canvas.setFont("Helvetica", 12 if number else 18)
        canvas.drawString(72, 740 - 18 * number, line)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def written(studio: Studio, *lines: str, results: Mapping[str, object] | None = None) -> str:
    """Add the research group with a study whose run left a manuscript; returns the job."""
    found_group(studio)
    asset = take_in(studio, studio.folder / "small")
    approved(studio, asset)
    with studio.platform.work(studio.people["engineer"]) as work:
        job = submit(work, JobRequest(asset, VERSION, "protocol")).job.id
    held = claim(studio.platform, "tests")
    assert held is not None
    files = {"manuscript": paper(*lines), "results": json.dumps(results or {}).encode()}
    with studio.platform.work(WORKER) as work:
        made = [
            Made(
                role,
                {"manuscript": "manuscript.pdf"}.get(role, f"{role}.json"),
                work.keep(data, "application/pdf" if role == "manuscript" else "application/json").sha256,
                {"runner": {"study": FACTS}} if role == "manuscript" else {},
            )
            for role, data in files.items()
        ]
        assert finish(work, held, made, {})
    return job


def measured(studio: Studio, job: str) -> Mapping[str, Any]:
    """Measure the manuscript as the worker does when a run ends; returns the evaluation."""
    folder = Path(mkdtemp(dir=studio.folder))
    with studio.platform.reading() as session:
        files = {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == job))}
    inputs = {
        "output": studio.platform.store.fetch(files["manuscript"].sha256, folder / "manuscript.pdf"),
        "results": studio.platform.store.fetch(files["results"].sha256, folder / "results.json"),
    }
    context = RunContext(folder, lambda _done, _message: None)
    MeasureRunner().run(RunSpecification("measure", inputs, {"subject": "manuscript"}), context)
    result: Mapping[str, Any] = json.loads((folder / RESULT).read_text())
    with studio.platform.work(WORKER) as work:
        record_evaluations(work, work.session.get_one(Job, job), files["manuscript"], result)
    return result


def hire_reviewers(studio: Studio, *logins: str) -> dict[str, Actor]:
    """Add people who only review."""
    people = {}
    for login in logins:
        with studio.platform.work(studio.people["admin"]) as work:
            user = identity.create_user(
                work, login=login, name=f"{login.title()} Example", password=PASSWORD, roles=["reviewer"]
            )
            people[login] = identity.actor_of(user)
    return people


def assigned(studio: Studio, job: str, login: str, **changes: Any) -> str:
    """Ask somebody for a review as the release manager."""
    with studio.platform.work(studio.people["manager"]) as work:
        return reviews.assign(work, **{"job": job, "reviewer": login, "rubric": FORM, **changes}).id


def reviewed(studio: Studio, assignment: str, login: str, filled: Mapping[str, object], **changes: Any) -> Review:
    """Give a review with the password anew."""
    proof = studio.proof(login)
    with studio.platform.work(proof.actor) as work:
        return reviews.submit_review(work, proof, assignment, filled, **{"no_conflict": True, **changes})
