"""Captions that a source writes as plain paragraphs, such as "Table 1. ..." above a tabular."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from evaluators.manuscript.citations import CitationIndex
from evaluators.manuscript.document import Reference, Section, Sentence

_LABEL = re.compile(r"(?P<kind>Table|Figure|Fig\.)\s+(?P<number>[A-Z]?\d+[a-z]?)\s*[.:|]\s*")


@dataclass(frozen=True)
class PlainCaption:
    """A paragraph that reads like a caption; `start` is where its sentences begin in the section."""

    kind: str
    label: str
    text: str
    start: int


def plain_caption(sentences: Sequence[Sentence], start: int) -> PlainCaption | None:
    """The caption that the sentences of a paragraph are, or None."""
    text = " ".join(sentence.text for sentence in sentences)
    match = _LABEL.match(text)
    if match is None or len(text) == match.end():
        return None
    kind = "Table" if match["kind"] == "Table" else "Figure"
    return PlainCaption(kind, f"{kind} {match['number']}", text[match.end() :], start)


def without_label(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences of a caption without the one that is only its label."""
    return [sentence for sentence in sentences if not _LABEL.fullmatch(sentence.text)]


def cited_by_number(sections: Sequence[Section], references: Sequence[Reference]) -> list[Section]:
    """The sections of a source that writes its citations as "[2]": the second entry of its reference list."""
    numbered = tuple(replace(reference, key=str(n)) for n, reference in enumerate(references, 1))
    index = CitationIndex(numbered)
    keys = {str(n): reference.key for n, reference in enumerate(references, 1)}

    def told(sentence: Sentence) -> Sentence:
        found = (keys[number] for number in index.cited(sentence.text) if number in keys)
        return replace(sentence, citations=tuple(dict.fromkeys(found)))

    return [replace(section, sentences=tuple(map(told, section.sentences))) for section in sections]
