"""`greenlight evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, emit, say, show

if TYPE_CHECKING:
    from evaluators.base import Measurement

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def clip(
    folder: Path,
    output: Path = typer.Option(..., help="The clip to measure, wherever it was made."),
    reference: Path | None = typer.Option(None, help="The true counterfactual, where it is known."),
    as_json: Json = False,
) -> None:
    """Measure an output for a VOID-format folder, without the registry."""
    from core.cli.worker import progress_bars
    from core.jobs.worker import Sign
    from evaluators import evaluate_clip

    with progress_bars(quiet=as_json) as observer:
        result = evaluate_clip(
            folder, output, reference, progress=lambda done, message: observer(Sign(output.name, done, message))
        )
    if as_json:
        emit(result.to_json())
        return
    found = [m for evaluation in (*result.evaluations, result.summary) for m in evaluation.measurements]
    show(
        [_row(measurement) for measurement in found],
        ("measure", "value", "interval", "better"),
        as_json=False,
        empty="",
    )
    for note in result.notes:
        say(f"Note: {note}", "yellow")


def _row(found: Measurement) -> dict[str, object]:
    measure, interval = found.measure, found.interval
    value = f"not measured: {found.reason}" if found.value is None else f"{found.value:.4g} {measure.unit}"
    return {
        "measure": measure.title,
        "value": value,
        "interval": f"{interval.low:.4g} to {interval.high:.4g}" if interval else None,
        "better": measure.direction.replace("_", " "),
    }
