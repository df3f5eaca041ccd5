"""What is known of a study made elsewhere, for policies and reports: mostly that nobody knows.

None means unknown. What the framework claims about its own paper is no fact: its review stays out of here.
"""

from __future__ import annotations

from core.runners.scientist.runs.detect import Found
from core.runners.scientist.runs.pdf import PdfFacts
from core.runners.scientist.runs.record import Account, Search
from core.runners.scientist.runs.results import UNNAMED, count
from core.runners.scientist.runs.tree import Tree, shown

UNCHECKED = ("patient_overlap", "duplicates", "target_leakage", "scaling_before_split", "preparation", "time")
SUCCESS = ("loss_falls", "no_gradient_explosion", "valid_weights")
UNKNOWN_OF_DATA = ("modality", "rights", "deidentification", "consent_basis", "split_by", "rows", "patients")
NO_DATA = "The study was made elsewhere: its data and its fitting are not here."
MOST_DATASETS, MOST_MISSING = 100, 200


def study_facts(account: Account, search: Search, kind: Found | None, tree: Tree, pdf: PdfFacts) -> dict[str, object]:
    """The manifest's facts: `study` in the form that all runners of studies share, and the run's size."""
    found = count(account.runs)
    cost = account.cost
    return {
        "study": {
            "backend": "elsewhere",
            "mode": None,
            "framework": account.framework,
            "protocol_sha256": None,
            "deviations": None,
            "datasets": _datasets(account),
            "leakage": [{"check": check, "status": "not_checked", "detail": NO_DATA} for check in UNCHECKED],
            "success": {
                "no_error": account.no_error,
                **dict.fromkeys(SUCCESS),
                "quantitative_results": _has_results(found, search, kind),
            },
            "ethics": {"status": "not_reviewed", "by": None, "notes": []},
            "numbers": {"total": None, "traced": None},
            "cost": {
                "tokens_in": cost.tokens_in,
                "tokens_out": cost.tokens_out,
                "usd": cost.usd,
                "seconds": None,
            },
            "missing": [part.sentence for part in search.parts if part.status != "found"][:MOST_MISSING],
        },
        "recorded_metrics": found,
        "files": len(tree.sizes),
        "bytes": tree.total,
        "pdf": pdf.to_json(),
    }


def _datasets(account: Account) -> list[dict[str, object]] | None:
    """The data sets that the results name; what they are, nobody has said."""
    names = dict.fromkeys(name for datasets in account.runs.values() for name in datasets if name != UNNAMED)
    return [{"name": shown(name), **dict.fromkeys(UNKNOWN_OF_DATA)} for name in list(names)[:MOST_DATASETS]] or None


def _has_results(found: int, search: Search, kind: Found | None) -> bool | None:
    """Whether numbers were recorded; unknown for a lone manuscript, and where a part could not be read."""
    if found:
        return True
    unknown = kind is None or any(part.status == "unreadable" for part in search.parts)
    return None if unknown else False
