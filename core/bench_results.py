"""What a batch of studies came to: each cell by its success criteria, cost and time; a table by mode and modality.

A run is a success when its job succeeded, it met no error, it left figures, and nothing that it watched of its
training went wrong. What a run does not say is unknown and counts neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.bench import ENDED, newest_cells
from core.canonical import jsonable
from core.lookup import output_of
from core.tables import Attempt, Batch, Job, Output

SCHEMA = "greenlight.bench/1"
CRITERIA = ("no_error", "loss_falls", "no_gradient_explosion", "valid_weights", "quantitative_results")
NEEDED = ("no_error", "quantitative_results")
LEVEL = 0.95
EVERY = "all"


@dataclass(frozen=True)
class Cell:
    """One cell. `status` is its job's, or `not run`; None stands for what nobody knows."""

    task: str
    case: str
    mode: str
    modality: str
    status: str
    job: str | None
    success: bool | None
    criteria: Mapping[str, bool | None]
    seconds: float | None
    """Machine time of all attempts."""
    tokens: int | None
    usd: float | None
    reason: str


@dataclass(frozen=True)
class Row:
    """Cells of one mode and modality (`all` for every one), and the share of successes among those that are judged."""

    mode: str
    modality: str
    cells: int
    ended: int
    judged: int
    successes: int
    share: float | None
    low: float | None
    high: float | None
    seconds: float
    tokens: int
    tokens_unknown: int
    """Ended cells whose tokens nobody recorded; the sum leaves them out."""
    usd: float
    usd_unknown: int


@dataclass(frozen=True)
class Results:
    """A batch as it stands."""

    batch: str
    name: str
    digest: str
    at: datetime
    runner: str
    cells: tuple[Cell, ...]
    rows: tuple[Row, ...]

    @property
    def total(self) -> Row:
        """The row of all cells."""
        return self.rows[-1]

    @property
    def headline(self) -> str:
        """One sentence on how the batch stands."""
        total = self.total
        open_cells = total.cells - total.ended
        waits = f"; {open_cells} have not ended" if open_cells else ""
        return f"{total.successes} of {total.judged} judged runs succeeded, of {total.cells} cells{waits}."

    def to_json(self) -> dict[str, Any]:
        """The results as plain JSON values."""
        plain = jsonable({"schema": SCHEMA, **asdict(self), "level": LEVEL, "headline": self.headline})
        assert isinstance(plain, dict)  # noqa: S101 - a mapping stays one
        return plain


def results_of(session: Session, batch: Batch, at: datetime) -> Results:
    """Gather a batch's cells in the order of its suite."""
    jobs = newest_cells(session, batch.id)
    cells = tuple(
        _cell(session, case, mode, jobs.get((case["task"], case["case"], mode)))
        for case in batch.suite["cases"]
        for mode in batch.suite["modes"]
    )
    return Results(batch.id, batch.name, batch.digest, at, str(batch.suite["runner"]), cells, tuple(_rows(cells)))


def _cell(session: Session, case: Mapping[str, Any], mode: str, job: Job | None) -> Cell:
    place = {"task": case["task"], "case": case["case"], "mode": mode, "modality": case["modality"]}
    if job is None:
        nothing: dict[str, Any] = dict.fromkeys(("job", "success", "seconds", "tokens", "usd"))
        return Cell(**place, **nothing, status="not run", criteria=dict.fromkeys(CRITERIA), reason="not submitted yet")
    study = _study(output_of(session, job.id))
    told, cost = study.get("success") or {}, study.get("cost") or {}
    criteria = {name: told.get(name) for name in CRITERIA}
    counts = [cost.get(name) for name in ("tokens_in", "tokens_out")]
    return Cell(
        **place,
        status=job.status,
        job=job.id,
        success=_success(job.status, criteria),
        criteria=criteria,
        seconds=_seconds(session, job),
        tokens=sum(known) if len(known := [one for one in counts if one is not None]) == len(counts) else None,
        usd=cost.get("usd"),
        reason="" if job.status == "succeeded" else job.message,
    )


def _study(output: Output | None) -> Mapping[str, Any]:
    runner = output.facts.get("runner") if output else None
    found = runner.get("study") if isinstance(runner, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _success(status: str, criteria: Mapping[str, bool | None]) -> bool | None:
    if status not in ENDED:
        return None
    if status == "failed" or False in criteria.values():
        return False
    return True if all(criteria[name] for name in NEEDED) else None


def _seconds(session: Session, job: Job) -> float | None:
    ended = [
        row
        for row in session.scalars(sa.select(Attempt).where(Attempt.job_id == job.id))
        if row.finished_at is not None
    ]
    return (
        sum((row.finished_at - row.started_at).total_seconds() for row in ended if row.finished_at) if ended else None
    )


def _rows(cells: tuple[Cell, ...]) -> Iterable[Row]:
    """One row for each mode and modality, for each mode, for each modality, and for all."""
    modes, modalities = (dict.fromkeys(name(cell) for cell in cells) for name in (_mode, _modality))
    for mode in modes:
        for modality in modalities:
            if found := [cell for cell in cells if (cell.mode, cell.modality) == (mode, modality)]:
                yield _row(mode, modality, found)
    for mode in modes if len(modalities) > 1 else ():
        yield _row(mode, EVERY, [cell for cell in cells if cell.mode == mode])
    for modality in modalities if len(modes) > 1 else ():
        yield _row(EVERY, modality, [cell for cell in cells if cell.modality == modality])
    yield _row(EVERY, EVERY, list(cells))


def _mode(cell: Cell) -> str:
    return cell.mode


def _modality(cell: Cell) -> str:
    return cell.modality


def _row(mode: str, modality: str, cells: list[Cell]) -> Row:
    from core.runners.scientist.protocol.intervals import wilson

    ended = [cell for cell in cells if cell.status in ENDED]
    judged = [cell for cell in ended if cell.success is not None]
    successes = sum(cell.success is True for cell in judged)
    share = wilson(successes, len(judged), LEVEL)
    return Row(
        mode=mode,
        modality=modality,
        cells=len(cells),
        ended=len(ended),
        judged=len(judged),
        successes=successes,
        share=share.estimate,
        low=share.low,
        high=share.high,
        seconds=_sum(ended, lambda cell: cell.seconds),
        tokens=int(_sum(ended, lambda cell: cell.tokens)),
        tokens_unknown=sum(cell.tokens is None for cell in ended),
        usd=_sum(ended, lambda cell: cell.usd),
        usd_unknown=sum(cell.usd is None for cell in ended),
    )


def _sum(cells: list[Cell], value: Callable[[Cell], float | None]) -> float:
    return sum(found for cell in cells if (found := value(cell)) is not None)
