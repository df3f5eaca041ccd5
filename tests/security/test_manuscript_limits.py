"""Hostile manuscripts: each ends in an error that says what to do, or in a bounded reading with a note."""

from __future__ import annotations

import time
import zlib
from pathlib import Path

import pytest
from support.drawn import draw, lines

from evaluators.base import EvaluatorError
from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.limits import Limits
from evaluators.manuscript.pdf import reader
from evaluators.manuscript.reading import main_file, read_here, read_manuscript, source_of

QUICK = Limits(seconds=4, wall=300, memory=1_500_000_000)
HALF = Limits(seconds=30, wall=300, memory=1_500_000_000)


def pdf(path: Path, *objects: bytes, root: int = 1) -> Path:
    """A PDF of the given objects, numbered from 1."""
    out = b"%PDF-1.7\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, start)
    path.write_bytes(out)
    return path


def stream(data: bytes, extra: bytes = b"") -> bytes:
    packed = zlib.compress(data, 9)
    return b"<< /Length %d /Filter /FlateDecode %b >>\nstream\n%b\nendstream" % (len(packed), extra, packed)


def one_page(path: Path, content: bytes, *more: bytes) -> Path:
    """A PDF of one page whose content stream is given, with Helvetica as F1 and object 6 as the form X."""
    return pdf(
        path,
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> /XObject << /X 6 0 R >> >> >>",
        content,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        *(more or (b"<< >>",)),
    )


SAY = b"BT /F1 12 Tf 72 700 Td (A line that can be read, with 0.81 in it.) Tj ET\n"


def ends(path: Path, limits: Limits = HALF) -> Manuscript | str:
    """The manuscript, or the sentence with which it was refused."""
    try:
        return read_manuscript(path, limits=limits)
    except EvaluatorError as error:
        return str(error)


def test_a_plain_file_is_read_in_the_child_as_here(tmp_path: Path) -> None:
    path = one_page(tmp_path / "plain.pdf", stream(SAY))
    assert read_manuscript(path) == read_here(path, "pdf")


def test_what_the_process_did_before_shortens_no_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = one_page(tmp_path / "plain.pdf", stream(SAY))
    monkeypatch.setattr(reader, "SECONDS", time.process_time())
    assert read_here(path, "pdf").notes == ()


def test_a_content_stream_that_unpacks_to_much_is_bounded(tmp_path: Path) -> None:
    found = ends(one_page(tmp_path / "bomb.pdf", stream(SAY * 400_000)), QUICK)
    assert isinstance(found, str) or any("characters" in note or "objects" in note for note in found.notes)


def test_a_stream_of_blanks_is_bounded(tmp_path: Path) -> None:
    found = ends(one_page(tmp_path / "blanks.pdf", stream(SAY + b" " * 200_000_000)), QUICK)
    assert isinstance(found, str) or found.pages == 1


def test_a_form_that_holds_itself_ends(tmp_path: Path) -> None:
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << /XObject << /X 6 0 R >> >>"
    found = ends(one_page(tmp_path / "loop.pdf", stream(SAY + b"/X Do\n"), stream(b"/X Do\n", form)))
    assert isinstance(found, Manuscript)
    assert any("0.81" in s.text for s in found.sentences())


def test_pages_that_hold_themselves_end(tmp_path: Path) -> None:
    path = pdf(
        tmp_path / "pages.pdf",
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 1000000 >>",
    )
    assert isinstance(ends(path), str)


def test_nesting_without_end_ends(tmp_path: Path) -> None:
    path = pdf(tmp_path / "deep.pdf", b"<< /Type /Catalog /Pages 2 0 R /X " + b"[" * 200_000 + b" >>", b"<< >>")
    assert isinstance(ends(path), str)


def test_a_page_of_enormous_size_is_read(tmp_path: Path) -> None:
    path = one_page(tmp_path / "wide.pdf", stream(SAY))
    path.write_bytes(path.read_bytes().replace(b"[0 0 612 792]", b"[0 0 9e6 9e6]"))
    found = ends(path)
    assert isinstance(found, str) or any("0.81" in s.text for s in found.sentences())


def test_a_paper_of_two_thousand_pages_is_cut_with_a_note(tmp_path: Path) -> None:
    path = draw(tmp_path / "long.pdf", *[lambda page: lines(page, 700, 1)] * 2000)
    found = ends(path)
    assert isinstance(found, Manuscript)
    assert found.pages == 2000
    assert any("the first 150 were read" in note for note in found.notes)
    assert sum(1 for _ in found.sentences()) <= 150


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = draw(tmp_path / "locked.pdf", lambda page: lines(page, 700), encrypt="secret")
    assert "is encrypted" in str(ends(path))


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
def test_a_cut_file_is_refused_or_read(tmp_path: Path, cut: float) -> None:
    path = draw(tmp_path / "cut.pdf", lambda page: lines(page, 700))
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))])
    assert ends(path)


def test_bytes_that_are_no_pdf_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "no.pdf"
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 1000)
    assert "cannot be opened as a PDF" in str(ends(path))


def test_a_child_that_computes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "slow.tex"
    path.write_text("\\documentclass{a}" + "\\begin{verbatim}" * 60_000, encoding="utf-8")
    told = ends(path, Limits(seconds=2, wall=120, memory=1_500_000_000))
    assert "limits on time and memory" in str(told)


def test_a_child_that_takes_too_much_memory_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "wide.md"
    path.write_text("| a " * 3_000_000, encoding="utf-8")
    told = ends(path, Limits(seconds=60, wall=300, memory=250_000_000))
    assert "memory" in str(told)


@pytest.mark.parametrize(
    "source",
    [
        "\\def\\a{\\a\\a}\\a",
        "\\newcommand{\\a}[1]{#1#1#1#1}" + "\\a{" * 200 + "x" + "}" * 200,
        "{" * 100_000 + "x",
        "\\frac{" * 5_000 + "x",
        "\\begin{tabular}{" + "c" * 1000 + "}" + "\\multicolumn{999}{c}{x} & " * 2_000 + "\\end{tabular}",
        "\\begin{table}" * 3_000,
        "\\input{self}\\input{self}",
        "\\section{" * 20_000,
    ],
)
def test_a_hostile_source_ends(tmp_path: Path, source: str) -> None:
    path = tmp_path / "self.tex"
    path.write_text("\\documentclass{a}\\begin{document}Seen 0.81. " + source, encoding="utf-8")
    assert ends(path)


@pytest.mark.parametrize(
    "source",
    [
        "[" * 50_000,
        "*a" * 50_000,
        "<!--" * 20_000,
        "|" * 100_000 + "\n|-|\n",
        "$" * 50_001,
        "> " * 50_000,
        "[a](" * 20_000,
    ],
)
def test_a_hostile_markdown_ends(tmp_path: Path, source: str) -> None:
    path = tmp_path / "hostile.md"
    path.write_text("# T\n\nSeen 0.81.\n\n" + source, encoding="utf-8")
    found = ends(path)
    assert isinstance(found, Manuscript)
    assert any("0.81" in s.text for s in found.sentences())


def test_the_child_leaves_no_file_behind(tmp_path: Path) -> None:
    path = one_page(tmp_path / "plain.pdf", stream(SAY))
    read_manuscript(path)
    assert [p.name for p in tmp_path.iterdir()] == ["plain.pdf"]


def test_the_form_is_told_from_the_content(tmp_path: Path) -> None:
    odd = tmp_path / "paper.txt"
    odd.write_bytes(one_page(tmp_path / "plain.pdf", stream(SAY)).read_bytes())
    assert source_of(odd) == "pdf"
    odd.write_text("\\documentclass{article}", encoding="utf-8")
    assert source_of(odd) == "latex"
    odd.write_text("# Title\n\nText with \\alpha.", encoding="utf-8")
    assert source_of(odd) == "markdown"
    odd.write_bytes(b"\x00\x01\x02")
    with pytest.raises(EvaluatorError, match="neither a PDF nor text"):
        source_of(odd)


def test_a_folder_is_read_by_its_one_manuscript(tmp_path: Path) -> None:
    (tmp_path / "main.tex").write_text("\\documentclass{article}", encoding="utf-8")
    (tmp_path / "part.tex").write_text("text", encoding="utf-8")
    assert main_file(tmp_path).name == "main.tex"
    (tmp_path / "other.tex").write_text("\\documentclass{article}", encoding="utf-8")
    with pytest.raises(EvaluatorError, match="no single manuscript"):
        main_file(tmp_path)
    with pytest.raises(EvaluatorError, match="There is no file"):
        main_file(tmp_path / "none.pdf")
