"""The printed page's letters: fonts, styles, and the one helper through which every text reaches a page.

ReportLab's paragraphs read markup, embed local files through <img> and turn <a> into links. So `text` is the
only place that makes one, and it escapes what it is given; the markup in a paragraph is ours alone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph

from core.reports.wording import clip, inert

INK, MUTED, HAIRLINE, PANEL = HexColor("#161D26"), HexColor("#55606E"), HexColor("#D5DBE2"), HexColor("#F4F6F8")
SANS, BOLD, OBLIQUE, MONO = "Greenlight", "Greenlight-Bold", "Greenlight-Oblique", "Greenlight-Mono"
FACES = {
    SANS: "DejaVuSans.ttf",
    BOLD: "DejaVuSans-Bold.ttf",
    OBLIQUE: "DejaVuSans-Oblique.ttf",
    MONO: "DejaVuSansMono.ttf",
}
# Chinese, Japanese and Korean fonts are too large to ship: every PDF reader substitutes its own for these.
HAN, KANA, HANGUL = "STSong-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
CELL_LIMIT = 900
PAGE_MARGIN = 48.0
CONTENT_WIDTH = 595.2 - 2 * PAGE_MARGIN
"""Width of the text on an A4 page, in points."""
PAGE_TOP, PAGE_BOTTOM = 64.0, 54.0
CONTENT_HEIGHT = 841.9 - PAGE_TOP - PAGE_BOTTOM


@cache
def register_fonts() -> None:
    """Make the embedded DejaVu faces (shipped with matplotlib) and the CJK substitutes known, once."""
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    for name, file in FACES.items():
        pdfmetrics.registerFont(TTFont(name, str(folder / file)))
    for name in (HAN, KANA, HANGUL):
        pdfmetrics.registerFont(UnicodeCIDFont(name))


def _style(name: str, size: float, leading: float, font: str = SANS, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=font,
        fontSize=size,
        leading=leading,
        textColor=more.pop("textColor", INK),
        splitLongWords=1,
        **more,
    )


STYLES = {
    "headline": _style("headline", 19, 25, BOLD),
    "lead": _style("lead", 9.6, 15, textColor=MUTED),
    "section": _style("section", 14, 18, BOLD, spaceBefore=20, spaceAfter=8),
    "group": _style("group", 9.6, 13, BOLD, spaceBefore=10, spaceAfter=2),
    "body": _style("body", 8.4, 12.6),
    "strong": _style("strong", 8.4, 12.6, BOLD),
    "figure": _style("figure", 11, 14, BOLD),
    "small": _style("small", 7.2, 10.4, textColor=MUTED),
    "intro": _style("intro", 7.2, 10.4, textColor=MUTED, spaceAfter=6),
    "label": _style("label", 6.8, 10, textColor=MUTED),
    "mono": _style("mono", 6.6, 9.6, MONO),
    "caption": _style("caption", 7, 9.6, textColor=MUTED, spaceBefore=2),
}


def text(value: object, style: str = "body", *, limit: int = CELL_LIMIT, lines: int = 1) -> Paragraph:
    """Return a paragraph that shows `value` literally, whatever it holds.

    `limit` bounds its characters and `lines` the line breaks that are kept (later ones become spaces), so
    that no value can fill the document.
    """
    chosen = STYLES[style]
    kept = clip(inert(value), limit).split("\n", lines - 1)
    marked = "<br/>".join(_with_fonts(line.replace("\n", " "), chosen.fontName) for line in kept)
    return Paragraph(marked, chosen)


def line(value: str, font: str, size: float, width: float) -> str:
    """Return what of a text fits in one line of `width` points, for lines that are drawn directly.

    Characters that the font lacks are written as codes; what is cut off ends in an ellipsis.
    """
    glyphs = _glyphs(font)
    shown = "".join(one if ord(one) in glyphs else f"[U+{ord(one):04X}]" for one in inert(value)[:200])
    if pdfmetrics.stringWidth(shown, font, size) <= width:
        return shown
    while shown and pdfmetrics.stringWidth(f"{shown}…", font, size) > width:
        shown = shown[:-1]
    return f"{shown}…"


def _with_fonts(line: str, font: str) -> str:
    """Escape a line, and name another font for each run that the first one cannot show."""
    han = KANA if any("\u3040" <= one <= "\u30ff" for one in line) else HAN
    runs: list[tuple[str, str]] = []
    for one in line:
        name = _font_for(one, font, han)
        shown = one if name else f"[U+{ord(one):04X}]"
        if runs and runs[-1][0] == (name or font):
            runs[-1] = (runs[-1][0], runs[-1][1] + shown)
        else:
            runs.append((name or font, shown))
    return "".join(escape(run) if name == font else f'<font name="{name}">{escape(run)}</font>' for name, run in runs)


def _font_for(character: str, font: str, han: str) -> str | None:
    if ord(character) in _glyphs(font):
        return font
    code = ord(character)
    if 0xAC00 <= code <= 0xD7A3 or 0x3130 <= code <= 0x318F:
        return HANGUL
    if 0x3000 <= code <= 0x30FF or 0x4E00 <= code <= 0x9FFF or 0xFF00 <= code <= 0xFFEF:
        return han
    return None


@cache
def _glyphs(font: str) -> frozenset[int]:
    register_fonts()
    return frozenset(pdfmetrics.getFont(font).face.charToGlyph)
