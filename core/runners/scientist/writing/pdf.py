"""A draft as a PDF: A4, embedded fonts, page numbers and bookmarks; equal drafts give equal bytes.

ReportLab's paragraphs read markup, embed local files and make links, so `_paragraph` is the only place that makes
one, and it escapes what it is given. Every page is set twice: the first run only counts them.
"""

from __future__ import annotations

import itertools
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from core.runners.scientist.writing.draft import Block, Bullets, Draft, Figure, Grid, Reference
from core.runners.scientist.writing.draft import Paragraph as Text

SERIF, BOLD, ITALIC, SANS = "Study-Serif", "Study-Bold", "Study-Italic", "Study-Sans"
FACES = {
    SERIF: "STIXGeneral.ttf",
    BOLD: "STIXGeneralBol.ttf",
    ITALIC: "STIXGeneralItalic.ttf",
    SANS: "DejaVuSans.ttf",
}
INK, MUTED, HAIRLINE, PANEL = HexColor("#161D26"), HexColor("#55606E"), HexColor("#C9D0D8"), HexColor("#F4F6F8")
MARGIN, TOP, BOTTOM = 68.0, 62.0, 62.0
WIDTH = A4[0] - 2 * MARGIN
HEIGHT = A4[1] - TOP - BOTTOM
TALLEST_FIGURE = 300.0
MOST_STRETCH = 1.5
"""How much wider than its content a table is drawn."""
LEAST_ROOM = 90.0
LONGEST_WORD = WIDTH / 3
MOST_CHARACTERS = 20_000
"""Of one paragraph; more is cut, so that no value can fill the document."""


def _style(name: str, size: float, leading: float, font: str = SERIF, **more: Any) -> ParagraphStyle:
    colour = more.pop("textColor", INK)
    return ParagraphStyle(
        name, fontName=font, fontSize=size, leading=leading, textColor=colour, splitLongWords=1, **more
    )


STYLES = {
    "title": _style("title", 18, 23, BOLD, spaceAfter=6),
    "byline": _style("byline", 9.5, 13, ITALIC, textColor=MUTED, spaceAfter=12),
    "h1": _style("h1", 13, 17, BOLD, spaceBefore=15, spaceAfter=5, keepWithNext=1),
    "h2": _style("h2", 11, 14.5, BOLD, spaceBefore=9, spaceAfter=3, keepWithNext=1),
    "body": _style("body", 10.2, 14, spaceAfter=6),
    "quoted": _style("quoted", 10.2, 14, ITALIC, leftIndent=16, rightIndent=16, spaceAfter=6),
    "bullet": _style("bullet", 10.2, 14, leftIndent=13, bulletIndent=2, spaceAfter=2),
    "caption": _style("caption", 9, 12, spaceBefore=6, spaceAfter=5, keepWithNext=1),
    "cell": _style("cell", 8.6, 11.2),
    "number": _style("number", 8.6, 11.2, alignment=TA_RIGHT),
    "head": _style("head", 8.6, 11.2, BOLD),
    "head_number": _style("head_number", 8.6, 11.2, BOLD, alignment=TA_RIGHT),
    "note": _style("note", 8.2, 10.8, textColor=MUTED, spaceBefore=3, spaceAfter=4),
    "reference": _style("reference", 9, 12, leftIndent=20, firstLineIndent=-20, spaceAfter=3),
}


def to_pdf(draft: Draft) -> bytes:
    """Return the manuscript as PDF bytes."""
    register_fonts()
    total = _build(draft, None)[1]
    return _build(draft, total)[0]


@cache
def register_fonts() -> None:
    """Make the faces known that are shipped with matplotlib, once."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in FACES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))


def _build(draft: Draft, total: int | None) -> tuple[bytes, int]:
    buffer = BytesIO()
    template = _Template(buffer, draft, total)
    template.build(_story(draft))
    return buffer.getvalue(), template.page


def _story(draft: Draft) -> list[Flowable]:
    story = [_paragraph(draft.words(draft.title), "title"), _paragraph(draft.words(draft.byline), "byline")]
    story.append(_abstract(draft))
    for section in draft.sections:
        below = [flowable for block in section.blocks for flowable in _block(draft, block)]
        story += [*_heading(section.title, section.level, _room(below)), *below]
    if draft.references:
        story += _heading("References", 1, LEAST_ROOM)
        story += [_reference(one, number) for number, one in enumerate(draft.references, 1)]
    return story


def _abstract(draft: Draft) -> Flowable:
    """The abstract on a tint, so that it is found at once."""
    parts = [_paragraph("Abstract", "h2"), *(_text(draft, paragraph) for paragraph in draft.abstract)]
    style = TableStyle(
        [
            ("BACKGROUND", (0, 0), (-1, -1), PANEL),
            ("LEFTPADDING", (0, 0), (-1, -1), 12),
            ("RIGHTPADDING", (0, 0), (-1, -1), 12),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ("TOPPADDING", (0, 0), (-1, 0), 8),
            ("BOTTOMPADDING", (0, -1), (-1, -1), 6),
        ]
    )
    return Table([[part] for part in parts], [WIDTH], style=style)


def _block(draft: Draft, block: Block) -> list[Flowable]:
    if isinstance(block, Text):
        return [_text(draft, block)]
    if isinstance(block, Bullets):
        return [*(_paragraph(draft.words(item), "bullet", bullet="•") for item in block.items), Spacer(1, 4)]
    return _figure(draft, block) if isinstance(block, Figure) else _table(draft, block)


def _text(draft: Draft, block: Text) -> Flowable:
    return _paragraph(draft.words(block.parts), "quoted" if block.quoted else "body", lead=block.lead)


def _figure(draft: Draft, block: Figure) -> list[Flowable]:
    across, down = ImageReader(BytesIO(block.data)).getSize()
    scale = min(WIDTH * block.width / across, TALLEST_FIGURE / down)
    picture = Image(BytesIO(block.data), across * scale, down * scale, hAlign="CENTER")
    return [KeepTogether([Spacer(1, 6), picture, _caption(draft, block), Spacer(1, 4)])]


def _table(draft: Draft, block: Grid) -> list[Flowable]:
    words = [[_shown(draft.words(cell), BOLD) for cell in row] for row in (block.head, *block.rows)]
    cells = [
        [_cell(cell, column < block.text_columns, row) for column, cell in enumerate(line)]
        for row, line in enumerate(words)
    ]
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEABOVE", (0, 0), (-1, 0), 0.9, INK),
            ("LINEBELOW", (0, 0), (-1, 0), 0.5, INK),
            ("LINEBELOW", (0, -1), (-1, -1), 0.9, INK),
            ("LINEBELOW", (0, 1), (-1, -2), 0.25, HAIRLINE),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ]
    )
    table = Table(cells, _widths(words, block.widths), style=style, repeatRows=1, hAlign="LEFT")
    note = [_paragraph(draft.words(block.note), "note")] if block.note else []
    parts = [_caption(draft, block), table, *note]
    if len(block.rows) <= 12:
        return [KeepTogether(parts), Spacer(1, 8)]
    return [CondPageBreak(120), *parts, Spacer(1, 8)]


def _cell(words: str, left: bool, row: int) -> Flowable:
    style = ("head" if row == 0 else "cell") if left else ("head_number" if row == 0 else "number")
    return _paragraph(words, style)


def _widths(words: list[list[str]], shares: tuple[float, ...]) -> list[float]:
    """Widths in points: as told over the text's width, or by the longest cell, none below its longest word."""
    if shares:
        return [WIDTH * share / sum(shares) for share in shares]
    columns = list(zip(*words, strict=True))
    wanted = [max(pdfmetrics.stringWidth(cell, BOLD, 8.6) for cell in column) + 8 for column in columns]
    least = [
        # A long name breaks before it takes the room that numbers need.
        min(
            LONGEST_WORD,
            max(pdfmetrics.stringWidth(word, BOLD, 8.6) for cell in column for word in cell.split() or [""]) + 8,
        )
        for column in columns
    ]
    spare = WIDTH - sum(least)
    if sum(wanted) <= WIDTH:
        return [width * min(WIDTH / sum(wanted), MOST_STRETCH) for width in wanted]
    if spare <= 0:
        return [width * WIDTH / sum(least) for width in least]
    extra = [max(want - low, 0) for want, low in zip(wanted, least, strict=True)]
    return [low + spare * more / (sum(extra) or 1) for low, more in zip(least, extra, strict=True)]


def _caption(draft: Draft, block: Figure | Grid) -> Flowable:
    return _paragraph(draft.words(block.caption), "caption", lead=f"{draft.label_of(block)}.")


def _reference(one: Reference, number: int) -> Flowable:
    where = f" doi:{one.doi}" if one.doi else f" {one.url}" if one.url else ""
    return _paragraph(f"[{number}] {one.text}{where}", "reference")


def _room(below: list[Flowable]) -> float:
    """Points that a heading needs free on its page: a few lines, or all of the table or figure right below it."""
    if not below or not isinstance(below[0], KeepTogether):
        return LEAST_ROOM
    return float(min(HEIGHT, LEAST_ROOM / 2 + below[0].wrapOn(Canvas(BytesIO()), WIDTH, HEIGHT)[1]))


def _heading(title: str, level: int, room: float) -> list[Flowable]:
    flowable = _paragraph(title, f"h{min(level, 2)}")
    flowable.bookmark = (title, min(level, 2) - 1)
    return [CondPageBreak(room), flowable]


def _paragraph(words: str, style: str, *, lead: str = "", bullet: str | None = None) -> Flowable:
    """Return a paragraph that shows the words literally, whatever they hold; `lead` stands before them in bold."""
    chosen = STYLES[style]
    kept = words if len(words) <= MOST_CHARACTERS else f"{words[:MOST_CHARACTERS]}…"
    bold = f'<font name="{BOLD}">{_with_fonts(lead, BOLD)}</font> ' if lead else ""
    return Paragraph(bold + _with_fonts(kept, chosen.fontName), chosen, bulletText=bullet)


def _with_fonts(words: str, font: str) -> str:
    """Escape words; a run that the font cannot show is set in the wider face."""
    runs = itertools.groupby(_shown(words, font), lambda one: _face(one, font))
    return "".join(_run("".join(letters), name, font) for name, letters in runs)


def _shown(words: str, font: str) -> str:
    """Words with a code for each letter that has no glyph, and a space for each that cannot be printed."""
    spaced = (one if one.isprintable() else " " for one in words)
    return "".join(one if _face(one, font) else f"[U+{ord(one):04X}]" for one in spaced)


def _face(character: str, font: str) -> str | None:
    return next((name for name in (font, SANS) if ord(character) in _glyphs(name)), None)


def _run(letters: str, name: str | None, font: str) -> str:
    return escape(letters) if name == font else f'<font name="{name}">{escape(letters)}</font>'


@cache
def _glyphs(font: str) -> frozenset[int]:
    register_fonts()
    return frozenset(pdfmetrics.getFont(font).face.charToGlyph)


class _Template(BaseDocTemplate):  # type: ignore[misc]
    """A4 pages with a running head and the page's number, and a bookmark for each section."""

    def __init__(self, buffer: BytesIO, draft: Draft, total: int | None) -> None:
        super().__init__(buffer, pagesize=A4, invariant=1, lang="en", pageCompression=1)
        self.heading, self.subject_line, self.total = draft.words(draft.title), draft.subject, total
        frame = Frame(MARGIN, BOTTOM, WIDTH, HEIGHT, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self._furniture))

    def beforeDocument(self) -> None:  # noqa: N802 - ReportLab's name
        """Set what a reader's title bar and document properties show."""
        self.canv.setTitle(self.heading[:200])
        self.canv.setSubject(self.subject_line[:400])
        self.canv.setCreator("Greenlight")
        self.canv.setViewerPreference("DisplayDocTitle", "true")

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - ReportLab's name
        """Give each heading its bookmark."""
        title: tuple[str, int] | None = getattr(flowable, "bookmark", None)
        if title:
            key = f"heading-{self.seq.nextf('heading')}"
            self.canv.bookmarkHorizontal(key, 0, self.frame._y + 30)
            self.canv.addOutlineEntry(title[0], key, title[1])

    def _furniture(self, canvas: Canvas, _template: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFillColor(MUTED)
        canvas.setStrokeColor(HAIRLINE)
        canvas.setLineWidth(0.5)
        page = canvas.getPageNumber()
        if page > 1:
            canvas.setFont(ITALIC, 8.5)
            canvas.drawString(MARGIN, A4[1] - 40, _fitting(self.heading, WIDTH))
            canvas.line(MARGIN, A4[1] - 46, A4[0] - MARGIN, A4[1] - 46)
        canvas.setFont(SERIF, 8.5)
        canvas.drawCentredString(A4[0] / 2, 36, f"{page} of {self.total or '?'}")
        canvas.restoreState()


def _fitting(words: str, width: float) -> str:
    """What of a line fits into `width` points, letters without a glyph left out."""
    shown = "".join(one for one in words[:300] if ord(one) in _glyphs(ITALIC))
    if pdfmetrics.stringWidth(shown, ITALIC, 8.5) <= width:
        return shown
    while shown and pdfmetrics.stringWidth(f"{shown}…", ITALIC, 8.5) > width:
        shown = shown[:-1]
    return f"{shown}…"
