"""A study by language models, against a real server: what passes, and what no model can talk around."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.chat_server import (
    FITTED,
    Script,
    carry_out,
    study,
)
from support.vlm import Server, serve  # noqa: F401

from core.runners.base import Manifest
from core.runners.scientist.writing import unresolved

pytestmark = pytest.mark.needs_tool("bwrap")
Serve = Callable[..., Server]


def output(manifest: Manifest, role: str) -> Path:
    return next(item.path for item in manifest.outputs if item.role == role)


def loaded(manifest: Manifest, role: str) -> Any:
    return json.loads(output(manifest, role).read_text(encoding="utf-8"))


def told(manifest: Manifest) -> dict[str, Any]:
    return manifest.facts["study"]  # type: ignore[return-value]


def test_a_study_runs_from_protocol_to_manuscript(tmp_path: Path, serve: Serve):  # noqa: F811
    script = Script(Code={"code": FITTED, "explanation": "Logistic regression."})
    manifest = carry_out(study(tmp_path, serve(script)), tmp_path)

    results = loaded(manifest, "results")
    assert 0.9 < results["models"]["radius"]["auc"] < 1
    assert (results["n"], results["events"]) == (569, 212)
    record = loaded(manifest, "provenance")
    assert record["untraced"] == []
    import yaml

    protocol = yaml.safe_load(output(manifest, "protocol").read_text(encoding="utf-8"))
    assert unresolved(record, {"results": results, "protocol": protocol}) == []
    assert f"{results['models']['radius']['auc']:.3f}" in output(manifest, "manuscript_md").read_text(encoding="utf-8")
    assert output(manifest, "manuscript").read_bytes().startswith(b"%PDF")
    facts = told(manifest)
    assert facts["success"]["no_error"]
    assert facts["success"]["quantitative_results"]
    assert facts["success"]["loss_falls"] is None
    assert facts["numbers"]["total"] == facts["numbers"]["traced"] > 5
    assert {check["check"]: check["status"] for check in facts["leakage"]}["patient_overlap"] == "pass"
    assert facts["cost"]["tokens_in"] == 900 * sum(script.asked.values())
    calls = [json.loads(line) for line in output(manifest, "calls").read_text(encoding="utf-8").splitlines()]
    assert len(calls) == sum(script.asked.values())
    assert set(script.asked.values()) == {1}
