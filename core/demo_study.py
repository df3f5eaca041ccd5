"""The demonstration of a study: from an approved protocol to a signed manuscript, on data that ship with scikit-learn.

Like every demonstration it takes the services that everybody takes, and says of each statement that it is one.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from core import consents, registry, studies
from core.demo import Ending, Stage, free_name, register_builtin, release, run_job
from core.jobs.submission import JobRequest
from core.runners.scientist import protocol
from core.tables import EvaluationRecord, MeasurementRecord, Project

AGREEMENTS = ("clinical-research", "part-11")
EXAMPLE = Path(protocol.__file__).parent / "examples" / "breast-cancer.yaml"
BACKEND = "study-protocol"
STATED = {
    "adequate_for_context": "the study answers its question for a methods evaluation, and for nothing else.",
    "ethics_reviewed": "secondary analysis of a public dataset without identifiers.",
    "human_authorship": "whoever runs the demonstration answers for the manuscript; no program is its author.",
    "runs_disclosed": "the same demonstration may have been run here before, with the same seed and the same result.",
}
"""What the demo's clinical lead determines, by kind."""
EXPLAINED = "each number that the check questions stands in the run's own record, rounded as stated."


def run_study(stage: Stage) -> Ending:
    """Take the example study from its protocol to a sealed decision."""
    project = _project(stage)
    clinical = stage.cast.actors["demo-clinical"]
    stage.tell("Taking in a study: its protocol fixes question, data, models and statistics before anything runs.")
    name = free_name(stage, project, "breast cancer cytology")
    engineer = stage.cast.actors["demo-engineer"]
    asset = studies.create_study(stage.platform, engineer, project=project.id, path=EXAMPLE, name=name)
    proof = stage.cast.proof(stage.platform, "demo-clinical")
    with stage.platform.work(clinical) as work:
        studies.approve(work, proof, asset.id, "Demonstration: question, data, ethics and analysis were read.")
    stage.tell(f"{proof.actor.name} approved exactly this protocol, after giving the password anew.")
    register_builtin(stage, BACKEND, "protocol", "Carries out a fixed protocol, without a language model")
    stage.tell("Running the study: nested cross-validation, intervals, calibration, decision curve, manuscript.")
    job = run_job(stage, JobRequest(asset=asset.id, version=f"{BACKEND}@1", runner="protocol"))
    for kind, statement in (STATED | _explained(stage, job)).items():
        with stage.platform.work(clinical) as work:
            consents.attest(
                work, project=project.id, asset=asset.id, kind=kind, statement=f"Demonstration only: {statement}"
            )
    return release(stage, job, ("demo-clinical", "demo-manager"))


def _explained(stage: Stage, job: str) -> dict[str, str]:
    """What is to be said of findings of high severity, where the manuscript has any."""
    query = (
        sa.select(MeasurementRecord.value)
        .join(EvaluationRecord, EvaluationRecord.id == MeasurementRecord.evaluation_id)
        .where(EvaluationRecord.job_id == job, MeasurementRecord.name == "findings_high")
    )
    with stage.platform.reading() as session:
        return {"findings_explained": EXPLAINED} if session.scalar(query) else {}


def _project(stage: Stage) -> Project:
    name = "Demo study"
    with stage.platform.reading() as session:
        known = session.scalar(sa.select(Project).where(Project.name == name))
    if known is not None:
        return known
    with stage.platform.work(stage.cast.actors["demo-manager"]) as work:
        return registry.create_project(work, name=name, kind="study", agreements=AGREEMENTS)
