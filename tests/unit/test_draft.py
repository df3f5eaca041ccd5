"""A manuscript as values: no number without a source, the same words in every rendering, hostile text made harmless."""

from __future__ import annotations

import io
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from core.runners.scientist.writing import (
    Bullets,
    Cite,
    Draft,
    DraftError,
    Figure,
    Grid,
    Name,
    Num,
    Paragraph,
    Reference,
    Section,
    See,
    Source,
    Transform,
    Untraced,
    fill,
    marked,
    para,
    pointer,
    provenance,
    resolve,
    to_latex,
    to_markdown,
    to_pdf,
    unresolved,
)

RESULTS = {"models": {"a/b~c": {"auc": 0.98765}}, "n": 12, "share": 0.375, "negative": -0.0004, "note": "fold 3 of F1"}
SOURCE = Source("results", RESULTS)
HOSTILE = "a_b & 5% $x$ #1 {y} ~z^ \\input{/etc/passwd} <img src='file:///etc/passwd'> <b>|`*[x](y)"


def picture() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(buffer, "png")
    return buffer.getvalue()


def draft(*blocks: object) -> Draft:
    return Draft(
        ("A title",),
        ("by a program",),
        (para("The area was ", SOURCE.num("/models/a~1b~0c/auc", 3), "."),),
        (Section("Results", tuple(blocks)), Section("Deeper", (para("End.", lead="Lead."),), 2)),
        (Reference("r", "Someone. A paper with 7 numbers.", "10.1000/xyz"),),
    )  # fmt: skip


def whole() -> Draft:
    return draft(
        para("See ", See("t"), " and ", See("f"), ", as in ", Cite("r"), ": ", SOURCE.percent("/share", 1), " %."),
        Bullets((SOURCE.quote("/note"), ("plain",))),
        Grid("t", ("Numbers.",), (("What",), ("Value",)), ((("n",), (SOURCE.num("/n"),)),), ("A note.",)),
        Figure("f", ("A picture.",), "figure_f.png", picture()),
    )


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_words_with_a_digit_are_refused_wherever_they_stand() -> None:
    with pytest.raises(DraftError):
        para("The area was 0.9.")
    with pytest.raises(DraftError):
        Bullets((("12 of them",),))
    with pytest.raises(DraftError):
        Grid("t", ("Table of 3",), (("a",),), ())
    with pytest.raises(DraftError):
        Section("Part 2", ())
    with pytest.raises(DraftError):
        draft(Paragraph(("fine",), lead="Model 2"))


def test_a_pointer_to_nothing_is_refused() -> None:
    for part in (See("nowhere"), Cite("nobody")):
        with pytest.raises(DraftError):
            draft(para(part))
    for place in ("/models/x", "/n/0", "/models", "/note"):
        with pytest.raises(DraftError):
            SOURCE.num(place)
    with pytest.raises(DraftError):
        Num(float("nan"), "/n")


@given(st.floats(-1e9, 1e9), st.integers(0, 6))
def test_a_number_is_printed_as_the_nearest_decimal(value: float, decimals: int) -> None:
    text = Num(value, "/x", decimals).text
    assert abs(Decimal(text) - Decimal(value)) <= Decimal(1).scaleb(-decimals) / 2
    assert not re.fullmatch(r"-0(\.0*)?", text)


@given(st.dictionaries(st.text(max_size=8), st.integers(), min_size=1))
def test_pointers_lead_back_to_every_key(document: dict[str, int]) -> None:
    for key, value in document.items():
        assert resolve({"x": [document]}, pointer("x", 0, key)) == value


@given(st.text(max_size=60))
def test_a_quotation_says_exactly_what_was_recorded(text: str) -> None:
    parts = Source("protocol", {"q": text}).quote("/q")
    assert draft(Paragraph(parts)).words(parts) == " ".join(text.split())


def test_provenance_follows_back_to_every_number() -> None:
    record = provenance(whole())
    assert record["schema"] == "greenlight.provenance/1"
    assert [one["text"] for one in record["numbers"]] == ["0.988", "37.5", "3", "12"]
    assert record["untraced"] == []
    assert unresolved(record, {"results": RESULTS}) == []
    assert record["numbers"][3]["where"] == {"section": "Results", "table": 1, "row": 1, "column": 2}
    changed = {**RESULTS, "n": 13, "share": 0.38, "note": "nothing"}
    assert unresolved(record, {"results": changed}) == ["n2", "n3", "n4"]
    assert unresolved(record, {}) == ["n1", "n2", "n3", "n4"]


def test_every_rendering_holds_the_same_numbers_and_labels() -> None:
    document = whole()
    pdf = text_of(to_pdf(document))
    for text in (to_markdown(document), to_latex(document), pdf):
        for wanted in ("0.988", "37.5", "12", "Table 1", "Figure 1", "fold 3 of F1", "10.1000/xyz", "Lead."):
            assert wanted in text


def test_equal_drafts_give_equal_bytes() -> None:
    assert to_pdf(whole()) == to_pdf(whole())


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    document = draft(Paragraph((Name(HOSTILE),)))
    assert HOSTILE in text_of(to_pdf(document))
    latex = to_latex(document)
    assert "\\input" not in latex
    assert re.search(r"(?<!\\)[%#]", latex.split("begin{document}")[1]) is None
    assert "<img" not in to_markdown(document).replace("\\<img", "")
    assert PdfReader(io.BytesIO(to_pdf(document))).pages[0].get("/Annots") is None


@given(st.text(max_size=80))
def test_no_text_leaves_a_bare_command_in_latex(text: str) -> None:
    written = to_latex(draft(Paragraph((Name(text),)))).split("section{Results}")[1].split("\\subsection")[0]
    signs = r"\$(\\geq|\\leq|\\pm|\\times|-|\^\{2\}|\^\{\\circ\}|\\mu|\\beta)\$"
    allowed = rf"\{{[\[\]]\}}|\\(text[a-z]+\{{\}}|ldots\{{\}}|[{{}}$&#%_])|{signs}"
    rest = re.sub(allowed, "", written)
    assert not re.search(r"[\\$&#%_^{}]", rest)


def test_latex_is_balanced_and_no_bracket_becomes_an_option() -> None:
    bracket = ((Name("[1]"),), (Name("[2]"),))
    latex = to_latex(draft(Bullets((bracket[0],)), Grid("t", ("T.",), (("A",), ("B",)), (bracket, bracket))))
    begun, ended = (re.findall(rf"\\{word}\{{(\w+)\}}", latex) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    bare = re.sub(r"\\[\\{}]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"(\\\\|\\item)\s*\[", latex)


@pytest.mark.parametrize("text", ["1. not a list", "- not a list", "+ x", "=== x", "a &lt; b", "# no heading"])
def test_words_at_the_start_of_a_paragraph_stay_words(text: str) -> None:
    from markdown_it import MarkdownIt

    rendered = MarkdownIt().render(to_markdown(draft(Paragraph((Name(text),)))))
    assert f"<p>{text.replace('&', '&amp;')}</p>" in rendered


def test_marks_become_numbers_and_bare_numbers_stay_visible_as_untraced() -> None:
    text = "Area {{r:/models/a~1b~0c/auc}} over {{r:/n}} rows, {{ r:/share | 1 % }} % and 0.97 in ResNet50."
    parts = marked(text, SOURCE)
    assert [part.text for part in parts if isinstance(part, Num)] == ["0.988", "12", "37.5"]
    assert [part.text for part in parts if isinstance(part, Untraced)] == ["0.97"]
    assert draft(Paragraph(parts)).words(parts) == "Area 0.988 over 12 rows, 37.5 % and 0.97 in ResNet50."
    assert [one["text"] for one in provenance(draft(Paragraph(parts)))["untraced"]] == ["0.97"]
    with pytest.raises(DraftError):
        marked("{{r:/nothing}}", SOURCE)


def test_a_sentence_and_its_values_must_agree() -> None:
    assert fill("{n} rows", n=SOURCE.num("/n")) == (SOURCE.num("/n"), " rows")
    with pytest.raises(DraftError):
        fill("{n} rows")
    with pytest.raises(DraftError):
        fill("rows", n="x")


def test_exact_keeps_the_decimals_that_were_written() -> None:
    source = Source("results", {"a": 13.37, "b": 0.5, "c": 7, "d": 1e-6})
    assert [source.exact(f"/{key}").text for key in "abcd"] == ["13.37", "0.5", "7", "0.000001"]
    assert SOURCE.num("/negative", 2).text == "0.00"
    assert SOURCE.num("/share", 1, Transform.PERCENT).text == "37.5"


@pytest.mark.needs_tool("pdftoppm")
def test_long_tables_and_odd_letters_fit_the_page(tmp_path: Path) -> None:
    import subprocess

    rows = tuple(((Name(f"row {k} with a long name {'x' * 60}"),), ("值 ≥ ± é",)) for k in range(90))
    document = draft(Grid("t", ("Long.",), (("A",), ("B",)), rows))
    path = tmp_path / "long.pdf"
    path.write_bytes(to_pdf(document))
    assert len(PdfReader(path).pages) > 2
    assert "[U+503C]" in text_of(path.read_bytes())
    subprocess.run(["pdftoppm", "-r", "20", "-png", str(path), str(tmp_path / "p")], check=True)
    assert len(list(tmp_path.glob("p-*.png"))) == len(PdfReader(path).pages)
