"""How sentences speak of numbers: the measure that a number states, the quote around it, and whose results they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from evaluators.manuscript.document import Manuscript, Number, Sentence
from evaluators.manuscript.integrity.vocabulary import MeasureWord, measures_in

FAR = 60
"""Characters between a measure and its number beyond which they are not taken together."""
OF_OTHERS = re.compile(r"related work|background|literature|prior work|previous work|preliminar", re.IGNORECASE)
"""Titles of sections that tell of other people's results."""

_CHANGE = re.compile(
    r"(improv\w*|gain\w*|increas\w*|decreas\w*|reduc\w*|drop\w*|differ\w*|margin|gap|loss|decline\w*|better|"
    r"higher|lower)"
    r"[^.;,]{0,30}\b(of|by)\b[^.;,\d]{0,15}$|\bby (approximately |about |up to |over )?[+−-]?$",
    re.IGNORECASE,
)
_CHANGE_BEHIND = re.compile(
    r"^\s*%?\s*(relative |absolute )?(improvement|increase|reduction|decrease|gain|drop|decline|better|higher|"
    r"lower|point)",
    re.IGNORECASE,
)


def tells_change(text: str, number: Number) -> bool:
    """Whether a number in a sentence is how much something changed, rather than what it is."""
    before, behind = text[max(0, number.start - 60) : number.start], text[number.end : number.end + 40]
    return _CHANGE.search(before) is not None or _CHANGE_BEHIND.match(behind) is not None


def bound_measure(text: str, number: Number, more: tuple[MeasureWord, ...] = ()) -> MeasureWord | None:
    """The measure right behind a number ("0.53 accuracy"), else the last one before it if nothing stands between.

    `more` are the paper's own measures.
    """
    named = measures_in(text, more)
    after = [m for start, _, m in named if 0 <= start - number.end <= 3 and "," not in text[number.end : start]]
    if after:
        return after[0]
    before = [(end, m) for _, end, m in named if end <= number.start]
    if not before:
        return None
    end, measure = before[-1]
    between = text[end : number.start]
    return measure if len(between) <= FAR and not re.search(r"[;:]|\bepoch\b", between) else None


def quoted(text: str, number: Number, wide: int = 70) -> str:
    """The part of a sentence around a number, cut at spaces."""
    return around(text, number.start, number.end, wide)


def around(text: str, start: int, end: int, wide: int = 70) -> str:
    """The part of a text around a stretch of it, cut at spaces."""
    first, last = max(0, start - wide), min(len(text), end + wide)
    first = text.find(" ", first) + 1 if first else 0
    last = text.rfind(" ", end, last) if last < len(text) else last
    return text[min(first, start) : last if last >= end else len(text)].strip()


REACH = 6
"""Sentences over which a measure that was named last is still meant, as in the items of a list."""


def carried(sentences: Sequence[Sentence]) -> Iterator[tuple[Sentence, MeasureWord | None]]:
    """Each sentence of a section, and for one that names no measure the only one that was named shortly before."""
    last: MeasureWord | None = None
    age = 0
    for sentence in sentences:
        named = {measure for _, _, measure in measures_in(sentence.text)}
        age = 0 if named else age + 1
        if named:
            last = next(iter(named)) if len(named) == 1 else None
        yield sentence, (last if not named and age <= REACH else None)


def own_sentences(manuscript: Manuscript) -> Iterator[Sentence]:
    """The sentences of the paper's own work, without sections on the work of others."""
    return (sentence for sentence, _ in own_sentences_carried(manuscript))


def own_sentences_carried(manuscript: Manuscript) -> Iterator[tuple[Sentence, MeasureWord | None]]:
    """The same, each with the measure that is still meant where it names none."""
    for section in manuscript.sections:
        if not OF_OTHERS.search(section.title):
            yield from carried(section.sentences)
