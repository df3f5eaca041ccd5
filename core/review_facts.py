"""The part of the judged facts that only manuscripts have: who reviewed it, and what is still asked or in dispute.

What a language model thought of it stays out: a judge has no approval right, so that no pack can rest on its scores.
Who reviewed blind is named by id only, as the authors read the facts too. Who filled a reporting checklist stands with
that checklist and not among those who reviewed: a checklist says what a manuscript reports, not what it is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.canonical import timestamp
from core.checklists import Filled, checklists_of, is_checklist, measured_lists
from core.errors import NotFound, TamperingFound
from core.tables import Output, Review, ReviewAssignment

Facts = dict[str, object]


def review_facts(session: Session, output: Output | None, store: ArtifactStore | None = None) -> Facts | None:
    """What is known of an output's reviews; None for what is no manuscript.

    Without the store, `checklists` is None: how far they are filled is then not known.
    """
    if output is None or output.role != "manuscript":
        return None
    query = sa.select(Review).where(Review.output_id == output.id).order_by(Review.submitted_at, Review.id)
    rows = list(session.scalars(query))
    disputed = _disputed(rows)
    waiting = sa.select(sa.func.count()).where(
        ReviewAssignment.output_id == output.id, ReviewAssignment.state == "open"
    )
    return {
        "people": [_person(row) for row in rows if row.kind == "person" and not is_checklist(row)],
        "adjudications": [_person(row) for row in rows if row.kind == "adjudication"],
        "judges": sorted({row.reviewer_name for row in rows if row.kind == "judge"}),
        "checklists": _checklists(session, store, output) if store else None,
        "open": session.scalar(waiting) or 0,
        "disputed": disputed,
        "disputes": len(disputed),
    }


def _person(row: Review) -> Facts:
    return {
        "id": row.id,
        "by": row.reviewer_id,
        "by_name": None if row.blind else row.reviewer_name,
        "role": row.role,
        "rubric": row.rubric_id,
        "rubric_version": row.rubric_version,
        "share": row.scores["total"]["share"],
        "accepts": row.scores["accept"],
        "output_sha256": row.output_sha256,
        "at": timestamp(row.submitted_at),
    }


def _checklists(session: Session, store: ArtifactStore, output: Output) -> list[Facts] | None:
    """How far every checklist is filled; None where the measurement is lost or was changed, which the audit tells."""
    try:
        measured = measured_lists(session, store, output)
        found = checklists_of(session, store, output, measured, lambda _, row: row.reviewer_id)
    except (NotFound, TamperingFound):
        return None
    return [_checklist(one) for one in found]


def _checklist(filled: Filled) -> Facts:
    """How far a checklist is filled and how each item stands, people's answers before the rules'."""
    guideline, coverage = filled.checklist.guideline, filled.checklist.coverage
    return {
        "guideline": guideline["id"],
        "guideline_version": guideline["version"],
        **asdict(coverage),
        "share": coverage.share,
        "entries": {entry.id: {"status": entry.status, "by": entry.by} for entry in filled.checklist.entries},
        "people": [_person(row) for row in filled.reviews],
    }


def _disputed(rows: Sequence[Review]) -> list[Facts]:
    """What the newest word of people leaves in dispute, form by form."""
    newest = {row.rubric_id: row for row in rows if row.kind != "judge"}
    return [
        {"name": f"{one['title']} on {rubric}", "rubric": rubric, **one}
        for rubric, row in sorted(newest.items())
        for one in row.disputed
    ]
