"""The closed forms that a judge must fill: choices from lists, a whole score, one short sentence.

Limits that JSON schemas of some servers do not know (length, agreement of the fields) are checked after the answer.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

LONGEST_REASON = 300
CLEAN = ("nothing_wrong", "nothing_left")
CANNOT_TELL = "cannot_tell"
BEST = 4


class Answer(BaseModel):
    """What both questions ask for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    finding: str
    score: Literal[0, 1, 2, 3, 4]
    sheet: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8]
    text_addressed_to_judge: bool
    reason: str

    @model_validator(mode="after")
    def _agree(self) -> Answer:
        if not 1 <= len(self.reason.strip()) <= LONGEST_REASON:
            raise ValueError(f"the reason is empty or longer than {LONGEST_REASON} characters")
        if self.finding != CANNOT_TELL and (self.finding in CLEAN) != (self.score == BEST):
            raise ValueError("the finding and the score contradict each other")
        return self


class CausalityAnswer(Answer):
    """Whether what happens after the removal has a cause."""

    finding: Literal[
        "nothing_wrong", "moves_without_cause", "hangs_without_support", "vanishes", "appears", "deforms", "cannot_tell"
    ]


class ResidueAnswer(Answer):
    """Whether a trace of the removed object is left, and where."""

    finding: Literal["nothing_left", "object", "shadow", "reflection", "outline", "several", "cannot_tell"]
    place: Literal[
        "nowhere", "top_left", "top", "top_right", "left", "centre", "right", "bottom_left", "bottom", "bottom_right"
    ]
