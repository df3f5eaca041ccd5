"""The text against the tables: a number in a sentence that names a row and a measure must be the cell's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluators.manuscript.document import Manuscript, Number, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.facts import Fact, Mention, changes, facts, is_change, mentions, own_measures, same
from evaluators.manuscript.integrity.prose import bound_measure, own_sentences, quoted, tells_change
from evaluators.manuscript.integrity.vocabulary import MeasureWord

CLOSE = 0.3
"""Relative distance within which a number is taken for a misprint of the cell that its sentence names."""
_OTHER_WAY = re.compile(r"\b(epoch|step|iteration|threshold|early|initially|validation|train(ing)?)\b", re.IGNORECASE)


def examine(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Compare each number that a sentence gives for a named row and measure with the tables' cells."""
    known = facts(manuscript)
    if not known:
        return rule.not_checked("no table names a measure that a sentence could repeat")
    looked, found = 0, list[Finding]()
    for sentence in own_sentences(manuscript):
        seen, findings = _in_sentence(rule, sentence, known)
        looked += seen
        found += findings
    if not looked:
        return rule.not_checked("no sentence repeats a number of the tables under its name")
    return rule.checked(looked, found, f"{looked} numbers of the text that name a measure of the tables")


def _in_sentence(rule: Rule, sentence: Sentence, known: Sequence[Fact]) -> tuple[int, list[Finding]]:
    text = sentence.text
    named = mentions(text, (fact.name for fact in known if fact.name))
    own = own_measures(known)
    looked, found = 0, list[Finding]()
    for number in sentence.numbers:
        if not _states_value(text, number):
            continue
        measure = bound_measure(text, number, own)
        column = [fact for fact in known if fact.measure == measure]
        if measure is None or not column:
            continue
        if any(same(number, fact.number) for fact in column if not named or fact.name in {m.name for m in named}):
            looked += 1
        name = bound_name(text, number, sentence.numbers, named, own)
        cells = [fact for fact in column if name is not None and fact.name == name]
        if not cells or any(same(number, fact.number) for fact in cells):
            continue
        finding = _misstated(rule, sentence, number, cells, column)
        if finding is not None:
            looked += 1
            found.append(finding)
    return looked, found


def _states_value(text: str, number: Number) -> bool:
    if (
        not number.is_result
        or number.role in ("p", "n", "low", "high")
        or number.relation in ("<", ">", "<=", ">=", "~")
    ):
        return False
    if number.decimals < 2 and not (number.unit == "%" and number.decimals):
        return False
    return not tells_change(text, number)


def bound_name(
    text: str,
    number: Number,
    numbers: Sequence[Number],
    named: Sequence[Mention],
    own: tuple[MeasureWord, ...] = (),
) -> str | None:
    """The row or column that a number belongs to, where the sentence leaves no choice.

    "A (0.81)", "0.81 for A", lists with "respectively", or the only name of the sentence with one number for it.
    """
    values = [n for n in numbers if _states_value(text, n)]
    if "respectively" in text:
        return _by_order(text, number, values, named)
    close = [m for m in named if m.end <= number.start and re.fullmatch(r"\s*[(\[]\s*", text[m.end : number.start])]
    close = close or [
        m
        for m in named
        if number.end <= m.start and re.fullmatch(r"\s*%?\s*(for|by|with) (the )?", text[number.end : m.start])
    ]
    if close:
        return close[-1].name
    names = {m.name for m in named}
    if (
        len(names) == 1
        and len({bound_measure(text, n, own) for n in values}) == len(values)
        and not _OTHER_WAY.search(text)
    ):
        first = named[0]
        return first.name if first.start < number.start else None
    return None


def _by_order(text: str, number: Number, values: Sequence[Number], named: Sequence[Mention]) -> str | None:
    """The name at the number's place in "A, B and C obtain 1, 2 and 3, respectively", also with the names behind."""
    end = text.find("respectively", number.end)
    last = max((m.end for m in named if m.end <= number.start), default=0)
    run = [v for v in values if last < v.start < end]
    behind = [m for m in named if run and run[-1].end < m.start < end]
    listed = behind or [m for m in named if m.end <= number.start][-len(run) :]
    if number not in run or len(listed) != len(run) or len({m.name for m in listed}) != len(run):
        return None
    return listed[run.index(number)].name


def _misstated(
    rule: Rule, sentence: Sentence, number: Number, cells: Sequence[Fact], column: Sequence[Fact]
) -> Finding | None:
    if is_change(number, changes([fact.number for fact in column][:40])) and number.unit in ("%", "pp"):
        return None
    cell = min(cells, key=lambda fact: abs(fact.number.value - number.value))
    other = next((fact for fact in column if same(number, fact.number)), None)
    scale = 100 if number.unit == "%" and abs(cell.number.value) <= 1 else 1
    apart = abs(cell.number.value * scale - number.value) / max(abs(cell.number.value * scale), 1e-12)
    if other is None and apart > CLOSE:
        return None
    table = cell.entry.table.label or "the table"
    whose = f", which is the value of {other.name}" if other is not None and other.name else ""
    message = (
        f"The text gives {number.text} as {cell.called} of {cell.name}{whose}, but {table} says {cell.number.text}."
    )
    evidence = {"text": number.text, "cell": cell.entry.cell.text, "row": cell.entry.row, "column": cell.entry.column}
    quote = quoted(sentence.text, number)
    return Finding(rule.name, Severity.HIGH, message, sentence.place, quote, cell.number.text, 0.85, evidence)


RULES = (
    Rule(
        "table-text",
        "Text against tables",
        "1",
        "Internal consistency of reported results",
        "A number that the text gives for a row and a measure must be the number of that cell.",
        examine,
    ),
)
