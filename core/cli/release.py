"""`greenlight release`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from core.cli.output import Json, detail, done, say, show
from core.cli.session import PasswordStdin, acting, ask_password, proof_of
from core.errors import NotFound

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def propose(job: str, as_json: Json = False) -> None:
    """Put a finished job's output up for release; exit code 4 when the gate stays closed."""
    from core.releases import propose as propose_release

    with acting() as (platform, actor):
        proposal = propose_release(platform, actor, job)
    row, decision = proposal.release, proposal.decision
    record = {"id": row.id, "state": row.state, "headline": row.headline, "reasons": decision.reasons}
    done(record, f"{row.id} is {row.state}. {decision.headline}", as_json=as_json)
    for sentence, next_step in () if as_json else decision.reasons:
        say(f"  - {sentence} {next_step}")
    if not decision.opens:
        raise typer.Exit(4)


CLOSED = "You owe a blind review of its manuscript; its record opens to you once it is given."


@app.command("list")
def list_releases(as_json: Json = False) -> None:
    """List the releases, newest first."""
    import sqlalchemy as sa

    from core.reviews import closed_releases
    from core.tables import Asset, Job, Project, Release

    query = (
        sa.select(Release, Project.name, Asset.name)
        .join(Project, Project.id == Release.project_id)
        .join(Job, Job.id == Release.job_id)
        .join(Asset, Asset.id == Job.asset_id)
        .order_by(Release.proposed_at.desc())
    )
    with acting() as (platform, actor), platform.reading() as session:
        closed = closed_releases(session, actor)
        rows = [
            {"id": row.id, "project": None, "asset": None, "state": None, "headline": CLOSED}
            if row.id in closed
            else {"id": row.id, "project": project, "asset": asset, "state": row.state, "headline": row.headline}
            for row, project, asset in session.execute(query)
        ]
    columns = ("id", "project", "asset", "state", "headline")
    show(
        rows, columns, as_json=as_json, empty="There is no release yet; propose one with 'greenlight release propose'."
    )


@app.command("show")
def show_release(release: str = typer.Argument("", help="Id; empty means the newest."), as_json: Json = False) -> None:
    """Show one release: its state, verdicts and signatures."""
    with acting() as (platform, actor), platform.reading() as session:
        record = _release(platform, session, actor, release)
    if as_json:
        detail(record, as_json=True)
        return
    lists = ("verdicts", "signatures", "must_sign")
    detail({name: value for name, value in record.items() if name not in lists}, as_json=False)
    say("")
    columns = ("pack", "control", "status", "sentence")
    show(record["verdicts"], columns, as_json=False, empty="Nothing was judged.")
    say("")
    shown = ("printed_name", "role", "meaning", "decision", "signed_at")
    show(record["signatures"], shown, as_json=False, empty="Nobody has signed.")
    for slot in record["must_sign"]:
        say(f"Still to sign: {slot}", "yellow")


@app.command()
def sign(
    release: str,
    reason: str = typer.Option("", help="A remark that stands beside the signature."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Sign a release as the next signer, after giving your password anew."""
    _decide(release, "signed", reason, password_stdin, as_json)


@app.command()
def decline(
    release: str,
    reason: str = typer.Option(..., help="What must change."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Decline a release as the next signer, after giving your password anew."""
    _decide(release, "declined", reason, password_stdin, as_json)


@app.command()
def export(release: str, to: Path = typer.Option(Path(), help="Folder to write to."), as_json: Json = False) -> None:
    """Let an approved output leave, if the gate `export` opens; exit code 4 when it does not."""
    from core.releases import export as export_release

    with acting() as (platform, actor):
        path = export_release(platform, actor, release, to)
    done({"release": release, "path": path}, f"The output is {path}.", as_json=as_json)


def _decide(release: str, decision: str, reason: str, password_stdin: bool, as_json: bool) -> None:
    from core.releases import sign as sign_release

    with acting() as (platform, actor):
        proof = proof_of(platform, actor, lambda login: ask_password(password_stdin, f"Password of {login}"))
        row = sign_release(platform, proof, release, decision=decision, reason=reason)
    word = "signed" if decision == "signed" else "declined"
    done({"id": row.id, "state": row.state}, f"{actor.name} {word}; the release is {row.state}.", as_json=as_json)


def _release(platform: Any, session: Any, actor: Any, release: str) -> dict[str, Any]:
    import sqlalchemy as sa

    from core.lookup import find, signatures_of
    from core.reports.evaluations import read_json
    from core.reviews.seeing import refuse_blind
    from core.signatures import open_slots
    from core.tables import Job, Release, record_of

    row = (
        find(session, Release, release)
        if release
        else session.scalar(sa.select(Release).order_by(Release.proposed_at.desc()).limit(1))
    )
    if row is None:
        raise NotFound("there is no release yet", "propose one with 'greenlight release propose'")
    refuse_blind(session, actor, session.get_one(Job, row.job_id).asset_id)
    evidence = read_json(platform.store, row.evidence_sha256)
    verdicts = [
        {"pack": assessment["pack"]["id"], "control": verdict["control_id"], **verdict}
        for assessment in evidence["assessments"]
        for verdict in assessment["verdicts"]
    ]
    waiting = open_slots(session, row) if row.state == "candidate" else ()
    return {
        **record_of(row),
        "verdicts": verdicts,
        "signatures": [record_of(signature) for signature in signatures_of(session, row)],
        "must_sign": [f"{slot.role.replace('_', ' ')} ({slot.meaning})" for slot in waiting],
    }
