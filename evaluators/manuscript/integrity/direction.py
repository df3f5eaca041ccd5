"""The direction and the size of a change: "improves from A to B" and "by x %" against the numbers themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Number, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.facts import Fact, change, changes, facts, is_change, mentions
from evaluators.manuscript.integrity.prose import around, bound_measure, own_sentences_carried, quoted
from evaluators.manuscript.integrity.tracing import Surroundings, Tracer
from evaluators.manuscript.integrity.vocabulary import MeasureWord, measures_in, words
from evaluators.manuscript.logged import RunLog

UP = r"increas\w*|rais(es|ed|ing)|ris(es|ing)|rose|risen|grows?|grew|boost\w*|climb\w*"
DOWN = r"decreas\w*|reduc\w*|drop\w*|declin\w*|falls?|fell|fallen|lower(s|ed|ing)|shrink\w*|shrank|cuts?"
BETTER = r"improv\w*|enhanc\w*|gains?"
WORSE = r"degrad\w*|deteriorat\w*|worsen\w*|hurts?"
_VERB = re.compile(rf"\b((?P<up>{UP})|(?P<down>{DOWN})|(?P<better>{BETTER})|(?P<worse>{WORSE}))\b", re.IGNORECASE)
_FROM = re.compile(r"\bfrom\s+\(?(\w+\s+){0,3}?$", re.IGNORECASE)
_WHEN = re.compile(
    r"\b(?:times?|visits?|weeks?|days?|months?|years?|sessions?|phases?|rounds?|waves?|trials?|blocks?|ages?|tests?|"
    r"quartiles?|quintiles?|tertiles?)\s*$",
    re.IGNORECASE,
)
"""Words in front of a number that tells when or which, as in "from Time 1 to Time 2"."""
_TO = re.compile(r"\s*%?\s*([A-Za-z]+ ?){0,3}?(\([^)]*\) )?(to|→|->|-->)\s*(\w+ ){0,2}?", re.IGNORECASE)
_NOT = re.compile(r"\b(not|never|no longer|without|neither|fail\w*|rather than|instead of|if)\b", re.IGNORECASE)
_BY = re.compile(
    r"\b(by|of|a|an)\s+(approximately |about |around |roughly |nearly |over |more than |up to |a |relative )*[+−-]?$|"
    r"[(,]\s*(a |an |relative |corresponding to |i\.e\.,? )*[+−-]?$",
    re.IGNORECASE,
)
_CHANGE_AFTER = re.compile(
    r"^[\s-]*((%|pp|p\.p\.|per ?cent(age)?)[\s-]*(points?|pts?)?[\s-]*)?(relative |absolute )?"
    r"(improvement|increase|reduction|decrease|gain|drop|decline|better|higher|lower|"
    r"faster|slower)",
    re.IGNORECASE,
)
_LEVEL_AFTER = re.compile(r"\s*%?\s*(vs\.?|versus|against|to|→|->|-->)\s*~?\d")
_LEVEL_BEFORE = re.compile(r"\d\s*%?\s*(vs\.?|versus|against|to|→|->|-->)\s*$")
"""Beside one of two numbers that are set against each other, so that neither is the change."""

_AGAINST = re.compile(
    r"\s*%?[),]?\s*(as )?(compared (to|with)|versus|vs\.?|against|instead of|rather than|than)\s+"
    r"(a |an |the )?([\w-]+ ){0,3}?baseline(['’]s|s['’])?\s*(at |of |with )?\(?\s*",
    re.IGNORECASE,
)
_CLAIM = re.compile(r"\b(outperform\w*|improv\w*|better|superior|surpass\w*|lower|higher)\b", re.IGNORECASE)
_EXAMPLE = re.compile(r"\s*(for (instance|example)|e\.g\.|specifically|in particular|notably)\b", re.IGNORECASE)

REACH = 60
"""Characters before a number that are searched for "from"; four times as many for the verb."""


class Step(NamedTuple):
    """A change that a sentence tells: from one number to another."""

    verb: str
    """"up", "down", "better", "worse" or "" (none)."""
    word: str
    before: Number
    after: Number
    measure: MeasureWord | None


def examine(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    """Check every "from A to B" and every percent change that can be computed again."""
    known, logged = facts(manuscript), _LoggedChanges(inputs.run)
    looked, found, earlier = 0, list[Finding](), None
    for sentence, meant in own_sentences_carried(manuscript):
        told = [step._replace(measure=step.measure or meant) for step in steps(sentence)]
        results = [*(_direction(rule, sentence, step) for step in told if step.verb)]
        results += list(_sizes(rule, sentence, told, known, logged))
        results += list(_examples(rule, sentence, earlier))
        earlier = sentence
        looked += len(results)
        found += [finding for finding in results if finding is not None]
    if not looked:
        return rule.not_checked(
            "no sentence tells a change from one number to another, or by a percentage of table values"
        )
    return rule.checked(looked, found, f"{looked} changes told with their numbers")


class _LoggedChanges:
    """The changes between a run's values under the names of a sentence; arranged when first asked for."""

    def __init__(self, run: RunLog | None) -> None:
        self.run = run

    @cached_property
    def _tracer(self) -> Tracer | None:
        return Tracer(self.run) if self.run is not None and self.run.numbers else None

    def give(self, sentence: Sentence, number: Number) -> bool:
        """Whether two logged values that the sentence names differ by this much."""
        if self._tracer is None:
            return False
        trace = self._tracer.by_name(number, Surroundings(words(sentence.text), frozenset(), sentence.text))
        return trace is not None and trace.form in ("percent change", "difference")


def steps(sentence: Sentence) -> Iterator[Step]:
    """Every "from A to B" of a sentence with the verb in front of it."""
    text = sentence.text
    numbers = [n for n in sentence.numbers if n.is_result]
    for a, b in pairwise(numbers):
        if not _TO.fullmatch(text[a.end : b.start].lstrip("%")) or not _FROM.search(
            text[max(0, a.start - REACH) : a.start]
        ):
            continue
        if _WHEN.search(text[max(0, a.start - 12) : a.start]):
            continue
        verbs = list(_VERB.finditer(text, max(0, a.start - 4 * REACH), a.start))
        near = verbs[-1] if verbs and not re.search(r";|\.\s", text[verbs[-1].end() : a.start]) else None
        denied = near is not None and _NOT.search(text[max(0, near.start() - 40) : near.start()])
        verb = next((name for name, hit in near.groupdict().items() if hit), "") if near and not denied else ""
        measure = bound_measure(text, b) if _behind(text, b) else bound_measure(text, a)
        yield Step(verb, near[0] if near else "", a, b, measure)


def _behind(text: str, number: Number) -> bool:
    return bool(re.match(r"\s*%?\s*[A-Z]", text[number.end : number.end + 3]))


def _direction(rule: Rule, sentence: Sentence, step: Step) -> Finding | None:
    if step.before.value == step.after.value:
        return None
    rises = step.after.value > step.before.value
    wanted = _wanted(step)
    if wanted is None or wanted == rises:
        return None
    change_told = f"{step.before.text} to {step.after.text}"
    message = f'The text says "{step.word}" of a change from {change_told}, which goes the other way.'
    quote = around(sentence.text, step.before.start, step.after.end)
    evidence = {"verb": step.word, "from": step.before.text, "to": step.after.text}
    expected = f"from {step.after.text} to {step.before.text}, or the opposite verb"
    confidence = 0.85 if step.verb in ("up", "down") else 0.7
    return Finding(rule.name, Severity.HIGH, message, sentence.place, quote, expected, confidence, evidence)


def _wanted(step: Step) -> bool | None:
    """Whether the verb says that the number rises; None where the measure's direction is not known."""
    if step.verb in ("up", "down"):
        return step.verb == "up"
    better = step.measure.better if step.measure else ""
    return None if not better else (better == "higher") == (step.verb == "better")


def _examples(rule: Rule, sentence: Sentence, earlier: Sentence | None) -> Iterator[Finding | None]:
    """For each "for instance, A compared to the baseline's B" after a claim to be better: whether A is better than B.

    The claim must be of the same measure, and the baseline its measure's other side.
    """
    text = sentence.text
    if earlier is None or not _EXAMPLE.match(text) or not (claim := _CLAIM.search(earlier.text)):
        return
    claimed = {measure for _, _, measure in measures_in(earlier.text)}
    denied = _NOT.search(earlier.text[max(0, claim.start() - 40) : claim.start()])
    for a, b in pairwise(n for n in sentence.numbers if n.is_result):
        measure = bound_measure(text, a)
        if denied or measure is None or not measure.better or measure not in claimed or a.unit != b.unit:
            continue
        if not _AGAINST.fullmatch(text[a.end : b.start]) or a.value == b.value:
            continue
        wanted = claim[0].lower() if claim[0].lower() in ("lower", "higher") else measure.better
        yield None if (a.value > b.value) == (wanted == "higher") else _no_example(rule, sentence, claim[0], a, b)


def _no_example(rule: Rule, sentence: Sentence, claim: str, a: Number, b: Number) -> Finding:
    message = f'The example gives {a.text} against {b.text} of the baseline, which is the opposite of "{claim}".'
    quote = around(sentence.text, a.start, b.end)
    evidence = {"claim": claim, "own": a.text, "baseline": b.text}
    expected = f"a value on the other side of {b.text}, or no such claim"
    return Finding(rule.name, Severity.HIGH, message, sentence.place, quote, expected, 0.75, evidence)


def _sizes(
    rule: Rule, sentence: Sentence, told: Sequence[Step], known: Sequence[Fact], logged: _LoggedChanges
) -> Iterator[Finding | None]:
    """For each percentage that a sentence gives as a change: None where the numbers bear it out, else a finding."""
    text = sentence.text
    for number in sentence.numbers:
        if number.unit not in ("%", "pp") or not number.is_result or number.relation in ("<", ">", "<=", ">=", "~"):
            continue
        before, after = text[: number.start], text[number.end : number.end + 60]
        if not (_CHANGE_AFTER.match(after) or (_BY.search(before) and _VERB.search(before + after))):
            continue
        if _LEVEL_AFTER.match(after) or _LEVEL_BEFORE.search(before):
            continue
        if len(told) == 1 and number not in (told[0].before, told[0].after):
            possible = change(told[0].before, told[0].after)
            yield (
                None
                if is_change(number, possible)
                else _wrong_size(rule, sentence, number, told[0].before, told[0].after)
            )
        elif not told:
            pair = _compared(text, number, known)
            if pair is not None:
                borne_out = is_change(number, pair) or logged.give(sentence, number)
                yield None if borne_out else _unlike(rule, sentence, number, pair)


def _compared(text: str, number: Number, known: Sequence[Fact]) -> list[tuple[float, float, str]] | None:
    """All changes between the two rows that a sentence names, in its measure; None where it names no such two."""
    measure = bound_measure(text, number)
    names = list(dict.fromkeys(m.name for m in mentions(text, (f.name for f in known if f.name))))
    if measure is None or len(names) != 2:
        return None
    values = [f.number for f in known if f.measure == measure and f.name in names]
    if {f.name for f in known if f.measure == measure} & set(names) != set(names):
        return None
    return changes(values)


def _wrong_size(rule: Rule, sentence: Sentence, number: Number, a: Number, b: Number) -> Finding:
    relative = abs(b.value - a.value) / abs(a.value) * 100 if a.value else float("nan")
    points = abs(b.value - a.value)
    message = (
        f"From {a.text} to {b.text} is {relative:.3g} % (or {points:.3g} points), not {number.text} {_unit(number)}."
    )
    evidence = {"from": a.text, "to": b.text, "stated": number.text, "relative_percent": relative}
    expected = f"{relative:.{max(1, number.decimals)}f} %"
    if number.unit == "pp":
        expected = f"{points:.{max(a.decimals, b.decimals)}f} points"
    # The right percent change under the wrong name is a slip of words.
    slip = number.unit == "pp" and is_change(replace(number, unit="%"), change(a, b))
    severity, confidence = (Severity.MEDIUM, 0.7) if slip else (Severity.HIGH, 0.85)
    quote = quoted(sentence.text, number)
    return Finding(rule.name, severity, message, sentence.place, quote, expected, confidence, evidence)


def _unlike(rule: Rule, sentence: Sentence, number: Number, possible: Sequence[tuple[float, float, str]]) -> Finding:
    form, unit = ("difference", "points") if number.unit == "pp" else ("percent change", "%")
    changes_told = sorted({round((low + high) / 2, 2) for low, high, name in possible if name == form})
    message = f"The tables give no change of {number.text} {_unit(number)} between the two that this sentence compares."
    evidence = {"stated": number.text, f"{form.replace(' ', '_')}s_of_the_table": changes_told[:20]}
    expected = " or ".join(f"{p:g} {unit}" for p in changes_told[:4])
    quote = quoted(sentence.text, number)
    return Finding(rule.name, Severity.MEDIUM, message, sentence.place, quote, expected, 0.6, evidence)


def _unit(number: Number) -> str:
    return "percentage points" if number.unit == "pp" else "%"


RULES = (
    Rule(
        "direction-of-change",
        "Direction and size of changes",
        "3",
        "Internal consistency of reported results",
        "A change that the text calls an increase, a reduction or an improvement by some per cent must be one.",
        examine,
    ),
)
