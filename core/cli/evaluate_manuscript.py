"""`greenlight evaluate manuscript`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from core.cli.output import Json, emit, say, show

if TYPE_CHECKING:
    from evaluators.manuscript.findings import Check, Finding, Report
    from evaluators.manuscript.suite import ManuscriptResult

STYLES = {"high": "bold red", "medium": "bold yellow", "low": "cyan", "note": "dim"}


def manuscript(
    file: Path = typer.Argument(..., help="A paper: PDF, LaTeX or Markdown."),
    run: Path | None = typer.Option(None, help="The folder, or results file, of the run that the paper tells of."),
    highlight: Path | None = typer.Option(None, help="Also write a copy of a PDF with the findings highlighted."),
    as_json: Json = False,
) -> None:
    """Check a paper's numbers, statistics, citations and figures, without the registry."""
    from core.cli.worker import progress_bars
    from core.jobs.worker import Sign
    from evaluators.manuscript.suite import evaluate_manuscript

    if highlight is not None:
        _can_highlight(file, highlight)
    with progress_bars(quiet=as_json) as observer:
        result = evaluate_manuscript(file, run, progress=lambda done, message: observer(Sign(file.name, done, message)))
    if as_json:
        emit(result.to_json())
    else:
        _show(result, "" if run else "; name its folder with --run")
    if highlight is not None and (told := _write_highlighted(file, highlight, result)) and not as_json:
        say(told)


def _can_highlight(file: Path, target: Path) -> None:
    """Refuse before any work what cannot be highlighted after it."""
    from core.errors import InputError
    from evaluators.manuscript.reading import main_file, source_of

    paper = main_file(file)
    if source_of(paper) != "pdf":
        raise InputError("only a PDF can be highlighted", "give the paper as a PDF, or leave out --highlight")
    if target.exists() and target.samefile(paper):
        raise InputError(f"{target} is the paper itself", "name another file for the copy")


def _write_highlighted(file: Path, target: Path, result: ManuscriptResult) -> str:
    """Write the copy and return the sentence that tells of it; a paper without a finding gets none."""
    from core.errors import InputError
    from core.reports.annotated import annotate
    from evaluators.manuscript.reading import main_file

    if not result.report.findings:
        return f"There is nothing to highlight, so {target} was not written."
    made = annotate(main_file(file), [finding.to_json() for finding in result.report.findings])
    if made.pdf is None:
        raise InputError(f"{file.name} is not highlighted: {made.reason}", "leave out --highlight")
    target.write_bytes(made.pdf)
    return f"The findings are highlighted in {target}."


def _show(result: ManuscriptResult, without_run: str) -> None:
    for finding in result.report.findings:
        _show_finding(finding)
    if not result.report.findings:
        say("No finding.")
        say("")
    rows = [_row(check) for check in result.report.checks]
    show(rows, ("rule", "status", "looked_at", "findings", "what"), as_json=False, empty="No rule.")
    say("")
    say(_counts(result.report))
    say(_provenance(result, without_run))
    for note in result.notes:
        say(f"Note: {note}", "yellow")


def _show_finding(finding: Finding) -> None:
    place = finding.place
    where = f"page {place.page}" if place.page else f"line {place.line}" if place.line else place.section or "the paper"
    say(f"{finding.severity.upper()}  {finding.rule}, {where}: {finding.message}", STYLES[finding.severity])
    say(f'    "{finding.quote}"')
    if finding.expected:
        say(f"    expected: {finding.expected}")
    say(f"    confidence {finding.confidence:.0%}", "dim")
    say("")


def _row(check: Check) -> dict[str, object]:
    clean = check.status == "checked"
    return {
        "rule": check.rule,
        "status": "checked" if clean else "not checked",
        "looked_at": check.looked_at if clean else "",
        "findings": len(check.findings) if clean else "",
        "what": check.reason,
    }


def _counts(report: Report) -> str:
    """How many findings of each severity there are, and how many rules could be checked at all."""
    from evaluators.manuscript.findings import SEVERITIES

    found = [f"{report.count(name)} {name}" for name in SEVERITIES if report.count(name)]
    checked = sum(check.status == "checked" for check in report.checks)
    return f"Findings: {', '.join(found) or 'none'}. {checked} of {len(report.checks)} rules had what they need."


def _provenance(result: ManuscriptResult, without_run: str) -> str:
    found = result.evaluations[0]["provenance_share"]
    if found.value is None:
        return f"Numbers traced to the run: not checked: {found.reason}{without_run}."
    return f"Numbers traced to the run: {found.value:.1%} of {found.count}."
