"""`greenlight demo`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, emit, say
from core.cli.session import write_token
from core.errors import InputError
from core.settings import Settings

if TYPE_CHECKING:
    from core.demo import Ending, Stage

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
MOST_REASONS = 6


@app.callback(invoke_without_command=True)
def demo(
    folder: Path | None = typer.Option(None, "--input", help="A folder in VOID's format; without it, simulated clips."),
    nobody: bool = typer.Option(False, "--nobody", help="State that nobody is visible in the clip of --input."),
    study: bool = typer.Option(False, "--study", help="A clinical study instead, from protocol to manuscript."),
    to: Path = typer.Option(Path("greenlight-demo"), help="Folder for dossiers and outputs."),
    as_json: Json = False,
) -> None:
    """Watch cases travel from submission to a sealed decision, through the real services, on this machine."""
    from core.cli.worker import progress_bars
    from core.demo import set_stage, sign_in

    if study and folder:
        raise InputError("a study takes no clip", "say --study or --input")
    started = time.monotonic()
    settings = Settings.load()
    with progress_bars(quiet=as_json) as observer:
        stage = set_stage(settings, to, observer, (lambda _line: None) if as_json else _step)
        endings = _endings(stage, folder, nobody=nobody, study=study)
    write_token(settings, sign_in(stage))
    stage.platform.close()
    if as_json:
        emit([ending._asdict() for ending in endings])
        return
    for ending in endings:
        _tell_ending(ending)
    _tell_next(settings, endings, time.monotonic() - started)


def _endings(stage: Stage, folder: Path | None, *, nobody: bool, study: bool) -> tuple[Ending, ...]:
    from core.demo import run_input, run_simulated
    from core.demo_study import run_study

    if study:
        return (run_study(stage),)
    return (run_input(stage, folder, nobody=nobody),) if folder else run_simulated(stage)


def _step(line: str) -> None:
    say(f"\n{line}", "bold")


def _tell_ending(ending: Ending) -> None:
    good = ending.state == "approved"
    say(f"\n{'✓ APPROVED' if good else '✗ NOT RELEASED'}  {ending.release}", "bold green" if good else "bold red")
    say(ending.headline)
    for sentence, next_step in ending.reasons[:MOST_REASONS]:
        say(f"  - {sentence} {next_step}")
    if len(ending.reasons) > MOST_REASONS:
        say(f"  and {len(ending.reasons) - MOST_REASONS} more, in the dossier.")
    say(f"Sealed dossier: {ending.pdf}  (in a browser: {ending.html})", "cyan")
    if ending.exported:
        say(f"Released output: {ending.exported}", "cyan")


def _tell_next(settings: Settings, endings: tuple[Ending, ...], seconds: float) -> None:
    say(f"\nDone in {seconds:.0f} s. You are signed in as the demo's auditor. To look further:", "bold")
    say("  greenlight release list            the decisions")
    say(f"  greenlight release show {endings[-1].release}")
    say("  greenlight audit verify            recompute the whole record")
    say(f"  greenlight report check {endings[-1].pdf}")
    say("  greenlight dashboard               see and sign in a browser")
    say(f"The demo's people and their passwords are in {settings.home / 'demo-people.json'}.")
