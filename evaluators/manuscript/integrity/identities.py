"""Identities between averaged measures: they show which average was taken, whatever the paper calls it.

Over all classes, recall weighted by class is accuracy itself. On a balanced test set macro recall is accuracy too, and
macro specificity is 1 - (1 - accuracy)/(K - 1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from evaluators.manuscript.document import Manuscript, Table
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.facts import Fact, facts, same
from evaluators.manuscript.integrity.prose import around

FEWEST_ROWS = 3
MACRO = re.compile(r"\bmacro[- ]?(averag\w*|recall|precision|f-?1|f1)?", re.IGNORECASE)
IMBALANCED = re.compile(
    r"\b(class[- ]?imbalanc\w*|imbalanced?|unbalanced|long-?tail\w*|skewed class|minority (class|grade)\w*|"
    r"class weights|weighted sampler|WeightedRandomSampler)",
    re.IGNORECASE,
)
WORDS = {"three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
CLASSES = re.compile(
    r"\b(\d{1,3}|three|four|five|six|seven|eight|nine|ten)[- ](class\b|classes|stages?|grades?|categor\w+|way\b|"
    r"(ordinal |disease |severity |diagnostic )(classes|grades|levels|stages))",
    re.IGNORECASE,
)


def examine(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Look for recall equal to accuracy and for the specificity of a balanced set in every table."""
    looked, found = 0, list[Finding]()
    for table, rows in _rows(facts(manuscript)):
        for seen, finding in (_recall(rule, manuscript, table, rows), _specificity(rule, manuscript, table, rows)):
            looked += seen
            found += [finding] if finding is not None else []
    if not looked:
        return rule.not_checked("no table gives accuracy with recall or specificity for several rows")
    return rule.checked(looked, found, f"{looked} rows with accuracy and recall or specificity")


def _rows(known: Sequence[Fact]) -> Iterator[tuple[Table, list[Mapping[str, Fact]]]]:
    """Each table's facts by name and measure."""
    tables: dict[int, tuple[Table, dict[tuple[str, str], dict[str, Fact]]]] = {}
    for fact in known:
        _, rows = tables.setdefault(id(fact.entry.table), (fact.entry.table, {}))
        rows.setdefault((fact.entry.group, fact.name), {}).setdefault(fact.measure.name, fact)
    for table, rows in tables.values():
        yield table, list(rows.values())


def _recall(
    rule: Rule, manuscript: Manuscript, table: Table, rows: Sequence[Mapping[str, Fact]]
) -> tuple[int, Finding | None]:
    both = [
        (row["accuracy"], row[name])
        for row in rows
        for name in ("recall", "sensitivity")
        if {"accuracy", name} <= row.keys()
    ]
    apart = len({a.number.value for a, _ in both})
    if len(both) < FEWEST_ROWS or apart < 2 or not all(same(a.number, r.number) for a, r in both):
        return len(both), None
    macro = next((m for s in manuscript.sentences() if (m := MACRO.search(s.text))), None)
    skew = _first(manuscript, IMBALANCED)
    severity = Severity.MEDIUM if macro and skew else Severity.LOW
    stated = ", while the paper speaks of macro averages and of unequal classes" if macro and skew else ""
    message = (
        f"Recall equals accuracy in all {len(both)} rows of {table.label or 'a table'}: it is weighted by class size, "
        f"or the test set is balanced{stated}."
    )
    first = both[0][1]
    evidence = {"rows": [{"name": a.name, "accuracy": a.number.text, "recall": r.number.text} for a, r in both]}
    expected = "a weighted average called so, or a macro average that differs from accuracy"
    place, quote = first.entry.cell.place, first.entry.cell.text.strip()
    return len(both), Finding(rule.name, severity, message, place, quote, expected, 0.8, evidence)


def _specificity(
    rule: Rule, manuscript: Manuscript, table: Table, rows: Sequence[Mapping[str, Fact]]
) -> tuple[int, Finding | None]:
    both = [(row["accuracy"], row["specificity"]) for row in rows if {"accuracy", "specificity"} <= row.keys()]
    classes = _classes(manuscript)
    if len(both) < FEWEST_ROWS or classes is None or len({a.number.value for a, _ in both}) < 2:
        return 0, None
    if not all(_balanced(a, s, classes) for a, s in both):
        return len(both), None
    skew = _first(manuscript, IMBALANCED)
    message = (
        f"Specificity is 1 - (1 - accuracy)/{classes - 1} in all {len(both)} rows of {table.label or 'a table'}, which "
        f"holds only on a balanced test set{', while the paper speaks of unequal classes' if skew else ''}."
    )
    first = both[0][1]
    evidence = {
        "classes": classes,
        "rows": [{"accuracy": a.number.text, "specificity": s.number.text} for a, s in both],
    }
    severity = Severity.MEDIUM if skew else Severity.LOW
    place, quote = first.entry.cell.place, first.entry.cell.text.strip()
    expected = "a test set with equal classes, said so"
    return len(both), Finding(rule.name, severity, message, place, quote, expected, 0.8, evidence)


def _balanced(accuracy: Fact, specificity: Fact, classes: int) -> bool:
    a, s = accuracy.number, specificity.number
    percent = max(a.value, s.value) > 1
    one = 100 if percent else 1
    step = (10.0**-s.decimals + 10.0**-a.decimals / (classes - 1)) / 2
    return abs(s.value - (one - (one - a.value) / (classes - 1))) <= step + 1e-9


def _classes(manuscript: Manuscript) -> int | None:
    """The number of classes that the paper names most often."""
    told = [m[1].lower() for s in manuscript.sentences() for m in CLASSES.finditer(s.text)]
    counts = [WORDS.get(word) or int(word) for word in told]
    return max(set(counts), key=counts.count) if counts and max(counts) > 2 else None


def _first(manuscript: Manuscript, pattern: re.Pattern[str]) -> str | None:
    for sentence in manuscript.sentences():
        match = pattern.search(sentence.text)
        if match:
            return around(sentence.text, match.start(), match.end())
    return None


RULES = (
    Rule(
        "multiclass-identities",
        "Identities of averaged measures",
        "1",
        "Algebra of weighted and macro averages over classes",
        "Recall that equals accuracy everywhere is weighted by class or comes from a balanced set, whatever its name.",
        examine,
    ),
)
