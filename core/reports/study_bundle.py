"""The files of a study that its sealed dossier carries: the manuscript and what its numbers rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.artifacts import ArtifactStore
from core.canonical import canonical_json
from core.reports.annotated import annotate
from core.reports.sealing import Attachment

CARRIED = {
    "manuscript": ("manuscript.pdf", "The manuscript", "application/pdf"),
    "results": ("results.json", "Every recorded number of the study", "application/json"),
    "provenance": ("provenance.json", "Where each number of the manuscript comes from", "application/json"),
    "protocol": ("protocol.yaml", "The protocol that was run", "application/yaml"),
    "code": ("code.py", "The program that computes the results", "text/x-python"),
}
MOST_BYTES = 16 << 20


def attached(store: ArtifactStore, evidence: Mapping[str, Any]) -> Iterator[Attachment]:
    """Yield the files to attach, byte for byte; none for a clip.

    A file of more than 16 MiB, and a PDF that would act by itself when it is opened, stay in the artifact store; their
    digests stand in the dossier.
    """
    if not isinstance(evidence["facts"].get("study"), Mapping):
        return
    acts = _acts(evidence["facts"])
    for role, (name, what, media_type) in CARRIED.items():
        sha256 = evidence["outputs"].get(role)
        if sha256 is None or (role == "manuscript" and acts):
            continue
        with store.open(sha256) as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) <= MOST_BYTES:
            yield Attachment(name, data, what, media_type)


def marked(
    store: ArtifactStore, evidence: Mapping[str, Any], evaluation: Mapping[str, Any] | None
) -> Iterator[Attachment]:
    """Yield the manuscript with its findings highlighted, and all findings as data; nothing where there is none."""
    findings = (evaluation or {}).get("findings") or []
    sha256 = evidence["outputs"].get("manuscript")
    if not findings or sha256 is None:
        return
    yield Attachment("findings.json", canonical_json(findings), "What the integrity rules found", "application/json")
    with TemporaryDirectory() as folder:
        annotated = annotate(store.fetch(sha256, Path(folder) / "manuscript.pdf"), findings)
    if annotated.pdf is not None and len(annotated.pdf) <= MOST_BYTES:
        what = "The manuscript with the findings highlighted"
        yield Attachment("manuscript-findings.pdf", annotated.pdf, what, "application/pdf")


def _acts(facts: Mapping[str, Any]) -> bool:
    """Whether the manuscript was made elsewhere and holds parts that act by themselves, such as a script."""
    runner = (facts.get("output") or {}).get("runner") or {}
    return bool((runner.get("pdf") or {}).get("active"))
