"""What a finished study leaves: its files by role, and the facts that policies, reports and benches read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from core.runners.base import RunOutput
from core.runners.scientist.graph.asking import spent
from core.runners.scientist.graph.brief import Brief
from core.runners.scientist.graph.ledger import Ledger
from core.runners.scientist.graph.manuscript import figures
from core.runners.scientist.graph.models import endpoint
from core.runners.scientist.graph.nodes_experiment import PREDICTIONS
from core.runners.scientist.graph.rules import success
from core.runners.scientist.graph.state import State
from core.runners.scientist.graph.study import Study
from core.runners.scientist.protocol.leakage import duplicates, patient_overlap, scaling_before_split, target_leakage
from core.runners.scientist.sandbox.lock import lock
from core.runners.scientist.writing import Draft, provenance, to_latex, to_markdown, to_pdf

JSON, NDJSON, PNG = "application/json", "application/x-ndjson", "image/png"
IDEA = ("analysis", "surveyed", "idea", "view", "assessment", "planned", "judgement", "findings", "ethics")
"""What the roles settled, as the output `idea`."""


def write_outputs(study: Study, state: State, draft: Draft) -> tuple[RunOutput, ...]:
    """Write every output into the study's folder; equal states give equal bytes, but for the environment."""
    calls, files = study.ledger.calls(), state["execution"]["files"]
    record = {name: state.get(name) for name in IDEA} | {"mode": study.brief.mode, "notes": state.get("notes", [])}
    written = [
        ("manuscript", "manuscript.pdf", to_pdf(draft), "application/pdf"),
        ("manuscript_md", "manuscript.md", to_markdown(draft).encode(), "text/markdown"),
        ("manuscript_tex", "manuscript.tex", to_latex(draft).encode(), "text/x-tex"),
        ("results", "results.json", json_bytes(state["execution"]["results"]), JSON),
        ("provenance", "provenance.json", json_bytes(provenance(draft)), JSON),
        ("protocol", "protocol.yaml", study.brief.protocol_text, "application/yaml"),
        ("log", "log.ndjson", _lines(state["log"]), NDJSON),
        ("environment", "environment.json", json_bytes(lock()), JSON),
        ("code", "code.py", state["code"].encode(), "text/x-python"),
        (
            "calls",
            "calls.ndjson",
            _lines(call.record(json.loads(study.ledger.file(call.sent))) for call in calls),
            NDJSON,
        ),
        ("idea", "idea.json", json_bytes(record), JSON),
    ]
    if PREDICTIONS in files:
        written.append(("predictions", PREDICTIONS, study.ledger.file(files[PREDICTIONS]), "text/csv"))
    written += [
        (f"figure_{name}", f"figure_{name}.png", data, PNG) for name, data in figures(state, study.ledger).items()
    ]
    return tuple(_written(study.folder, *item) for item in written)


def study_facts(study: Study, state: State, draft: Draft) -> dict[str, object]:
    """The manifest's facts: `study` in the form that all runners of studies share, and who was asked."""
    traced = provenance(draft)
    numbers, untraced = traced["numbers"], traced["untraced"]
    assert isinstance(numbers, list) and isinstance(untraced, list)  # noqa: S101, PT018 - as provenance makes them
    used, ethics = spent(study.ledger.calls()), state["ethics"]
    execution = state["execution"]
    return {
        "study": {
            "backend": "graph",
            "mode": study.brief.mode,
            "framework": None,
            "protocol_sha256": study.brief.protocol.sha256,
            "deviations": [{"what": text, "why": "stated by the engineer"} for text in state["idea"]["deviations"]],
            "datasets": _datasets(study.brief),
            "leakage": _leakage(study.brief, study.ledger, execution["files"].get(PREDICTIONS)),
            "success": success(execution["ok"], execution["results"]),
            "ethics": {
                "status": "pass",
                "by": f"language model {study.options.model_of('ethicist').model}",
                "notes": [f"{check['topic']}: {check['reason']}" for check in ethics["checks"]],
            },
            "numbers": {"total": len(numbers) + len(untraced), "traced": len(numbers)},
            "cost": {
                "tokens_in": used.tokens_in,
                "tokens_out": used.tokens_out,
                "usd": used.usd,
                "seconds": round(sum(line["seconds"] for line in state["log"]), 3),
            },
            "missing": [f"unreadable or refused: {item}" for item in execution["refused"]],
        },
        "models": _asked(study),
    }


def _asked(study: Study) -> dict[str, object]:
    """Who was asked, by role, and whether anything left this machine."""
    where = {
        role: endpoint(study.options.model_of(role), study.options.request_s)
        for role in sorted({call.role for call in study.ledger.calls()})
    }
    return {
        "roles": {role: {"model": found.model, "host": found.host} for role, found in where.items()},
        "calls": len(study.ledger.calls()),
        "network_egress": any(found.network_egress for found in where.values()),
    }


def _datasets(brief: Brief) -> list[dict[str, object]]:
    first = brief.protocol.protocol.card.name
    return [
        {
            "name": card.name,
            "modality": card.modality,
            "rights": card.rights.licence,
            "deidentification": card.deidentification.basis,
            "consent_basis": card.consent.basis,
            "split_by": card.split_by.column or ("row is patient" if card.split_by.row_is_patient else None),
            "rows": brief.cohort.n if card.name == first else None,
            "patients": brief.cohort.patients if card.name == first else None,
        }
        for card in brief.protocol.protocol.datasets
    ]


def _leakage(brief: Brief, ledger: Ledger, predictions: str | None) -> list[dict[str, object]]:
    """The checks on the data and on the folds that the protocol fixes.

    Those on the folds count only where the program's predictions show that it used them; what the program fitted
    inside a fold nobody sees from outside.
    """
    protocol, cohort = brief.protocol.protocol, brief.cohort
    found = [target_leakage(protocol, cohort).to_json(), scaling_before_split(cohort).to_json()]
    problem = "the program left no predictions" if predictions is None else _strange(brief, ledger.file(predictions))
    if problem:
        names = ("patient_overlap", "duplicates")
        found += [{"check": name, "status": "not_checked", "detail": f"Not seen: {problem}."} for name in names]
    else:
        shown = "The program's predictions are in these folds."
        found += [
            {**check.to_json(), "detail": f"{check.detail} {shown}"}
            for check in (patient_overlap(protocol, cohort, brief.splits), duplicates(cohort, brief.splits))
        ]
    inside = "The program was written by a language model; what it fitted inside its folds was not observed."
    return [*found, {"check": "preparation", "status": "not_checked", "detail": inside}]


def _strange(brief: Brief, data: bytes) -> str | None:
    """Why predictions do not show the protocol's folds, or None where they do, row for row."""
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8")))
        shown = sorted((int(row["row"]), int(row["repeat"]), int(row["fold"])) for row in rows)
    except (UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError):
        return "the program's predictions do not name row, repeat and fold"
    whole = shown == sorted(brief.assigned())
    return None if whole else "the program's predictions are not in the folds that the protocol fixes"


def json_bytes(value: object) -> bytes:
    """JSON as every output of a study is written: sorted, indented, in UTF-8."""
    return (json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False, sort_keys=True) + "\n").encode()


def _lines(records: Iterable[Mapping[str, object]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n" for record in records).encode()


def _written(folder: Path, role: str, name: str, data: bytes, media_type: str) -> RunOutput:
    path = folder / name
    path.write_bytes(data)
    return RunOutput(role, path, media_type)
