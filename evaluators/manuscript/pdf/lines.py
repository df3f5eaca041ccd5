"""Characters as segments (runs without a wide gap), and segments as lines in the order in which a column is read."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from evaluators.manuscript.pdf.page import Area, Char, Page

WORD_GAP = 0.14
"""Of the type size: a wider gap is a blank."""
THIN_SPACE = 0.18
"""The same behind a comma before a digit: formulas set 1,000 with a thin space of 0.167."""
SEGMENT_GAP = 0.95
"""Of the type size: a wider gap parts columns, cells or a formula from its number."""
CELL_GAP = 0.5
"""The same inside a table, where text is not stretched."""
OVERHANG_GAP = 0.08
"""The same behind a letter that reaches over its own width, such as an italic f: its pen position is not known."""
_ACCENTS = {
    "´": "\u0301",
    "`": "\u0300",
    "¨": "\u0308",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¸": "\u0327",
    "ˇ": "\u030c",
    "˚": "\u030a",
}
_DOTTED = {"ı": "i", "ȷ": "j"}
_SCRIPT = frozenset("0123456789+-−–,")


class Letter(NamedTuple):
    """A printed letter, or a blank or mark that stands for a gap or a raised digit; these borrow a character's box."""

    text: str
    char: Char


@dataclass(frozen=True, eq=False)
class Run:
    """Characters that follow each other on one baseline: a segment, or a whole line of one column."""

    letters: tuple[Letter, ...]

    @cached_property
    def text(self) -> str:
        """As it is read, single blanks between words."""
        return "".join(letter.text for letter in self.letters)

    @cached_property
    def area(self) -> Area:
        """Around all pens and boxes."""
        boxes = [letter.char.box for letter in self.letters]
        left = min(letter.char.left for letter in self.letters)
        right = max(letter.char.right for letter in self.letters)
        return Area(left, min(b.y0 for b in boxes), right, max(b.y1 for b in boxes))

    @cached_property
    def size(self) -> float:
        """The type size of most characters."""
        return Counter(round(letter.char.size, 1) for letter in self.letters).most_common(1)[0][0]

    @cached_property
    def base(self) -> float:
        """The baseline of the characters of that size."""
        return next(letter.char.base for letter in self.letters if round(letter.char.size, 1) == self.size)

    @cached_property
    def bold(self) -> float:
        """The share of letters and digits that are bold."""
        told = [letter.char.font.bold for letter in self.letters if letter.text.isalnum()]
        return sum(told) / len(told) if told else 0.0

    @cached_property
    def largest(self) -> float:
        """The largest type size of a letter."""
        return max((letter.char.size for letter in self.letters if letter.text.isalnum()), default=self.size)


def segments_of(chars: Iterable[Char], gap: float = SEGMENT_GAP) -> list[Run]:
    """The upright characters as segments, in the order of the file."""
    found: list[Run] = []
    current: list[Char] = []
    for char in _accented(chars):
        if not char.upright:
            continue
        if current and not _follows(current, char, gap):
            _add(found, current)
            current = []
        if not current or not _repeats(current[-1], char):
            current.append(char)
    _add(found, current)
    return found


def _accented(chars: Iterable[Char]) -> list[Char]:
    """Accents that were printed apart, put on the letters that they stand over."""
    given = list(chars)
    apart = [c for c in given if c.text in _ACCENTS]
    if not apart:
        return given
    rows: dict[int, list[int]] = {}
    for index, char in enumerate(given):
        if char.text.isalpha() and char.text not in _ACCENTS:
            rows.setdefault(round(char.base / 4), []).append(index)
    used: set[int] = set()
    for accent in apart:
        middle = (accent.box.x0 + accent.box.x1) / 2
        near = (i for row in (-1, 0, 1) for i in rows.get(round(accent.base / 4) + row, ()))
        under = [i for i in near if given[i].box.x0 - 0.3 <= middle <= given[i].box.x1 + 0.3]
        if under:
            letter = min(under, key=lambda i: abs((given[i].box.x0 + given[i].box.x1) / 2 - middle))
            text = unicodedata.normalize(
                "NFC", _DOTTED.get(given[letter].text, given[letter].text) + _ACCENTS[accent.text]
            )
            given[letter] = given[letter]._replace(text=text)
            used.add(id(accent))
    return [c for c in given if id(c) not in used]


def _add(found: list[Run], chars: list[Char]) -> None:
    while chars and chars[-1].text.isspace():
        chars.pop()
    letters = _lettered(chars)
    if letters:
        found.append(Run(letters))


def _follows(current: list[Char], char: Char, gap: float) -> bool:
    last = current[-1]
    size = max(last.size, char.size, 0.1)
    shift = abs(char.base - last.base)
    if shift > 0.55 * size or (shift > 0.15 * size and char.size > 1.3 * last.size and len(current) == 1):
        return False
    reach = char.left - last.right
    return -0.7 * size <= reach <= gap * size


def _repeats(last: Char, char: Char) -> bool:
    """Bold that is made by printing twice; the two letters of an "ff" share one wide box."""
    if char.text == "f" and char.box == last.box and char.box.width > 0.42 * char.size:
        return False
    return last.text == char.text and abs(last.left - char.left) < 0.15 * char.size and abs(last.base - char.base) < 0.5


def _lettered(chars: Sequence[Char]) -> tuple[Letter, ...]:
    """Letters with the blanks between words, accents put on their letters and raised digits marked."""
    letters: list[Letter] = []
    main = max((c.size for c in chars if not c.text.isspace()), default=0.0)
    base = next((c.base for c in chars if c.size == main), 0.0)
    last: Char | None = None
    for char in chars:
        if char.text.isspace() or unicodedata.category(char.text[0]) == "Cc":
            if letters and letters[-1].text != " ":
                letters.append(Letter(" ", char))
            last = char
            continue
        gap = last is not None and char.left - last.right > _blank(last, char)
        if gap and letters and letters[-1].text != " ":
            letters.append(Letter(" ", char))
        if _raised(char, main, base) and letters and not _raised(letters[-1].char, main, base):
            letters.append(Letter("^", char))
        letters.append(Letter(char.text, char))
        last = char
    return tuple(letters)


def _blank(last: Char, char: Char) -> float:
    """The gap from which on two characters are two words."""
    share = WORD_GAP
    if last.text == "," and char.text.isdigit():
        share = THIN_SPACE
    elif last.right <= last.box.x1 + 0.02:
        share = OVERHANG_GAP
    return share * max(last.size, char.size)


def _raised(char: Char, main: float, base: float) -> bool:
    return char.text in _SCRIPT and char.size < 0.85 * main and base - char.base > 0.2 * main


@dataclass(frozen=True, eq=False)
class Line:
    """A line of one column; `column` is where the column's text begins and ends."""

    run: Run
    page: int
    column: tuple[float, float]

    @property
    def text(self) -> str:
        """As it is read."""
        return self.run.text

    @property
    def area(self) -> Area:
        """Around it."""
        return self.run.area


def lines_of(
    page: Page, segments: Sequence[Run], barriers: Sequence[Area] = (), usual: float | None = None
) -> list[Line]:
    """The segments of a page as lines in reading order, one column or two.

    `barriers` are floats that were taken out: what stands above one over both columns is read before what stands below.
    `usual` is where other pages have their gutter.
    """
    if not segments:
        return []
    gutter = find_gutter(page, segments, usual)
    if gutter is None:
        return _column(page, list(segments))
    wide = [s for s in segments if s.area.x0 < gutter - 1 and s.area.x1 > gutter + 1]
    narrow = [s for s in segments if not (s.area.x0 < gutter - 1 and s.area.x1 > gutter + 1)]
    lines: list[Line] = []
    top = -1.0
    across = [a for a in barriers if a.x0 < gutter - 4 and a.x1 > gutter + 4]
    for bound in sorted({*_bands(wide), *(a.y0 for a in across), *(a.y1 for a in across), page.height + 1}):
        inside = [s for s in narrow if top <= s.base < bound]
        crossing = [s for s in wide if top <= s.base < bound]
        lines += _column(page, crossing)
        lines += _column(page, [s for s in inside if s.area.x0 < gutter])
        lines += _column(page, [s for s in inside if s.area.x0 >= gutter])
        top = bound
    return lines


def _bands(wide: Sequence[Run]) -> list[float]:
    """Where a full-width line begins: what is narrow above it is read before it."""
    return sorted({round(s.base - 0.4 * s.size, 1) for s in wide})


def find_gutter(page: Page, segments: Sequence[Run], usual: float | None = None) -> float | None:
    """The middle of the white strip between two columns, or None on a page of one column."""
    wide = [s.area for s in segments if s.area.width > 0.22 * page.width]
    if usual is not None:
        crossing = sum(s.area.x0 < usual - 1 and s.area.x1 > usual + 1 for s in segments)
        beside = sum(s.area.x0 >= usual - 1 for s in segments)
        if crossing <= 0.25 * len(segments) and beside >= 2:
            return usual
    if len(wide) < 12:
        return None
    best: tuple[int, float] | None = None
    x = 0.35 * page.width
    while x <= 0.65 * page.width:
        crossing = sum(a.x0 < x - 1 and a.x1 > x + 1 for a in wide)
        if best is None or crossing < best[0]:
            best = (crossing, x)
        x += 1.5
    if best is None:
        return None
    middle = [a for a in wide if not (a.x0 < best[1] - 1 and a.x1 > best[1] + 1)]
    left = sum(a.x1 <= best[1] + 1 for a in middle)
    if best[0] > 0.4 * len(wide) or min(left, len(middle) - left) < max(5, 0.12 * len(wide)):
        return None
    return _centred(best[1], middle)


def _centred(x: float, areas: Sequence[Area]) -> float:
    left = max((a.x1 for a in areas if a.x1 <= x + 1), default=x)
    right = min((a.x0 for a in areas if a.x0 >= x - 1), default=x)
    return (left + right) / 2 if left < right else x


def _column(page: Page, segments: list[Run]) -> list[Line]:
    """Segments of one column joined to lines, from top to bottom."""
    if not segments:
        return []
    rows = rows_of(segments)
    runs = [joined(row) for row in rows]
    edges = (_common(r.area.x0 for r in runs), _common((r.area.x1 for r in runs), last=True))
    return [Line(run, page.number, edges) for run in runs]


def rows_of(segments: Sequence[Run]) -> list[list[Run]]:
    """Segments by baseline, top to bottom, each row from left to right. Small raised pieces join the row beside."""
    rows: list[list[Run]] = []
    for segment in sorted(segments, key=lambda s: (s.base, s.area.x0)):
        row = next((r for r in reversed(rows[-4:]) if _same_row(r, segment)), None)
        if row is None:
            rows.append([segment])
        else:
            row.append(segment)
    return [sorted(row, key=lambda s: s.area.x0) for row in rows]


def _same_row(row: Sequence[Run], segment: Run) -> bool:
    main = max(row, key=lambda s: s.size)
    size = max(main.size, segment.size)
    if abs(main.base - segment.base) <= 0.22 * size:
        return True
    if min(main.size, segment.size) > 0.86 * size or abs(main.base - segment.base) > 0.55 * size:
        return False
    return (
        min(abs(segment.area.x0 - s.area.x1) for s in row) < 0.5 * size
        or min(abs(s.area.x0 - segment.area.x1) for s in row) < 0.5 * size
    )


def joined(row: Sequence[Run]) -> Run:
    """The segments of one row as one run, blanks between them."""
    letters: list[Letter] = []
    for segment in row:
        if letters and letters[-1].text != " ":
            before, after = letters[-1].char, segment.letters[0].char
            if after.left - before.right > _blank(before, after) or len(row) > 1:
                letters.append(Letter(" ", after))
        letters += segment.letters
    return Run(tuple(letters))


def _common(values: Iterable[float], *, last: bool = False) -> float:
    """The edge that most lines share, to two points."""
    rounded = Counter(round(v / 2) * 2 for v in values)
    most = rounded.most_common(1)[0][1]
    near = [value for value, count in rounded.items() if count >= 0.5 * most]
    return float(max(near) if last else min(near))
