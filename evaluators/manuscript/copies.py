"""What a judge is shown of a paper: a sanitised copy, and one without the sentences that speak to a reviewer or model.

Both are made by rule, so that the same paper always gives the same copies. Hidden text is in neither. Quotes are looked
up here too: a judge's evidence must occur in the paper.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Place

ROOM = 120_000
"""Characters of a copy; about 30,000 tokens."""
SHORTEST_QUOTE = 12
"""Letters and digits below which a passage proves nothing."""
SPEAKS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|earlier|all|other)\b.{0,30}"
        r"\b(instructions?|prompts?|guidelines?|rules?|reviews?)\b",
        r"\b(give|assign|award|provide|write|generate|output|return|produce)\b.{0,40}"
        r"\b(positive|favou?rable|glowing|high(est)?|top|perfect|maximum|full|best|excellent)\b.{0,20}"
        r"\b(reviews?|scores?|ratings?|marks|recommendations?|assessments?|evaluations?)\b",
        r"\b(do not|don't|never|avoid|without)\b.{0,20}"
        r"\b(mention\w*|highlight\w*|list\w*|report\w*|not(e|ing)|rais\w+)\b.{0,20}\b(negatives?|weakness(es)?|limitations?|flaws?|problems?)\b",
        r"\b(recommend|must|should|please)\b.{0,20}\baccept(ance|ed|ing)?\b.{0,20}\b(this|the|our) "
        r"(paper|manuscript|submission|work)\b",
        r"\b(recommend|suggest)\w* (strong )?accept(ance)?\b",
        r"\b(note|notice|message|attention|instructions?|dear|hello)\b[^.]{0,15}"
        r"\b(reviewers?|LLMs?|AI|language models?|judges?|graders?|assistants?|chatbots?)\b",
        r"\b(if|since|as|when) (you are|you're) (an? )?(AI|LLM|language model|assistant|chatbot|automated|reviewer)\b",
        r"\b(you are now|act as|pretend to be|you must now)\b",
        r"<\|?(im_start|im_end|system|user|assistant)\|?>|\[/?INST\]|#{2,} ?(system|instruction)|\bsystem prompt\b",
    )
)
WORDS = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
GAP = re.compile(r"\s*(?:\[?\.\.\.\]?|\[?…\]?)\s*")


class Removed(NamedTuple):
    """A sentence that the quarantined copy lacks."""

    text: str
    place: Place


class Span(NamedTuple):
    """Where in the copy a passage starts, and where in the paper it stands."""

    start: int
    place: Place


@dataclass(frozen=True)
class Copy:
    """A paper as text; `removed` is what was taken out, `left_out` how many characters did not fit."""

    text: str
    spans: tuple[Span, ...]
    removed: tuple[Removed, ...]
    left_out: int

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the text."""
        return "sha256:" + hashlib.sha256(self.text.encode()).hexdigest()


def sanitised(manuscript: Manuscript, room: int = ROOM) -> Copy:
    """Return what a reader of the page sees, without characters that only a machine sees."""
    return _copy(list(_blocks(manuscript)), (), room)


def quarantined(manuscript: Manuscript, room: int = ROOM) -> Copy:
    """Return the sanitised copy without the sentences that speak to a reviewer or to a model."""
    blocks, kept, removed = list(_blocks(manuscript)), [], []
    for text, place in blocks:
        if speaks(text):
            removed.append(Removed(text, place))
        else:
            kept.append((text, place))
    return _copy(kept, tuple(removed), room)


def speaks(text: str) -> bool:
    """Whether a sentence addresses a reviewer or a model, or asks for a verdict."""
    return any(pattern.search(text[:4000]) for pattern in SPEAKS)


def clean(text: str) -> str:
    """Return text in its compatibility form, without control, format, private and unassigned characters."""
    folded = unicodedata.normalize("NFKC", text)
    visible = (c if c.isspace() or unicodedata.category(c)[0] != "C" else "" for c in folded)
    return " ".join("".join(visible).split())


def _blocks(manuscript: Manuscript) -> Iterator[tuple[str, Place]]:
    for text, place in _raw(manuscript):
        if found := clean(text):
            yield found, place


def _raw(manuscript: Manuscript) -> Iterator[tuple[str, Place]]:
    yield manuscript.title, Place("Title")
    if manuscript.abstract and not any(section.title.casefold() == "abstract" for section in manuscript.sections):
        yield manuscript.abstract, Place("Abstract")
    for section in manuscript.sections:
        yield section.title, section.place
        for sentence in section.sentences:
            yield sentence.text, sentence.place
    for caption in manuscript.captions:
        yield caption.text, caption.place
    for table in manuscript.tables:
        for row in table.cells:
            yield f"{table.label}: " + " | ".join(cell.text for cell in row), table.place
    for reference in manuscript.references:
        yield reference.text or reference.title, reference.place


def _copy(blocks: Sequence[tuple[str, Place]], removed: tuple[Removed, ...], room: int) -> Copy:
    """Join whole blocks until the room is used up; what is left out stands at the paper's end."""
    parts: list[str] = []
    spans: list[Span] = []
    used = left_out = 0
    for text, place in blocks:
        if left_out or used + len(text) + 1 > room:
            left_out += len(text)
            continue
        spans.append(Span(used, place))
        parts.append(text)
        used += len(text) + 1
    return Copy("\n".join(parts), tuple(spans), removed, left_out)


class Haystack:
    """A copy prepared for looking up quotes: letters and digits only, so that line breaks and dashes do not matter."""

    def __init__(self, copy: Copy) -> None:
        found = [(match[0], match.start()) for match in WORDS.finditer(copy.text)]
        found = [(word.casefold(), start) for word, start in found]
        self._text = "".join(word for word, _ in found)
        self._starts: list[int] = []
        length = 0
        for word, _ in found:
            self._starts.append(length)
            length += len(word)
        self._places = [place for _, place in found]
        self._spans = copy.spans

    def find(self, quote: str) -> Place | None:
        """Return where a quote stands, None when it does not occur; "..." may stand for words left out."""
        at, first = 0, None
        for part in GAP.split(clean(quote)):
            needle = "".join(WORDS.findall(part.casefold()))
            if not needle:
                continue
            found = self._text.find(needle, at)
            if len(needle) < SHORTEST_QUOTE or found < 0:
                return None
            first = found if first is None else first
            at = found + len(needle)
        return None if first is None else self._place(first)

    def _place(self, at: int) -> Place:
        offset = self._places[bisect_right(self._starts, at) - 1]
        index = bisect_right([span.start for span in self._spans], offset) - 1
        return self._spans[max(index, 0)].place
