"""The full study of the video measures: what they notice, how surely, and where they fail.

Writes `docs/qualification/report.html` and `report.json`. Unlike its neighbours it takes about half an hour on two
cores; the measures' figures do not depend on the machine, the time does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from evaluators.qualification.corruptions import in_group
from evaluators.qualification.report import write_report
from evaluators.qualification.study import Plan, run_study
from evaluators.qualification.wording import OWN_SCORE

FOLDER = Path(__file__).parent.parent / "docs" / "qualification"
PROCESSES = 2


def main() -> int:
    """Run the study, write the report, print each score's figures."""
    plan, started = Plan(), time.monotonic()
    scenes = len(plan.seeds) * (len(plan.development) + len(plan.held_out))
    print(
        f"{scenes} scenes of {plan.frames} frames at {plan.size[0]}x{plan.size[1]}, {PROCESSES} processes", flush=True
    )

    def progress(done: float, message: str) -> None:
        print(f"{done:4.0%}  {time.monotonic() - started:5.0f} s  {message}", flush=True)

    result = run_study(plan=plan, workers=PROCESSES, progress=progress)
    page = write_report(result, FOLDER, page_name="report.html", json_name="report.json", clips=False)
    for corruption in in_group(*OWN_SCORE):
        row = result.row(OWN_SCORE[corruption.group], corruption.name)
        doses = " ".join("-" if value is None else f"{value:.2f}" for value in row.by_severity)
        auc = "not measured" if row.auc.value is None else f"{row.auc.value:.3f}"
        print(f"{corruption.name:16} {row.measure:13} ROC-AUC {auc}  by dose {doses}")
    print(f"lazy removers last in {result.baselines_last.value or 0:.0%} of the scenes; {page}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
