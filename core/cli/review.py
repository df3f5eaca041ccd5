"""`greenlight review`."""

from __future__ import annotations

from pathlib import Path

import typer

from core.cli.output import Json, emit

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def review() -> None:
    """Rubrics, reviews by people and judges, and how far they agree."""


@app.command()
def calibrate(
    files: list[Path] = typer.Argument(
        ..., metavar="FILE ...", help="Ratings by people and judges (CSV, TSV, JSON), or a folder of such files."
    ),
    dimension: str = typer.Option("overall", help="What was scored: a column of a judge's file, or a dimension."),
    seed: int = typer.Option(0, help="Seed of the drawn pairs and of the intervals."),
    as_json: Json = False,
) -> None:
    """Set judges against people: agreement as a share of what people reach, decisions, bias and drift."""
    from core.cli.calibrating import print_calibration
    from evaluators.manuscript.calibration import calibrate as calibrate_ratings
    from evaluators.manuscript.ratings import read_ratings

    found = calibrate_ratings(read_ratings(files, dimension), seed)
    if as_json:
        emit(found.to_json())
        return
    print_calibration(found)
