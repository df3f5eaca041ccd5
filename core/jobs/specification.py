"""A claimed job as its runner is given it: input files out of the store, parameters, and the model's whole record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.jobs.asked import runner_parameters
from core.jobs.checkpoints import Checkpoints
from core.jobs.queue import Claim
from core.lookup import asset_files, lineage
from core.platform import Platform
from core.runners.base import RunSpecification
from core.runners.measure import CASE_NAMES
from core.tables import Asset, Job, Model, ModelVersion, Task

CHECKPOINT = "checkpoint"
DECISIONS = "decisions"
"""The parameter that only tasks can fill."""


def specification_of(platform: Platform, held: Claim, checkpoints: Checkpoints, folder: Path) -> RunSpecification:
    """Copy the job's inputs out of the store into a new folder, verified on the way, and say what to run.

    What an earlier attempt left is the input `checkpoint`, unless the job was submitted with one.
    """
    folder.mkdir(parents=True)
    with platform.reading() as session:
        job = session.get_one(Job, held.job_id)
        asset = session.get_one(Asset, job.asset_id)
        files = {role: row.sha256 for role, row in asset_files(session, asset).items()} | job.extra_inputs
        model = model_record(session, session.get_one(ModelVersion, job.version_id))
        given = {**job.parameters, **({"provenance": job.provenance} if job.provenance else {})}
        parameters = runner_parameters(platform.settings, job.runner, given, job.ai_use)
        if decided := _decisions(session, job):
            parameters = {**parameters, DECISIONS: decided}
        earlier = checkpoints.of(job)
    inputs = {
        role: platform.store.fetch(sha256, folder / CASE_NAMES.get(role, f"{role}.mp4"))
        for role, sha256 in files.items()
    }
    if earlier is not None:
        inputs.setdefault(CHECKPOINT, earlier)
    return RunSpecification(job.runner, inputs, parameters, job.seed, model)


def _decisions(session: Session, job: Job) -> dict[str, dict[str, Any]]:
    """What people decided at the job's gates, the newest of each gate."""
    query = sa.select(Task).where(Task.job_id == job.id, Task.decision.is_not(None)).order_by(Task.decided_at, Task.id)
    return {
        task.gate: {"decision": task.decision, "reason": task.reason, "by": task.decided_by_name}
        for task in session.scalars(query)
    }


def model_record(session: Session, version: ModelVersion) -> dict[str, Any]:
    """A version by name, licence, digest and weight files, with every layer under it as `lineage`, nearest first."""
    parents = [{"relation": relation, **_layer(session, parent)} for relation, parent in lineage(session, version)]
    return {**_layer(session, version), "lineage": parents}


def _layer(session: Session, version: ModelVersion) -> dict[str, Any]:
    return {
        "name": session.get_one(Model, version.model_id).name,
        "version": version.version,
        "licence": version.licence,
        "licence_cleared": version.licence_cleared,
        "digest": version.digest,
        "weights": version.weights,
    }
