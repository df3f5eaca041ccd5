"""Read the evaluation of a job's output back: every measurement, and for a manuscript every finding."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.artifacts import ArtifactStore
from core.tables import EvaluationRecord, Job


def read_json(store: ArtifactStore, sha256: str) -> dict[str, Any]:
    """Return a JSON artifact's content, verified."""
    content: dict[str, Any] = json.loads(store.read(sha256))
    return content


def evaluation_of(session: Session, store: ArtifactStore, job: Job) -> dict[str, Any] | None:
    """Return a job's newest full evaluation, every series included, or None when there is none."""
    query = sa.select(EvaluationRecord.sha256).where(EvaluationRecord.job_id == job.id)
    newest = session.scalar(query.order_by(EvaluationRecord.created_at.desc()).limit(1))
    return read_json(store, newest) if newest else None
