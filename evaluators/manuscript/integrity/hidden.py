"""Text that a reader does not see, and text in sight that instructs a machine which reads the paper.

Hidden instructions to language-model reviewers were found in preprints in 2025 (arXiv:2507.06185); the readers of
this package keep hidden text apart, so that no judge sees it as the paper.
"""

from __future__ import annotations

import re

from evaluators.manuscript.document import HiddenText, Manuscript
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.reported import passages

MOST, LONGEST_QUOTE = 40, 240
FEW_LETTERS = 25
"""Hidden text of fewer letters is more often a slip of the typesetting than a message."""

_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.]{0,30}\b(?:previous|prior|above|preceding|earlier|all|other|your)\b"
    r"[^.]{0,30}\b(?:instructions?|prompts?|guidelines|directions|commands)\b"
    r"|\b(?:give|write|return|output|provide|generate|assign|produce)\b[^.]{0,40}"
    r"\b(?:positive|favou?rable|glowing|good)\b[^.]{0,12}\b(?:reviews?|feedback|ratings?|assessments?)\b"
    r"|\b(?:give|assign|award|output|return)\b[^.]{0,30}\b(?:highest|maximum|top|perfect|high)\b[^.]{0,12}"
    r"\b(?:scores?|ratings?|marks?|grades?)\b"
    r"|\brecommend\b\s(?:\w+\s){0,2}(?:acceptance|accepting|accept\s(?:this|the)\s(?:paper|work|manuscript))"
    r"|\b(?:paper|work|manuscript)\b must be accepted\b"
    r"|\bdo not (?:highlight|mention|report|raise|include|point out)\b[^.]{0,25}"
    r"\b(?:negatives?|weakness\w*|limitations?|flaws?|problems)"
    r"|\b(?:LLM|AI|GPT|language model)[- ](?:based )?(?:reviewers?|judges?|evaluators?)\b[^.]{0,12}:",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"prompt[- ]?injection|jailbreak|adversarial prompt|hidden (?:prompt|instruction)|"
    r"injected (?:prompt|instruction)|red[- ]team",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\bcomment\b", re.IGNORECASE)


def orders(text: str) -> str:
    """The words of a text that order a reviewing machine about; empty when there are none."""
    match = _ORDERS.search(" ".join(text.split())[:20_000])
    return match[0] if match else ""


def _hidden(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    found = [_finding(rule, one) for one in manuscript.hidden[:MOST]]
    amount = f"{manuscript.pages} pages" if manuscript.pages else f"the {manuscript.source} source"
    looked = manuscript.pages or sum(1 for _ in passages(manuscript))
    if not looked:
        return rule.not_checked("no text could be read")
    said = f"looked for hidden text in {amount}; {len(manuscript.hidden)} stretches found"
    return rule.checked(looked, found, said, {"found": len(manuscript.hidden)})


def _finding(rule: Rule, hidden: HiddenText) -> Finding:
    text = " ".join(hidden.text.split())
    why = hidden.why.rstrip(".")
    ordered = orders(text)
    letters = sum(char.isalpha() for char in text)
    if ordered:
        severity, sure = Severity.HIGH, 0.95
        message = f"Text that a reader does not see ({why}) instructs whoever reads the paper by machine."
    elif _COMMENT.search(why) or letters < FEW_LETTERS:
        severity, sure = Severity.LOW, 0.5
        message = f"There is text that a reader does not see ({why})."
    else:
        severity, sure = Severity.MEDIUM, 0.7
        message = f"There is text that a reader does not see ({why}); it may have been meant for machines."
    evidence: dict[str, object] = {"why": hidden.why, "letters": letters, "orders": ordered}
    return Finding(rule.name, severity, message, hidden.place, _quote(hidden.text), confidence=sure, evidence=evidence)


def _quote(text: str) -> str:
    return text.strip()[:LONGEST_QUOTE].strip()


def _in_sight(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    looked, found = 0, []
    texts = list(passages(manuscript))
    about = any(_ABOUT.search(text) for text, _ in texts)
    for text, place in texts:
        looked += 1
        ordered = orders(text)
        if ordered:
            severity, sure = (Severity.NOTE, 0.2) if about else (Severity.MEDIUM, 0.6)
            message = "A sentence reads like an instruction to a machine that reviews the paper."
            quote = ordered if ordered in text else _quote(text)
            found.append(Finding(rule.name, severity, message, place, quote, confidence=sure))
    if not looked:
        return rule.not_checked("no text could be read")
    return rule.checked(looked, found[:MOST], f"looked at {looked} sentences and table cells")


RULES = (
    Rule(
        "hidden-text",
        "No text that a reader does not see",
        "1",
        "Lin 2025, arXiv:2507.06185",
        "White, tiny, covered or invisible text is read by machines but not by people; instructions in it try to "
        "steer a review.",
        _hidden,
    ),
    Rule(
        "instructions-in-sight",
        "No instructions to a reviewing machine",
        "1",
        "Lin 2025, arXiv:2507.06185",
        "A paper reports; it does not tell a reviewer which score to give.",
        _in_sight,
    ),
)
