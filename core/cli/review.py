"""`greenlight review`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, emit, say, show
from core.cli.reviewing import add_commands

if TYPE_CHECKING:
    from evaluators.manuscript.guideline import Evidence
    from evaluators.manuscript.rubric import Item, Rubric

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
add_commands(app)


@app.callback()
def review() -> None:
    """Rubrics, reviews by people and judges, and how far they agree."""


@app.command()
def calibrate(
    files: list[Path] = typer.Argument(
        None, metavar="FILE ...", help="Ratings by people and judges (CSV, TSV, JSON), or a folder of such files."
    ),
    rubric: str | None = typer.Option(None, help="Without files: the reviews on this form that are on record."),
    dimension: str = typer.Option("overall", help="What was scored: a column of a judge's file, a dimension, an item."),
    seed: int = typer.Option(0, help="Seed of the drawn pairs and of the intervals."),
    as_json: Json = False,
) -> None:
    """Set judges against people: agreement as a share of what people reach, decisions, bias and drift."""
    from core.cli.calibrating import print_calibration, ratings_of
    from evaluators.manuscript.calibration import calibrate as calibrate_ratings

    found = calibrate_ratings(ratings_of(files or [], rubric, dimension), seed)
    if as_json:
        emit(found.to_json())
        return
    print_calibration(found)


@app.command()
def rubrics(
    name: str | None = typer.Argument(
        None, help="One form: a rubric's or guideline's name, or the path of a rubric of your own (YAML)."
    ),
    as_json: Json = False,
) -> None:
    """List the forms, or show one: rubrics with scale and weight, and reporting guidelines as checklists."""
    from evaluators.manuscript.guideline import guideline_names
    from evaluators.manuscript.reporting import find_form
    from evaluators.manuscript.rubric import rubric_names

    if name is not None:
        _show_rubric(find_form(name), as_json)
        return
    found = [find_form(one) for one in (*rubric_names(), *guideline_names())]
    rows = [
        {
            **rubric.to_json(),
            "rubric": rubric.id,
            "judges": rubric.content.judges,
            "items": len(rubric.leaves()),
            "source": rubric.content.source.title,
        }
        for rubric in found
    ]
    show(rows, ("rubric", "version", "judges", "items", "source"), as_json=as_json, empty="There are no rubrics.")


def _show_rubric(rubric: Rubric, as_json: bool) -> None:
    if as_json:
        emit({**rubric.to_json(), "content": rubric.content.model_dump(by_alias=True)})
        return
    say(f"{rubric.content.title} (version {rubric.version}): {rubric.content.source.title}", "bold")
    rows = [
        {
            "item": node.id,
            "asks": node.question or node.title,
            "answer": _scale(node),
            "weight": f"{node.weight:g}" if node.counts else None,
            "third_person_from": f"{node.differ_by:g} apart" if node.differ_by else None,
        }
        for node in rubric.nodes()
    ]
    show(rows, ("item", "asks", "answer", "weight", "third_person_from"), as_json=False, empty="It asks nothing.")
    for node in rubric.nodes():
        for value, meaning in node.anchors.items():
            say(
                f"{node.id} {value:g}: {meaning}" if isinstance(value, float) else f"{node.id} {value}: {meaning}",
                "dim",
            )
    if rule := rubric.content.decision:
        say(f"The form recommends acceptance from {rule.item} {rule.accept_from:g} on.")
    if rubric.content.note:
        say(rubric.content.note, "dim")


def _scale(node: Item) -> str:
    if node.kind in ("score", "choice"):
        return ", ".join(f"{value:g}" if isinstance(value, float) else value for value in node.values)
    return {"yes_no": "yes or no", "text": "text", "group": "weighted mean" if node.weight else "section"}[node.kind]


@app.command()
def checklist(
    guideline: str = typer.Argument(..., help="The guideline, such as tripod-ai; see the list without a file."),
    file: Path | None = typer.Argument(None, help="The manuscript: PDF, LaTeX or Markdown. Without it, the items."),
    as_json: Json = False,
) -> None:
    """Fill a reporting guideline's checklist by rule, with the sentence that reports each item."""
    from evaluators.manuscript.guideline import fill, load_guideline

    found = load_guideline(guideline)
    if file is None:
        items = [item.model_dump() for item in found.content.items]
        show(items, ("id", "section", "text"), as_json=as_json, empty="It has no items.")
        return
    from evaluators.manuscript.reading import read_manuscript

    filled = fill(found, read_manuscript(file))
    if as_json:
        emit(filled.to_json())
        return
    rows = [
        {
            "id": entry.id,
            "item": entry.text,
            "status": "for a reviewer" if entry.status == "reviewer" else f"reported ({entry.confidence:.0%})",
            "evidence": " / ".join(_short(one) for one in entry.evidence) or None,
        }
        for entry in filled.entries
    ]
    show(rows, ("id", "item", "status", "evidence"), as_json=False, empty="It has no items.")
    counts = filled.coverage
    say(f"\n{counts.reported_by_rule} of {counts.items} items found by rule; {counts.waiting} wait for a reviewer.")


def _short(evidence: Evidence) -> str:
    place = evidence.place
    where = f"p. {place.page}" if place.page else f"line {place.line}" if place.line else place.section
    return f"{evidence.quote[:140]} ({where})"


@app.command()
def judge(
    paper: str = typer.Argument(..., help="A manuscript (PDF, LaTeX, Markdown), or a job to keep the review with."),
    model: str = typer.Option(..., "--judge", help="A language model: provider:name, or its name at --judge-url."),
    judge_url: str | None = typer.Option(None, help="Its server, if it speaks the OpenAI chat-completions protocol."),
    rubric: str = typer.Option("medical-ai-scientist-manuscript", help="A rubric's name, or the path of your own."),
    persona: list[str] = typer.Option(["reader"], help="reader, clinician, statistician or engineer; repeatable."),
    samples: int = typer.Option(3, help="How often each persona is asked."),
    price_in: float | None = typer.Option(None, help="USD for a million tokens sent."),
    price_out: float | None = typer.Option(None, help="USD for a million tokens received."),
    as_json: Json = False,
) -> None:
    """Let a language model fill a rubric for a file, or for what a job wrote; its score opens no gate."""
    from core.cli.judging import judged_file, judged_job, print_review
    from core.cli.worker import progress_bars
    from core.jobs.worker import Sign
    from core.settings import Settings
    from evaluators.judging.options import ModelOptions
    from evaluators.manuscript.panel import Panel, Seat

    options = ModelOptions(
        model, judge_url, Settings.load().vlm_key_variable or None,
        samples=samples, request_s=180.0, total_s=1800.0, max_tokens=4000,
    )  # fmt: skip
    panel = Panel(tuple(Seat(options, one, price_in, price_out) for one in persona))
    judged = judged_job if paper.startswith("job_") and not Path(paper).exists() else judged_file
    with progress_bars(quiet=as_json) as observer:
        kept, form, found = judged(paper, rubric, panel, lambda done, message: observer(Sign("judge", done, message)))
    if as_json:
        emit({**found.to_json(), "review": kept})
        return
    print_review(form, found)
    if kept:
        say(f"The review {kept['id']} is on record beside people's.")
