"""`greenlight report`."""

from __future__ import annotations

from pathlib import Path

import typer

from core.cli.output import Json, done
from core.cli.session import acting, opened

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def make(release: str, to: Path = typer.Option(Path(), help="Folder to write to."), as_json: Json = False) -> None:
    """Make the sealed dossier of a release as it stands: a PDF, and the same as accessible HTML."""
    from core.reports.dossier import make_dossier, write_dossier

    with acting() as (platform, actor):
        pdf, html = write_dossier(make_dossier(platform, actor, release), to)
    done(
        {"pdf": pdf, "html": html},
        f"The sealed dossier is {pdf}; to read it in a browser open {html}.",
        as_json=as_json,
    )


@app.command()
def check(file: Path, as_json: Json = False) -> None:
    """Check the seal of a dossier over every byte; exit code 7 when it does not hold."""
    from core.reports.dossier import check_dossier

    with opened() as platform:
        report = check_dossier(platform, file)
    record = {"holds": report.holds, "signed_at": report.signed_at, "record_sha256": report.record_sha256}
    done(record, f"The seal holds: made {report.signed_at:%Y-%m-%d %H:%M:%S} UTC, every byte covered.", as_json=as_json)
