"""`greenlight asset`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, detail, done, say, show
from core.cli.session import acting, pairs
from core.errors import InputError

if TYPE_CHECKING:
    from core.tables import Asset

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def add(
    folder: Path,
    project: str = typer.Option(..., help="Project that it belongs to."),
    name: str | None = typer.Option(None, help="Another name than the folder's."),
    unmasked: bool = typer.Option(False, "--unmasked", help="The mask is still to be made."),
    as_json: Json = False,
) -> None:
    """Take in a clip: a folder with input_video.mp4, quadmask_0.mp4 (or trimask_quadmask.mp4) and prompt.json."""
    from core.masks import create_unmasked_clip
    from core.registry import create_clip

    take_in = create_unmasked_clip if unmasked else create_clip
    with acting() as (platform, actor):
        row = take_in(platform, actor, project=project, folder=folder, name=name)
    facts = row.facts
    sentence = f"Asset '{row.name}': {facts['frames']} frames of {facts['width']}x{facts['height']}."
    done({"id": row.id, "name": row.name, "facts": facts, "notes": row.notes}, sentence, as_json=as_json)
    for note in () if as_json else row.notes:
        say(f"Note: {note}", "yellow")


@app.command()
def mask(
    asset: str,
    quadmask: Path = typer.Option(..., help="The corrected mask, losslessly encoded."),
    name: str = typer.Option(..., help="Name of the new asset."),
    author_note: str = typer.Option(..., help="What you changed, and why."),
    as_json: Json = False,
) -> None:
    """Take in a mask made or edited by hand, as a new asset of the same clip."""
    from core.masks import correct_mask

    with acting() as (platform, actor):
        row = correct_mask(platform, actor, asset=asset, quadmask=quadmask, name=name, note=author_note)
    _masked(row, as_json)


@app.command("from-mask")
def from_mask(
    job: str,
    name: str = typer.Option(..., help="Name of the new asset."),
    author_note: str = typer.Option("", help="What you checked."),
    as_json: Json = False,
) -> None:
    """Take the mask that a mask job made, as a new asset of the job's clip."""
    from core.masks import take_mask

    with acting() as (platform, actor):
        row = take_mask(platform, actor, job=job, name=name, note=author_note)
    _masked(row, as_json)


@app.command()
def declare(
    asset: str,
    person: list[str] = typer.Option([], help="subject=removed|affected|visible; repeat for several."),
    nobody: bool = typer.Option(False, "--nobody", help="State that nobody is visible."),
    basis: str = typer.Option(..., help="How you know, such as 'watched the whole clip'."),
    as_json: Json = False,
) -> None:
    """Say who is visible in a clip and what the edit does to them."""
    from core.consents import declare_persons

    if bool(person) == nobody:
        raise InputError("the declaration is unclear", "name each --person, or say --nobody")
    with acting() as (platform, actor), platform.work(actor) as work:
        row = declare_persons(work, asset=asset, persons=pairs(person, "person"), basis=basis)
    said = f"{len(row.persons)} persons are declared." if row.persons else "It is declared that nobody is visible."
    done({"id": row.id, "persons": row.persons}, said, as_json=as_json)


@app.command("list")
def list_assets(as_json: Json = False) -> None:
    """List the assets."""
    import sqlalchemy as sa

    from core.tables import Asset, Project

    query = sa.select(Asset, Project.name).join(Project, Project.id == Asset.project_id).order_by(Asset.created_at)
    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {
                "name": row.name,
                "project": project,
                "kind": row.kind,
                "frames": row.facts.get("frames"),
                "size": f"{row.facts['width']}x{row.facts['height']}" if "width" in row.facts else None,
                "id": row.id,
                "digest": row.digest,
            }
            for row, project in session.execute(query)
        ]
    show(rows, ("name", "project", "kind", "frames", "size", "id"), as_json=as_json, empty="There is no asset yet.")


@app.command("show")
def show_asset(asset: str, as_json: Json = False) -> None:
    """Show one asset: its files, its mask, and who is declared."""
    from core.lookup import asset_files, current_declaration, find
    from core.reviews.seeing import refuse_blind
    from core.tables import Asset, record_of

    with acting() as (platform, actor), platform.reading() as session:
        row = find(session, Asset, asset)
        refuse_blind(session, actor, row.id)
        declaration = current_declaration(session, row)
        files = {role: item.sha256 for role, item in asset_files(session, row).items()}
        declared = "nobody has said who is visible" if declaration is None else declaration.persons
        detail({**record_of(row), "files": files, "persons": declared}, as_json=as_json)


def _masked(row: Asset, as_json: bool) -> None:
    changed = row.facts["mask"]["changed_share"]
    told = "its first mask" if changed is None else f"{changed:.3%} of all pixels changed"
    sentence = f"Asset '{row.name}': {told}. Say anew who is visible: 'greenlight asset declare'."
    done({"id": row.id, "name": row.name, "facts": row.facts, "notes": row.notes}, sentence, as_json=as_json)
    for note in () if as_json else row.notes:
        say(f"Note: {note}", "yellow")
