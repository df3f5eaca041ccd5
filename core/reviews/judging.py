"""Let language models review what a job wrote, and keep what they said beside people's reviews."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from core.access import Actor, Permission
from core.errors import Denied, Unavailable
from core.lookup import find
from core.platform import Platform
from core.reviews.forms import explained, parse_rubric, rubric_file
from core.reviews.giving import record_judge_review
from core.reviews.queue import manuscript_of
from core.tables import Job, record_of

if TYPE_CHECKING:
    from evaluators.manuscript.panel import Panel
    from evaluators.manuscript.rubric import Rubric
    from evaluators.manuscript.verdicts import Review as JudgeReview


def judge_review(
    platform: Platform,
    actor: Actor,
    *,
    job: str,
    rubric: str,
    panel: Panel,
    progress: Callable[[float, str], None] | None = None,
) -> tuple[dict[str, object], Rubric, JudgeReview]:
    """Have a panel fill a rubric for a job's manuscript, and keep it: the row, the form, and what the panel said.

    `Denied` where a judge elsewhere would get a manuscript whose job was submitted without saying that anything leaves
    this machine; `Unavailable`, with nothing kept, where no judge gave an answer that counts.
    """
    from evaluators.manuscript.judge import judge_manuscript
    from evaluators.manuscript.reading import read_manuscript

    actor.require(Permission.EVALUATE)
    data = rubric_file(rubric)
    form = parse_rubric(data, rubric)
    with platform.reading() as session:
        row = find(session, Job, job)
        output = manuscript_of(session, row)
        if panel.network_egress and row.ai_use.get("network_egress") is not True:
            raise Denied(
                "the job was submitted without saying that its manuscript leaves this machine",
                "name a model on this machine, or submit the job with --egress",
            )
        job_id, sha256 = row.id, output.sha256
    with TemporaryDirectory() as folder, explained():
        manuscript = read_manuscript(platform.store.fetch(sha256, Path(folder) / "manuscript"))
        said = judge_manuscript(manuscript, form, panel, progress=progress)
    if not said.answers:
        reason = next((one.reason for one in said.evaluation.measurements if one.reason), "nothing was answered")
        raise Unavailable(f"no judge gave an answer that counts: {reason}", "see to the judge, and ask it again")
    with platform.work(actor) as work:
        record = work.keep_json(said.to_json())
        kept = record_judge_review(
            work,
            job=job_id,
            rubric=data,
            model=panel.name,
            answers={name: answer.to_json() for name, answer in said.answers.items()},
            parameters=_parameters(said, record.sha256),
        )
        return record_of(kept), form, said


def _parameters(said: JudgeReview, record: str) -> dict[str, object]:
    """How the review was made; `record` is the artifact with every sample, quote and dropped answer."""
    whole = said.to_json()
    return {"record": record, "version": said.evaluation.version, **{key: whole[key] for key in ("cost", "notes")}}
