"""Small protocols, and a research group beside the studio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from core import registry
from core.studies import approve, create_study
from support.studio import Studio

GROUP = "Research"
AGREEMENTS = ("clinical-research", "part-11")
VERSION = "study-protocol@1"


def small_protocol(**changes: Any) -> dict[str, Any]:
    """A protocol on the smaller built-in dataset with the fewest folds, which runs in seconds."""
    card = {
        "name": "diabetes",
        "title": "Diabetes progression",
        "source": "sklearn:diabetes",
        "modality": "ehr",
        "description": "Ten baseline measurements of 442 patients and a measure of disease progression a year later.",
        "rights": {"licence": "BSD-3-Clause", "evidence": "distributed with scikit-learn"},
        "deidentification": {"basis": "published_without_identifiers", "detail": "measurements only"},
        "consent": {"basis": "public_dataset", "detail": "published with the article that describes it"},
        "split_by": {"row_is_patient": "each row is one patient"},
    }
    usual = {
        "schema": "greenlight.protocol/1",
        "id": "small",
        "title": "Baseline measurements and progression",
        "question": "How well do two baseline measurements predict progression?",
        "context_of_use": "Retrospective methods evaluation; no care rests on it.",
        "datasets": [card],
        "outcome": {
            "column": "progression",
            "kind": "continuous",
            "title": "disease progression",
            "definition": "a quantitative measure of progression one year after baseline",
        },
        "predictors": ["bmi", "bp"],
        "models": [{"name": "ridge", "title": "Ridge regression", "kind": "ridge", "grid": {"strength": [1.0]}}],
        "validation": {"outer_folds": 2, "inner_folds": 2, "repeats": 1, "seed": 1},
        "statistics": {"primary": "rmse", "replicates": 200},
    }
    return {**usual, **changes}


def write_protocol(folder: Path, content: Mapping[str, Any] | None = None) -> Path:
    """Write a protocol as a user has it and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "protocol.yaml").write_text(yaml.safe_dump(content or small_protocol(), sort_keys=False))
    return folder


def found_group(studio: Studio) -> None:
    """Add the group's project and the version that stands for the protocol backend."""
    with studio.platform.work(studio.people["manager"]) as work:
        registry.create_project(work, name=GROUP, kind="study", agreements=AGREEMENTS)
    with studio.platform.work(studio.people["engineer"]) as work:
        registry.create_model(work, name="study-protocol", origin="builtin")
        registry.create_version(
            work, model="study-protocol", version="1", licence="Apache-2.0", network_egress=False, card={}
        )


def take_in(studio: Studio, folder: Path, **changes: Any) -> str:
    """Take in a small study and return its asset's id."""
    path = write_protocol(folder, small_protocol(**changes))
    return create_study(studio.platform, studio.people["engineer"], project=GROUP, path=path, name=folder.name).id


def approved(studio: Studio, asset: str, by: str = "clinical") -> str:
    """Approve a study as the clinical lead."""
    proof = studio.proof(by)
    with studio.platform.work(studio.people[by]) as work:
        return approve(work, proof, asset, "Question, data, ethics and analysis are in order.").id
