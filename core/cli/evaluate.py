"""`greenlight evaluate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.evaluate_manuscript import manuscript
from core.cli.output import Json, emit, say, show
from core.errors import InputError
from core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluators.base import Evaluation, Measurement
    from evaluators.video.judge import JudgeOptions

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
app.command()(manuscript)


@app.callback()
def evaluate() -> None:
    """Measure an output, with or without the registry."""


@app.command()
def clip(
    folder: Path,
    output: Path = typer.Option(..., help="The clip to measure, wherever it was made."),
    reference: Path | None = typer.Option(None, help="The true counterfactual, where it is known."),
    judge: str | None = typer.Option(
        None, help="Also ask a vision-language model: provider:name, or its name at --judge-url."
    ),
    judge_url: str | None = typer.Option(None, help="Its server, if it speaks the OpenAI chat-completions protocol."),
    raft: Path | None = typer.Option(None, help="RAFT weights (safetensors) to compute flow with, instead of DIS."),
    lpips_trunk: Path | None = typer.Option(None, help="AlexNet's trunk for LPIPS; without it, the torch cache."),
    as_json: Json = False,
) -> None:
    """Measure an output for a VOID-format folder, without the registry."""
    from core.cli.worker import progress_bars
    from core.jobs.worker import Sign
    from evaluators import VideoOptions, evaluate_clip

    options = _judge_options(judge, judge_url)
    with progress_bars(quiet=as_json) as observer:
        result = evaluate_clip(
            folder,
            output,
            reference,
            progress=lambda done, message: observer(Sign(output.name, done, message)),
            options=VideoOptions(raft_weights=raft, lpips_trunk=lpips_trunk),
        )
        if options is not None:
            from evaluators.video.judge import judge_result

            judged = judge_result(
                result, options, progress=lambda done, message: observer(Sign("judge", done, message))
            )
            result = replace(result, evaluations=(*result.evaluations, judged))
    if as_json:
        emit(result.to_json())
        return
    _show_scores(result.summary)
    _show_measurements([m for evaluation in result.evaluations for m in evaluation.measurements])
    for note in (*result.notes, *(note for evaluation in result.evaluations for note in evaluation.notes)):
        say(f"Note: {note}", "yellow")


def _judge_options(model: str | None, address: str | None) -> JudgeOptions | None:
    """The judge asked for; the key's variable comes from the settings, the key itself from that variable."""
    if model is None:
        if address is not None:
            raise InputError("--judge-url is given without a model", "name the model with --judge")
        return None
    from evaluators.video.judge import JudgeOptions

    return JudgeOptions(model, address, Settings.load().vlm_key_variable or None)


def _show_scores(summary: Evaluation) -> None:
    """The four scores first, each with the part that it is as low as."""
    from evaluators.video.suite import video_measures

    titles = {measure.name: measure.title for measure in video_measures()}
    rows = [
        {
            "score": found.measure.name,
            "0 to 1": "not measured" if found.value is None else f"{found.value:.3f}",
            "lowest part": titles.get(str(found.evidence.get("weakest")), found.reason),
            "says": found.measure.meaning,
        }
        for found in summary.measurements
    ]
    show(rows, ("score", "0 to 1", "lowest part", "says"), as_json=False, empty="")


def _show_measurements(found: Sequence[Measurement]) -> None:
    """What was measured in a table, and below it what was not, gathered by reason."""
    say("")
    measured = [_row(one) for one in found if one.value is not None]
    show(measured, ("measure", "value", "interval", "better"), as_json=False, empty="Nothing could be measured.")
    missing: dict[str, list[str]] = {}
    for one in found:
        if one.reason is not None:
            missing.setdefault(one.reason, []).append(one.measure.title)
    say("")
    for reason, titles in missing.items():
        say(f"Not measured: {'; '.join(titles)}: {reason}.", "dim")


def _row(found: Measurement) -> dict[str, object]:
    measure, interval = found.measure, found.interval
    return {
        "measure": measure.title,
        "value": f"{found.value:.4g} {measure.unit}",
        "interval": f"{interval.low:.4g} to {interval.high:.4g}" if interval else None,
        "better": measure.direction.replace("_", " "),
    }
