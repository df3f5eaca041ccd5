"""The words in which facts, values and results are told to people who do not program."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from policies.digests import plain

PHRASES: Mapping[str, str] = {
    "ai_use.exception_code": "which exception from consent is claimed, or that none is",
    "ai_use.kind": "what kind of AI use this is",
    "ai_use.network_egress": "whether the tool sends material to an outside service",
    "ai_use.script_delta": "how far the change departs from the script",
    "approval": "whether somebody approved the protocol",
    "approval.asset_sha256": "for which protocol and data the approval was given",
    "approval.at": "when the protocol was approved",
    "approval.by": "who approved the protocol",
    "approval.protocol_sha256": "which protocol was approved",
    "asset.context_of_use": "the context of use",
    "asset.kind": "whether the input is a clip, a study or a run made elsewhere",
    "asset.mask.exact": "whether the mask holds only its four exact values",
    "asset.mask.shares.127": "whether the mask marks anything as affected by the removal",
    "asset.mode": "which mode the protocol is written for",
    "asset.protocol_sha256": "which protocol is submitted",
    "asset.question": "the question of interest",
    "asset.sha256": "the digest of the input's files",
    "at": "the moment of this judgement",
    "attestations": "which signed determinations exist",
    "audit.verified": "whether the audit trail was recomputed and found intact",
    "datasets": "which datasets the study uses",
    "datasets[].consent_basis": "on what basis each dataset may be used without asking anew",
    "datasets[].deidentification": "how each dataset was freed of identifiers",
    "datasets[].rights": "under which terms each dataset may be used",
    "datasets[].split_by": "by what each dataset is divided",
    "decisions": "what people decided at the run's gates",
    "decisions[].decision": "whether each gate was approved or rejected",
    "decisions[].gate": "at which gate each decision was made",
    "decisions[].role": "in which role each decision was made",
    "gate": "which gate is asked for",
    "job.started_at": "when the job first started",
    "job.status": "whether the job finished",
    "measurements": "what was measured",
    "measurements.findings_high.value": "how many findings in the manuscript are of high severity",
    "measurements.preservation_psnr.qualified": "whether the measure of kept pixels was studied",
    "measurements.provenance_share.value": "what share of the manuscript's numbers leads to the run",
    "measurements.removal_residue.qualified": "whether the measure of what is left was studied",
    "measurements.warp_error_ratio.qualified": "whether the measure of steadiness was studied",
    "model.licence_cleared": "whether the model's licence and those of its base models are cleared",
    "model.lineage": "which base models the model descends from",
    "model.lineage[].licence": "the licence of each base model",
    "model.lineage[].licence_cleared": "whether the licence of each base model is cleared",
    "other_runs": "what else was run on the same input",
    "other_runs[].status": "how the other runs ended",
    "output.length_matches": "whether the output has as many frames as the input",
    "output.sha256": "which output is judged",
    "output.size_matches": "whether the output has the input's picture size",
    "persons.basis": "how it was found out who is visible",
    "persons.declared_at": "when it was declared who is visible",
    "persons.declared_by": "who declared which persons are visible",
    "persons.list": "who is visible in the picture",
    "persons.list[].consents": "which consents each person has given",
    "persons.list[].consents[].expires_at": "when each consent expires, or that it does not",
    "persons.list[].consents[].project": "for which project each consent was given",
    "persons.list[].consents[].revoked_at": "whether each consent was revoked",
    "persons.list[].consents[].signed_at": "when each consent was signed",
    "persons.list[].consents[].uses": "which uses each consent allows",
    "persons.list[].name_shown": "the name of each person",
    "persons.list[].subject": "which person in the register each visible person is",
    "persons.list[].treatment": "whether each person is removed, affected or only visible",
    "persons.list[].union": "which union each person belongs to",
    "project.final_deliverable": "whether the output goes into the final deliverables",
    "project.first_photography": "the date of first photography",
    "project.id": "which project this belongs to",
    "project.strikes": "whether a union has called a strike that touches this production",
    "project.strikes[].ends_at": "when each strike ends, or that it goes on",
    "project.strikes[].starts_at": "when each strike starts",
    "project.strikes[].union": "which union called each strike",
    "purpose": "whether this is an internal trial or meant for release",
    "records.evidence_sha256": "the digest of the evidence that was put up for signing",
    "reviews.checklists": "how far the reporting checklists are filled",
    "reviews.disputes": "on how many items reviewers differ and nobody has decided",
    "reviews.people": "which people reviewed the manuscript",
    "reviews.people[].by": "who reviewed the manuscript",
    "reviews.people[].output_sha256": "which manuscript each review is about",
    "reviews.people[].role": "in which role each review was given",
    "signatures": "which signatures exist",
    "signatures[].at": "when each signature was given",
    "signatures[].authenticated_at": "when each signer last proved their identity",
    "signatures[].by_name": "the printed name of each signer",
    "signatures[].decision": "whether each signer signed or declined",
    "signatures[].meaning": "the meaning of each signature",
    "signatures[].record_sha256": "the record to which each signature is bound",
    "signatures[].role": "in which role each signature was given",
    "study.backend": "what carried the study out",
    "study.deviations": "whether the run deviated from the protocol",
    "study.deviations[].what": "what each deviation is",
    "study.deviations[].why": "why each deviation was made",
    "study.ethics.status": "how the ethics review ended",
    "study.leakage": "which checks for leakage were made",
    "study.leakage[].passed": "whether each check for leakage passed",
    "study.mode": "in which mode the study was run",
    "study.numbers.total": "how many numbers the manuscript states",
    "study.numbers.traced": "how many numbers of the manuscript were traced",
    "study.protocol_sha256": "which protocol was run",
    "study.success.loss_falls": "whether the loss fell",
    "study.success.no_error": "whether the run ended without error",
    "study.success.no_gradient_explosion": "whether the gradients stayed finite",
    "study.success.quantitative_results": "whether the run left figures",
    "study.success.valid_weights": "whether the weights are valid",
    "submitter.id": "who submitted the job",
    "tools.enterprise_secured": "whether the tool runs in an enterprise-secured environment",
    "tools.stores_production_data": "whether the tool stores production data",
    "tools.trains_on_production_data": "whether the tool trains on production data",
    "users.signers_distinct": "whether the signers are different people",
    "users.submitter_signed_approval": "whether the submitter signed an approval",
}
ROLE_WORDS: Mapping[str, str] = {
    "administrator": "administrator",
    "auditor": "auditor",
    "clinical_lead": "clinical lead",
    "engineer": "engineer",
    "legal_lead": "legal lead",
    "release_manager": "release manager",
}
ABBREVIATIONS = frozenset({"ai", "id", "psnr", "ssim", "lpips", "fps"})
SEPARATORS = re.compile(r"[._]+")
MAX_SHOWN = 120


def phrase(path: str) -> str:
    """Say what a fact is about; a path without its own phrase is spelled in words."""
    if path in PHRASES:
        return PHRASES[path]
    if path.startswith("measurements."):
        return f"what the measure '{words(path.removeprefix('measurements.').removesuffix('.value'))}' says"
    return f"what is recorded as '{words(path.replace('[]', ''))}'"


def words(identifier: str) -> str:
    """Turn an identifier into words: `motion_ratio` becomes `motion ratio`."""
    if identifier in ROLE_WORDS:
        return ROLE_WORDS[identifier]
    parts = SEPARATORS.sub(" ", identifier).split()
    return " ".join(part.upper() if part in ABBREVIATIONS else part for part in parts)


def listing(items: Iterable[str], word: str = "and") -> str:
    """Join for reading: `A, B and C`; repeated items are named once."""
    distinct = list(dict.fromkeys(items))
    if len(distinct) < 2:
        return "".join(distinct)
    return f"{', '.join(distinct[:-1])} {word} {distinct[-1]}"


def shown(value: object) -> str:
    """Write a fact's value for a reader, on one line and not too long."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return listing(shown(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return f"a record of {len(value)} entries"
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"


def brief(value: object) -> object:
    """Return what a trace keeps of a value: a plain scalar as it is, a container by its size."""
    if isinstance(value, list | tuple):
        scalars = [item for item in value if isinstance(item, str | bool | int | float)]
        return plain(scalars) if len(scalars) == len(value) else {"entries": len(value)}
    if isinstance(value, Mapping):
        return {"entries": len(value)}
    return value


def capital(sentence: str) -> str:
    """Start a sentence with a capital letter and leave the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def full_stop(sentence: str) -> str:
    """End a sentence with exactly one mark."""
    text = sentence.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."
