"""Papers as PDFs, drawn with ReportLab for the tests that read them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from reportlab.lib import colors
from reportlab.lib.pagesizes import letter
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    FrameBreak,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=11.5, alignment=4)
TEXT = (
    "We evaluated the model on 1,234 images of 310 patients and found an accuracy of 0.873 on the held-out data, "
    "which is higher than the baseline of 0.812 reported by others [1, 3]. The method relies on self-attention and "
    "well-known augmentation strategies that are described in detail elsewhere [2]. "
    "Intervals were computed by bootstrapping. "
)
LINE = "This visible line of the paper tells about the results of the study, which were 0.81 and 0.92."


def draw(path: Path, *pages: Callable[[Any], None], **how: Any) -> Path:
    """A PDF whose pages are drawn by the given functions, each with a canvas of letter size."""
    page = canvas.Canvas(str(path), pagesize=letter, **how)
    for drawing in pages:
        drawing(page)
        page.showPage()
    page.save()
    return path


def lines(page: Any, y: float, count: int = 6, text: str = LINE) -> None:
    """Plain text lines from a height downwards."""
    page.setFillColorRGB(0, 0, 0)
    page.setFont("Times-Roman", 10)
    for index in range(count):
        page.drawString(72, y - 12 * index, text)


def picture(width: int = 200, height: int = 60, colour: tuple[int, int, int] = (90, 140, 200)) -> ImageReader:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    out.seek(0)
    return ImageReader(out)


def booktabs(rows: list[list[str]], bold: int | None = None) -> Table:
    """A table with a rule above, under the header and below."""
    style = [
        ("FONT", (0, 0), (-1, -1), "Times-Roman", 9),
        ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
        ("LINEBELOW", (0, 0), (-1, 0), 0.5, colors.black),
        ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
    ]
    if bold is not None:
        style.append(("FONT", (0, bold), (-1, bold), "Times-Bold", 9))
    return Table(rows, style=TableStyle(style))


def two_columns(path: Path) -> Path:
    """A paper of two columns with running heads, two kinds of table and numbered references."""
    head = ParagraphStyle("head", parent=BODY, alignment=1, spaceBefore=8, spaceAfter=4)
    caption = ParagraphStyle("caption", parent=BODY, fontSize=8, alignment=1, spaceBefore=6)
    entry = ParagraphStyle("entry", parent=BODY, fontSize=8, leading=9, leftIndent=14, firstLineIndent=-14)
    indented = ParagraphStyle("indented", parent=BODY, firstLineIndent=10)
    grid = Table([["Class", "n", "Correct"], ["A", "50", "45"], ["B", "100", "80"]])
    grid.setStyle(
        TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black), ("FONT", (0, 0), (-1, -1), "Times-Roman", 9)])
    )
    results = booktabs([["Method", "AUC", "Sens."], ["ResNet-50", "0.851", "0.80"], ["Ours", "0.902", "0.85"]], bold=2)
    story: list[Any] = [
        Paragraph(
            "A Two Column Paper on Measuring Things", ParagraphStyle("title", parent=BODY, fontSize=22, leading=26)
        ),
        Paragraph("Jane Doe and John Roe", BODY),
        FrameBreak(),
        Paragraph(f"<b>Abstract—We present a paper. {TEXT}</b>", BODY),
        Paragraph("<b>Index Terms—things, other things.</b>", BODY),
        Paragraph("I. INTRODUCTION", head),
        *[Paragraph(TEXT * 2, indented) for _ in range(5)],
        Paragraph("II. METHODS", head),
        *[Paragraph(TEXT * 2, indented) for _ in range(6)],
        KeepTogether([Paragraph("TABLE I", caption), Paragraph("RESULTS ON THE TEST SET", caption), results]),
        Spacer(1, 8),
        Paragraph("III. RESULTS", head),
        *[Paragraph(TEXT * 2, indented) for _ in range(3)],
        KeepTogether([grid, Paragraph("Table 2. Counts by class.", caption)]),
        Paragraph(TEXT, indented),
        Paragraph("REFERENCES", head),
        Paragraph(
            "[1] J. Ho, A. Jain, and P. Abbeel, “Denoising diffusion models for things,” in NeurIPS, 2020.", entry
        ),
        Paragraph("[2] A. Vaswani et al., “Attention is all you need,” in NeurIPS, 2017.", entry),
        Paragraph("[3] K. He and J. Sun, “Deep residual learning,” CVPR, 2016, doi: 10.1109/CVPR.2016.90.", entry),
    ]

    def margins(page: Any, document: Any) -> None:
        page.setFont("Times-Roman", 8)
        page.drawString(54, 770, "TRANSACTIONS ON THINGS, VOL. 3, 2024")
        page.drawString(540, 770, str(document.page))

    first = [
        Frame(54, 640, 504, 100, 0, 0, 0, 0),
        Frame(54, 60, 240, 570, 0, 0, 0, 0),
        Frame(318, 60, 240, 570, 0, 0, 0, 0),
    ]
    rest = [Frame(54, 60, 240, 680, 0, 0, 0, 0), Frame(318, 60, 240, 680, 0, 0, 0, 0)]
    BaseDocTemplate(
        str(path),
        pagesize=letter,
        pageTemplates=[
            PageTemplate("first", first, onPage=margins, autoNextPageTemplate="rest"),
            PageTemplate("rest", rest, onPage=margins),
        ],
    ).build(story)
    return path
