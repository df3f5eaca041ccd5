"""What a dataset card says, as the facts that policies judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from core.runners.scientist.protocol.schema import DatasetCard


def card_facts(card: DatasetCard, results: Mapping[str, object] | None = None) -> dict[str, object]:
    """A card as plain facts; `rows` and `patients` are None until the data were read."""
    flow = cast("Mapping[str, object]", results["flow"]) if results else {}
    return {
        "name": card.name,
        "title": card.title,
        "source": card.source,
        "modality": card.modality,
        "rights": card.rights.licence,
        "rights_evidence": card.rights.evidence,
        "deidentification": card.deidentification.basis,
        "consent_basis": card.consent.basis,
        "split_by": card.split_by.column or "row_is_patient",
        "not_recorded": list(card.not_recorded),
        "rows": flow.get("assessed"),
        "patients": flow.get("patients"),
    }
