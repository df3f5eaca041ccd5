"""Building blocks of the printed page: badges, panels, label-and-value grids, ruled tables, picture rows."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TypeAlias

from reportlab.lib.colors import HexColor
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import CondPageBreak, Flowable, Image, Table, TableStyle

from core.reports.figures import MASK_CLASSES
from core.reports.picture import Picture
from core.reports.typeset import BOLD, CONTENT_HEIGHT, CONTENT_WIDTH, HAIRLINE, MUTED, PANEL, SANS, text
from core.reports.wording import Tone, is_digest

Cell: TypeAlias = Flowable | list[Flowable] | str
PLAIN = [
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
]


LARGEST_PIXEL = 0.5
"""Points that a pixel may take: a small picture is not blown up."""


class Badge(Flowable):  # type: ignore[misc]
    """A state as icon, word and colour; `size` is the letters' size in points, `solid` turns it inside out."""

    def __init__(self, tone: Tone, size: float = 7.0, *, solid: bool = False) -> None:
        super().__init__()
        self.tone, self.size, self.solid = tone, size, solid
        self.width = stringWidth(self._words, BOLD, size) + size * 1.6
        self.height = size * 1.9

    @property
    def _words(self) -> str:
        return f"{self.tone.icon}  {self.tone.word}"

    def wrap(self, *_available: float) -> tuple[float, float]:
        """The badge's size in points, whatever is available."""
        return self.width, self.height

    def draw(self) -> None:
        """Draw the rounded tint and the words."""
        back, front = (self.tone.colour, "#FFFFFF") if self.solid else (self.tone.tint, self.tone.colour)
        self.canv.setFillColor(HexColor(back))
        self.canv.roundRect(0, 0, self.width, self.height, self.height / 2, stroke=0, fill=1)
        self.canv.setFillColor(HexColor(front))
        self.canv.setFont(BOLD, self.size)
        self.canv.drawString(self.size * 0.8, self.size * 0.58, self._words)


class MaskLegend(Flowable):  # type: ignore[misc]
    """The mask's classes, each as its colour and its words, in one line."""

    def __init__(self) -> None:
        super().__init__()
        self.width, self.height = CONTENT_WIDTH, 14.0

    def draw(self) -> None:
        """Draw a swatch and its words for each class."""
        x = 0.0
        for entry in MASK_CLASSES:
            self.canv.setFillColor(HexColor(entry.hex))
            self.canv.rect(x, 4, 7, 7, stroke=0, fill=1)
            self.canv.setFillColor(MUTED)
            self.canv.setFont(SANS, 7)
            self.canv.drawString(x + 11, 4.6, entry.words)
            x += 29 + stringWidth(entry.words, SANS, 7)


class PageTable(Table):  # type: ignore[misc]
    """A table that breaks between rows, and inside one only where that row is taller than a page."""

    def split(self, width: float, height: float) -> list[Flowable]:
        """Return the part that fits and the rest, or nothing where a new page is better."""
        self.splitInRow = 0
        parts: list[Flowable] = super().split(width, height)
        if parts or height < CONTENT_HEIGHT - 1:
            return parts
        self.splitInRow = 1
        broken: list[Flowable] = super().split(width, height)
        return broken


def grid(rows: Sequence[Sequence[Cell]], widths: Sequence[float], style: Sequence[tuple[object, ...]] = ()) -> Table:
    """A table without rules or padding."""
    return PageTable([list(row) for row in rows], widths, style=TableStyle([*PLAIN, *style]), hAlign="LEFT")


def ruled(head: Sequence[str], rows: Sequence[Sequence[Cell]], widths: Sequence[float]) -> Table:
    """A table with a repeated head, hairlines between rows and room to breathe."""
    style = [
        ("LINEBELOW", (0, 0), (-1, 0), 0.8, MUTED),
        ("LINEBELOW", (0, 1), (-1, -1), 0.4, HAIRLINE),
        ("TOPPADDING", (0, 1), (-1, -1), 7),
        ("BOTTOMPADDING", (0, 1), (-1, -1), 8),
        ("BOTTOMPADDING", (0, 0), (-1, 0), 4),
        ("RIGHTPADDING", (0, 0), (-2, -1), 10),
    ]
    cells = [[text(title, "label") for title in head], *[list(row) for row in rows]]
    return PageTable(cells, widths, style=TableStyle([*PLAIN, *style]), repeatRows=1, hAlign="LEFT")


def panel(
    content: list[Flowable], tint: str | None = None, bar: str | None = None, width: float = CONTENT_WIDTH
) -> Table:
    """A tinted box, with a coloured bar on its left edge where `bar` names one."""
    style: list[tuple[object, ...]] = [
        ("BACKGROUND", (0, 0), (-1, -1), HexColor(tint) if tint else PANEL),
        ("LEFTPADDING", (0, 0), (-1, -1), 16),
        ("RIGHTPADDING", (0, 0), (-1, -1), 16),
        ("TOPPADDING", (0, 0), (-1, -1), 12),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 13),
    ]
    if bar:
        style.append(("LINEBEFORE", (0, 0), (0, -1), 4, HexColor(bar), "butt"))
    return grid([[content]], [width], style)


def facts(pairs: Sequence[tuple[str, str]], width: float = CONTENT_WIDTH, limit: int = 400, label: float = 96) -> Table:
    """Labels on the left, `label` points wide, values on the right; digests in the fixed-width face."""
    rows = [
        [text(name, "label", limit=60), text(value, "mono" if is_digest(value) else "body", limit=limit)]
        for name, value in pairs
    ]
    padding = [("BOTTOMPADDING", (0, 0), (-1, -1), 4), ("RIGHTPADDING", (0, 0), (0, -1), 8)]
    return grid(rows, [label, width - label], padding)


def pictures(shown: Sequence[Picture], width: float = CONTENT_WIDTH, gap: float = 6.0, columns: int = 4) -> Table:
    """Pictures in rows of `columns` equal places, their captions below."""
    each = (width - gap * (columns - 1)) / columns
    cells: list[Cell] = [[image(one, each), text(one.caption, "caption", limit=120)] for one in shown]
    cells += [""] * (-len(cells) % columns)
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return grid(rows, [each + gap] * (columns - 1) + [each], [("RIGHTPADDING", (0, 0), (-2, -1), gap)])


def image(shown: Picture, width: float, tallest: float = 260.0) -> Image:
    """A picture at `width` points or less, its aspect kept and its height bounded."""
    across, down = ImageReader(BytesIO(shown.data)).getSize()
    scale = min(width / across, tallest / down, LARGEST_PIXEL)
    return Image(BytesIO(shown.data), across * scale, down * scale, hAlign="LEFT")


def heading(title: str, room: float = 120.0) -> list[Flowable]:
    """A section's heading, which the page template also enters among the bookmarks.

    It starts a new page where fewer than `room` points are left, so that it never stands alone.
    """
    flowable = text(title, "section")
    flowable.bookmark = title
    return [CondPageBreak(room), flowable]
