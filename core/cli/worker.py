"""`greenlight worker`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from core.cli.output import Json, done
from core.cli.session import acting

if TYPE_CHECKING:
    from core.jobs.worker import Observer, Sign

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def worker() -> None:
    """Run the jobs that wait."""


@app.command()
def run(
    drain: bool = typer.Option(False, "--drain", help="Stop when nothing waits any more."),
    as_json: Json = False,
) -> None:
    """Run the jobs that wait, on this machine, until stopped."""
    from core.access import Permission
    from core.jobs.worker import Worker

    with acting() as (platform, actor), progress_bars(quiet=as_json) as observer:
        actor.require(Permission.JOB_WORK)
        worker = Worker(platform, observer)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
        attempts = worker.run(drain=drain)
    done({"attempts": attempts}, f"{attempts} attempts were made.", as_json=as_json)


@contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Observer]:
    """Yield an observer that draws one bar for each job; where no terminal watches, it draws nothing."""
    if quiet or not sys.stdout.isatty():
        yield lambda _sign: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.fields[job]}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    bars: dict[str, Any] = {}
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.description}"), console=Console()) as progress:

        def observe(sign: Sign) -> None:
            if sign.job_id not in bars:
                bars[sign.job_id] = progress.add_task("", total=1.0, job=sign.job_id)
            progress.update(bars[sign.job_id], completed=sign.done, description=_plain(sign.message))

        yield observe


def _plain(message: str) -> str:
    from rich.markup import escape

    return escape(message)
