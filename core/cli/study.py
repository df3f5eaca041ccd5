"""`greenlight study`."""

from __future__ import annotations

from pathlib import Path

import typer

from core.cli.output import Json, detail, done, say, show
from core.cli.session import PasswordStdin, acting, ask_password, proof_of

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def add(
    path: Path = typer.Argument(help="The protocol, or a folder with protocol.yaml and perhaps data.csv."),
    project: str = typer.Option(..., help="Project that it belongs to."),
    data: Path | None = typer.Option(None, help="The data, where they are not beside the protocol."),
    name: str | None = typer.Option(None, help="Another name than the protocol's id."),
    as_json: Json = False,
) -> None:
    """Take in a study: its protocol, checked to the last field, and its data."""
    from core.studies import create_study

    with acting() as (platform, actor):
        row = create_study(platform, actor, project=project, path=path, data=data, name=name)
    sentence = f"Study '{row.name}' is taken in; a clinical lead approves it with 'greenlight study approve'."
    done({"id": row.id, "name": row.name, "digest": row.digest, "facts": row.facts}, sentence, as_json=as_json)


@app.command()
def approve(
    study: str,
    statement: str = typer.Option(..., help="What you checked: question, data, ethics, analysis."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Approve a study's protocol before it runs, after giving your password anew."""
    from core.studies import approve as approve_study

    with acting() as (platform, actor):
        proof = proof_of(platform, actor, lambda login: ask_password(password_stdin, f"Password of {login}"))
        with platform.work(actor) as work:
            row = approve_study(work, proof, study, statement)
    record = {"id": row.id, "asset_sha256": row.asset_sha256, "protocol_sha256": row.protocol_sha256}
    done(record, f"{row.printed_name} approved the protocol {row.protocol_sha256[:12]}.", as_json=as_json)


@app.command()
def ingest(
    source: Path = typer.Argument(help="A run's folder (AI-Scientist, AI-Researcher), a zip of it, or a PDF."),
    project: str = typer.Option(..., help="Project that it belongs to."),
    model: str = typer.Option(..., help="model@version that stands for whoever made it."),
    name: str | None = typer.Option(None, help="Another name than the folder's."),
    manuscript: str | None = typer.Option(None, help="The manuscript's path inside the run, where it is not plain."),
    purpose: str = typer.Option("release", help="release, or internal_trial (its output never leaves)."),
    as_json: Json = False,
) -> None:
    """Take in a study made elsewhere, as an asset and a job that reads it; nothing in it is executed."""
    from core.runs import ingest_run

    with acting() as (platform, actor):
        asset, submission = ingest_run(
            platform,
            actor,
            project=project,
            source=source,
            model=model,
            name=name,
            manuscript=manuscript,
            purpose=purpose,
        )
    job, decision = submission.job, submission.decision
    record = {"id": job.id, "asset": asset.id, "status": job.status, "notes": asset.notes, "facts": asset.facts}
    said = f"'{asset.name}' is taken in; {job.id} waits for a worker" if decision.opens else decision.headline
    done({**record, "headline": decision.headline}, f"{said}.".replace("..", "."), as_json=as_json)
    for note in () if as_json else asset.notes:
        say(f"Note: {note}", "yellow")
    if not decision.opens:
        raise typer.Exit(4)


@app.command("list")
def list_studies(as_json: Json = False) -> None:
    """List the studies and whether their protocols are approved."""
    import sqlalchemy as sa

    from core.lookup import approval_of
    from core.tables import Asset, Project

    query = (
        sa.select(Asset, Project.name)
        .join(Project, Project.id == Asset.project_id)
        .where(Asset.kind.in_(("study", "run")))
        .order_by(Asset.created_at)
    )
    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {
                "name": row.name,
                "project": project,
                "kind": row.kind,
                "mode": row.facts.get("mode"),
                "approved_by": approval.printed_name if (approval := approval_of(session, row)) else None,
                "id": row.id,
            }
            for row, project in session.execute(query)
        ]
    columns = ("name", "project", "kind", "mode", "approved_by", "id")
    show(rows, columns, as_json=as_json, empty="There is no study yet; add one with 'greenlight study add'.")


@app.command("show")
def show_study(study: str, as_json: Json = False) -> None:
    """Show one study: question, context of use, data, and who approved it."""
    from core.studies import study_record

    with acting() as (platform, actor):
        record = study_record(platform, actor, study)
    if as_json:
        detail(record, as_json=True)
        return
    datasets = record.pop("datasets")
    detail(record, as_json=False)
    columns = ("name", "modality", "rights", "deidentification", "consent_basis", "split_by")
    show(datasets, columns, as_json=False, empty="No dataset is described.")
