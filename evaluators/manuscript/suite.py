"""Everything that is measured on a manuscript without a reader: findings by severity, numbers traced, rules applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.manuscript.findings import Inputs, Report, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.integrity.registry import rules
from evaluators.manuscript.logged import RunLog, read_run

if TYPE_CHECKING:
    from evaluators.manuscript.document import Manuscript

EVALUATOR, VERSION = "manuscript-integrity", "1"
LONGEST_TITLE = 300
SOURCE = "Deterministic integrity checks of a manuscript; each rule names its own source"
Progress = Callable[[float, str], None]


def _counted(name: str, title: str, meaning: str) -> Measure:
    return Measure(name, title, "findings", Direction.LOWER, 0, None, SOURCE, VERSION, meaning)


FINDINGS = {
    Severity.HIGH: _counted(
        "findings_high",
        "Findings of high severity",
        "How often the paper contradicts arithmetic, itself or its own run.",
    ),
    Severity.MEDIUM: _counted(
        "findings_medium",
        "Findings of medium severity",
        "How often the paper states something that its material does not support.",
    ),
    Severity.LOW: _counted("findings_low", "Findings of low severity", "How many weaknesses of reporting were found."),
}
PROVENANCE = Measure(
    "provenance_share",
    "Share of numbers traced to the run",
    "share",
    Direction.HIGHER,
    0,
    1,
    SOURCE,
    VERSION,
    "Which share of the printed numbers of two or more decimals comes from what the run logged.",
)
APPLIED = Measure(
    "rules_checked",
    "Rules that could be checked",
    "share",
    Direction.DIAGNOSTIC,
    0,
    1,
    SOURCE,
    VERSION,
    "Which share of the integrity rules had what they need; what was not checked is not clean.",
)


@dataclass(frozen=True)
class ManuscriptResult:
    """A paper as read, what the rules said, and the measurements that follow."""

    manuscript: Manuscript
    report: Report
    evaluations: tuple[Evaluation, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Findings, checks and measurements as plain JSON values; the paper itself stays out."""
        paper = self.manuscript
        return {
            "manuscript": {
                "title": paper.title,
                "source": paper.source,
                "pages": paper.pages,
                "sha256": paper.sha256,
                "sections": [section.title for section in paper.sections],
                "tables": len(paper.tables),
                "figures": len(paper.figures),
                "references": len(paper.references),
            },
            **self.report.to_json(),
            "findings": [finding.to_json() for finding in self.report.findings],
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
            "notes": list(self.notes),
        }


def manuscript_measures() -> tuple[Measure, ...]:
    """Every measure that an evaluation of a manuscript holds."""
    return (*FINDINGS.values(), PROVENANCE, APPLIED)


def evaluate_manuscript(
    path: str | Path, run: str | Path | None = None, *, today: date | None = None, progress: Progress | None = None
) -> ManuscriptResult:
    """Read a paper and apply every rule; `run` is the folder, or results file, that it was written from.

    Raises `EvaluatorError` where the paper or the run cannot be read.
    """
    from evaluators.manuscript.reading import read_manuscript

    tell = progress or (lambda _done, _what: None)
    tell(0.0, "reading the manuscript")
    manuscript = read_manuscript(path)
    tell(0.5, "reading the run" if run else "checking the manuscript")
    log = read_run(Path(run), paper=Path(path)) if run else None
    return evaluate_read(manuscript, log, today=today, progress=tell)


def evaluate_read(
    manuscript: Manuscript, run: RunLog | None = None, *, today: date | None = None, progress: Progress | None = None
) -> ManuscriptResult:
    """Apply every rule to a paper that was read."""
    tell = progress or (lambda _done, _what: None)
    tell(0.6, "checking the manuscript")
    report = check_manuscript(manuscript, Inputs(run=run, today=today or date.today()))
    tell(1.0, "done")
    return ManuscriptResult(manuscript, report, (_evaluation(manuscript, report),), report.notes)


def _evaluation(manuscript: Manuscript, report: Report) -> Evaluation:
    checked = [check for check in report.checks if check.status == "checked"]
    share = len(checked) / len(report.checks)
    measurements = (
        *(_findings(report, severity, measure, len(checked)) for severity, measure in FINDINGS.items()),
        _provenance(report),
        Measurement(APPLIED, share, count=len(report.checks), count_of="rules", evidence=_reasons(report)),
    )
    parameters = {"title": manuscript.title[:LONGEST_TITLE], "rules": [check.rule for check in report.checks]}
    return Evaluation(EVALUATOR, _version(report), measurements, report.notes, parameters)


def _version(report: Report) -> str:
    """Changes with every rule that was applied, so that a figure of other rules is never taken for the same."""
    known = {rule.name: rule.version for rule in rules()}
    applied = [[check.rule, known.get(check.rule, "")] for check in report.checks]
    return f"{VERSION}-{hashlib.sha256(json.dumps(applied).encode()).hexdigest()[:12]}"


def _findings(report: Report, severity: Severity, measure: Measure, checked: int) -> Measurement:
    if not checked:
        return absent(measure, "no rule could be checked")
    found = [finding.to_json() for finding in report.findings if finding.severity is severity]
    return Measurement(measure, len(found), count=checked, count_of="rules", evidence={"findings": found})


def _provenance(report: Report) -> Measurement:
    check = report["number-provenance"]
    share = check.evidence.get("share")
    if not isinstance(share, int | float):
        return absent(PROVENANCE, check.reason)
    return Measurement(PROVENANCE, share, count=check.looked_at, count_of="numbers", evidence=check.evidence)


def _reasons(report: Report) -> dict[str, object]:
    return {"not_checked": {check.rule: check.reason for check in report.checks if check.status == "not_checked"}}
