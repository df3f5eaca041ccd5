"""Compare model versions: gather what can stand side by side, ask the questions, price the outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.canonical import now
from core.comparison.costs import CostSummary, Rates, cost_of, summarise
from core.comparison.gather import SUMMARY, Result, Results, common_versions, panels, results_of
from core.comparison.records import AssetRow, Candidate, Cell, Comparison, Excluded, Question
from core.comparison.sentences import notes_of, sentences_of
from core.errors import InputError, NotFound
from core.lookup import find, find_version
from core.tables import Asset, Model, ModelVersion, Project
from evaluators.comparison import Options, Panel
from evaluators.comparison import compare as compare_panels


def compare(
    session: Session,
    store: ArtifactStore,
    versions: Sequence[str],
    *,
    project: str | None = None,
    assets: Sequence[str] | None = None,
    measures: Sequence[str] | None = None,
    rates: Rates | None = None,
    options: Options | None = None,
) -> Comparison:
    """Set two or more model versions (`model@version`) side by side over the assets that they share.

    For each version and asset the newest succeeded job with an evaluation counts. The summary scores are one family
    of questions for Holm's correction, all other measures together another. A pure read: no permission is needed.
    Raises `InputError` for fewer than two versions or an unknown measure, `NotFound` when they share no asset.
    """
    rates, options = rates or Rates(), options or Options()
    chosen = _versions(session, versions)
    owner = find(session, Project, project).id if project else None
    digests = _digests(session, assets, owner) if assets else None
    everything = {label: results_of(session, row, owner, digests) for label, row in chosen.items()}
    results, alone = _shared(everything)
    used = common_versions(results)
    asked = [(name == SUMMARY, panel) for name in used for panel in panels(session, store, results, name, used[name])]
    names = _names(everything)
    questions = _questions(_wanted(asked, measures), names, options)
    rows = tuple(_rows(session, results, asked, names, rates))
    comparison = Comparison(
        at=now(),
        project=project,
        candidates=tuple(_candidate(session, label, row, everything[label]) for label, row in chosen.items()),
        rows=rows,
        questions=questions,
        costs={label: _cost(label, rows) for label in chosen},
        rates=rates,
        excluded=tuple(Excluded(names[key], f"only {label} has a measured result for it") for key, label in alone),
        evaluators=used,
        options=options,
        sentences=(),
        notes=(),
    )
    return replace(comparison, sentences=sentences_of(comparison), notes=notes_of(comparison))


def _versions(session: Session, versions: Sequence[str]) -> dict[str, ModelVersion]:
    rows = [find_version(session, key) for key in versions]
    chosen = {f"{session.get_one(Model, row.model_id).name}@{row.version}": row for row in rows}
    if len(chosen) < 2:
        raise InputError("a comparison needs two different model versions", "name another one as model@version")
    return chosen


def _digests(session: Session, assets: Sequence[str], project: str | None) -> set[str]:
    found = set()
    for key in assets:
        named = sa.select(Asset.digest).where(Asset.project_id == project, Asset.name == key)
        known = session.scalar(named) if project else None
        found.add(known or find(session, Asset, key).digest)
    return found


def _shared(everything: Results) -> tuple[dict[str, dict[str, Result]], list[tuple[str, str]]]:
    """Split into the results on assets that two or more share, and those (asset, label) that stand alone."""
    holders: dict[str, list[str]] = {}
    for label, found in everything.items():
        for key in found:
            holders.setdefault(key, []).append(label)
    alone = [(key, labels[0]) for key, labels in holders.items() if len(labels) == 1]
    if len(alone) == len(holders):
        raise NotFound(
            "no asset has a measured result of two of these model versions",
            "run them over the same assets with 'greenlight job submit', or ingest a vendor's outputs",
        )
    single = {key for key, _ in alone}
    return {
        label: {key: result for key, result in found.items() if key not in single}
        for label, found in everything.items()
    }, alone


def _names(everything: Results) -> dict[str, str]:
    """Asset names by digest; two different assets of one name are told apart by their digests."""
    names = {key: result.asset.name for found in everything.values() for key, result in found.items()}
    taken = list(names.values())
    return {key: name if taken.count(name) == 1 else f"{name} ({key[:8]})" for key, name in names.items()}


Asked = list[tuple[bool, Panel]]
"""Panels, each with whether it is a summary score."""


def _wanted(asked: Asked, measures: Sequence[str] | None) -> Asked:
    known = [panel.measure.name for _, panel in asked]
    for name in measures or ():
        if name not in known:
            raise InputError(f"no compared output has a measure '{name}'", f"use one of {', '.join(known)}")
    return [one for one in asked if not measures or one[1].measure.name in measures]


def _questions(asked: Asked, names: Mapping[str, str], options: Options) -> tuple[Question, ...]:
    found = []
    for summary in (True, False):
        family = [_named(panel, names) for is_summary, panel in asked if is_summary is summary]
        answers = compare_panels(family, options)
        for panel in family:
            pairs = tuple(answer for answer in answers if answer.measure is panel.measure)
            found.append(Question(panel.measure.name, panel.measure.title, summary, pairs))
    return tuple(found)


def _named(panel: Panel, names: Mapping[str, str]) -> Panel:
    return Panel(
        panel.measure,
        {label: {names[key]: one for key, one in found.items()} for label, found in panel.readings.items()},
    )


def _rows(
    session: Session, results: Results, asked: Asked, names: Mapping[str, str], rates: Rates
) -> Iterator[AssetRow]:
    keys = {key for found in results.values() for key in found}
    for key in sorted(keys, key=names.__getitem__):
        cells = {
            label: Cell(
                job=found[key].job.id,
                finished_at=found[key].job.finished_at,
                readings={panel.measure.name: panel.readings[label][key] for _, panel in asked},
                cost=cost_of(session, found[key].job, rates),
            )
            for label, found in results.items()
            if key in found
        }
        yield AssetRow(key, names[key], cells)


def _candidate(session: Session, label: str, row: ModelVersion, found: Mapping[str, Result]) -> Candidate:
    origin = session.get_one(Model, row.model_id).origin
    runners = tuple(sorted({result.job.runner for result in found.values()}))
    return Candidate(label, row.id, origin, row.licence, row.licence_cleared, runners)


def _cost(label: str, rows: Sequence[AssetRow]) -> CostSummary:
    cells = [row.cells[label] for row in rows if label in row.cells]
    return summarise([cell.cost for cell in cells], len(cells))
