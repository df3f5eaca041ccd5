"""What a run logged: every number of its JSON, JSON lines and CSV files with a pointer, and its texts.

Reading is bounded: a folder of millions of numbers gives the first of them and a note.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from evaluators.base import EvaluatorError

LARGEST_FILE, MOST_FILES, MOST_NUMBERS, DEEPEST, LONGEST_TEXT = 32 << 20, 2000, 60_000, 40, 400_000
LONGEST_LIST = 60
"""A longer list of numbers is a curve: its ends, extremes and mean are kept instead of every value."""
MOST_ROWS = 60
"""A CSV file with more rows holds raw data: its columns are kept as curves are."""

PLANS = re.compile(
    r"(^|/)(seed_ideas?|ideas?|prompt|token_tracker\w*|review\w*|environment|provenance|package(-lock)?)\.json$|"
    r"(^|/)(node_modules|\.git|__pycache__|latex|tex)(/|$)",
    re.IGNORECASE,
)
"""Files whose numbers are plans, prices or opinions, not results."""
NAMING = ("name", "title", "label", "model", "dataset", "column", "variant", "method", "measure", "metric", "against")
"""Keys whose text names the table that they stand in."""
SAID = "#said"
"""Ends the name of the texts that stand inside a file of results."""
TEXTS = frozenset(
    {".py", ".txt", ".md", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".sh", ".ipynb", ".json", ".jsonl", ".log"}
)


class Logged(NamedTuple):
    """A number in a run's file."""

    value: float
    file: str
    """Path inside the run folder."""
    path: tuple[str, ...]
    """Keys and positions inside the file. `@mean`, `@min`, `@max`, `@first`, `@last` stand for a curve's summary."""
    names: tuple[tuple[str, ...], ...] = ()
    """For every folder of `file` and every part of `path` the texts that name it: the key, and the `name` inside."""

    @property
    def pointer(self) -> str:
        """For example `run_0/final_info.json#/circle/means/eval_loss`."""
        return f"{self.file}#/{'/'.join(self.path)}"


@dataclass(frozen=True)
class RunLog:
    """The numbers and texts of a run folder or results file."""

    numbers: tuple[Logged, ...]
    texts: Mapping[str, str] = field(default_factory=dict)
    """Notes, prompts and code by file name: where numbers of the setup stand."""
    notes: tuple[str, ...] = ()
    """What was left out of the reading, and why."""


def read_run(path: Path, paper: Path | None = None) -> RunLog:
    """Read a run folder or one results file; `EvaluatorError` where there is neither.

    The `paper` itself and other manuscripts in the folder are no evidence and are left out.
    """
    if path.is_file():
        files, root = [path], path.parent
    elif path.is_dir():
        files, root = _files(path), path
    else:
        raise EvaluatorError(f"{path} is neither a run folder nor a results file; give the folder of the run")
    reader = _Reader(root)
    for file in files[:MOST_FILES]:
        if paper is None or file.resolve() != paper.resolve():
            reader.take(file)
    if len(files) > MOST_FILES:
        reader.note(f"only the first {MOST_FILES} of {len(files)} files were read")
    return RunLog(tuple(reader.numbers), reader.texts, tuple(dict.fromkeys(reader.notes)))


def _files(folder: Path) -> list[Path]:
    root = folder.resolve()
    found = []
    for file in sorted(folder.rglob("*")):
        inside = file.resolve().is_relative_to(root)
        if inside and file.is_file() and file.suffix.lower() in TEXTS | {".csv", ".tsv"}:
            found.append(file)
        if len(found) > MOST_FILES:
            break
    return found


class _Reader:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.numbers: list[Logged] = []
        self.texts: dict[str, str] = {}
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def take(self, file: Path) -> None:
        name = file.relative_to(self.root).as_posix()
        if re.search(r"(^|/)manuscript\.(md|tex)$|^review", name):
            return
        if file.stat().st_size > LARGEST_FILE:
            self.note(f"{name} is larger than {LARGEST_FILE >> 20} MiB and was left out")
            return
        text = file.read_text(encoding="utf-8", errors="replace")
        suffix = file.suffix.lower()
        if PLANS.search(name) or suffix not in (".json", ".jsonl", ".csv", ".tsv"):
            self.texts[name] = text[:LONGEST_TEXT]
            return
        try:
            document = _document(text, suffix)
            said = [line for line in _said(document) if any(c.isdigit() for c in line)]
            if said and suffix in (".json", ".jsonl"):
                self.texts[name + SAID] = "\n".join(said)[:LONGEST_TEXT]
            for one in flatten(document, name):
                if len(self.numbers) >= MOST_NUMBERS:
                    self.note(f"only the first {MOST_NUMBERS} numbers of the run were read")
                    return
                self.numbers.append(one)
        except (ValueError, RecursionError, csv.Error) as error:
            self.note(f"{name} could not be read ({type(error).__name__}) and was left out")


def _document(text: str, suffix: str) -> object:
    if suffix in (".csv", ".tsv"):
        return _rows(text, "\t" if suffix == ".tsv" else ",")
    if suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return json.loads(text)


def _said(value: object, depth: int = 0) -> Iterator[str]:
    """The texts inside a document."""
    if isinstance(value, str):
        yield value
    elif depth < DEEPEST and isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _said(inner, depth + 1)


def _rows(text: str, separator: str) -> object:
    """A CSV file as a table of rows by their first text, or of whole columns where it has many rows."""
    rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    parsed = [{key: _parsed(value) for key, value in row.items() if key is not None} for row in rows]
    if len(parsed) <= MOST_ROWS:
        labels = [next((v for v in row.values() if isinstance(v, str) and v), str(i)) for i, row in enumerate(parsed)]
        unique = len(set(labels)) == len(labels)
        return {
            label if unique else f"{label} {i}": row for i, (label, row) in enumerate(zip(labels, parsed, strict=True))
        }
    columns = parsed[0]
    return {key: [row.get(key) for row in parsed if isinstance(row.get(key), float)] for key in columns}


def _parsed(value: object) -> object:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def flatten(document: object, file: str = "results.json") -> Iterator[Logged]:
    """Every finite number of a JSON document with its path; numbers and texts that are no results stay out."""
    start = tuple(part for part in file.split("/")[:-1])
    for value, path, names in _leaves(document, (), (), 0):
        yield Logged(value, file, path, tuple((part,) for part in start) + names)


_Names = tuple[tuple[str, ...], ...]


def _leaves(
    value: object, path: tuple[str, ...], names: _Names, depth: int
) -> Iterator[tuple[float, tuple[str, ...], _Names]]:
    if depth > DEEPEST:
        return
    number = _number(value)
    if number is not None:
        yield number, path, names
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            called = (str(key), *_called(inner))
            yield from _leaves(inner, (*path, str(key)), (*names, called), depth + 1)
    elif isinstance(value, list):
        yield from _listed(value, path, names, depth)


def _listed(
    value: list[object], path: tuple[str, ...], names: _Names, depth: int
) -> Iterator[tuple[float, tuple[str, ...], _Names]]:
    numbers = [found for found in map(_number, value) if found is not None]
    if len(numbers) > LONGEST_LIST:
        for what, summary in _summary(numbers).items():
            yield summary, (*path, f"@{what}"), (*names, (f"@{what}",))
        return
    for position, inner in enumerate(value):
        yield from _leaves(inner, (*path, str(position)), (*names, (f"#{position}", *_called(inner))), depth + 1)


def _summary(numbers: list[float]) -> dict[str, float]:
    return {
        "first": numbers[0],
        "last": numbers[-1],
        "min": min(numbers),
        "max": max(numbers),
        "mean": math.fsum(numbers) / len(numbers),
    }


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _called(inner: object) -> tuple[str, ...]:
    """The texts by which a table calls itself."""
    if not isinstance(inner, Mapping):
        return ()
    return tuple(text for key in NAMING if isinstance(text := inner.get(key), str) and 0 < len(text) <= 80)
