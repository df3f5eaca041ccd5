"""`greenlight job`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from core.cli.output import Json, detail, done, say, show
from core.cli.session import acting, json_file, pairs

if TYPE_CHECKING:
    from core.access import Actor
    from core.platform import Platform

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def submit(
    asset: str,
    model: str = typer.Option(..., help="model@version that makes the output."),
    runner: str = typer.Option("plate", help="plate, ingest, command, void, mask, protocol, scientist ..."),
    purpose: str = typer.Option("release", help="release, or internal_trial (its output never leaves)."),
    project: str | None = typer.Option(None, help="Where several projects have an asset of that name."),
    kind: str | None = typer.Option(None, help="Kind of AI use; by default REMOVAL, and NONE for a study."),
    script_delta: str | None = typer.Option(None, help="none, minor or material: what the edit changes in the script."),
    exception_code: str | None = typer.Option(None, help="Exception claimed instead of a consent."),
    egress: bool = typer.Option(False, "--egress", help="What it makes may be shown to judges outside this machine."),
    parameter: list[str] = typer.Option([], help="name=value for the runner; the value is JSON or text."),
    file: list[str] = typer.Option([], help="role=path of a further input, such as output=result.mp4."),
    provenance: Path | None = typer.Option(None, help="JSON file that says how an outside output was made."),
    origin: str = typer.Option("in_house", help="in_house or vendor"),
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Submit a job: the gate decides at once whether it may run. Exit code 4 when it may not."""
    from core.jobs.submission import JobRequest
    from core.jobs.submission import submit as submit_job

    said = {"kind": kind, "script_delta": script_delta, "exception_code": exception_code}
    use: dict[str, object] = {name: value for name, value in said.items() if value is not None}
    if egress:
        use["network_egress"] = True
    request = JobRequest(
        asset=asset,
        version=model,
        runner=runner,
        purpose=purpose,
        project=project,
        ai_use=use or None,
        parameters={name: _value(text) for name, text in pairs(parameter, "parameter").items()},
        files={role: Path(path) for role, path in pairs(file, "file").items()},
        provenance=json_file(provenance),
        origin=origin,
        seed=seed,
    )
    with acting() as (platform, actor), platform.work(actor) as work:
        submission = submit_job(work, request)
    job, decision = submission.job, submission.decision
    record = {"id": job.id, "status": job.status, "headline": decision.headline, "reasons": decision.reasons}
    if decision.opens:
        done(record, f"{job.id} waits for a worker; run 'greenlight worker run'.", as_json=as_json)
        return
    done(record, decision.headline, as_json=as_json)
    for sentence, next_step in () if as_json else decision.reasons:
        say(f"  - {sentence} {next_step}")
    raise typer.Exit(4)


@app.command("list")
def list_jobs(as_json: Json = False) -> None:
    """List the jobs, newest first."""
    import sqlalchemy as sa

    from core.tables import Asset, Job

    query = sa.select(Job, Asset.name).join(Asset, Asset.id == Job.asset_id).order_by(Job.submitted_at.desc())
    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {
                "id": job.id,
                "asset": asset,
                "runner": job.runner,
                "status": job.status,
                "progress": f"{job.progress:.0%}",
                "attempt": job.attempt,
                "message": job.message,
            }
            for job, asset in session.execute(query)
        ]
    columns = ("id", "asset", "runner", "status", "progress", "attempt", "message")
    show(rows, columns, as_json=as_json, empty="There is no job yet.")


@app.command("show")
def show_job(job: str, as_json: Json = False) -> None:
    """Show one job, its attempts, outputs and measurements. Exit code 8 when it failed or was lost."""
    with acting() as (platform, actor), platform.reading() as session:
        record = _job(session, actor, job)
    if as_json:
        detail(record, as_json=True)
    else:
        lists = {"attempts", "outputs", "measurements"}
        detail({name: value for name, value in record.items() if name not in lists}, as_json=False)
        show(record["attempts"], ("number", "status", "worker", "started_at", "reason"), as_json=False, empty="")
        show(record["outputs"], ("role", "name", "sha256"), as_json=False, empty="It has no output.")
        for note in (note for output in record["outputs"] for note in output["facts"].get("notes", ())):
            say(f"Note: {note}", "yellow")
        columns = ("name", "value", "low", "high", "unit", "direction", "reason")
        show(record["measurements"], columns, as_json=False, empty="Nothing was measured.")
    if record["status"] in ("failed", "lost"):
        raise typer.Exit(8)


@app.command()
def rerun(
    job: str,
    wait: bool = typer.Option(False, "--wait", help="Run what waits here, then compare."),
    as_json: Json = False,
) -> None:
    """Repeat a finished job from its record. Exit code 4 when the gate refuses, 8 when the repetition failed."""
    from core.rerun import rerun as rerun_job

    with acting() as (platform, actor):
        with platform.work(actor) as work:
            submission = rerun_job(work, job)
        made, decision = submission.job, submission.decision
        record = {"id": made.id, "status": made.status, "headline": decision.headline, "reasons": decision.reasons}
        if not decision.opens:
            done(record, decision.headline, as_json=as_json)
            raise typer.Exit(4)
        if not wait:
            done(record, f"{made.id} repeats {job}; after it ran: 'greenlight job compare-rerun'.", as_json=as_json)
            return
        _run_waiting(platform, actor, made.id)
        _show_reproduction(platform, actor, made.id, as_json)


@app.command("compare-rerun")
def compare_rerun(job: str, as_json: Json = False) -> None:
    """Say whether a repetition gave the same result, and how far apart the results and the machines are."""
    with acting() as (platform, actor):
        _show_reproduction(platform, actor, job, as_json)


@app.command()
def cancel(job: str, as_json: Json = False) -> None:
    """Ask a job to stop."""
    from core.jobs.queue import cancel as cancel_job

    with acting() as (platform, actor), platform.work(actor) as work:
        row = cancel_job(work, job)
    ended = row.status == "cancelled"
    sentence = "It is cancelled." if ended else "It stops at its next step."
    done({"id": row.id, "status": row.status}, sentence, as_json=as_json)


def _run_waiting(platform: Platform, actor: Actor, job: str) -> None:
    """Work here until nothing waits; `RunFailed` when the repetition did not succeed."""
    from core.access import Permission
    from core.errors import RunFailed
    from core.jobs.worker import Worker
    from core.tables import Job

    actor.require(Permission.JOB_WORK)
    Worker(platform).run(drain=True)
    with platform.reading() as session:
        row = session.get_one(Job, job)
    if row.status != "succeeded":
        raise RunFailed(f"the repetition {job} is {row.status}: {row.message}", "see 'greenlight job show'")


def _show_reproduction(platform: Platform, actor: Actor, job: str, as_json: bool) -> None:
    from core.rerun import compare_rerun as compare

    found = compare(platform, actor, job)
    record = {"headline": found.headline, "equal": found.equal, "sha256": found.sha256, **found.record}
    done(record, found.headline, as_json=as_json)
    if as_json:
        return
    show(found.record["outputs"], ("role", "equal", "original", "rerun", "reason"), as_json=False, empty="")
    columns = ("name", "evaluator", "original", "rerun", "difference")
    show(found.record["measurements"], columns, as_json=False, empty="Every measurement is the same.")
    show(found.record["environment"], ("name", "original", "rerun", "equal"), as_json=False, empty="")


def _job(session: Any, actor: Actor, job: str) -> dict[str, Any]:
    import sqlalchemy as sa

    from core.lookup import find
    from core.reviews.seeing import refuse_blind
    from core.tables import Attempt, EvaluationRecord, Job, MeasurementRecord, Output, Rerun, record_of

    row = find(session, Job, job)
    refuse_blind(session, actor, row.asset_id)
    measured = (
        sa.select(MeasurementRecord)
        .join(EvaluationRecord, EvaluationRecord.id == MeasurementRecord.evaluation_id)
        .where(EvaluationRecord.job_id == row.id)
    )
    attempts = session.scalars(sa.select(Attempt).where(Attempt.job_id == row.id).order_by(Attempt.number))
    outputs = session.scalars(sa.select(Output).where(Output.job_id == row.id).order_by(Output.role))
    return {
        **record_of(row),
        "repeats": link.original_id if (link := session.get(Rerun, row.id)) else None,
        "attempts": [record_of(item) for item in attempts],
        "outputs": [record_of(item) for item in outputs],
        "measurements": [record_of(item) for item in session.scalars(measured)],
    }


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
