"""`greenlight bench`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, done, emit, say, show
from core.cli.session import PasswordStdin, acting, ask_password, proof_of

if TYPE_CHECKING:
    from core.bench_results import Cell, Results, Row
    from core.platform import Platform
    from core.suites import Suite

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Project = typer.Option(..., help="Project, a study, that the batch belongs to.")
Folder = typer.Option(None, "--to", help="Also write bench.json and bench.html into this folder.")


@app.command()
def run(
    suite: Path,
    project: str = Project,
    to: Path | None = Folder,
    submit_only: bool = typer.Option(False, "--submit-only", help="Leave the work to other workers."),
    as_json: Json = False,
) -> None:
    """Run a suite (tasks, cases, modes) as one batch; call it again to go on. Exit code 4 when cells were refused."""
    from core.bench import run as run_batch
    from core.cli.worker import progress_bars
    from core.suites import read_suite

    read = read_suite(suite)
    with acting() as (platform, actor):
        with progress_bars(quiet=as_json) as observer:
            started = run_batch(platform, actor, read, project=project, observer=observer, work_here=not submit_only)
        found = _results(platform, read, project)
    if not as_json:
        say(f"{started.kept} cells had ended before, {started.submitted} were submitted, {started.refused} refused.")
    _tell(found, to, as_json)
    if started.refused:
        if not as_json:
            say("A clinical lead approves the suite's protocols with 'greenlight bench approve'.", "yellow")
        raise typer.Exit(4)


@app.command()
def approve(
    suite: Path,
    project: str = Project,
    statement: str = typer.Option(..., help="What you checked: question, data, ethics, analysis."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Approve the protocols of a suite that was run once, after giving your password anew; each is on record alone."""
    from core.bench import approve_all
    from core.suites import read_suite

    read = read_suite(suite)
    with acting() as (platform, actor):
        proof = proof_of(platform, actor, lambda login: ask_password(password_stdin, f"Password of {login}"))
        count = approve_all(platform, proof, read, project=project, statement=statement)
    done({"approved": count}, f"{actor.name} approved {count} protocols.", as_json=as_json)


@app.command("show")
def show_batch(suite: Path, project: str = Project, to: Path | None = Folder, as_json: Json = False) -> None:
    """Show how a suite's batch stands, without running anything."""
    from core.suites import read_suite

    read = read_suite(suite)
    with acting() as (platform, _):
        found = _results(platform, read, project)
    _tell(found, to, as_json)


def _results(platform: Platform, suite: Suite, project: str) -> Results:
    from core.bench import batch_of
    from core.bench_results import results_of
    from core.canonical import now

    with platform.reading() as session:
        return results_of(session, batch_of(session, suite, project), now())


def _tell(found: Results, to: Path | None, as_json: bool) -> None:
    if to is not None:
        from core.reports.bench import render_bench

        to.mkdir(parents=True, exist_ok=True)
        (to / "bench.json").write_text(json.dumps(found.to_json(), indent=1) + "\n", encoding="utf-8")
        (to / "bench.html").write_text(render_bench(found), encoding="utf-8")
    if as_json:
        emit(found.to_json())
        return
    say(found.headline, "bold")
    columns = ("mode", "modality", "cells", "ended", "successes", "share", "interval", "seconds", "tokens", "usd")
    show([_row(row) for row in found.rows], columns, as_json=False, empty="")
    shown = ("task", "case", "mode", "status", "success", "seconds", "job", "reason")
    show([_cell(cell) for cell in found.cells], shown, as_json=False, empty="")
    if to is not None:
        say(f"The report is {to / 'bench.html'}; open it in a browser.")


def _row(row: Row) -> dict[str, object]:
    interval = None if row.low is None or row.high is None else f"{row.low:.0%} to {row.high:.0%}"
    return {
        "mode": row.mode,
        "modality": row.modality,
        "cells": row.cells,
        "ended": row.ended,
        "successes": f"{row.successes} of {row.judged}",
        "share": None if row.share is None else f"{row.share:.0%}",
        "interval": interval,
        "seconds": f"{row.seconds:.1f}",
        "tokens": _sum(f"{row.tokens:,}", row.tokens_unknown),
        "usd": _sum(f"{row.usd:.2f}", row.usd_unknown),
    }


def _sum(value: str, unknown: int) -> str:
    return f"{value} (not known for {unknown})" if unknown else value


def _cell(cell: Cell) -> dict[str, object]:
    return {
        "task": cell.task,
        "case": cell.case,
        "mode": cell.mode,
        "status": cell.status,
        "success": cell.success,
        "seconds": None if cell.seconds is None else f"{cell.seconds:.1f}",
        "job": cell.job,
        "reason": cell.reason,
    }
