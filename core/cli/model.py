"""`greenlight model`."""

from __future__ import annotations

from pathlib import Path

import typer

from core.cli.output import Json, detail, done, show
from core.cli.session import acting, json_file

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def create(
    name: str,
    origin: str = typer.Option("in_house", help="in_house, vendor or builtin"),
    description: str = "",
    as_json: Json = False,
) -> None:
    """Register a model."""
    from core.registry import create_model

    with acting() as (platform, actor), platform.work(actor) as work:
        row = create_model(work, name=name, origin=origin, description=description)
    done({"id": row.id, "name": row.name}, f"Model '{name}' is registered; add a version next.", as_json=as_json)


@app.command()
def version(
    model: str,
    version: str,
    licence: str = typer.Option(..., help="Licence of the weights, such as Apache-2.0."),
    weights: list[Path] = typer.Option([], help="A safetensors file; repeat for several."),
    base: list[str] = typer.Option([], help="model@version that it was made from; repeat for several."),
    adapter: list[str] = typer.Option([], help="model@version of an adapter (LoRA) in it; repeat for several."),
    egress: bool | None = typer.Option(None, "--egress/--no-egress", help="Whether running it sends data out."),
    card: Path | None = typer.Option(None, help="Model card as JSON."),
    as_json: Json = False,
) -> None:
    """Register a version: weights are digested, checked to be safetensors, and never change."""
    from core.registry import create_version

    content = json_file(card)
    with acting() as (platform, actor), platform.work(actor) as work:
        row = create_version(
            work,
            model=model,
            version=version,
            licence=licence,
            weights=weights,
            parents={**dict.fromkeys(base, "base"), **dict.fromkeys(adapter, "adapter")},
            network_egress=egress,
            card=content,
        )
    done(
        {"id": row.id, "digest": row.digest}, f"{model}@{version} is registered as {row.digest[:12]}.", as_json=as_json
    )


@app.command()
def clear(
    version: str,
    cleared: bool = typer.Option(..., "--yes/--no", help="Whether the licence allows the intended use."),
    as_json: Json = False,
) -> None:
    """Record the legal decision on a version's licence (model@version)."""
    from core.registry import clear_licence

    with acting() as (platform, actor), platform.work(actor) as work:
        clear_licence(work, version=version, cleared=cleared)
    word = "cleared" if cleared else "not cleared"
    done({"version": version, "cleared": cleared}, f"The licence of {version} is {word}.", as_json=as_json)


@app.command("list")
def list_versions(as_json: Json = False) -> None:
    """List every model version."""
    import sqlalchemy as sa

    from core.tables import Model, ModelVersion

    query = sa.select(ModelVersion, Model).join(Model, Model.id == ModelVersion.model_id).order_by(Model.name)
    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {
                "version": f"{owner.name}@{row.version}",
                "origin": owner.origin,
                "licence": row.licence,
                "licence_cleared": row.licence_cleared,
                "digest": row.digest[:12] if not as_json else row.digest,
                "id": row.id,
            }
            for row, owner in session.execute(query)
        ]
    columns = ("version", "origin", "licence", "licence_cleared", "digest")
    show(rows, columns, as_json=as_json, empty="No model is registered yet.")


@app.command("show")
def show_version(version: str, as_json: Json = False) -> None:
    """Show one version with everything it was made from."""
    from core.lookup import find_version, lineage
    from core.tables import Model, record_of

    with acting() as (platform, _), platform.reading() as session:
        row = find_version(session, version)
        parents = [
            f"{relation}: {session.get_one(Model, parent.model_id).name}@{parent.version} ({parent.licence})"
            for relation, parent in lineage(session, row)
        ]
        detail({**record_of(row), "lineage": parents}, as_json=as_json)
