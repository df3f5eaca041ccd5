"""What a table marks as best must be best, and what the text calls best must be best in the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evaluators.manuscript.document import Manuscript, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.facts import Fact, facts, mentions
from evaluators.manuscript.integrity.prose import around, own_sentences
from evaluators.manuscript.integrity.tabular import OWN, Column, all_columns
from evaluators.manuscript.integrity.vocabulary import measures_in

SAYS_BEST = re.compile(r"\b(best|highest|top)\b[^.]*\bbold|\bbold\w*\b[^.]*\b(best|highest|top)\b", re.IGNORECASE)
_SECOND = re.compile(r"second|runner|underlin", re.IGNORECASE)
_BEST = re.compile(r"\b(the )?(best|highest|lowest|greatest|smallest)\s+$", re.IGNORECASE)
_HEDGED = re.compile(
    r"\b(not|except|although|while|whereas|but|among|second|one of|near(ly)?|comparable|if|would|baselines?)\b",
    re.IGNORECASE,
)


def examine(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Compare bold cells, and claims of being best, with the columns."""
    looked, found = 0, list[Finding]()
    for column in all_columns(manuscript):
        if column.better and _marks_best(column):
            looked += 1
            found += _bold(rule, column)
    known = facts(manuscript)
    for sentence in own_sentences(manuscript):
        for finding in _claims(rule, sentence, known):
            looked += 1
            found += [finding] if finding is not None else []
    if not looked:
        return rule.not_checked("no table marks a best value in bold, and no sentence calls a row of a table best")
    return rule.checked(looked, found, f"{looked} columns with bold values and sentences that call a row best")


def _marks_best(column: Column) -> bool:
    """Whether exactly one kind of value of the column is bold, and not the whole row with its name."""
    bold = [entry for entry in column.entries if entry.cell.bold]
    if not bold or len(bold) == len(column.entries) or len(column.entries) < 2:
        return False
    says = SAYS_BEST.search(column.table.caption) is not None
    whole_row = all(_all_bold(column, entry.cell.row) for entry in bold)
    return says or not whole_row


def _all_bold(column: Column, row: int) -> bool:
    cells = [cell for cell in column.table.cells[row] if cell.numbers]
    return len(cells) > 1 and all(cell.bold for cell in cells)


def _bold(rule: Rule, column: Column) -> Iterator[Finding]:
    """Bold values that another value of their group beats; groups are the blocks of a table, or its datasets."""
    sign = 1 if column.better == "higher" else -1
    groups = {entry.group for entry in column.entries}
    blocks = [[e for e in column.entries if e.group == group] for group in groups]
    for block in blocks:
        marked = [e for e in block if e.cell.bold]
        if len({e.number.value for e in marked}) != 1:
            continue
        best = max(block, key=lambda e: sign * e.number.value)
        worse = marked[0]
        if sign * best.number.value > sign * worse.number.value:
            says = SAYS_BEST.search(column.table.caption) is not None
            severity = Severity.HIGH if says and not _SECOND.search(column.table.caption) else Severity.MEDIUM
            message = (
                f"{column.table.label or 'The table'} marks {worse.number.text} ({worse.row or 'a row'}) as best in "
                f'"{column.header}", but {best.row or "another row"} has {best.number.text}.'
            )
            evidence = {"bold": worse.number.text, "best": best.number.text, "better": column.better}
            quote = worse.cell.text.strip()
            yield Finding(rule.name, severity, message, worse.cell.place, quote, best.number.text, 0.85, evidence)


def _claims(rule: Rule, sentence: Sentence, known: Sequence[Fact]) -> Iterator[Finding | None]:
    """For each "best <measure>" claimed for one row: None where it holds, a finding where it does not."""
    text = sentence.text
    for start, end, measure in measures_in(text):
        claim = _BEST.search(text[:start])
        if claim is None or not measure.better or _HEDGED.search(text[: claim.start()][-60:]):
            continue
        name = _subject(text[: claim.start()], known)
        columns = {(id(f.entry.table), f.entry.cell.column) for f in known if f.measure == measure and f.name == name}
        if name is None or len(columns) != 1:
            continue
        column = [f for f in known if f.measure == measure and (id(f.entry.table), f.entry.cell.column) in columns]
        if len({f.entry.group for f in column}) != 1 or len(column) < 2:
            continue
        yield _refuted(rule, sentence, (claim.start(), end), name, column, claim[2].lower())


def _subject(before: str, known: Sequence[Fact]) -> str | None:
    """The row that a claim is about: the only one named in the same clause."""
    clause = re.split(r"[.;:]|, (?:while|whereas|but|and)\b", before)[-1]
    named = {m.name for m in mentions(clause, (f.name for f in known if f.name))}
    own = {name for name in named if OWN.search(name)}
    return next(iter(named)) if len(named) == 1 else next(iter(own)) if len(own) == 1 and not named - own else None


def _refuted(
    rule: Rule, sentence: Sentence, span: tuple[int, int], name: str, column: Sequence[Fact], word: str
) -> Finding | None:
    better = {"highest": "higher", "greatest": "higher", "lowest": "lower", "smallest": "lower"}.get(
        word, column[0].better
    )
    sign = 1 if better == "higher" else -1
    own = max((f for f in column if f.name == name), key=lambda f: sign * f.number.value)
    best = max(column, key=lambda f: sign * f.number.value)
    if sign * best.number.value <= sign * own.number.value:
        return None
    table = best.entry.table.label or "the table"
    message = (
        f"The text calls {name} the {word} in {own.called}, but {table} gives {best.name} {best.number.text} and "
        f"{name} {own.number.text}."
    )
    evidence = {"claimed": own.number.text, "best": best.number.text, "row": best.name}
    quote = around(sentence.text, *span)
    return Finding(
        rule.name, Severity.HIGH, message, sentence.place, quote, f"{best.name} {best.number.text}", 0.75, evidence
    )


RULES = (
    Rule(
        "best-marked",
        "What is marked or called best is best",
        "1",
        "Internal consistency of reported results",
        "A value in bold, or a method that the text calls best, must be the best of its column.",
        examine,
    ),
)
