"""Selection on the evaluation set, checkpoints chosen by two rules, and results of a single seed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.prose import around, own_sentences
from evaluators.manuscript.integrity.vocabulary import MeasureWord, measures_in

_SPLIT = re.compile(r"\b(split|splits|splitting|divid\w+|partition\w*|separated)\b", re.IGNORECASE)
_TRAIN = re.compile(r"\btrain(ing)?\b", re.IGNORECASE)
_VALIDATION = re.compile(r"\b(validation|dev(elopment)?)\b", re.IGNORECASE)
_CROSS = re.compile(r"cross[- ]?validat|\bfolds?\b|leave-one|bootstrap", re.IGNORECASE)
_TEST = re.compile(
    r"\b(test(ing)?|held-?out|hold-?out|unseen|external|independent)[ -](\w+[ -])?(set|split|sets|splits|data|"
    r"partition|images|"
    r"subset|samples|cohort|dataset|portion|cases|patients)\b",
    re.IGNORECASE,
)
_DEFINES_TEST = re.compile(
    r"(\d[\d,.]* ?%?|\d+/\d+|official|remaining|rest|separate|public|provided|original|standard|predefined|"
    r"default|external|"
    r"independent|own|held-?out|hold-?out|reserved?)\W+(\w+\W+){0,8}?test(ing)?\b|"
    r"\btest(ing)?\b(\W+\w+){0,6}?\W+(\d[\d,.]* ?(%|images|samples|patients|cases|examples)|contains|consists|"
    r"comprises|was drawn|"
    r"were drawn|is drawn|never|kept)|train(ing)?[,/ -]+(validation|val|dev)[,/ -]+(and )?test|"
    r"\b\d{2}[:/]\d{1,2}[:/]\d{1,2}\b",
    re.IGNORECASE,
)
_CHECKPOINT = re.compile(
    r"\b(checkpoints?|best (performing )?(model|epoch|weights)|final model|early stopping|model selection)\b",
    re.IGNORECASE,
)
_CHOSEN = re.compile(
    r"\b(select\w*|chos\w+|choos\w+|pick\w*|retain\w*|kept|saved?|based on|according to|monitor\w*|determined)\b",
    re.IGNORECASE,
)
_SET = r"(?P<set>validation|val|test|held-?out|development|dev)"
_ON = (
    re.compile(rf"\b{_SET}\s+(set\s+)?(?P<what>[\w-]+(\s+[\w-]+){{0,2}})", re.IGNORECASE),
    re.compile(rf"(?P<what>[\w-]+(\s+[\w-]+){{0,2}})\s+(on|of)\s+(the\s+)?{_SET}\b", re.IGNORECASE),
)
_CRITERION = re.compile(
    r"\b(by|on|using|via|based|according|criterion|highest|lowest|best|largest|smallest|maxim\w+|minim\w+|monitor\w*|"
    r"improv\w*|stop\w*)\b",
    re.IGNORECASE,
)
"""Words that make what follows the reason of a choice."""
_CRITERION_BEHIND = re.compile(
    r"^(?:\S+\s+){0,4}?(?:monitored|maximi[sz]ed|minimi[sz]ed|used (?:to|for) (?:early|choos|select|pick|model)|"
    r"ha[sd] stopped)",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(achiev\w+|obtain\w+|reach\w+|yield\w+|report\w*|attain\w+|evaluat\w+|had|has|gave|giving|its|whose|showed|"
    r"resulting|not|never|without|rather than|instead of|then|finally)\b|[;:]",
    re.IGNORECASE,
)
"""Words behind which a measure is the outcome, or is said not to have been the reason."""
_SEED = re.compile(
    r"\b(fix(ed)?|single|one|set|the same)\b[^.;]{0,30}\b(random )?seeds?\b|\bseed(ed)? ?(=|of|to|is|\()? ?\d+|"
    r"\bseed \(?\d+",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"\b(\d+|two|three|four|five|six|seven|eight|ten|multiple|several|different|various|independent) "
    r"((independent|random|different|repeated|separate|training|more|further|other) ){0,2}"
    r"(seeds|runs|trials|repetitions|repeats|replicat\w+|folds|restarts|initiali[sz]ations)\b|cross[- ]?validat|"
    r"bootstrap|"
    r"confidence interval|95 ?%|standard (deviation|error)|±|\bstd\b|\bs\.?d\.?\b|over (the )?(runs|seeds|repetitions)",
    re.IGNORECASE,
)


class Chosen(NamedTuple):
    """A sentence that says by what a checkpoint is chosen: the measure and the set."""

    sentence: Sentence
    start: int
    end: int
    measure: MeasureWord
    on: str


def examine_selection(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Look for a test set that is not described, and for checkpoints chosen on the test set."""
    own = list(own_sentences(manuscript))
    splits = [s for s in own if _SPLIT.search(s.text) and _TRAIN.search(s.text) and _names_validation(s.text)]
    on_test = [c for c in checkpoints(own) if c.on == "test" and not _apart_from_test(c.sentence.text)]
    tests = [(s, m) for s in own if (m := _TEST.search(s.text))]
    if not splits and not on_test:
        return rule.not_checked("the paper describes no split into training and validation data")
    found = [_on_test(rule, one) for one in on_test]
    described = any(_DEFINES_TEST.search(s.text) for s in own) or any(_CROSS.search(s.text) for s in own)
    if splits and tests and not described:
        found.append(_undescribed(rule, splits[0], *tests[0]))
    return rule.checked(
        len(splits) + len(tests), found, f"{len(splits)} sentences on the split, {len(tests)} on a test set"
    )


def _apart_from_test(text: str) -> bool:
    """Whether the sentence names other data that chose: validation data or cross-validation."""
    return _VALIDATION.search(text) is not None or _CROSS.search(text) is not None


def _names_validation(text: str) -> bool:
    return any(not _CROSS.search(text[max(0, m.start() - 8) : m.end() + 2]) for m in _VALIDATION.finditer(text))


def _undescribed(rule: Rule, split: Sentence, sentence: Sentence, match: re.Match[str]) -> Finding:
    message = (
        "The paper speaks of a test set but describes only training and validation data, so the data that chose the "
        "model may be the data that judged it."
    )
    parts = _SPLIT.search(split.text)
    evidence = {"split": around(split.text, parts.start(), parts.end(), 120) if parts else "", "page": split.place.page}
    quote = around(sentence.text, match.start(), match.end())
    expected = "how many cases the test set holds and where they come from"
    return Finding(rule.name, Severity.MEDIUM, message, sentence.place, quote, expected, 0.7, evidence)


def _on_test(rule: Rule, one: Chosen) -> Finding:
    what = one.measure.name.replace("_", " ")
    message = f"The checkpoint is chosen by {what} on the test set, which makes the reported results too good."
    quote = around(one.sentence.text, one.start, one.end)
    expected = "selection on validation data that is not reported on"
    return Finding(rule.name, Severity.HIGH, message, one.sentence.place, quote, expected, 0.8, {"measure": what})


def examine_checkpoints(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """Two sentences that choose checkpoints by different measures."""
    found = list(checkpoints(own_sentences(manuscript)))
    if not found:
        return rule.not_checked("no sentence says by which measure a checkpoint is chosen")
    measures = {one.measure.name: one for one in found}
    if len(measures) < 2:
        return rule.checked(len(found), (), f"{len(found)} sentences on how the checkpoint is chosen")
    first, second = list(measures.values())[:2]
    names = [one.measure.name.replace("_", " ") for one in (first, second)]
    message = f"Checkpoints are chosen by two rules, by {names[0]} in one place and by {names[1]} in another."
    evidence = {
        "rules": [{"quote": around(c.sentence.text, c.start, c.end), "page": c.sentence.place.page} for c in found]
    }
    quote = around(second.sentence.text, second.start, second.end)
    expected = "one rule for all models that are compared"
    finding = Finding(rule.name, Severity.MEDIUM, message, second.sentence.place, quote, expected, 0.75, evidence)
    return rule.checked(len(found), [finding], f"{len(found)} sentences on how the checkpoint is chosen")


def checkpoints(sentences: Iterator[Sentence] | list[Sentence]) -> Iterator[Chosen]:
    """Sentences that say by which measure on which set a checkpoint is chosen."""
    for sentence in sentences:
        text = sentence.text
        if not (_CHECKPOINT.search(text) and _CHOSEN.search(text)):
            continue
        for match in (match for pattern in _ON for match in pattern.finditer(text)):
            measures = measures_in(match["what"])
            if measures and _is_reason(text, match):
                where = "test" if match["set"].lower() == "test" else "validation"
                yield Chosen(sentence, match.start(), match.end(), measures[0][2], where)
                break


def _is_reason(text: str, match: re.Match[str]) -> bool:
    """Whether the measure is what the choice was made by, not what the chosen one then reached."""
    if _CRITERION_BEHIND.match(text[match.start() :]):
        return True
    lead = text[max(0, match.start() - 60) : match.start()]
    reasons = list(_CRITERION.finditer(lead))
    return bool(reasons) and _REPORTED.search(lead[reasons[-1].start() :]) is None


def examine_seeds(rule: Rule, manuscript: Manuscript, _inputs: Inputs) -> Check:
    """A fixed seed, and no measure of variation anywhere."""
    own = list(own_sentences(manuscript))
    seeds = [(s, m) for s in own if (m := _SEED.search(s.text))]
    spread = any(_SEVERAL.search(s.text) for s in (*own, *manuscript.captions))
    spread = spread or any(n.uncertainty for t in manuscript.tables for row in t.cells for c in row for n in c.numbers)
    if not seeds:
        return rule.not_checked("the paper says nothing about random seeds")
    if spread:
        return rule.checked(len(seeds), (), "a seed is named, and so is a measure of variation")
    sentence, match = seeds[0]
    message = "Results come from one random seed, and nothing shows how much they would vary with another."
    quote = around(sentence.text, match.start(), match.end())
    expected = "several seeds with a deviation or an interval"
    finding = Finding(rule.name, Severity.LOW, message, sentence.place, quote, expected, 0.8)
    return rule.checked(len(seeds), [finding], "a seed is named, and no measure of variation")


RULES = (
    Rule(
        "evaluation-selection",
        "Selection on the evaluation set",
        "1",
        "Kapoor and Narayanan 2023, doi:10.1016/j.patter.2023.100804",
        "Data that chose the model must not be the data that judges it.",
        examine_selection,
    ),
    Rule(
        "checkpoint-rules",
        "One rule for choosing checkpoints",
        "1",
        "Kapoor and Narayanan 2023, doi:10.1016/j.patter.2023.100804",
        "Models that are compared must be chosen by the same rule.",
        examine_checkpoints,
    ),
    Rule(
        "single-seed",
        "Variation over seeds",
        "1",
        "Bouthillier and others 2021, Accounting for variance in machine learning benchmarks, arXiv:2103.03098",
        "A result of one random seed does not show how much it would vary.",
        examine_seeds,
    ),
)
