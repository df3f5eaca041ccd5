"""Ablations: what the text says of removing a part against the row of the table without that part."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Sentence, Table
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.facts import Fact, facts
from evaluators.manuscript.integrity.prose import around, own_sentences
from evaluators.manuscript.integrity.tabular import OWN, header_of
from evaluators.manuscript.integrity.vocabulary import measures_in, words

_WITHOUT = re.compile(
    r"^\s*(w/o|w\.o\.|without|no|minus|−|–|-|remov\w+|ablat\w+|drop\w*|disabl\w+|"
    r"excluding)[\s:_-]+(the )?(?P<part>.+)$|"
    r"^(?P<other>.+?)\s*(removed|ablated|disabled|off)\s*$",
    re.IGNORECASE,
)
_REMOVING = re.compile(
    r"\b(remov(ing|al of|es?)|without|disabl(ing|es?)|dropping|omitting|ablating|excluding|discarding|eliminating)\s+"
    r"(?P<what>(the |an? |unstable |proposed )*[\w/ -]{2,60}?)"
    r"(?=\s+(\w+ly\s+)?(also |further )?(?P<verb>improv|increas|boost|unlock|help|enhanc|rais|benefit|reduc|"
    r"decreas|degrad|"
    r"drop|lower|hurt|worsen|harm|lead|result|caus|yield|produc|deteriorat|impair|diminish))",
    re.IGNORECASE,
)
_GOOD = re.compile(r"\b(improv|boost|unlock|help|enhanc|benefit|better|gain|rais|increas)\w*", re.IGNORECASE)
_BAD = re.compile(
    r"\b(reduc|decreas|degrad|drop|lower|hurt|worse|worsen|harm|deteriorat|impair|diminish|declin|loss of|fall)\w*",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(not|no|never|neither|fails? to|without|little|slight\w*|negligib\w*|marginal\w*)\b", re.IGNORECASE
)
_PRONOUN = re.compile(r"^(it|this|them|these|this (component|module|term|loss|part))$", re.IGNORECASE)
_ON, _OFF = frozenset("✓✔√") | {"yes"}, frozenset("×✗✘✕x") | {"no"}
_COMMON = words(
    "formulation component module branch term loss the current unstable proposed dynamics model part head of"
)


class Removal(NamedTuple):
    """A row of a table without one part, beside the row with all parts."""

    table: Table
    part: str
    worse: int
    """In how many measures of known direction the row is worse than the whole."""
    better: int
    pairs: tuple[tuple[Fact, Fact], ...]
    """The whole's fact and the row's for each measure."""


def examine(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Compare what sentences say of a removal with the signs in the table."""
    removed = removals(facts(manuscript))
    if not removed:
        return rule.not_checked("no table has a row without a part beside the whole")
    looked, found = 0, list[Finding]()
    for sentence in own_sentences(manuscript):
        for removal, start, end, good in claims(sentence, removed):
            looked += 1
            finding = _contradicted(rule, sentence, removal, (start, end), good)
            found += [finding] if finding is not None else []
    if not looked:
        return rule.not_checked("no sentence says what the removal of a part of an ablation table does")
    return rule.checked(looked, found, f"{looked} statements on removals against {len(removed)} rows without a part")


def removals(known: Sequence[Fact]) -> list[Removal]:
    """The rows of ablation tables that leave one part out, each with its signs against the whole."""
    found = []
    tables = {id(fact.entry.table): fact.entry.table for fact in known}
    for key, table in tables.items():
        here = [fact for fact in known if id(fact.entry.table) == key]
        names = list(dict.fromkeys(fact.name for fact in here))
        whole = next((name for name in names if OWN.search(name)), None)
        parts = {name: part for name in names if (part := _part(table, name, here)) and name != whole}
        for name, part in parts.items():
            if whole is not None and list(parts.values()).count(part) == 1:
                found.append(_signs(table, part, here, whole, name))
    return found


def _part(table: Table, name: str, here: Sequence[Fact]) -> str | None:
    """What a row leaves out: by its name, or by the only cross among its ticks."""
    match = _WITHOUT.match(name)
    if match:
        return (match["part"] or match["other"]).replace("_", " ").strip()
    row = next(table.cells[fact.entry.cell.row] for fact in here if fact.name == name)
    crosses = [cell.column for cell in row if cell.text.strip() in _OFF]
    ticks = [cell for cell in row if cell.text.strip() in _ON]
    return header_of(table, crosses[0]) if len(crosses) == 1 and ticks else None


def _signs(table: Table, part: str, here: Sequence[Fact], whole: str, name: str) -> Removal:
    pairs, worse, better = [], 0, 0
    for row in (fact for fact in here if fact.name == name):
        same = [f for f in here if f.name == whole and f.entry.cell.column == row.entry.cell.column]
        if same and row.better:
            sign = 1 if row.better == "higher" else -1
            apart = sign * (row.number.value - same[0].number.value)
            worse, better = worse + (apart < 0), better + (apart > 0)
            pairs.append((same[0], row))
    return Removal(table, part, worse, better, tuple(pairs))


def claims(sentence: Sentence, removed: Sequence[Removal]) -> Iterator[tuple[Removal, int, int, bool]]:
    """What a sentence says of a removal: the row, the stretch of text, and whether it says that removal helps."""
    text = sentence.text
    for match in _REMOVING.finditer(text):
        said = re.split(r"[;.]|, (?:while|whereas|but|although)\b|\bby\b", text[match.end("what") :])[0][:120]
        what = match["what"].strip()
        direction = None if _DENIED.search(what) else _says(said)
        about = text[: match.start()] if _PRONOUN.match(what) else what
        rows = [removal for removal in removed if _named(removal.part, about)]
        if direction is not None and len({plain_part(r.part) for r in rows}) == 1:
            for removal in rows[:1]:
                yield removal, match.start(), min(len(text), match.end("what") + len(said)), direction


def _says(said: str) -> bool | None:
    """Whether the words after a removal say that it helps (True) or harms (False); None where that is not clear."""
    good, bad = _GOOD.search(said), _BAD.search(said)
    if good is None and bad is None:
        return None
    first = min((m for m in (good, bad) if m is not None), key=lambda m: m.start())
    if _DENIED.search(said[: first.start()]):
        return None
    measures = [measure for start, _, measure in measures_in(said) if start >= first.start()]
    lower = bool(measures) and measures[0].better == "lower"
    rising = re.match(r"increas|rais", first[0], re.IGNORECASE)
    falling = re.match(r"reduc|decreas|drop|lower|declin|fall", first[0], re.IGNORECASE)
    if lower and (rising or falling):
        return falling is not None
    return first is good


def plain_part(part: str) -> frozenset[str]:
    """The words that tell one part from another."""
    return words(part) - _COMMON or words(part)


def _named(part: str, about: str) -> bool:
    told = words(about)
    return bool(plain_part(part)) and all(any(_alike(w, t) for t in told) for w in plain_part(part))


def _alike(word: str, told: str) -> bool:
    """Whether two words are one, also British and American, or plural and singular."""
    return word == told or (len(word) > 3 and {word, told} in ({"centre", "center"}, {"centres", "centers"}))


def _contradicted(
    rule: Rule, sentence: Sentence, removal: Removal, span: tuple[int, int], good: bool
) -> Finding | None:
    against = removal.worse if good else removal.better
    agreeing = removal.better if good else removal.worse
    if against == 0 or agreeing >= against:
        return None
    whole, row = removal.pairs[0]
    does = "helps" if good else "harms"
    change = f"{whole.called} goes from {whole.number.text} to {row.number.text}"
    where = removal.table.label or "the table"
    message = (
        f"The text says that removing {removal.part} {does}, but in {where} {against} of {against + agreeing} measures "
        f"say the opposite: {change}."
    )
    evidence = {
        "part": removal.part,
        "measures": [
            {"measure": w.measure.name, "with": w.number.text, "without": r.number.text} for w, r in removal.pairs
        ],
    }
    expected = f"removing {removal.part} {'lowers' if good else 'raises'} performance"
    confidence = 0.9 if agreeing == 0 else 0.6
    severity = Severity.HIGH if agreeing == 0 else Severity.MEDIUM
    return Finding(
        rule.name, severity, message, sentence.place, around(sentence.text, *span), expected, confidence, evidence
    )


RULES = (
    Rule(
        "ablation-sign",
        "Ablations against their table",
        "1",
        "Internal consistency of reported results",
        "If the text says that leaving a part out helps or harms, the row without it must say so too.",
        examine,
    ),
)
