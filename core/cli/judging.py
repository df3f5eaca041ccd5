"""How `greenlight review judge` prints: each item's score with its quote, what was dropped, what it cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.cli.output import say, show

if TYPE_CHECKING:
    from evaluators.manuscript.panel import Panel
    from evaluators.manuscript.rubric import Rubric
    from evaluators.manuscript.verdicts import Review

    Judged = tuple[dict[str, object] | None, Rubric, Review]

SHOWN = 140


def judged_file(file: str, rubric: str, panel: Panel, progress: Callable[[float, str], None]) -> Judged:
    """Ask a panel about a file, without the registry: nothing kept, the form, and what was said."""
    from evaluators.manuscript.judge import judge_manuscript
    from evaluators.manuscript.reading import read_manuscript
    from evaluators.manuscript.rubric import find_rubric

    form, manuscript = find_rubric(rubric), read_manuscript(Path(file))
    return None, form, judge_manuscript(manuscript, form, panel, progress=progress)


def judged_job(job: str, rubric: str, panel: Panel, progress: Callable[[float, str], None]) -> Judged:
    """Ask a panel about a job's manuscript and keep the review beside people's."""
    from core.cli.session import acting
    from core.reviews import judge_review

    with acting() as (platform, actor):
        return judge_review(platform, actor, job=job, rubric=rubric, panel=panel, progress=progress)


def print_review(rubric: Rubric, found: Review) -> None:
    """Print the scores, then why others are missing, then notes and cost."""
    measured = {m.measure.name.removeprefix("judge_"): m for m in found.evaluation.measurements}
    rows = []
    for item in rubric.leaves():
        one = measured.get(item.id)
        if one is None or one.value is None:
            continue
        answer = found.answers.get(item.id)
        rows.append(
            {
                "item": item.title,
                "score": f"{one.value:g} of {one.measure.high:g}",
                "answers": f"{one.interval.low:g} to {one.interval.high:g}" if one.interval else str(one.count),
                "quote": answer.quote[:SHOWN] if answer else None,
                "reason": answer.reason[:SHOWN] if answer else None,
            }
        )
    show(rows, ("item", "score", "answers", "quote", "reason"), as_json=False, empty="There is no score.")
    for item in rubric.leaves():
        one, answer = measured.get(item.id), found.answers.get(item.id)
        if one is not None and one.reason is not None:
            say(f"No score for {item.title}: {one.reason}.", "dim")
        elif one is None and answer is not None and answer.value:
            say(f"{item.title}: {answer.value}")
    for note in found.notes:
        say(f"Note: {note}", "yellow")
    cost = found.cost
    price = "at an unknown price" if cost.usd is None else f"for {cost.usd:.4f} USD"
    say(f"{cost.requests} requests, {cost.tokens_in} tokens sent, {cost.tokens_out} received, {price}.")
    say("A judge's score opens no gate.", "dim")
