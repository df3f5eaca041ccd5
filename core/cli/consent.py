"""`greenlight consent`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from core.cli.output import Json, done, show
from core.cli.session import acting
from core.errors import InputError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def subject(
    name: str,
    kind: str = typer.Option("performer", help="performer or cohort"),
    union: str | None = typer.Option(None, help="Union that the performer belongs to."),
    minor: bool | None = typer.Option(None, "--minor/--adult"),
    deceased: bool | None = typer.Option(None, "--deceased/--living"),
    notice_at: str | None = typer.Option(None, help="When notice was given, ISO 8601."),
    as_json: Json = False,
) -> None:
    """Register a performer or a cohort."""
    from core.consents import create_subject

    with acting() as (platform, actor), platform.work(actor) as work:
        row = create_subject(
            work, name=name, kind=kind, union=union, minor=minor, deceased=deceased, notice_at=_moment(notice_at)
        )
    done({"id": row.id, "name": row.name}, f"'{name}' is registered.", as_json=as_json)


@app.command()
def record(
    subject: str,
    project: str = typer.Option(...),
    use: list[str] = typer.Option(..., help="REMOVAL, ALTERATION, REPLICA ...; repeat for several."),
    description: str = typer.Option(..., help="What exactly is allowed."),
    instrument: str = typer.Option("rider", help="The paper: rider, contract, release form ..."),
    given_by: str = typer.Option(..., help="Who signed it."),
    given_by_role: str = typer.Option("self", help="self, authorised_representative or union"),
    signed_at: str = typer.Option(..., help="When it was signed, ISO 8601."),
    expires_at: str | None = None,
    territory: str | None = None,
    separately_signed: bool | None = typer.Option(None, "--separately-signed/--not-separate"),
    conspicuous: bool | None = typer.Option(None, "--conspicuous/--inconspicuous"),
    evidence: Path | None = typer.Option(None, help="The signed paper itself."),
    as_json: Json = False,
) -> None:
    """Record what a subject allows in a project."""
    from core.consents import record_consent

    signed = _moment(signed_at)
    assert signed is not None  # noqa: S101 - the option is required
    with acting() as (platform, actor), platform.work(actor) as work:
        row = record_consent(
            work,
            subject=subject,
            project=project,
            instrument=instrument,
            description=description,
            uses=use,
            given_by=given_by,
            given_by_role=given_by_role,
            signed_at=signed,
            separately_signed=separately_signed,
            conspicuous=conspicuous,
            territory=territory,
            expires_at=_moment(expires_at),
            evidence=evidence,
        )
    done({"id": row.id}, f"Recorded as {row.id}: {', '.join(row.uses)}.", as_json=as_json)


@app.command()
def revoke(consent: str, reason: str = typer.Option(...), as_json: Json = False) -> None:
    """Record that a consent was taken back."""
    from core.consents import revoke_consent

    with acting() as (platform, actor), platform.work(actor) as work:
        row = revoke_consent(work, consent=consent, reason=reason)
    done({"id": row.id, "revoked_at": row.revoked_at}, "It covers nothing from now on.", as_json=as_json)


@app.command()
def subjects(as_json: Json = False) -> None:
    """List the performers and cohorts with their ids."""
    import sqlalchemy as sa

    from core.tables import Subject, record_of

    with acting() as (platform, _), platform.reading() as session:
        rows = [record_of(row) for row in session.scalars(sa.select(Subject).order_by(Subject.name, Subject.id))]
    columns = ("name", "kind", "union", "minor", "deceased", "id")
    show(rows, columns, as_json=as_json, empty="Nobody is registered yet.")


@app.command("list")
def list_consents(as_json: Json = False) -> None:
    """List every consent."""
    import sqlalchemy as sa

    from core.tables import Consent, Project, Subject

    query = (
        sa.select(Consent, Subject.name, Project.name)
        .join(Subject, Subject.id == Consent.subject_id)
        .join(Project, Project.id == Consent.project_id)
        .order_by(Consent.signed_at)
    )
    with acting() as (platform, _), platform.reading() as session:
        rows = [
            {
                "id": row.id,
                "subject": subject,
                "project": project,
                "uses": row.uses,
                "signed_at": row.signed_at,
                "expires_at": row.expires_at,
                "revoked_at": row.revoked_at,
            }
            for row, subject, project in session.execute(query)
        ]
    columns = ("subject", "project", "uses", "signed_at", "expires_at", "revoked_at", "id")
    show(rows, columns, as_json=as_json, empty="No consent is recorded yet.")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"'{text}' is no date", "write it as 2026-07-01 or 2026-07-01T09:30:00+00:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
