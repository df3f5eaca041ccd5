"""PDFs: tables by cell, over pages and with ruled rows, and what stands around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.drawn import LINE, draw, lines

from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.pdf.reader import read_pdf


def texts(found: Manuscript, index: int = 0) -> list[list[str]]:
    return [[cell.text for cell in row] for row in found.tables[index].cells]


def _boxed(rows: list[list[str]], *style: tuple[object, ...]) -> Any:
    from reportlab.lib import colors
    from reportlab.platypus import Table, TableStyle

    lined = ("GRID", (0, 0), (-1, -1), 0.5, colors.black)
    return Table(rows, colWidths=[90, 70, 70, 70, 70], style=TableStyle([lined, *style]))


def test_a_lattice_closes_cells_over_rows_and_columns(tmp_path: Path) -> None:
    rows = [
        ["Model", "Site A", "", "Site B", ""],
        ["", "AUC", "Sens.", "AUC", "Sens."],
        ["A model with a\nlong name", "0.88", "0.85", "0.87", "0.83"],
        ["Ours", "0.91\n(0.90–0.92)", "0.88", "0.90", "0.86"],
    ]
    spans = [
        ("SPAN", (1, 0), (2, 0)),
        ("SPAN", (3, 0), (4, 0)),
        ("SPAN", (0, 0), (0, 1)),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ]

    def page(c: Any) -> None:
        lines(c, 740)
        c.drawString(100, 640, "Table 1: Results by site.")
        grid = _boxed(rows, *spans)
        _, height = grid.wrapOn(c, 400, 300)
        grid.drawOn(c, 100, 630 - height)
        lines(c, 480)

    found = read_pdf(draw(tmp_path / "lattice.pdf", page))
    assert texts(found) == [
        ["Model", "Site A", "Site A", "Site B", "Site B"],
        ["Model", "AUC", "Sens.", "AUC", "Sens."],
        ["A model with a long name", "0.88", "0.85", "0.87", "0.83"],
        ["Ours", "0.91 (0.90–0.92)", "0.88", "0.90", "0.86"],
    ]
    assert found.tables[0].header_rows == 2


def test_cells_centred_beside_longer_ones_stay_in_their_row(tmp_path: Path) -> None:
    def page(c: Any) -> None:
        lines(c, 740)
        c.drawString(80, 650, "Table 1: Characteristics.")
        c.line(80, 640, 400, 640)
        c.line(80, 620, 400, 620)
        c.line(80, 560, 400, 560)
        for x, text in ((84, "Characteristic"), (250, "All"), (340, "Women")):
            c.drawString(x, 627, text)
        c.drawString(84, 608, "A finding that was reported")
        c.drawString(84, 597, "by two readers")
        c.drawString(84, 575, "Age")
        for x, values in ((250, ("2,100", "61.2")), (340, ("890", "60.8"))):
            c.drawString(x, 602.5, values[0])
            c.drawString(x, 575, values[1])
        lines(c, 500)

    found = read_pdf(draw(tmp_path / "centred.pdf", page))
    assert texts(found) == [
        ["Characteristic", "All", "Women"],
        ["A finding that was reported by two readers", "2,100", "890"],
        ["Age", "61.2", "60.8"],
    ]


def test_text_above_a_wide_table_is_read_before_text_below_it(tmp_path: Path) -> None:
    def column(c: Any, x: float, y: float, words: str) -> None:
        c.setFont("Times-Roman", 10)
        for index in range(14):
            c.drawString(x, y - 12 * index, f"{words} line {index:02d} has some forty characters.")

    def page(c: Any) -> None:
        for x, name in ((54, "Left"), (318, "Right")):
            column(c, x, 740, f"{name} above")
            column(c, x, 400, f"{name} below")
        c.drawString(200, 540, "Table 1: A table over both columns.")
        for y in (530, 512, 480):
            c.line(54, y, 558, y)
        for y, row in ((518, ("Model", "AUC", "F1")), (500, ("A", "0.81", "0.70")), (486, ("B", "0.85", "0.72"))):
            for x, text in zip((60, 260, 460), row, strict=True):
                c.drawString(x, y, text)

    found = read_pdf(draw(tmp_path / "wide.pdf", page))
    order = [" ".join(s.text.split()[:2]) for s in found.sections[0].sentences]
    assert list(dict.fromkeys(order)) == ["Left above", "Right above", "Left below", "Right below"]
    assert texts(found)[1] == ["A", "0.81", "0.70"]


def test_raised_numbers_cite_where_there_are_no_brackets(tmp_path: Path) -> None:
    def raised(c: Any, y: float, *parts: tuple[str, str]) -> None:
        x = 72.0
        for text, mark in parts:
            c.setFont("Times-Roman", 10)
            c.drawString(x, y, text)
            x += c.stringWidth(text, "Times-Roman", 10)
            c.setFont("Times-Roman", 6.5)
            c.drawString(x, y + 3.6, mark)
            x += c.stringWidth(mark, "Times-Roman", 6.5)

    def page(c: Any) -> None:
        lines(c, 740)
        raised(
            c,
            660,
            ("Radiography is common.", "1,2"),
            (" Prior work was slow.", "3"),
            (" The rate was 10", "−4"),
            (" and R", "2"),
        )
        c.setFont("Times-Bold", 12)
        c.drawString(72, 620, "References")
        c.setFont("Times-Roman", 9)
        for index, entry in enumerate(
            (
                "Roe J. The first title of all. BMJ 2019;1:2.",
                "Doe J. The second title. BMJ 2020;1:2.",
                "Poe J. The third title. BMJ 2021;1:2.",
            )
        ):
            c.drawString(72, 600 - 12 * index, f"{index + 1}. {entry}")

    found = read_pdf(draw(tmp_path / "raised.pdf", page))
    told = [(s.text, s.citations) for s in found.sections[0].sentences if s.text != LINE]
    assert told[0] == ("Radiography is common.^1,2", ("1", "2"))
    assert told[1] == ("Prior work was slow.^3", ("3",))
    assert told[2] == ("The rate was 10^−4 and R^2", ())
    assert found.sections[0].sentences[-1].numbers[0].value == pytest.approx(1e-4)
    assert [r.title for r in found.references] == ["The first title of all", "The second title", "The third title"]


def test_a_table_goes_on_over_pages_and_rules_part_its_rows(tmp_path: Path) -> None:
    from reportlab.lib import colors
    from reportlab.lib.pagesizes import letter
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table, TableStyle
    from support.drawn import BODY

    rows = [["Predictor", "All", "Event"], *[[f"predictor {n}", f"{n}.50", f"{n}.75"] for n in range(1, 61)]]
    rows[3][0] = "a predictor of a very long\nname (with 2 parts)"
    rows[4][1] = "4.50 (3.00 to\n6.00)"
    ruled = [("LINEABOVE", (0, 0), (-1, 0), 1, colors.black), ("LINEBELOW", (0, 0), (-1, -1), 0.5, colors.black)]
    table = Table(rows, colWidths=[200, 90, 90], repeatRows=1, style=TableStyle(ruled))
    parts = [Paragraph(LINE, BODY), Paragraph("Table 1: Predictors.", BODY), table, Paragraph(LINE, BODY)]
    path = tmp_path / "long.pdf"
    SimpleDocTemplate(str(path), pagesize=letter).build(parts)
    found = read_pdf(path)
    assert found.pages == 2
    expected = [[cell.replace("\n", " ") for cell in row] for row in rows]
    assert texts(found) == expected
    assert found.tables[0].header_rows == 1
    assert [s.text for s in found.sentences()] == [LINE, LINE, "Predictors."]
