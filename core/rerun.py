"""Repeat a job from its record, and say what came out the same.

A repetition has the same inputs by digest, the same parameters, seed and model version; the gate judges it anew, for a
consent may have been revoked since. Its comparison is kept as an artifact, and an audit event vouches for it.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor, Permission
from core.canonical import digest
from core.errors import Conflict, GreenlightError, InputError, Unavailable
from core.jobs.submission import JobRequest, Submission, submit
from core.lookup import find
from core.media import difference
from core.platform import Platform, Work, expect
from core.runners.base import produces
from core.runners.ingest import MEDIA_TYPES
from core.runners.registry import runner
from core.runners.scientist.results import compare_results, read_results
from core.runners.scientist.sandbox.lock import compare_locks
from core.tables import (
    Asset,
    Attempt,
    EvaluationRecord,
    Job,
    MeasurementRecord,
    ModelVersion,
    Output,
    Rerun,
)

SCHEMA = "greenlight.rerun/1"
TENSORS = ".safetensors"
RESULTS, LOCK = "results", "environment"
"""The roles in which a study keeps its numbers, and the lock of its environment; both as JSON."""
FROM_CODE = {"scientist": "study-code"}
"""Runners that would ask models anew: their jobs are repeated by the runner that runs the program which they left."""
CODE = "code"
ALIKE = 1e-6
"""Relative difference below which two measurements are alike: threads add up sums in another order each time."""


@dataclass(frozen=True)
class Reproduction:
    """A comparison: one sentence, whether the main output is the same by digest, and the record that is kept."""

    headline: str
    equal: bool
    record: Mapping[str, Any]
    sha256: str


def rerun(work: Work, job: str) -> Submission:
    """Submit a succeeded job again as it was; the gate may refuse what it once allowed.

    Of a study by language models, only the program that it left is run again, on the same inputs.
    """
    work.require(Permission.JOB_SUBMIT)
    original = find(work.session, Job, job)
    expect(original.status, ("succeeded",), f"the job {original.id}")
    submission = submit(
        work,
        JobRequest(
            asset=original.asset_id,
            version=original.version_id,
            runner=FROM_CODE.get(original.runner, original.runner),
            purpose=original.purpose,
            ai_use=original.ai_use,
            parameters=original.parameters,
            stored={**original.extra_inputs, **_left_code(work.session, original)},
            provenance=original.provenance,
            origin=original.origin,
            seed=original.seed,
        ),
    )
    work.add(Rerun(job_id=submission.job.id, original_id=original.id, requested_by=work.actor.id, requested_at=work.at))
    work.record("job.rerun", submission.job.id, original=original.id)
    return submission


def _left_code(session: Session, original: Job) -> dict[str, str]:
    """The program by its role, of a job that is repeated from it."""
    if original.runner not in FROM_CODE:
        return {}
    left = _by_role(session, original).get(CODE)
    if left is None:
        raise Conflict(f"the job {original.id} left no program", "submit the study anew")
    return {CODE: left.sha256}


def compare_rerun(platform: Platform, actor: Actor, job: str) -> Reproduction:
    """Compare a repetition with its original, both succeeded, and keep the comparison.

    Outputs are compared by digest; a clip whose digest differs is decoded and measured against the original's, and the
    results of a study are compared number by number.
    """
    actor.require(Permission.EVALUATE)
    with platform.reading() as session:
        again, original = _pair(session, job)
        same, environment = _same(session, original, again), list(_environment(session, original, again))
        measured, alike = _measurements(session, original, again)
        outputs = list(_outputs(session, original, again))
    role = produces(runner(again.runner))
    compared = [_measured(platform, one) for one in outputs]
    equal = any(one["role"] == role and one["equal"] for one in compared)
    environment += next((one["difference"] for one in compared if one["role"] == LOCK and one["difference"]), [])
    record = {
        "schema": SCHEMA,
        "original": original.id,
        "rerun": again.id,
        "role": role,
        "equal": equal,
        "same": same,
        "outputs": compared,
        "measurements": measured,
        "measurements_alike": alike,
        "environment": environment,
    }
    with platform.work(actor) as work:
        kept = work.keep_json(record)
        row = work.get(Rerun, again.id, "rerun")
        row.equal, row.report_sha256, row.compared_by, row.compared_at = equal, kept.sha256, actor.id, work.at
        work.record("job.rerun_compared", again.id, row, original=original.id, equal=equal, sha256=kept.sha256)
    return Reproduction(_headline(record), equal, record, kept.sha256)


def _pair(session: Session, job: str) -> tuple[Job, Job]:
    again = find(session, Job, job)
    link = session.get(Rerun, again.id)
    if link is None:
        raise Conflict(f"the job {again.id} repeats no other", "name the job that 'greenlight job rerun' made")
    original = session.get_one(Job, link.original_id)
    expect(again.status, ("succeeded",), f"the job {again.id}")
    return again, original


def _same(session: Session, original: Job, again: Job) -> dict[str, bool]:
    """Which parts of the record are equal; a repetition that is not one would show here."""

    def record(job: Job) -> dict[str, object]:
        asset, version = session.get_one(Asset, job.asset_id), session.get_one(ModelVersion, job.version_id)
        return {
            "inputs": [asset.digest, {**job.extra_inputs, **_left_code(session, job)}],
            "parameters": digest(job.parameters),
            "seed": job.seed,
            "model": version.digest,
            "runner": FROM_CODE.get(job.runner, job.runner),
        }

    before, after = record(original), record(again)
    return {name: before[name] == after[name] for name in before}


def _outputs(session: Session, original: Job, again: Job) -> Iterator[dict[str, Any]]:
    """Every role of either job, with both digests and the kind of file."""
    before, after = (_by_role(session, job) for job in (original, again))
    for role in sorted(before.keys() | after.keys()):
        digests = [rows[role].sha256 if role in rows else None for rows in (before, after)]
        # By name: the store knows a file of equal content under the kind that it was first kept as.
        kinds = {Path(rows[role].name).suffix.lower() for rows in (before, after) if role in rows}
        yield {"role": role, "original": digests[0], "rerun": digests[1], "equal": digests[0] == digests[1],
               "compared_as": _kind(role, kinds)}  # fmt: skip


def _kind(role: str, suffixes: set[str]) -> str:
    """The key in `MEASURES` by which two files of a role are compared; empty where bytes are all there is."""
    if suffixes == {".json"}:
        return role if role in (RESULTS, LOCK) else ""
    if suffixes == {TENSORS}:
        return "tensors"
    return "clip" if suffixes <= MEDIA_TYPES.keys() else ""


def _by_role(session: Session, job: Job) -> dict[str, Output]:
    return {row.role: row for row in session.scalars(sa.select(Output).where(Output.job_id == job.id))}


def _measured(platform: Platform, output: Mapping[str, Any]) -> dict[str, Any]:
    """The output with how far apart its decoded frames are, or why that was not measured."""
    found = {name: output[name] for name in ("role", "original", "rerun", "equal")}
    if output["equal"]:
        return {**found, "difference": None, "reason": None}
    if not (output["original"] and output["rerun"]):
        return {**found, "difference": None, "reason": "only one of the two jobs made it"}
    if not output["compared_as"]:
        return {**found, "difference": None, "reason": "it is no clip; its bytes differ"}
    try:
        return {**found, "difference": MEASURES[output["compared_as"]](platform, output), "reason": None}
    except GreenlightError as error:
        return {**found, "difference": None, "reason": error.what}


def _difference(platform: Platform, output: Mapping[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [platform.store.fetch(output[which], Path(folder) / f"{which}.mp4") for which in ("original", "rerun")]
        found = difference(paths[0], paths[1], platform.settings, grey=output["role"] == "quadmask")
    return {**asdict(found), "frames": list(found.frames), "decoded_equal": found.equal}


def _tensor_difference(platform: Platform, output: Mapping[str, Any]) -> dict[str, Any]:
    """The greatest difference of each tensor that both files hold in one shape, and the names of the others."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise Unavailable("comparing tensors needs the library safetensors", "install the extra 'gpu'") from error
    with tempfile.TemporaryDirectory() as folder:
        paths = [platform.store.fetch(output[which], Path(folder) / which) for which in ("original", "rerun")]
        try:
            before, after = (load_file(path) for path in paths)
        except SafetensorError as error:
            raise InputError(f"a file of tensors cannot be read ({error})", "look at the job's outputs") from error
    shared = {name for name in before.keys() & after.keys() if before[name].shape == after[name].shape}
    return {
        "max_abs": {name: float((before[name].float() - after[name].float()).abs().max()) for name in sorted(shared)},
        "not_compared": sorted((before.keys() | after.keys()) - shared),
    }


def _results_difference(platform: Platform, output: Mapping[str, Any]) -> dict[str, Any]:
    """How many numbers are the same, and which are not."""
    return compare_results(*_documents(platform, output)).to_json()


def _lock_difference(platform: Platform, output: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines in which the two locks differ."""
    original, again = _documents(platform, output)
    if not (isinstance(original, Mapping) and isinstance(again, Mapping)):
        raise InputError("a lock of the environment is no table", "look at the job's outputs")
    return [row.to_json() for row in compare_locks(original, again) if not row.equal]


def _documents(platform: Platform, output: Mapping[str, Any]) -> list[object]:
    with tempfile.TemporaryDirectory() as folder:
        paths = [platform.store.fetch(output[which], Path(folder) / which) for which in ("original", "rerun")]
        return [read_results(path) for path in paths]


MEASURES: dict[str, Callable[[Platform, Mapping[str, Any]], Any]] = {
    "clip": _difference,
    "tensors": _tensor_difference,
    RESULTS: _results_difference,
    LOCK: _lock_difference,
}


def _measurements(session: Session, original: Job, again: Job) -> tuple[list[dict[str, Any]], int]:
    """The measurements that are not alike (by a relative `ALIKE`), and how many are; two absent values are alike."""
    before, after = (_values(session, job) for job in (original, again))
    rows = []
    for key in sorted(before.keys() | after.keys()):
        left, right = before.get(key), after.get(key)
        if _alike(left, right) and key in before and key in after:
            continue
        apart = right - left if left is not None and right is not None else None
        rows.append({"evaluator": key[0], "name": key[1], "original": left, "rerun": right, "difference": apart})
    return rows, len(before.keys() | after.keys()) - len(rows)


def _alike(left: float | None, right: float | None) -> bool:
    """Whether two values are the same but for the order in which threads summed them."""
    if left is None or right is None:
        return left is right
    return math.isclose(left, right, rel_tol=ALIKE)


def _values(session: Session, job: Job) -> dict[tuple[str, str], float | None]:
    query = (
        sa.select(EvaluationRecord.evaluator, MeasurementRecord.name, MeasurementRecord.value)
        .join(EvaluationRecord, EvaluationRecord.id == MeasurementRecord.evaluation_id)
        .where(EvaluationRecord.job_id == job.id)
        .order_by(EvaluationRecord.created_at)
    )
    return {(evaluator, name): value for evaluator, name, value in session.execute(query)}


def _environment(session: Session, original: Job, again: Job) -> Iterator[dict[str, Any]]:
    """What is known of both machines, a line each; what only one attempt noted is null on the other side."""
    before, after = (
        {**session.get_one(Attempt, (job.id, job.attempt)).environment, **_evaluators(session, job)}
        for job in (original, again)
    )
    for name in sorted(before.keys() | after.keys()):
        left, right = before.get(name), after.get(name)
        yield {"name": name, "original": left, "rerun": right, "equal": left == right}


def _evaluators(session: Session, job: Job) -> dict[str, str]:
    """The versions that measured the output."""
    query = sa.select(EvaluationRecord).where(EvaluationRecord.job_id == job.id).order_by(EvaluationRecord.created_at)
    return {f"evaluator {row.evaluator}": row.version for row in session.scalars(query)}


def _headline(record: Mapping[str, Any]) -> str:
    changed = [row["name"] for row in record["environment"] if not row["equal"]]
    machine = f" Different in the environment: {', '.join(changed)}." if changed else " The environment is the same."
    if record["equal"] and record["role"] != RESULTS:
        return f"Reproduced exactly: the {record['role']} has the same digest.{machine}"
    main = next(one for one in record["outputs"] if one["role"] == record["role"])
    apart = main["difference"]
    results = next((one for one in record["outputs"] if one["role"] == RESULTS), None)
    if results is not None:
        return f"{_numbers(results)}{machine}"
    if apart is None:
        return f"Not reproduced: {main['reason']}.{machine}"
    if apart["decoded_equal"]:
        return f"Reproduced in every pixel: only the files' bytes differ.{machine}"
    if apart["frames"][0] != apart["frames"][1]:
        return f"Not reproduced: {apart['frames'][0]} frames became {apart['frames'][1]}.{machine}"
    return (
        f"Not reproduced exactly: {apart['differing_frames']} of {apart['frames'][0]} frames differ, by at most "
        f"{apart['max_abs']} of 255 levels (PSNR {apart['psnr_db']:.1f} dB).{machine}"
    )


def _numbers(results: Mapping[str, Any]) -> str:
    """What a study's numbers say where its main document is another file than before."""
    if results["equal"]:
        return "Reproduced in every number: the results have the same digest."
    apart = results["difference"]
    if apart is None:
        return f"Not reproduced: the results cannot be compared ({results['reason']})."
    counts = apart["counts"]
    total, off = sum(counts.values()), counts["different"]
    one_sided = counts["only_original"] + counts["only_rerun"]
    if apart["equal"]:
        same = f"{counts['exact']} of {total} values are the same, the others within {ALIKE:g}"
        return f"Reproduced in every number: {same}."
    return f"Not reproduced: of {total} reported values {off} came out different, {one_sided} only once."
