"""`greenlight compare`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, emit, say, show
from core.cli.session import acting
from core.errors import InputError

if TYPE_CHECKING:
    from core.comparison import Comparison
    from evaluators.comparison import Paired

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def compare(
    versions: list[str] = typer.Argument(..., metavar="MODEL@V MODEL@V ...", help="Two or more model versions."),
    project: str | None = typer.Option(None, help="Only this project's jobs."),
    asset: list[str] = typer.Option([], help="Only this asset; repeat for several."),
    measure: list[str] = typer.Option(
        [], help="Only this measure; repeat for several. Fewer questions need fewer assets."
    ),
    gpu_rate: float | None = typer.Option(None, help="What an hour of a GPU costs."),
    cpu_rate: float | None = typer.Option(None, help="What an hour of a machine without a GPU costs."),
    currency: str = typer.Option("USD", help="Currency of the rates, such as EUR."),
    html: Path | None = typer.Option(None, help="Also write a report to this file."),
    as_json: Json = False,
) -> None:
    """Set model versions side by side over the same assets: what is better, by how much, at what cost."""
    from core.comparison import Rates
    from core.comparison import compare as compare_versions

    rates = Rates(gpu_rate, cpu_rate, currency)
    with acting() as (platform, _), platform.reading() as session:
        found = compare_versions(
            session, platform.store, versions, project=project, assets=asset, measures=measure, rates=rates
        )
    if html is not None:
        _write(found, html)
    if as_json:
        emit(found.to_json())
        return
    _print(found)
    if html is not None:
        say(f"The report is {html}; open it in a browser.")


def _write(found: Comparison, path: Path) -> None:
    from core.reports.comparison import render_comparison

    try:
        path.write_text(render_comparison(found), encoding="utf-8")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"{path} cannot be written", "name a file in a folder that exists") from error


def _print(found: Comparison) -> None:
    for sentence in found.sentences:
        say(sentence)
    letters = found.letters
    say(f"\n{'; '.join(f'{letter} is {label}' for label, letter in letters.items())}.", "bold")
    rows = [_measure_row(pair, letters) for question in found.questions for pair in question.pairs]
    columns = ("measure", "pair", "better", "assets", "means", "difference", "interval", "p", "wins", "verdict")
    show(rows, columns, as_json=False, empty="Nothing was measured for both.")
    say(
        "Difference: the first's mean minus the second's (of the distances, where a target is best), with its 95 % "
        "interval; p: sign test after Holm's correction; wins: share of assets on which the first is better.",
        "dim",
    )
    say("\nAsset by asset", "bold")
    shown = [question.measure for question in found.questions if question.summary] or [
        question.measure for question in found.questions
    ]
    show(list(_asset_rows(found, shown)), ("asset", "model", *shown, "cost", "basis"), as_json=False, empty="")
    for note in found.notes:
        say(f"Note: {note}", "yellow")


def _measure_row(pair: Paired, letters: Mapping[str, str]) -> dict[str, object]:
    from core.comparison.sentences import better_side, figure, interval_words, signed, verdict_words

    first, second = letters[pair.first], letters[pair.second]
    return {
        "measure": pair.measure.name,
        "pair": f"{first} {second}",
        "better": better_side(pair.measure),
        "assets": len(pair.assets),
        "means": f"{figure(pair.first_mean)} | {figure(pair.second_mean)}",
        "difference": signed(pair.difference),
        "interval": interval_words(pair),
        "p": None if pair.p_adjusted is None else f"{pair.p_adjusted:.2g}",
        "wins": None if pair.win_rate is None else f"{pair.win_rate:.0%}",
        "verdict": verdict_words(pair, first, second),
    }


def _asset_rows(found: Comparison, shown: list[str]) -> Iterator[dict[str, object]]:
    from core.comparison.sentences import cost_words, figure

    for row in found.rows:
        for label, cell in row.cells.items():
            values = {name: figure(cell.readings[name].value) for name in shown}
            cost = {"cost": cost_words(cell.cost), "basis": cell.cost.basis}
            yield {"asset": row.name, "model": found.letters[label], **values, **cost}
