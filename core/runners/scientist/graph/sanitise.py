"""Text from models, papers, code and logs, made safe to show to a model: no hidden letters, nothing addressed to it.

This is one of two defences. The other is that no verdict counts by its word alone: `rules` checks its evidence.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

HIDDEN = ("Cc", "Cf", "Cs", "Co")
REMOVED = "[removed: text addressed to a reader of this record]"
ADDRESSED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(ignore|disregard|forget|override)\b.{0,40}\b(instructions?|prompts?|rules|rubric|guidelines|above)\b",
        r"\b(note|attention|message|instructions?|reminder)\b\s*(to|for|,|:)\s*(the|all|any|an?)?\s*"
        r"\b(ai|llm|language model|model|judge|reviewer|evaluator|assistant|grader)s?\b",
        r"\b(judge|reviewer|evaluator|grader|assistant|language model|llm|ai|you)s?\b[\s,:]{1,3}"
        r"(must|should|shall|have to|need to|are (required|asked|told|instructed) to|please|will)\s+(now\s+)?"
        r"(accept|approve|pass|recommend|rate|score|give|return|answer|respond|output|say|report|set)\b",
        r"\b(please\s+)?(accept|approve)\b\s+(this|the|our)\s+(paper|manuscript|study|work|code|run|submission)\b",
        r"\b(verdict|decision|score|rating)\b\s*[:=]\s*[\"']?(accept|approve|pass|10|5)\b",
        r"\bas an? (ai|llm|language model|reviewer|judge)\b\s*,?\s*(you|please)\b",
        r"\b(system|developer) (prompt|message)\b",
    )
)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


class Clean(NamedTuple):
    """Text without what was taken out, and what that was."""

    text: str
    removed: tuple[str, ...]


def plain(text: str) -> str:
    """Return text without control, format and private characters, which could hide words or break a record."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in HIDDEN else "" for c in text)


def addressed(text: str) -> tuple[str, ...]:
    """Return the sentences that speak to a judge, a reviewer or a model."""
    return sanitise(text).removed


def sanitise(text: str) -> Clean:
    """Take hidden characters out, and each sentence that speaks to a judge, a reviewer or a model."""
    shown = plain(text)
    removed: list[str] = []
    kept: list[str] = []
    end = 0
    for match in [*SENTENCE.finditer(shown), None]:
        sentence = shown[end : match.start() if match else len(shown)]
        folded = " ".join(unicodedata.normalize("NFKC", sentence).split())
        hit = any(pattern.search(folded) for pattern in ADDRESSED)
        removed += [folded[:200]] if hit else []
        kept += [REMOVED if hit else sentence, match.group() if match else ""]
        end = match.end() if match else end
    return Clean("".join(kept), tuple(removed))
