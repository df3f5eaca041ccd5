"""`greenlight policy`."""

from __future__ import annotations

import typer

from core.cli.output import Json, done, emit, say, show
from core.cli.session import acting

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_packs(as_json: Json = False) -> None:
    """List the policy packs."""
    from policies import builtin_ids, load_builtin

    packs = [load_builtin(name) for name in builtin_ids()]
    rows = [
        {
            "id": pack.id,
            "version": pack.version,
            "title": pack.title,
            "status": pack.status,
            "controls": len(pack.controls),
        }
        for pack in packs
    ]
    show(rows, ("id", "version", "title", "status", "controls"), as_json=as_json, empty="There are no packs.")


@app.command("show")
def show_pack(pack: str, as_json: Json = False) -> None:
    """Show what a pack demands, in plain sentences."""
    from policies import load_builtin

    loaded = load_builtin(pack)
    rows = [
        {
            "control": control.id,
            "severity": control.severity,
            "gates": list(control.gates),
            "demands": control.plain_text,
            "title": control.title,
        }
        for control in loaded.controls
    ]
    if not as_json:
        say(f"{loaded.title}, version {loaded.version} ({loaded.status})", "bold")
    show(rows, ("control", "severity", "gates", "demands"), as_json=as_json, empty="It has no controls.")


@app.command()
def lint(pack: str, as_json: Json = False) -> None:
    """Check that every control of a pack can fail, cites its source and never passes without evidence."""
    from policies import load_builtin
    from policies.lint import lint as lint_pack

    findings = list(lint_pack(load_builtin(pack)))
    if as_json:
        emit([str(finding) for finding in findings])
    for finding in () if as_json else findings:
        say(f"  - {finding}")
    if findings:
        raise typer.Exit(1)
    if not as_json:
        say("Nothing was found.", "green")


@app.command()
def check(
    job: str, gate: str = typer.Option("release", help="submit, release or export"), as_json: Json = False
) -> None:
    """Judge a job's case as it stands and print every verdict; exit code 4 when the gate stays closed."""
    from core.gates import judge_case
    from core.lookup import find
    from core.releases import verified
    from core.tables import Job

    with acting() as (platform, actor):
        audit = verified(platform, job) if gate != "submit" else None
        with platform.work(actor) as work:
            decision = judge_case(work, find(work.session, Job, job), gate, audit=audit)
    rows = [
        {
            "pack": assessment.pack_id,
            "control": verdict.control_id,
            "status": verdict.status.value,
            "severity": verdict.severity,
            "sentence": verdict.sentence,
            "next_step": verdict.next_step,
        }
        for assessment in decision.assessments
        for verdict in assessment.verdicts
    ]
    if as_json:
        done({"opens": decision.opens, "headline": decision.headline, "verdicts": rows}, "", as_json=True)
    else:
        show(rows, ("pack", "control", "status", "severity", "sentence"), as_json=False, empty="Nothing was judged.")
        say(decision.headline, "bold")
    if not decision.opens:
        raise typer.Exit(4)
