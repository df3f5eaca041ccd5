"""How the command line speaks: tables for people, JSON for machines, one sentence for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from core.canonical import jsonable

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine instead of a table.")]

PIPE_WIDTH = 200
"""Columns where no terminal says how wide it is: enough that ids stay whole."""
STATUS_STYLE = {
    "pass": "green",
    "waived": "yellow",
    "not_applicable": "dim",
    "fail": "bold red",
    "indeterminate": "bold yellow",
    "error": "bold red",
    "approved": "bold green",
    "candidate": "cyan",
    "refused": "bold red",
    "declined": "bold red",
    "succeeded": "green",
    "running": "cyan",
    "failed": "bold red",
    "lost": "bold red",
    "cancelled": "yellow",
}


def show(records: Iterable[Mapping[str, object]], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """Print records as a table of `columns`, or all of their fields as a JSON list; `empty` says what to do first."""
    rows = [dict(record) for record in records]
    if as_json:
        emit(rows)
        return
    if not rows:
        say(empty)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(column)), STATUS_STYLE.get(str(row.get(column)), "")) for column in columns))
    _console().print(table)


def detail(record: Mapping[str, object], *, as_json: bool) -> None:
    """Print one record, a field a line, or as JSON."""
    if as_json:
        emit(record)
        return
    from rich.text import Text

    width = max(len(name) for name in record)
    for name, value in record.items():
        text = Text(f"{name.replace('_', ' '):<{width}}  ", "dim")
        text.append(_cell(value), STATUS_STYLE.get(str(value), ""))
        _console().print(text)


def emit(value: object) -> None:
    """Print JSON on standard output."""
    sys.stdout.write(json.dumps(jsonable(value), indent=2, ensure_ascii=False) + "\n")


def say(text: str, style: str = "") -> None:
    """Print a sentence for a person; never interpreted as markup."""
    from rich.text import Text

    _console().print(Text(text, style))


def complain(text: str) -> None:
    """Print an error sentence on standard error."""
    sys.stderr.write(f"Error: {text}\n")


def done(record: Mapping[str, object], sentence: str, *, as_json: bool) -> None:
    """Tell what a command did: a sentence, or the record as JSON."""
    if as_json:
        emit(record)
    else:
        say(sentence)


def _cell(value: object) -> str:
    from datetime import datetime

    if value is None:
        return "—"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "—"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _console() -> Any:
    from rich.console import Console

    # Made anew each time: tests and pipes replace standard output between calls.
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
