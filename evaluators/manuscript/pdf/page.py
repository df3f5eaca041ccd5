"""What stands on a page of a PDF: characters with box, size, font, colour and mode, rules, pictures and drawings.

Read with PDFium (BSD-3-Clause or Apache-2.0). All coordinates are points from the top left corner of the page as it is
shown, y downwards.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MOST_CHARACTERS = 60_000
MOST_OBJECTS = 60_000
"""Of one page; what goes beyond is not looked at, with a note."""
_DEEPEST_FORM = 8
_FORM, _PATH, _IMAGE, _TEXT = 5, 2, 3, 1
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_HYPHENS = {"\x02", "\ufffe", "\xad"}


class Area(NamedTuple):
    """A rectangle on one page."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.y1 - self.y0

    def joined(self, other: Area) -> Area:
        """The smallest area that holds both."""
        return Area(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def holds(self, x: float, y: float) -> bool:
        """Whether a point is inside."""
        return self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1

    def grown(self, by: float) -> Area:
        """The area with a margin on all sides."""
        return Area(self.x0 - by, self.y0 - by, self.x1 + by, self.y1 + by)

    def meets(self, other: Area) -> bool:
        """Whether the two overlap."""
        return self.x0 <= other.x1 and other.x0 <= self.x1 and self.y0 <= other.y1 and other.y0 <= self.y1


class Font(NamedTuple):
    """A font by its name in the file, its subset mark left out."""

    name: str
    bold: bool
    maths: bool


class Char(NamedTuple):
    """One character. `left` and `right` are the pen before and after it, `base` is its baseline."""

    text: str
    box: Area
    left: float
    right: float
    base: float
    size: float
    """Points, as shown."""
    font: Font
    fill: tuple[int, int, int, int]
    mode: int
    """Text rendering mode 0-7; 3 paints nothing."""
    upright: bool
    nested: bool
    """Whether it is part of a placed picture (form), not of the page's own text."""


@dataclass
class Page:
    """One page. `rules` are thin level lines; `drawings` everything painted that is neither text nor rule."""

    number: int
    width: float
    height: float
    chars: list[Char] = field(default_factory=list)
    rules: list[Area] = field(default_factory=list)
    uprights: list[Area] = field(default_factory=list)
    """Thin upright lines."""
    images: list[Area] = field(default_factory=list)
    drawings: list[Area] = field(default_factory=list)
    strokes: list[Area] = field(default_factory=list)
    """Level strokes as short as an underscore, which TeX draws instead of printing one."""
    unmapped: int = 0
    """Characters for which the file names no letter."""
    notes: list[str] = field(default_factory=list)

    @property
    def area(self) -> Area:
        """The whole page."""
        return Area(0.0, 0.0, self.width, self.height)


class Inside:
    """A page that is open: its texts can be switched off and on, and it can be rendered."""

    def __init__(self, page: Any, number: int) -> None:
        self.raw = page
        self.number = number
        self._left, self._bottom, right, top = page.get_mediabox() if page.get_cropbox() is None else page.get_cropbox()
        self.width, self.height = page.get_size()
        self._right, self._top = right, top
        self.rotation = page.get_rotation()

    def area(self, left: float, bottom: float, right: float, top: float) -> Area:
        """A box of the file as an area of the page as shown."""
        x0, y0 = self.point(left, bottom)
        x1, y1 = self.point(right, top)
        return Area(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the file on the page as shown, its rotation applied."""
        if self.rotation == 90:
            return y - self._bottom, x - self._left
        if self.rotation == 180:
            return self._right - x, y - self._bottom
        if self.rotation == 270:
            return self._top - y, self._right - x
        return x - self._left, self._top - y

    def objects(self) -> Iterator[tuple[Any, int, int]]:
        """Every page object with its type and how deep it is nested in forms."""
        import pypdfium2.raw as c

        count = min(c.FPDFPage_CountObjects(self.raw.raw), MOST_OBJECTS)
        left = [MOST_OBJECTS]
        for index in range(count):
            yield from self._within(c.FPDFPage_GetObject(self.raw.raw, index), 0, left)

    def _within(self, item: Any, depth: int, left: list[int]) -> Iterator[tuple[Any, int, int]]:
        import pypdfium2.raw as c

        left[0] -= 1
        if left[0] < 0 or not item:
            return
        kind = c.FPDFPageObj_GetType(item)
        yield item, kind, depth
        if kind == _FORM and depth < _DEEPEST_FORM:
            for index in range(min(c.FPDFFormObj_CountObjects(item), MOST_OBJECTS)):
                yield from self._within(c.FPDFFormObj_GetObject(item, index), depth + 1, left)


def read_page(inside: Inside) -> Page:
    """The page's characters and drawings."""
    page = Page(inside.number, inside.width, inside.height)
    own = _read_objects(inside, page)
    _read_characters(inside, page, own)
    return page


def _read_objects(inside: Inside, page: Page) -> set[int]:
    """Fill in rules, images and drawings; returns the addresses of the texts that are the page's own."""
    import pypdfium2.raw as c

    own: set[int] = set()
    seen = 0
    box = [ctypes.c_float() for _ in range(4)]
    for item, kind, depth in inside.objects():
        seen += 1
        if kind == _TEXT and depth == 0:
            own.add(ctypes.addressof(item.contents))
        if kind not in {_PATH, _IMAGE, _FORM} or depth > 0 or not c.FPDFPageObj_GetBounds(item, *box):
            continue
        left, bottom, right, top = (value.value for value in box)
        area = inside.area(left, bottom, right, top)
        if kind == _PATH:
            _add_path(page, area, item)
        elif area.meets(page.area):
            (page.images if kind == _IMAGE else page.drawings).append(area)
    if seen >= MOST_OBJECTS:
        page.notes.append(f"Page {page.number} holds more than {MOST_OBJECTS} objects; the rest was not looked at.")
    return own


def _add_path(page: Page, area: Area, item: Any) -> None:
    import pypdfium2.raw as c

    fill, stroke = ctypes.c_int(), ctypes.c_int()
    c.FPDFPath_GetDrawMode(item, fill, stroke)
    if not (fill.value or stroke.value) or not area.meets(page.area):
        return
    if area.height <= 2.5 and area.width >= 12:
        page.rules.append(area)
    elif area.height <= 0.9 and 1.5 <= area.width <= 8:
        page.strokes.append(area)
    elif area.width <= 2.5 and area.height >= 6:
        page.uprights.append(area)
    elif area.width > 2.5 or area.height > 2.5:
        page.drawings.append(area)
        if stroke.value and not fill.value and 4 <= c.FPDFPath_CountSegments(item) <= 6:
            _add_frame(page, area)


def _add_frame(page: Page, area: Area) -> None:
    """The four sides of a drawn rectangle, as some programs draw the cells of tables."""
    for y in (area.y0, area.y1):
        page.rules.append(Area(area.x0, y, area.x1, y))
    for x in (area.x0, area.x1):
        page.uprights.append(Area(x, area.y0, x, area.y1))


def _read_characters(inside: Inside, page: Page, own: set[int]) -> None:
    import pypdfium2.raw as c

    text = c.FPDFText_LoadPage(inside.raw.raw)
    if not text:
        page.notes.append(f"The text of page {page.number} cannot be read.")
        return
    try:
        count = c.FPDFText_CountChars(text)
        if count > MOST_CHARACTERS:
            page.notes.append(f"Page {page.number} holds {count} characters; the first {MOST_CHARACTERS} were read.")
        reader = _Characters(inside, text, own)
        for index in range(min(count, MOST_CHARACTERS)):
            char = reader.read(index)
            if char is not None:
                page.chars.append(char)
        page.unmapped = reader.unmapped
        page.chars = _with_underscores(page)
    finally:
        c.FPDFText_ClosePage(text)


def _with_underscores(page: Page) -> list[Char]:
    """The characters, with an underscore where a short stroke stands on or below the baseline behind a letter."""
    if not page.strokes:
        return page.chars
    starts: dict[int, list[Area]] = {}
    for stroke in page.strokes[:2000]:
        starts.setdefault(round(stroke.y0 / 4), []).append(stroke)
    chars: list[Char] = []
    for char in page.chars:
        chars.append(char)
        row = round(char.base / 4)
        for stroke in (s for near in (row - 1, row, row + 1) for s in starts.get(near, ())):
            if -0.3 <= stroke.x0 - char.right <= 1.2 and -0.5 <= stroke.y0 - char.base <= 0.25 * char.size:
                chars.append(char._replace(text="_", box=stroke, left=stroke.x0, right=stroke.x1))
    return chars


class _Characters:
    """Reads one character after the other with buffers that are made once."""

    def __init__(self, inside: Inside, text: Any, own: set[int]) -> None:
        import pypdfium2.raw as c

        self.c, self.inside, self.text, self.own = c, inside, text, own
        self.box = [ctypes.c_double() for _ in range(4)]
        self.origin = [ctypes.c_double() for _ in range(2)]
        self.loose, self.matrix = c.FS_RECTF(), c.FS_MATRIX()
        self.colour = [ctypes.c_uint() for _ in range(4)]
        self.name, self.flags = ctypes.create_string_buffer(256), ctypes.c_int()
        self.fonts: dict[tuple[bytes, int, int], Font] = {}
        self.unmapped = 0
        self.objects: dict[int, tuple[int, bool, float, bool, Font, tuple[int, int, int, int]]] = {}

    def read(self, index: int) -> Char | None:
        """The character, or None for one that PDFium made up (blanks and line ends)."""
        c = self.c
        if c.FPDFText_IsGenerated(self.text, index) == 1:
            return None
        code = c.FPDFText_GetUnicode(self.text, index)
        if c.FPDFText_HasUnicodeMapError(self.text, index) == 1 or code == 0:
            self.unmapped += 1
        letter = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"
        letter = "-" if letter in _HYPHENS else _LIGATURES.get(letter, letter)
        c.FPDFText_GetCharBox(self.text, index, *self.box)
        left, right, bottom, top = (value.value for value in self.box)
        c.FPDFText_GetCharOrigin(self.text, index, *self.origin)
        c.FPDFText_GetLooseCharBox(self.text, index, self.loose)
        mode, nested, size, upright, font, fill = self._style(index)
        x, base = self.inside.point(self.origin[0].value, self.origin[1].value)
        loose = self.inside.area(self.loose.left, self.loose.bottom, self.loose.right, self.loose.top)
        area = self.inside.area(left, bottom, right, top)
        return Char(letter, area, x, max(loose.x1, x), base, size, font, fill, mode, upright, nested)

    def _style(self, index: int) -> tuple[int, bool, float, bool, Font, tuple[int, int, int, int]]:
        """What all characters of one text object share."""
        c = self.c
        item = c.FPDFText_GetTextObject(self.text, index)
        address = ctypes.addressof(item.contents) if item else 0
        if address in self.objects:
            return self.objects[address]
        c.FPDFText_GetMatrix(self.text, index, self.matrix)
        size = c.FPDFText_GetFontSize(self.text, index) * math.hypot(self.matrix.c, self.matrix.d)
        angle = math.degrees(math.atan2(self.matrix.b, self.matrix.a)) + self.inside.rotation * -1
        upright = abs((angle + 180) % 360 - 180) < 3
        c.FPDFText_GetFillColor(self.text, index, *self.colour)
        mode = c.FPDFTextObj_GetTextRenderMode(item) if item else 0
        red, green, blue, alpha = (value.value for value in self.colour)
        style = (mode, address not in self.own, abs(size), upright, self._font(index), (red, green, blue, alpha))
        if address:
            self.objects[address] = style
        return style

    def _font(self, index: int) -> Font:
        c = self.c
        c.FPDFText_GetFontInfo(self.text, index, self.name, 256, self.flags)
        weight = c.FPDFText_GetFontWeight(self.text, index)
        key = (self.name.value, self.flags.value, weight)
        if key not in self.fonts:
            self.fonts[key] = make_font(self.name.value.decode("utf-8", "replace"), self.flags.value, weight)
        return self.fonts[key]


_MATHS_NAMES = """
CMMI CMSY CMEX MSBM MSAM RSFS EUFM EUSM STMARY TXMI TXSY TXEX RTXMI NEWTXMI RMTMI MTMI MTSY PXMI PXSY LMMATH
CAMBRIAMATH
STIXMATH XITSMATH BBM DSROM SYMBOL LIBERTINUSMATH LATINMODERNMATH STIXTWOMATH ESINT MATHJAX TXB NTXEX NTXSY LMSY LMEX
CMBSY
"""
_MATHS = tuple(_MATHS_NAMES.split())
_BOLD = ("BOLD", "BLACK", "HEAVY", "CMBX", "SFBX", "MEDI", "DEMI")
_BOLD_STARTS = ("CMB", "LMROMAN10BOLD", "CMSSBX")
_FORCE_BOLD = 1 << 18
"""The flag of a font's description that asks for bold."""


def make_font(name: str, flags: int, weight: int) -> Font:
    """A font's traits from its name first: weights in the file are often wrong."""
    plain = name.partition("+")[2] if len(name) > 7 and name[6] == "+" else name
    bare = plain.upper().replace("-", "").replace(" ", "").replace("_", "")
    named = any(mark in bare for mark in _BOLD) or bare.endswith(("BD", "BX")) or bare.startswith(_BOLD_STARTS)
    bold = named or (weight >= 600 and not bare.startswith("NIMBUS")) or bool(flags & _FORCE_BOLD)
    return Font(plain, bold and "REGU" not in bare, bare.startswith(_MATHS))
