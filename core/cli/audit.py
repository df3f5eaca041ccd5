"""`greenlight audit`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import typer

from core.cli.output import Json, done, emit, say, show
from core.cli.session import acting, opened
from core.errors import InputError, TamperingFound

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(
    checkpoint: list[Path] = typer.Option([], help="A checkpoint that was kept elsewhere; repeat for several."),
    as_json: Json = False,
) -> None:
    """Recompute every event, record, checkpoint and artifact; exit code 7 when anything differs."""
    from core.audit.checkpoint import open_checkpoint
    from core.audit.verify import verify as verify_log

    notes = tuple(_read(path) for path in checkpoint)
    with opened() as platform, platform.reading() as session:
        for note in notes:
            # A slip in the path is told as one; who signed it is for the verification to judge.
            with suppress(TamperingFound):
                open_checkpoint(note, platform.key.public)
        report = verify_log(session, platform.store, platform.key.public, outside_checkpoints=notes)
    findings = [{"where": finding.where, "what": finding.what} for finding in report.findings]
    counts = {
        "events": report.events,
        "records": report.records,
        "checkpoints": report.checkpoints,
        "artifacts": report.artifacts,
    }
    if as_json:
        emit({"intact": report.intact, "root": report.root, **counts, "findings": findings})
    else:
        say(", ".join(f"{count} {name}" for name, count in counts.items()) + " were recomputed.")
        show(findings, ("where", "what"), as_json=False, empty="")
        changed = "1 thing is" if len(findings) == 1 else f"{len(findings)} things are"
        say(
            f"Intact. Root {report.root}" if report.intact else f"{changed} not what was recorded.",
            "bold green" if report.intact else "bold red",
        )
    if not report.intact:
        raise typer.Exit(7)


@app.command("list")
def list_events(
    subject: str | None = typer.Option(None, help="Only events about this id."),
    last: int = typer.Option(30, min=1, help="How many of the newest."),
    as_json: Json = False,
) -> None:
    """List what happened, newest last."""
    import sqlalchemy as sa

    from core.tables import AuditEvent

    query = sa.select(AuditEvent).order_by(AuditEvent.index.desc()).limit(last)
    if subject:
        query = query.where(AuditEvent.subject == subject)
    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {"index": row.index, "at": row.at, "action": row.action, "subject": row.subject, "actor": row.actor}
            for row in reversed(list(session.scalars(query)))
        ]
    show(rows, ("index", "at", "action", "subject", "actor"), as_json=as_json, empty="Nothing happened yet.")


@app.command()
def checkpoint(
    to: Path = typer.Option(..., help="Folder to write to, best on another machine."), as_json: Json = False
) -> None:
    """Sign the log as it stands and write the checkpoint out of the database's reach."""
    from core.checkpoints import export_checkpoint

    with acting() as (platform, actor), platform.work(actor) as work:
        path = export_checkpoint(work, to)
    done({"path": path}, f"Keep {path} where the database's owner cannot change it.", as_json=as_json)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(f"the checkpoint {path} cannot be read", "check the path") from error
