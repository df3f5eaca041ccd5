"""`greenlight task`."""

from __future__ import annotations

from pathlib import Path

import typer

from core.cli.output import Json, detail, done, say, show
from core.cli.session import PasswordStdin, acting, ask_password, proof_of
from core.errors import InputError

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_tasks(
    everything: bool = typer.Option(False, "--all", help="Decided ones too."), as_json: Json = False
) -> None:
    """List what waits for a person's decision."""
    import sqlalchemy as sa

    from core.tables import Task, record_of

    query = sa.select(Task).order_by(Task.asked_at, Task.id)
    if not everything:
        query = query.where(Task.decision.is_(None))
    with acting() as (platform, _), platform.reading() as session:
        rows = [record_of(row) for row in session.scalars(query)]
    columns = ("id", "gate", "question", "job_id", "asked_at", "decision", "decided_by_name")
    show(rows, columns, as_json=as_json, empty="Nothing waits for a decision.")


@app.command("show")
def show_task(
    task: str,
    to: Path | None = typer.Option(None, help="Also write its documents to this folder."),
    as_json: Json = False,
) -> None:
    """Show one question and what there is to read before it is decided."""
    from core.lookup import find
    from core.tables import Task, record_of

    with acting() as (platform, _), platform.reading() as session:
        record = record_of(find(session, Task, task))
        for document in record["documents"].values() if to else ():
            _write(platform.store.read(document["sha256"]), to, document["name"])
    if as_json:
        detail(record, as_json=True)
        return
    documents = [{"role": role, **document} for role, document in record.pop("documents").items()]
    detail(record, as_json=False)
    show(documents, ("role", "name", "media_type", "sha256"), as_json=False, empty="It has no documents.")
    if to:
        say(f"The documents are in {to}.")


@app.command()
def decide(
    task: str,
    approve: bool = typer.Option(False, "--approve", help="Let the run go on."),
    reject: bool = typer.Option(False, "--reject", help="End the run; needs a reason."),
    reason: str = typer.Option("", help="What you looked at, or what must change."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Approve or reject what a run asks, after giving your password anew; its job goes back to the queue."""
    from core.tasks import decide as decide_task

    if approve == reject:
        raise InputError("the decision is unclear", "say --approve or --reject")
    decision = "approve" if approve else "reject"
    with acting() as (platform, actor):
        proof = proof_of(platform, actor, lambda login: ask_password(password_stdin, f"Password of {login}"))
        with platform.work(actor) as work:
            row = decide_task(work, proof, task, decision, reason)
    word = "approved" if approve else "rejected"
    done(
        {"id": row.id, "decision": row.decision, "job": row.job_id}, f"{actor.name} {word} {row.gate}.", as_json=as_json
    )


def _write(data: bytes, folder: Path | None, name: str) -> None:
    assert folder is not None  # noqa: S101 - asked for only with a folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / Path(name).name).write_bytes(data)
