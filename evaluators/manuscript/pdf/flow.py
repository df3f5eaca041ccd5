"""Lines as running text: hyphenation undone, the page and boxes of every stretch kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from evaluators.manuscript.document import Box
from evaluators.manuscript.pdf.lines import Line
from evaluators.manuscript.pdf.page import Area

_CLOSES_SHORT = 0.15
"""Of the column: a line that ends this far before its edge ends a paragraph."""


@dataclass
class Flow:
    """Text with, for each character, the line it stands on and its area (None for a blank that was put in)."""

    text: str = ""
    lines: list[Line] = field(default_factory=list)
    _owners: list[int] = field(default_factory=list)
    _areas: list[Area | None] = field(default_factory=list)

    def add(self, line: Line, words: Vocabulary, *, skip: int = 0) -> None:
        """Go on with a line, its first `skip` letters left out."""
        letters = line.run.letters[skip:]
        if self.text and not self.text.endswith((" ", "\u2014")):
            self._join(letters[0].text if letters else "", words, "".join(letter.text for letter in letters[:40]))
        self.lines.append(line)
        for letter in letters:
            self.text += letter.text
            self._owners.append(len(self.lines) - 1)
            self._areas.append(letter.char.box)

    def _join(self, first: str, words: Vocabulary, following: str) -> None:
        """Put a blank between two lines, or take back the hyphen of a parted word."""
        if "://" in self.text[-120:].rsplit(" ", 1)[-1] and self.text.endswith(
            ("-", "/", ".", "_", "=", "?", "&", "#")
        ):
            return  # an address goes on
        if not self.text.endswith(("-", "\u2010", "\u00ad")) or len(self.text) < 2 or not self.text[-2].isalnum():
            if not (
                self.text.endswith(("/", "–")) and first.isalnum() and len(self.text) > 1 and self.text[-2].isalnum()
            ):
                self._blank()
            return
        if first.islower() and words.parted(self.text, following):
            self.text = self.text[:-1]
            self._owners.pop()
            self._areas.pop()
        elif not first.isalnum():
            self._blank()

    def _blank(self) -> None:
        self.text += " "
        self._owners.append(len(self.lines) - 1)
        self._areas.append(None)

    def boxes(self, start: int, end: int) -> tuple[Box, ...]:
        """One box per line for a stretch of the text."""
        found: dict[int, Area] = {}
        for owner, area in zip(self._owners[start:end], self._areas[start:end], strict=True):
            if area is not None and area.width >= 0:
                found[owner] = found[owner].joined(area) if owner in found else area
        return tuple(Box(self.lines[owner].page, *(round(v, 2) for v in area)) for owner, area in found.items())


_PREFIXES_TEXT = "self cross state non well high low long short real end one two three fine zero few"
_PREFIXES = frozenset(_PREFIXES_TEXT.split())
"""First halves of compounds: "self-attention" keeps its hyphen at a line end too."""


_SUFFIXES_TEXT = """
level based aware wise specific free like driven related guided trained supervised world dimensional class label scale
order term time tuning tuned step invariant dependent weighted centered agnostic shot fold
"""
_SUFFIXES = frozenset(_SUFFIXES_TEXT.split())
"""Second halves that are set behind a hyphen: "radiologist-level"."""


class Vocabulary:
    """The words of a document, to tell a parted word ("treat-ment") from a compound that breaks at its hyphen."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._whole: set[str] = set()
        self._compound: set[str] = set()
        for line in lines:
            for word in line.text.lower().split():
                bare = word.strip(".,;:()[]“”\"'’?!")
                (self._compound if "-" in bare else self._whole).add(bare)

    def parted(self, before: str, following: str) -> bool:
        """Whether the hyphen at the end of `before` only parts a word."""
        left = before.rsplit(None, 1)[-1].lower()
        left = left.strip("([“\"'‘")
        right = following.split(None, 1)[0].lower().rstrip(".,;:()[]“”\"'’?!") if following.strip() else ""
        stem = left.rstrip("-")
        if stem + right in self._whole:
            return True
        if left + right in self._compound or f"{stem}-{right}" in self._compound:
            return False
        if stem in _PREFIXES or (right in _SUFFIXES and len(stem) > 2):
            return False
        if min(len(stem), len(right)) >= 4 and {stem, right} <= self._whole:
            return False  # "quadrant-based", "noise-prediction"
        if "-" in stem and not any(word.startswith(stem + right[:3]) for word in self._compound):
            # "self-super-" goes on as "self-supervised"; "state-of-" goes on as "state-of-the".
            return len(stem.rsplit("-", 1)[-1]) > 2 and right not in {"the", "art", "and", "of", "to"}
        return True


def paragraphs_of(lines: Sequence[Line], words: Vocabulary, cuts: AbstractSet[int] = frozenset()) -> list[Flow]:
    """Lines in reading order as paragraphs; a paragraph that a column or page interrupts goes on.

    `cuts` are lines (by identity) before which an equation stood: one in capitals begins a sentence of its own.
    """
    flows: list[Flow] = []
    last: Line | None = None
    for line in lines:
        cut = id(line) in cuts and line.text[:1].isupper()
        listed = flows and flows[-1].text.startswith(_BULLETS) and last is not None
        outdented = listed and last is not None and line.text[:1].isupper() and _leaves_item(last, line)
        if last is None or cut or outdented or _begins(last, line):
            flows.append(Flow())
        flows[-1].add(line, words)
        last = line
    return flows


def _leaves_item(last: Line, line: Line) -> bool:
    """Whether a line stands further left than a list's item, or follows an item that ended short."""
    width = max(1.0, last.column[1] - last.column[0])
    return line.area.x0 < last.area.x0 - 6 or last.area.x1 < last.column[1] - _CLOSES_SHORT * width


_BULLETS = ("•", "◦", "▪", "‣", "●", "■", "–", "*", "–", "∙", "·")
_ENDS = (".", "?", "!", ":", ".”", ".)", ";")


def _begins(last: Line, line: Line) -> bool:
    """Whether a line begins a paragraph."""
    if line.text.startswith(_BULLETS) and len(line.text) > 2 and line.text[1] == " ":
        return True
    ended = last.text.rstrip().endswith(_ENDS)
    width = max(1.0, last.column[1] - last.column[0])
    short = last.area.x1 < last.column[1] - _CLOSES_SHORT * width
    if last.page != line.page or line.run.base < last.run.base:
        return ended and (short or line.area.x0 > line.column[0] + 6)
    step = line.run.base - last.run.base
    if step > 1.75 * max(last.run.size, line.run.size) and (ended or step > 3.2 * line.run.size):
        return True
    indented = line.area.x0 > line.column[0] + 6 and line.area.x0 > last.area.x0 + 4
    return ended and (short or indented)
