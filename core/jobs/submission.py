"""Submit a job: the gate `submit` decides whether it may run at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from core.access import Permission
from core.canonical import canonical_json, new_id
from core.errors import InputError
from core.gates import GateDecision, judge_case
from core.jobs.asked import frozen_parameters, leaves_machine
from core.jobs.specification import DECISIONS
from core.lookup import find, find_version
from core.platform import Work
from core.runners.base import produces
from core.runners.measure import CASE_NAMES
from core.runners.registry import BUILT_IN, runner, runner_names
from core.tables import Asset, Job, Project

PURPOSES = ("internal_trial", "release")
KINDS = ("EBDR", "ICDR", "BADR", "SYNTHETIC", "ALTERATION", "REMOVAL", "NONE")
ORIGINS = ("in_house", "vendor")
STUDY_KINDS = ("study", "run")
STUDY_ROLES = ("manuscript", "results")
ROLE = re.compile("[a-z][a-z0-9_-]{0,39}")
"""Roles become file names and column values."""
MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class JobRequest:
    """What somebody asks for. `files` are inputs beside the asset's own, by role (an output made elsewhere ...).

    `stored` are such inputs that the store holds already, by role and digest.
    """

    asset: str
    version: str
    runner: str
    purpose: str = "release"
    project: str | None = None
    ai_use: Mapping[str, object] | None = None
    """Kind of AI use and what is known of it; by default a removal from a clip, and none in a study."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, object] | None = None
    origin: str = "in_house"
    seed: int = 0


@dataclass(frozen=True)
class Submission:
    """A submitted job and what the gate said; a closed gate leaves the job `refused`."""

    job: Job
    decision: GateDecision


def submit(work: Work, request: JobRequest) -> Submission:
    """Judge the gate `submit` and queue the job when it opens; refused jobs are kept, with their reasons."""
    work.require(Permission.JOB_SUBMIT)
    _check(request)
    role = produces(runner(request.runner))
    use = {"kind": "NONE" if role in STUDY_ROLES else "REMOVAL", **(request.ai_use or {})}
    if use.get("kind") not in KINDS:
        raise InputError(f"'{use.get('kind')}' is no kind of AI use", f"use one of {', '.join(KINDS)}")
    asset = _asset(work, request)
    _check_input(asset, request.runner, role)
    version = find_version(work.session, request.version)
    parameters = frozen_parameters(work.settings, request.runner, request.parameters, {*request.files, *request.stored})
    files = {role: work.keep(path, "application/octet-stream").sha256 for role, path in request.files.items()}
    leaves = leaves_machine(work.settings, request.runner, parameters)
    job = work.add(
        Job(
            id=new_id("job"),
            project_id=asset.project_id,
            asset_id=asset.id,
            version_id=version.id,
            runner=request.runner,
            purpose=request.purpose,
            origin=request.origin,
            ai_use={"script_delta": None, "exception_code": None, "operations": []}
            | use
            | {"network_egress": use.get("network_egress") is True or leaves or version.network_egress},
            parameters=parameters,
            provenance=dict(request.provenance) if request.provenance is not None else None,
            extra_inputs={**request.stored, **files},
            seed=request.seed,
            status="queued",
            max_attempts=work.settings.max_attempts,
            attempt=0,
            progress=0.0,
            message="waiting for a worker",
            submitted_by=work.actor.id,
            submitted_at=work.at,
        )
    )
    decision = judge_case(work, job, "submit")
    if not decision.opens:
        job.status, job.message, job.finished_at = "refused", decision.headline[:500], work.at
    work.record("job.submitted", job.id, runner=job.runner, purpose=job.purpose, status=job.status)
    return Submission(job, decision)


def _check(request: JobRequest) -> None:
    if request.runner not in runner_names():
        raise InputError(f"there is no runner '{request.runner}'", f"use one of {', '.join(runner_names())}")
    if request.purpose not in PURPOSES:
        raise InputError(f"'{request.purpose}' is no purpose", f"use {' or '.join(PURPOSES)}")
    if not 0 <= request.seed <= MAX_SEED:
        raise InputError(f"the seed {request.seed} is out of range", f"use 0 to {MAX_SEED}")
    if request.origin not in ORIGINS:
        raise InputError(f"'{request.origin[:40]}' is no origin of a job", f"use {' or '.join(ORIGINS)}")
    if DECISIONS in request.parameters:
        raise InputError(f"'{DECISIONS}' is no parameter", "people decide with 'greenlight task decide'")
    for given in (request.ai_use, request.parameters, request.provenance):
        canonical_json(given)
    for role, path in request.files.items():
        if not ROLE.fullmatch(role) or role in CASE_NAMES:
            raise InputError(
                f"'{role[:40]}' is no role for a further file",
                "name it in small letters, and not as one of the asset's",
            )
        if not path.is_file():
            raise InputError(f"there is no file {path} for '{role}'", "check the path")


def _check_input(asset: Asset, name: str, role: str) -> None:
    """A study needs a runner that writes a manuscript or results, a clip one that does not."""
    study = asset.kind in STUDY_KINDS
    if study != (role in STUDY_ROLES):
        fitting = [one for one in BUILT_IN if (produces(runner(one)) in STUDY_ROLES) == study]
        raise InputError(
            f"the runner '{name}' cannot run the {asset.kind} '{asset.name}'", f"use {' or '.join(sorted(fitting))}"
        )


def _asset(work: Work, request: JobRequest) -> Asset:
    if request.project is None:
        return find(work.session, Asset, request.asset)
    project = find(work.session, Project, request.project)
    query = sa.select(Asset).where(Asset.project_id == project.id, Asset.name == request.asset)
    return work.session.scalar(query) or find(work.session, Asset, request.asset)
