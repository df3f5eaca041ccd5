"""Pure judgement: facts and a pack in, verdicts out."""

from policies.engine import Assessment, Evidence, Status, Verdict, judge
from policies.errors import FactsError, OperandError, PackError, PolicyError
from policies.explain import headline
from policies.pack import Control, Pack, builtin_ids, builtin_in_force, load_builtin
from policies.waivers import Waiver, subject_sha256

__all__ = [
    "Assessment",
    "Control",
    "Evidence",
    "FactsError",
    "OperandError",
    "Pack",
    "PackError",
    "PolicyError",
    "Status",
    "Verdict",
    "Waiver",
    "builtin_ids",
    "builtin_in_force",
    "headline",
    "judge",
    "load_builtin",
    "subject_sha256",
]
