"""`greenlight project`."""

from __future__ import annotations

from typing import Any

import typer

from core.cli.output import Json, detail, done, show
from core.cli.session import acting

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def create(
    name: str,
    kind: str = typer.Option("production", help="production or study"),
    agreement: list[str] = typer.Option([], help="A policy pack that governs it; repeat for several."),
    jurisdiction: list[str] = typer.Option([], help="Such as US-CA; repeat for several."),
    final: bool | None = typer.Option(None, "--final/--not-final", help="Whether outputs go into a final deliverable."),
    first_photography: str | None = typer.Option(None, help="Date of first photography, YYYY-MM-DD."),
    tools_keep_data: bool | None = typer.Option(None, "--tools-keep-data/--tools-keep-nothing"),
    tools_train_on_data: bool | None = typer.Option(None, "--tools-train-on-data/--tools-never-train"),
    tools_secured: bool | None = typer.Option(None, "--tools-secured/--tools-unsecured"),
    no_strikes: bool = typer.Option(False, "--no-strikes", help="State that no strike touches it."),
    as_json: Json = False,
) -> None:
    """Create a production or a study; what you do not say stays unknown, and an unknown is never a pass."""
    from core.registry import create_project

    tools = {
        "stores_production_data": tools_keep_data,
        "trains_on_production_data": tools_train_on_data,
        "enterprise_secured": tools_secured,
    }
    with acting() as (platform, actor), platform.work(actor) as work:
        project = create_project(
            work,
            name=name,
            kind=kind,
            agreements=agreement,
            jurisdictions=jurisdiction,
            final_deliverable=final,
            first_photography=first_photography,
            tools=tools,
            strikes=[] if no_strikes else None,
        )
    governed = ", ".join(project.agreements) or "nothing yet, so no gate will open"
    done(_record(project), f"Project '{name}' is governed by {governed}.", as_json=as_json)


@app.command("list")
def list_projects(as_json: Json = False) -> None:
    """List the projects."""
    import sqlalchemy as sa

    from core.tables import Project

    with acting() as (platform, _), platform.reading() as session:
        rows = [_record(row) for row in session.scalars(sa.select(Project).order_by(Project.created_at))]
    show(rows, ("name", "kind", "agreements", "jurisdictions"), as_json=as_json, empty="There is no project yet.")


@app.command("show")
def show_project(project: str, as_json: Json = False) -> None:
    """Show one project."""
    from core.lookup import find
    from core.tables import Project

    with acting() as (platform, _), platform.reading() as session:
        detail(_record(find(session, Project, project)), as_json=as_json)


@app.command()
def attest(
    project: str,
    kind: str = typer.Option(..., help="What is determined, such as written_approval."),
    statement: str = typer.Option(..., help="What you determined, and why."),
    asset: str | None = typer.Option(None, help="Only for this asset."),
    as_json: Json = False,
) -> None:
    """Record your named determination on a question that no measure answers."""
    from core.consents import attest as record

    with acting() as (platform, actor), platform.work(actor) as work:
        row = record(work, project=project, kind=kind, statement=statement, asset=asset)
    done({"id": row.id, "kind": kind}, f"Recorded as {row.role.replace('_', ' ')} {row.made_by_name}.", as_json=as_json)


def _record(row: Any) -> dict[str, object]:
    from core.tables import record_of

    return record_of(row)
