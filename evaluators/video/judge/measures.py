"""What the judge's answers are called, and why no gate may rest on them.

Both are DIAGNOSTIC: a language model's score moves with presentation, favours its own kind, cannot be traced to pixels
and can be talked to through a frame. It may show a person where to look; a policy pack that set a threshold on it would
let the judged clip speak for itself.
"""

from __future__ import annotations

from evaluators.base import Direction, Measure

VERSION = "1"
HOUSE = "median of a vision-language model's answers on a five-step scale / 4; this package's prompts"

CAUSALITY = Measure(
    "judge_causality", "Judge: cause and support", "score", Direction.DIAGNOSTIC, 0, 1, HOUSE, VERSION,
    "How plausible a vision-language model finds what moves, rests or vanishes after the removal; 1 is best.",
)  # fmt: skip
RESIDUE = Measure(
    "judge_residue", "Judge: traces of the object", "score", Direction.DIAGNOSTIC, 0, 1, HOUSE, VERSION,
    "How free of the object, its shadow and its reflection a vision-language model finds the result; 1 is best.",
)  # fmt: skip
JUDGE_MEASURES = (CAUSALITY, RESIDUE)
