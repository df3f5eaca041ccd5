"""PDFs: columns, headings, sentences with boxes, tables by cell, figures, references and text that does not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.drawn import LINE, draw, lines, picture, two_columns

from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.pdf.reader import read_pdf


def texts(found: Manuscript, index: int = 0) -> list[list[str]]:
    return [[cell.text for cell in row] for row in found.tables[index].cells]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Manuscript:
    return read_pdf(two_columns(tmp_path_factory.mktemp("papers") / "two.pdf"))


def test_two_columns_are_read_one_after_the_other(two: Manuscript) -> None:
    assert two.title == "A Two Column Paper on Measuring Things"
    assert two.abstract.startswith("We present a paper. We evaluated the model on 1,234 images")
    assert [s.title for s in two.sections] == ["Abstract", "Keywords", "INTRODUCTION", "METHODS", "RESULTS"]
    introduction = two.sections[2]
    assert len(introduction.sentences) == 5 * 2 * 3
    assert {s.text for s in introduction.sentences} == {
        "We evaluated the model on 1,234 images of 310 patients and found an accuracy of 0.873 on the held-out data, "
        "which is higher than the baseline of 0.812 reported by others [1, 3].",
        "The method relies on self-attention and well-known augmentation strategies that are described in detail "
        "elsewhere [2].",
        "Intervals were computed by bootstrapping.",
    }


def test_running_heads_and_page_numbers_are_left_out(two: Manuscript) -> None:
    assert not any("TRANSACTIONS" in s.text for s in two.sentences())


def test_sentences_have_their_boxes(two: Manuscript) -> None:
    for sentence in two.sections[2].sentences:
        assert sentence.place.page is not None
        assert all(box.x1 > box.x0 and box.y1 > box.y0 for box in sentence.place.boxes)
        assert all(box.x0 >= 0 and box.x1 <= 612 and box.y0 >= 0 and box.y1 <= 792 for box in sentence.place.boxes)
        assert 1 <= len(sentence.place.boxes) <= 5
        assert all(box.x1 < 306 or box.x0 > 306 for box in sentence.place.boxes)


def test_tables_with_rules_are_read_by_cell(two: Manuscript) -> None:
    assert [(t.label, t.caption) for t in two.tables] == [
        ("Table I", "RESULTS ON THE TEST SET"),
        ("Table 2", "Counts by class."),
    ]
    assert texts(two) == [["Method", "AUC", "Sens."], ["ResNet-50", "0.851", "0.80"], ["Ours", "0.902", "0.85"]]
    assert texts(two, 1) == [["Class", "n", "Correct"], ["A", "50", "45"], ["B", "100", "80"]]
    assert [t.header_rows for t in two.tables] == [1, 1]
    assert [c.bold for row in two.tables[0].cells[1:] for c in row] == [False] * 3 + [True] * 3
    assert two.tables[0].cells[1][1].place.boxes


def test_numbered_references_are_cited(two: Manuscript) -> None:
    assert [(r.key, r.title, r.year, r.doi) for r in two.references] == [
        ("1", "Denoising diffusion models for things", 2020, ""),
        ("2", "Attention is all you need", 2017, ""),
        ("3", "Deep residual learning", 2016, "10.1109/CVPR.2016.90"),
    ]
    assert two.sections[2].sentences[0].citations == ("1", "3")


def test_a_table_without_rules_is_told_by_its_columns(tmp_path: Path) -> None:
    rows = [
        ("Model", "Acc", "F1", "AUC (95% CI)"),
        ("Logistic", "0.71", "0.65", "0.74 (0.70–0.78)"),
        ("Forest", "0.75", "0.70", "0.80 (0.77–0.84)"),
        ("Ours", "0.81", "0.78", "0.88 (0.85–0.91)"),
    ]

    def page(c: Any) -> None:
        c.setFont("Times-Bold", 16)
        c.drawString(72, 740, "A paper with plain tables")
        lines(c, 700)
        c.drawString(72, 610, "Table 1: Main results without any rules.")
        for number, row in enumerate(rows):
            for x, text in zip((90, 200, 260, 320), row, strict=True):
                c.drawString(x, 592 - 13 * number, text)
        lines(c, 520)

    found = read_pdf(draw(tmp_path / "plain.pdf", page))
    assert texts(found) == [list(row) for row in rows]
    assert found.tables[0].header_rows == 1
    assert [n.role for n in found.tables[0].cells[1][3].numbers] == ["", "low", "high"]
    assert [s.text for s in found.sections[0].sentences] == [LINE] * 12


@pytest.mark.parametrize(
    ("banner", "title"),
    [
        ("Journal of Measured Software", "A Package for Measuring"),
        ("JournalofMeasuredSoftware", "A Package for Measuring"),
        ("Annals of Measuring", ""),
        ("A Wide Journal Has Many Readers", "A Wide Journal Has Many Readers"),
    ],
)
def test_the_banner_of_a_journal_is_not_the_title(tmp_path: Path, banner: str, title: str) -> None:
    def page(c: Any) -> None:
        c.setFont("Times-Bold", 24)
        c.drawString(72, 740, banner)
        c.setFont("Times-Bold", 16)
        c.drawString(72, 690, title)
        lines(c, 640, 20)

    assert read_pdf(draw(tmp_path / "banner.pdf", page)).title == (title or banner)


@pytest.mark.parametrize(
    ("font", "first", "gap", "title"),
    [
        ("Times-Bold", "A Note on Measuring Things", 30, "A Note on Measuring Things"),
        ("Times-Bold", "A Note on Measuring Things", 12, ""),
        ("Times-Roman", "A Note on Measuring Things", 30, ""),
        ("Times-Bold", "Abstract", 30, ""),
        ("Times-Bold", "1 Introduction to the note", 30, ""),
    ],
)
def test_a_bold_first_line_set_apart_is_the_title_of_a_note(
    tmp_path: Path, font: str, first: str, gap: int, title: str
) -> None:
    def page(c: Any) -> None:
        c.setFont(font, 10)
        c.drawString(72, 740, first)
        lines(c, 740 - gap, 20)

    assert read_pdf(draw(tmp_path / "note.pdf", page)).title == title


def test_a_title_over_columns_is_in_each_and_added_lines_are_joined(tmp_path: Path) -> None:
    def page(c: Any) -> None:
        lines(c, 740)
        c.drawString(72, 640, "Table 1: Results by site.")
        c.line(80, 630, 400, 630)
        c.drawString(218, 618, "First site")
        c.drawString(330, 618, "Second site")
        c.line(196, 614, 275, 614)
        c.line(316, 614, 395, 614)
        for x, text in ((90, "Model"), (200, "AUC ↑".replace("↑", "up")), (250, "F1"), (320, "AUC"), (370, "F1")):
            c.drawString(x, 604, text)
        c.line(80, 598, 400, 598)
        for number, (name, *values) in enumerate(
            [("Base", "0.71", "0.65", "0.70", "0.60"), ("Ours", "0.81", "0.78", "0.80", "0.70")]
        ):
            y = 586 - 24 * number
            c.drawString(90, y, name)
            for x, value in zip((200, 250, 320, 370), values, strict=True):
                c.drawString(x, y, value)
                c.drawString(x, y - 10, "±0.02")
        c.line(80, 546, 400, 546)
        lines(c, 500)

    found = read_pdf(draw(tmp_path / "span.pdf", page))
    assert texts(found) == [
        ["", "First site", "First site", "Second site", "Second site"],
        ["Model", "AUC up", "F1", "AUC", "F1"],
        ["Base", *(f"{v} ±0.02" for v in ("0.71", "0.65", "0.70", "0.60"))],
        ["Ours", *(f"{v} ±0.02" for v in ("0.81", "0.78", "0.80", "0.70"))],
    ]
    assert found.tables[0].header_rows == 2
    assert found.tables[0].cells[2][1].numbers[0].uncertainty is not None


def test_figures_are_cut_out_with_their_captions(tmp_path: Path) -> None:
    def page(c: Any) -> None:
        lines(c, 740)
        c.drawImage(picture(), 150, 520, 300, 120)
        c.drawString(200, 644, "(a) label")
        c.drawString(150, 500, "Figure 3: A blue field.")
        lines(c, 460)

    found = read_pdf(draw(tmp_path / "figure.pdf", page))
    assert [(f.label, f.caption) for f in found.figures] == [("Figure 3", "A blue field.")]
    assert found.figures[0].image is not None
    assert found.figures[0].image.startswith(b"\x89PNG")
    assert not any("label" in s.text for s in found.sentences())


def test_numbered_lines_are_left_out(tmp_path: Path) -> None:
    counter = iter(range(1, 200))

    def page(c: Any) -> None:
        for index in range(25):
            c.setFont("Helvetica", 7)
            c.drawString(36, 700 - 24 * index, str(next(counter)))
            c.setFont("Times-Roman", 12)
            c.drawString(
                90,
                700 - 24 * index,
                f"Sentence with a result of 0.{200 + index} is on its line. More of it stands here.",
            )

    found = read_pdf(draw(tmp_path / "numbered.pdf", page, page))
    numbers = [n.value for s in found.sentences() for n in s.numbers]
    assert numbers == [pytest.approx(0.2 + i / 1000) for i in range(25)] * 2


def test_a_parted_word_is_joined_and_a_compound_keeps_its_hyphen(tmp_path: Path) -> None:
    def page(c: Any) -> None:
        c.setFont("Times-Roman", 10)
        for index, text in enumerate(
            (
                "The screening of all patients was done by well-trained readers, and later the screen-",
                "ing was done again by well-",
                "trained readers for the interval 0.81-",
                "0.92 and so on until the very end of the study was reached.",
            )
        ):
            c.drawString(72, 700 - 12 * index, text)

    found = read_pdf(draw(tmp_path / "parted.pdf", page))
    assert next(found.sentences()).text == (
        "The screening of all patients was done by well-trained readers, and later the screening was done again by "
        "well-trained readers for the interval 0.81-0.92 and so on until the very end of the study was reached."
    )


CASE_1 = [
    ["Method", "QWK ↑", "ACC ↑", "Precision ↑", "Recall ↑", "F1 ↑", "AUC ↑"],
    ["Inception-v3", "0.7889", "0.6600", "0.6681", "0.6600", "0.6559", "0.8586"],
    ["MobileNet-v3", "0.7766", "0.6600", "0.6652", "0.6600", "0.6587", "0.8911"],
    ["ResNet-50", "0.8090", "0.6467", "0.6592", "0.6467", "0.6477", "0.8656"],
    ["VGG-16", "0.8248", "0.6600", "0.6893", "0.6600", "0.6621", "0.8589"],
    ["Ours", "0.8267", "0.6867", "0.7306", "0.6867", "0.6905", "0.8867"],
]
CASE_1_ABLATION = """
Variant TopoRep Diffusion Center MMD Cond. QWK↑ ACC↑ Prec↑ Rec↑ F1↑ AUC↑
Ours ✓ ✓ ✓ ✓ ✓ 0.8267 0.6867 0.7306 0.6867 0.6905 0.8867
no_diffusion ✓ × ✓ ✓ ✓ 0.8103 0.6733 0.6750 0.6733 0.6701 0.8676
no_center ✓ ✓ × ✓ ✓ 0.7774 0.6133 0.6122 0.6133 0.6112 0.8495
no_mmd ✓ ✓ ✓ × ✓ 0.7622 0.6400 0.6448 0.6400 0.6356 0.8487
global_only × ✓ ✓ ✓ ✓ 0.7806 0.6667 0.6680 0.6667 0.6642 0.8617
local_only × ✓ ✓ ✓ ✓ 0.8069 0.6600 0.6697 0.6600 0.6625 0.8508
M_zero ✓ ✓ ✓ ✓ × 0.7569 0.6533 0.6655 0.6533 0.6551 0.8611
M_global_only ✓ ✓ ✓ ✓ ✓ 0.7300 0.6333 0.6308 0.6333 0.6278 0.8629
M_local_only ✓ ✓ ✓ ✓ ✓ 0.8090 0.6733 0.6929 0.6733 0.6767 0.8848
"""


def test_the_sample_paper_cell_by_cell(samples: Path) -> None:
    found = read_pdf(samples / "manuscripts" / "medical-ai-scientist-case1.pdf")
    assert found.pages == 12
    assert not found.hidden
    assert texts(found) == CASE_1
    assert texts(found, 1) == [line.split() for line in CASE_1_ABLATION.strip().splitlines()]
    assert [t.arrows for t in found.tables] == [("", *"↑" * 6), ("",) * 6 + ("↑",) * 6]
    bold = [(c.row, c.column) for row in found.tables[0].cells for c in row if c.bold and not c.header]
    assert bold == [(2, 6), *((5, column) for column in range(6))]
    assert len(found.figures) == 3
    assert all(figure.image for figure in found.figures)
    assert len(found.references) == 29
    diffusion = next(r for r in found.references if r.arxiv == "2402.17139")
    assert diffusion.title == "A robust diffusion classifier"
    cited = {key for sentence in found.sentences() for key in sentence.citations}
    assert cited == {reference.key for reference in found.references}
    assert [s.title for s in found.sections if s.level == 1] == [
        "Abstract",
        "Introduction",
        "Related Work",
        "Methodology",
        "Experiments",
        "Conclusion",
        "Ethics Statement",
    ]


@pytest.mark.parametrize("run", ["gan_diffusion", "multi_style_adapter"])
def test_a_printed_paper_says_what_its_source_says(samples: Path, run: str) -> None:
    from evaluators.manuscript.latex.reader import read_latex

    folder = samples / "runs" / run
    printed, source = read_pdf(folder / f"{run}.pdf"), read_latex(folder / "latex" / "template.tex")
    assert printed.title == source.title
    assert not printed.hidden
    assert [s.title for s in printed.sections] == [s.title for s in source.sections]
    for index, table in enumerate(source.tables):
        assert printed.tables[index].label == table.label
        assert printed.tables[index].caption == table.caption
        numbers = [
            [[n.text for n in cell.numbers] for cell in row] for row in table.cells if any(c.numbers for c in row)
        ]
        assert [
            [[n.text for n in cell.numbers] for cell in row]
            for row in printed.tables[index].cells
            if any(c.numbers for c in row)
        ] == numbers
    assert len(printed.figures) == len(source.figures)
