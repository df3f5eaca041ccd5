"""Files of ratings, as venues and judges give them, into people's and judges' ratings.

Three forms are told apart by their header (CSV, TSV, or JSON as a list of objects):

- one line a rating: a column for the subject, one for the rater, one for the score; `kind` (person or model),
  `dimension`, `decision` (the rater's), `venue_decision` and `date` are optional;
- one line a paper, a column a reviewer slot, and perhaps `decision`: people's ratings, as venues publish them;
- one line a paper with a column for the dimension, such as `Overall`: one judge, named after the file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluators.base import EvaluatorError

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 200_000
MOST_RATERS = 2_000
ENDINGS = (".csv", ".tsv", ".json")
SUBJECT = ("subject", "paper_id", "paper", "manuscript", "submission", "forum", "id")
RATER = ("rater", "reviewer", "judge", "reviewer_id")
SCORE = ("score", "rating", "value")
DECISION = ("decision", "recommendation")
VENUE = ("venue_decision", "outcome")
DATE = ("date", "at", "rated_on", "created_at")
LEADING_NUMBER = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(?::.*)?", re.DOTALL)
"""A score alone, or followed by its anchor as in "8: accept, good paper"."""
POSITIVE = ("accept", "yes", "true", "1")
NEGATIVE = ("reject", "desk reject", "no", "false", "0")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Rating:
    """One score by one rater. `model` tells a judge from a person; `accept` is the rater's own recommendation."""

    subject: str
    rater: str
    score: float | None
    model: bool = False
    accept: bool | None = None
    on: date | None = None


@dataclass(frozen=True)
class RatingFile:
    """What one file holds. `decisions` are the venue's; `named` tells whether its raters are known persons."""

    ratings: tuple[Rating, ...]
    decisions: Mapping[str, bool]
    named: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class People:
    """People's ratings: `scores` is subjects by raters (NaN where there is none), in the order of `subjects`.

    With `same_raters` every column is one person; otherwise columns are only places.
    """

    subjects: tuple[str, ...]
    scores: NDArray[np.float64]
    same_raters: bool
    decisions: Mapping[str, bool]


@dataclass(frozen=True)
class JudgeRatings:
    """One judge's ratings, the newest of each subject first in `ratings[subject]`."""

    name: str
    ratings: Mapping[str, tuple[Rating, ...]]


@dataclass(frozen=True)
class RatingSet:
    """Everything that is calibrated together."""

    people: People
    judges: tuple[JudgeRatings, ...]
    notes: tuple[str, ...]


def read_ratings(paths: Iterable[Path], dimension: str = "overall") -> RatingSet:
    """Read files, or folders of files, of ratings; raises EvaluatorError for what holds none."""
    return rating_set([read_file(path, dimension) for path in _files(paths)])


def rating_set(found: Sequence[RatingFile]) -> RatingSet:
    """Put ratings together, wherever they are from; raises EvaluatorError where no person gave one."""
    ratings = [rating for one in found for rating in one.ratings]
    decisions = {subject: accept for one in found for subject, accept in one.decisions.items()}
    notes = tuple(note for one in found for note in one.notes)
    persons = [rating for rating in ratings if not rating.model and rating.score is not None]
    if not persons:
        raise EvaluatorError("There are no people's ratings; give a file with one column a reviewer first.")
    named = all(one.named for one in found if any(not rating.model for rating in one.ratings))
    people = _people(persons, named, decisions)
    return RatingSet(people, _judges(rating for rating in ratings if rating.model), notes)


def read_file(path: Path, dimension: str = "overall") -> RatingFile:
    """Read one file of ratings; raises EvaluatorError when it is none, too large, or holds no score."""
    rows = _rows(path)
    columns = {name.strip().casefold(): name for name in rows[0]}
    subject = _column(columns, SUBJECT)
    if subject is None:
        raise EvaluatorError(f"{path.name} names no papers; give it a column called paper_id.")
    wanted = dimension.strip().casefold()
    if (rater := _column(columns, RATER)) and (score := _column(columns, SCORE)):
        return _long(path.name, rows, columns, (subject, rater, score), wanted)
    if wanted in columns:
        return _one_judge(path, rows, columns, subject, columns[wanted])
    return _wide(path.name, rows, columns, subject)


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(one for one in path.iterdir() if one.suffix.casefold() in ENDINGS) if path.is_dir() else [path]
        files.extend(inside)
    if not files:
        raise EvaluatorError("There is no file of ratings; give a CSV, TSV or JSON file.")
    return files


def _rows(path: Path) -> list[Row]:
    if path.stat().st_size > MOST_BYTES:
        raise EvaluatorError(f"{path.name} is larger than {MOST_BYTES >> 20} MiB; give fewer ratings at a time.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        rows = _objects(text) if text.lstrip()[:1] in ("[", "{") else _lines(text)
    except (UnicodeDecodeError, ValueError, csv.Error, RecursionError):
        raise EvaluatorError(f"{path.name} is no table of ratings; save it as CSV, TSV or JSON in UTF-8.") from None
    if not rows or len(rows) > MOST_ROWS:
        raise EvaluatorError(f"{path.name} holds {len(rows)} rows; give between 1 and {MOST_ROWS}.")
    return rows


def _lines(text: str) -> list[Row]:
    head = text.partition("\n")[0]
    delimiter = max("\t,;", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [{name: value or "" for name, value in row.items() if isinstance(name, str)} for row in reader]


def _objects(text: str) -> list[Row]:
    loaded = json.loads(text)
    if not isinstance(loaded, list) or not all(isinstance(row, dict) for row in loaded):
        raise ValueError("no list of objects")
    names = dict.fromkeys(str(name) for row in loaded for name in row)
    return [{name: "" if row.get(name) is None else str(row[name]) for name in names} for row in loaded]


def _column(columns: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _long(
    name: str, rows: Sequence[Row], columns: Mapping[str, str], places: tuple[str, str, str], wanted: str
) -> RatingFile:
    subject, rater, score = places
    kind, dimension = columns.get("kind"), columns.get("dimension")
    decision, on = _column(columns, DECISION), _column(columns, DATE)
    ratings = [
        Rating(
            row[subject].strip(),
            row[rater].strip(),
            _number(row[score], name),
            kind is not None and row[kind].strip().casefold() in ("model", "judge", "llm"),
            _accept(row[decision]) if decision else None,
            _day(row[on], name) if on else None,
        )
        for row in rows
        if dimension is None or row[dimension].strip().casefold() == wanted
    ]
    if not any(rating.score is not None for rating in ratings):
        raise EvaluatorError(f"{name} holds no score for '{wanted}'; name another dimension.")
    venue = _column(columns, VENUE)
    told = {row[subject].strip(): _accept(row[venue]) for row in rows} if venue else {}
    return RatingFile(tuple(ratings), _told(told), named=True)


def _one_judge(path: Path, rows: Sequence[Row], columns: Mapping[str, str], subject: str, score: str) -> RatingFile:
    decision, on = _column(columns, DECISION), _column(columns, DATE)
    ratings = tuple(
        Rating(
            row[subject].strip(),
            path.stem,
            _number(row[score], path.name),
            True,
            _accept(row[decision]) if decision else None,
            _day(row[on], path.name) if on else None,
        )
        for row in rows
    )
    missing = sum(rating.score is None for rating in ratings)
    return RatingFile(ratings, {}, False, (f"{path.name}: {missing} papers have no score.",) if missing else ())


def _wide(name: str, rows: Sequence[Row], columns: Mapping[str, str], subject: str) -> RatingFile:
    decision = _column(columns, (*VENUE, *DECISION))
    known = {subject, decision, _column(columns, DATE), columns.get("title")}
    slots = [column for column in columns.values() if column not in known]
    if not slots or len(slots) > MOST_RATERS:
        raise EvaluatorError(f"{name} has no scores; give it a column a reviewer, or one named like the dimension.")
    ratings = tuple(
        Rating(row[subject].strip(), slot, _number(row[slot], name)) for row in rows for slot in slots if row[slot]
    )
    told = {row[subject].strip(): _accept(row[decision]) for row in rows} if decision else {}
    unclear = sum(accept is None for accept in told.values())
    notes = (f"{name}: the decision of {unclear} papers is neither accept nor reject.",) if unclear else ()
    return RatingFile(ratings, _told(told), False, notes)


def _told(decisions: Mapping[str, bool | None]) -> dict[str, bool]:
    return {subject: accept for subject, accept in decisions.items() if accept is not None}


def _number(text: str, name: str) -> float | None:
    if not text.strip():
        return None
    match = LEADING_NUMBER.fullmatch(text)
    if match is None or len(match[1]) > 15:
        raise EvaluatorError(f"{name} has {text[:40]!r} where a score belongs; write a number there.")
    return float(match[1])


def _accept(text: str) -> bool | None:
    """Whether a decision in words accepts; None when it says neither."""
    said = text.strip().casefold()
    if said.startswith(NEGATIVE[:2]) or said in NEGATIVE:
        return False
    return True if said.startswith(POSITIVE[0]) or said in POSITIVE else None


def _day(text: str, name: str) -> date | None:
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        raise EvaluatorError(f"{name} has {text[:40]!r} as a date; write it as 2026-07-01.") from None


def _people(ratings: Sequence[Rating], named: bool, decisions: Mapping[str, bool]) -> People:
    subjects = tuple(dict.fromkeys(rating.subject for rating in ratings))
    raters = tuple(dict.fromkeys(rating.rater for rating in ratings))
    by_subject: dict[str, dict[str, float]] = {subject: {} for subject in subjects}
    for rating in ratings:
        if rating.rater in by_subject[rating.subject]:
            raise EvaluatorError(
                f"'{rating.subject}' is rated twice by '{rating.rater}'; keep one score of each person and paper."
            )
        by_subject[rating.subject][rating.rater] = float(rating.score or 0.0)
    whole = sum(len(given) == len(raters) for given in by_subject.values())
    same = named and len(raters) > 1 and whole >= 3
    width = len(raters) if same else max(len(given) for given in by_subject.values())
    scores = np.full((len(subjects), width), np.nan)
    for row, given in enumerate(by_subject.values()):
        values = [given.get(rater, np.nan) for rater in raters] if same else list(given.values())
        scores[row, : len(values)] = values
    return People(subjects, scores, same, decisions)


def _judges(ratings: Iterable[Rating]) -> tuple[JudgeRatings, ...]:
    by_judge: dict[str, dict[str, list[Rating]]] = {}
    for rating in ratings:
        if rating.score is not None:
            by_judge.setdefault(rating.rater, {}).setdefault(rating.subject, []).append(rating)
    return tuple(
        JudgeRatings(name, {subject: _newest_first(given) for subject, given in found.items()})
        for name, found in by_judge.items()
    )


def _newest_first(given: Sequence[Rating]) -> tuple[Rating, ...]:
    if len(given) > 1 and any(rating.on is None for rating in given):
        raise EvaluatorError(
            f"'{given[0].rater}' rates '{given[0].subject}' twice without dates; give each rating its date."
        )
    return tuple(sorted(given, key=lambda rating: rating.on or date.min, reverse=True))
