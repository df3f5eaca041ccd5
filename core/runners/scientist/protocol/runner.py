"""`protocol`: carry out a pre-specified study without any language model and compose its manuscript.

Inputs: `protocol` (YAML), and `data` (CSV) where the dataset card says `source: file`. Everything that the manuscript
states is in `results`; `provenance` says where.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from core.errors import InputError, RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.scientist.protocol.code import reproduction
from core.runners.scientist.protocol.schema import Mode, ReadProtocol, read_protocol

if TYPE_CHECKING:
    from core.runners.scientist.protocol.study import Study

FILES = {
    "manuscript": ("manuscript.pdf", "application/pdf"),
    "manuscript_md": ("manuscript.md", "text/markdown"),
    "manuscript_tex": ("manuscript.tex", "text/x-tex"),
    "results": ("results.json", "application/json"),
    "provenance": ("provenance.json", "application/json"),
    "protocol": ("protocol.yaml", "application/yaml"),
    "log": ("log.jsonl", "application/x-ndjson"),
    "environment": ("environment.json", "application/json"),
    "predictions": ("predictions.csv", "text/csv"),
    "code": ("reproduce.py", "text/x-python"),
}
"""Name and media type of each output by role."""


class ProtocolRunner:
    """The embedded default study. The parameter `mode` replaces the protocol's own."""

    name = "protocol"
    version = "1"
    needs = Needs(memory=1 << 30)
    produces = "manuscript"

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Carry the protocol out; `RunFailed` for a protocol or data that cannot be used."""
        from core.runners.scientist.protocol.compose import compose
        from core.runners.scientist.protocol.figures import figures
        from core.runners.scientist.protocol.study import carry_out
        from core.runners.scientist.writing import provenance, to_latex, to_markdown, to_pdf

        source = specification.inputs.get("protocol")
        if source is None or not source.is_file():
            raise RunFailed("the runner 'protocol' has no protocol", "submit a study asset with a protocol.yaml")
        log = _Log(context)
        try:
            plan = read_protocol(source)
            mode = _mode(specification, plan)
            study = carry_out(plan, specification.inputs.get("data"), log.tell)
        except InputError as error:
            raise RunFailed(error.what, error.next_step) from error
        log.tell(0.88, "drawing the figures and composing the manuscript")
        pictures = figures(study)
        draft = compose(study, pictures)
        record = provenance(draft)
        log.tell(0.93, "writing the manuscript")
        contents: dict[str, bytes] = {
            "manuscript": to_pdf(draft),
            "manuscript_md": to_markdown(draft).encode(),
            "manuscript_tex": to_latex(draft).encode(),
            "results": _json(study.results),
            "provenance": _json(record),
            "protocol": source.read_bytes(),
            "environment": _json(_environment()),
            "code": reproduction(plan).encode(),
        }
        if study.predictions is not None:
            contents["predictions"] = predictions_csv(study)
        log.tell(1.0, "done")
        outputs = [_write(context.folder, role, data) for role, data in {**contents, "log": log.content()}.items()]
        outputs += [_picture(context.folder, name, data) for name, data in pictures.items()]
        return Manifest(tuple(outputs), {"study": _facts(study, mode, record, log.seconds)}, _notes(study))


class _Log:
    """The steps as they happen: each line is written when the next step begins, with the seconds that it took."""

    def __init__(self, context: RunContext) -> None:
        self._context, self._lines = context, list[str]()
        self._started = time.monotonic()
        self._step: tuple[str, float, str] | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    def tell(self, done: float, what: str) -> None:
        """Begin a step; raises `Cancelled` when somebody asked the job to stop."""
        self._close()
        self._step = (what, self.seconds, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        self._context.progress(done, what)

    def content(self) -> bytes:
        """All lines."""
        self._close()
        return "".join(self._lines).encode()

    def _close(self) -> None:
        if self._step is not None:
            what, began, at = self._step
            line = {
                "step": len(self._lines) + 1,
                "started_at": at,
                "seconds": round(self.seconds - began, 3),
                "what": what,
            }
            self._lines.append(json.dumps(line) + "\n")
            self._step = None


def _mode(specification: RunSpecification, plan: ReadProtocol) -> Mode:
    mode = specification.parameters.get("mode", plan.protocol.mode)
    if mode not in get_args(Mode):
        raise RunFailed(f"there is no mode '{mode}'", f"choose one of {', '.join(get_args(Mode))}")
    return cast("Mode", mode)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _write(folder: Path, role: str, data: bytes) -> RunOutput:
    name, media_type = FILES[role]
    path = folder / name
    path.write_bytes(data)
    return RunOutput(role, path, media_type)


def _picture(folder: Path, name: str, data: bytes) -> RunOutput:
    path = folder / f"figure_{name}.png"
    path.write_bytes(data)
    return RunOutput(f"figure_{name}", path, "image/png")


def _environment() -> dict[str, object]:
    """Python, platform and every installed distribution."""
    import platform
    from importlib.metadata import distributions

    installed = {one.name: one.version for one in distributions()}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "distributions": dict(sorted(installed.items(), key=lambda item: item[0].lower())),
    }


def predictions_csv(study: Study) -> bytes:
    """Each analysed row of each repetition: its number in the source (from 1), fold, outcome and predictions."""
    assert study.predictions is not None  # noqa: S101 - the caller has looked
    predictions, cohort = study.predictions, study.cohort
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["repetition", "row", "patient", "fold", "observed", *predictions.values])
    for repeat, folds in enumerate(predictions.folds):
        of_row = {int(row): number for number, (_train, test) in enumerate(folds, 1) for row in test}
        columns = [values[repeat].tolist() for values in predictions.values.values()]
        for row, predicted in enumerate(zip(*columns, strict=True)):
            place = [repeat + 1, int(cohort.rows[row]) + 1, int(cohort.patient[row]) + 1, of_row[row]]
            writer.writerow([*place, cohort.y[row].item(), *predicted])
    return text.getvalue().encode()


def _facts(study: Study, mode: Mode, record: Mapping[str, object], seconds: float) -> dict[str, object]:
    """What policies and reports read; None means unknown."""
    from core.runners.scientist.protocol.cards import card_facts

    numbers, untraced = (cast("list[object]", record[key]) for key in ("numbers", "untraced"))
    cards = study.plan.protocol.datasets
    return {
        "backend": "protocol",
        "mode": mode,
        "framework": None,
        "protocol_sha256": study.plan.sha256,
        "deviations": study.results["deviations"],
        "datasets": [card_facts(card, study.results if number == 0 else None) for number, card in enumerate(cards)],
        "leakage": study.results["leakage"],
        "success": study.success,
        "ethics": {"status": "not_reviewed", "by": None, "notes": _ethics(study)},
        "numbers": {"total": len(numbers) + len(untraced), "traced": len(numbers)},
        "cost": {"tokens_in": 0, "tokens_out": 0, "usd": 0.0, "seconds": round(seconds, 3)},
        "missing": [] if study.predictions is not None else ["predictions"],
    }


def _ethics(study: Study) -> list[str]:
    statement = study.plan.protocol.ethics
    return [statement] if statement else ["the protocol makes no statement on ethics"]


def _notes(study: Study) -> tuple[str, ...]:
    notes = ["Composed by a program from recorded results; no language model took part."]
    if study.stopped:
        notes.append(f"The study was stopped before any model was fitted: {study.stopped}.")
    failed = [check.check.replace("_", " ") for check in study.leakage if check.status == "fail"]
    if failed:
        notes.append(f"Checks for leakage failed: {', '.join(failed)}.")
    return tuple(notes)
