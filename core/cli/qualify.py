"""`greenlight qualify`."""

from __future__ import annotations

from pathlib import Path

import typer

from core.cli.output import Json, done, show
from core.cli.session import acting

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
SHOWN = 0.8


@app.callback(invoke_without_command=True)
def qualify(
    quick: bool = typer.Option(False, "--quick", help="About a minute; shows the machinery, qualifies nothing."),
    to: Path = typer.Option(Path("qualification"), help="Folder for the report (HTML and JSON)."),
    record: bool = typer.Option(True, "--record/--no-record", help="Whether to keep the study in the registry."),
    workers: int = typer.Option(2, min=1, help="Processes that measure at the same time."),
    as_json: Json = False,
) -> None:
    """Spoil simulated clips on purpose and report which measures notice, how surely, and where they fail."""
    from core.access import Permission
    from core.cli.worker import progress_bars
    from core.jobs.worker import Sign
    from evaluators.qualification.report import write_report
    from evaluators.qualification.study import run_study

    if record:
        # Refused now rather than after half an hour.
        with acting() as (_platform, actor):
            actor.require(Permission.EVALUATE)
    with progress_bars(quiet=as_json) as observer:
        result = run_study(quick, lambda share, message: observer(Sign("study", share, message)), workers=workers)
    page = write_report(result, to)
    if record:
        from core.qualification import record_study

        with acting() as (platform, actor), platform.work(actor) as work:
            record_study(work, result, full=not quick)
    rows = [
        {
            "corruption": row.corruption,
            "measure": row.measure,
            "auc": row.auc.value,
            "tau": row.tau.value,
            "power": row.power.value,
            "abstained": row.abstained,
        }
        for row in result.rows
    ]
    if as_json:
        done({"report": page, "recorded": record, "rows": rows}, "", as_json=True)
        return
    noticed = [row for row in rows if isinstance(row["auc"], float) and row["auc"] >= SHOWN]
    columns = ("corruption", "measure", "auc", "tau", "power", "abstained")
    show(noticed, columns, as_json=False, empty="No measure noticed any corruption.")
    done({}, f"{len(rows)} pairs were studied; the report with every failure is {page}.", as_json=False)
