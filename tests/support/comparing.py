"""Measured jobs without the measuring: model versions, assets and evaluation results, through the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import registry
from core.access import WORKER, Actor, Role
from core.canonical import digest, new_id
from core.evaluation import record_evaluations
from core.jobs.queue import Made, claim, finish
from core.lookup import find_version, output_of
from core.platform import Platform
from core.tables import Asset, Job
from evaluators.base import Direction, Evaluation, Measure, Measurement

EVERYBODY = Actor("usr_test", "Test", frozenset(Role))
DIRECTIONS = {"removal": Direction.HIGHER, "motion_ratio": Direction.TARGET, "own_flow": Direction.DIAGNOSTIC}


def measurement(name: str, value: float | str) -> Measurement:
    """Return a measurement; a string is the reason for its absence."""
    direction = DIRECTIONS.get(name, Direction.LOWER)
    unit, target = ("score" if name == "removal" else "ratio"), (1.0 if direction is Direction.TARGET else None)
    measure = Measure(name, name.replace("_", " ").capitalize(), unit, direction, 0, None, "a test", "1", "", target)
    return Measurement(measure, None, reason=value) if isinstance(value, str) else Measurement(measure, value, count=9)


def clip_result(
    values: Mapping[str, float | str], version: str = "1", settings: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Return a result in the suite's JSON form: `removal` is its summary, all else comes from `temporal`."""
    parts = tuple(measurement(name, value) for name, value in values.items() if name != "removal")
    summary = tuple(measurement(name, value) for name, value in values.items() if name == "removal")
    temporal = Evaluation("temporal", version, parts, parameters=settings or {"flow": "dis"})
    return {
        "notes": [],
        "evaluations": [temporal.to_json()],
        "summary": Evaluation("summary", "1", summary).to_json(),
    }


@dataclass(frozen=True)
class Bench:
    """One project with what is compared in it."""

    platform: Platform
    project: str

    @classmethod
    def set_up(cls, platform: Platform, models: Sequence[str] = ("ours", "theirs"), project: str = "Pilot") -> Bench:
        """Make a project and version 1 of each model; `theirs` is a vendor's."""
        with platform.work(EVERYBODY) as work:
            row = registry.create_project(work, name=project, kind="production", agreements=())
            for model in models:
                registry.create_model(work, name=model, origin="vendor" if model == "theirs" else "in_house")
                registry.create_version(work, model=model, version="1", licence="Apache-2.0", licence_cleared=True)
            return cls(platform, row.id)

    def asset(self, name: str, content: str | None = None) -> str:
        """Add an asset; equal `content` means equal files."""
        with self.platform.work(EVERYBODY) as work:
            row = work.add(
                Asset(
                    id=new_id("ast"),
                    project_id=self.project,
                    name=name,
                    kind="clip",
                    digest=digest(content or name),
                    facts={},
                    notes=[],
                    created_by=EVERYBODY.id,
                    created_at=work.at,
                )
            )
            work.record("asset.created", row.id)
            return row.id

    def job(
        self,
        model: str,
        asset: str,
        result: Mapping[str, object] | None,
        *,
        runner: str = "plate",
        provenance: Mapping[str, object] | None = None,
        environment: Mapping[str, object] | None = None,
    ) -> str:
        """Queue, claim and finish a job; None leaves it without an evaluation."""
        with self.platform.work(EVERYBODY) as work:
            job = work.add(
                Job(
                    id=new_id("job"),
                    project_id=self.project,
                    asset_id=asset,
                    version_id=find_version(work.session, f"{model}@1").id,
                    runner=runner,
                    purpose="internal_trial",
                    origin="in_house",
                    ai_use={"kind": "REMOVAL"},
                    parameters={},
                    provenance=provenance,
                    extra_inputs={},
                    seed=0,
                    status="queued",
                    max_attempts=1,
                    submitted_by=EVERYBODY.id,
                    submitted_at=work.at,
                )
            )
            work.record("job.submitted", job.id)
        held = claim(self.platform, "tester")
        assert held is not None
        assert held.job_id == job.id
        with self.platform.work(WORKER) as work:
            sha256 = work.keep(f"{model} {asset}".encode(), "video/mp4").sha256
            finish(work, held, [Made("video", "output.mp4", sha256, {})], environment or {})
            output = output_of(work.session, held.job_id)
            assert output is not None
            if result is not None:
                record_evaluations(work, work.get(Job, held.job_id, "job"), output, result)
        return held.job_id

    def shots(self, count: int, ours: float = 0.9, theirs: float = 0.6, **vendor: object) -> list[str]:
        """Measure `count` assets for both, `ours` ahead by about the same on each; returns the assets' ids."""
        found = []
        for index in range(count):
            asset = self.asset(f"shot {index + 1}")
            spread = index / 100
            self.job("ours", asset, clip_result({"removal": ours + spread, "motion_ratio": 1.1, "own_flow": 0.2}))
            self.job(
                "theirs",
                asset,
                clip_result({"removal": theirs + spread / 2, "motion_ratio": 0.5 + spread, "own_flow": 0.1}),
                runner="ingest",
                provenance={"vendor": "Vendor", "model": "unknown", **vendor},
            )
            found.append(asset)
        return found
