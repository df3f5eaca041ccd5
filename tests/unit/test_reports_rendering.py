"""The two renderings say the same, and the PDF is the same bytes for the same document."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise

import pypdf
import pytest
from report_example import RECORD, example

from core.reports import wording
from core.reports.document import Dossier, Outcome
from core.reports.html import render_html
from core.reports.pdf import render_pdf


class Reader(HTMLParser):
    """Collects a page's text, tags and attributes, and checks that the tags nest."""

    VOID = frozenset({"meta", "img", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def pdf_text(pdf: bytes) -> str:
    return squeeze("".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(pdf)).pages))


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def document() -> Dossier:
    return example()


@pytest.fixture(scope="module")
def pdf(document: Dossier) -> bytes:
    return render_pdf(document)


@pytest.fixture(scope="module")
def page(document: Dossier) -> Reader:
    return read(render_html(document))


def facts(document: Dossier) -> list[str]:
    """What an auditor must find in every rendering."""
    found = [document.headline, document.title, document.id, document.record_sha256]
    found += [row.sentence for row in document.outstanding]
    for pack in document.packs:
        found += [pack.title, pack.standing]
        for verdict in pack.verdicts:
            found += [verdict.control, verdict.title, verdict.sentence, verdict.next_step or ""]
            found += [wording.STATUS_TONES[verdict.status].word, *map(wording.citation, verdict.citations)]
    for row in document.measurements:
        found += [row.title, row.meaning, wording.measured(row), wording.limit(row), wording.interval(row)]
    for one in document.signatures:
        found += [one.role, f"Meaning: {one.meaning}", wording.moment(one.at), one.decision.capitalize()]
        found += [one.printed_name, one.record_sha256]
    for person in document.persons or ():
        found += [person.shown_as, person.treatment, *map(wording.coverage, person.covered_by)]
    for review in document.reviews:
        found += [review.reviewer, review.summary, *map(wording.score, review.scores)]
    assert document.job is not None
    assert document.audit is not None
    found += [*map(wording.attempt, document.job.attempts), *document.audit.inclusion_path]
    found += [document.audit.root_hash, document.audit.checkpoint, *document.audit.how_to_verify]
    for pairs in (wording.model_facts(document.model), wording.asset_facts(document.asset)):
        found += [value for _, value in pairs]
    found += [one.sha256 for one in document.evidence] + list(document.notes)
    return found


def test_every_fact_is_in_the_pdf(document: Dossier, pdf: bytes) -> None:
    text = pdf_text(pdf)
    assert [fact for fact in facts(document) if squeeze(fact) not in text] == []


def test_every_fact_is_in_the_html(document: Dossier, page: Reader) -> None:
    text = squeeze("".join(page.words))
    assert [fact for fact in facts(document) if squeeze(fact) not in text] == []


def test_equal_documents_give_equal_bytes(document: Dossier, pdf: bytes) -> None:
    again = example.__wrapped__()
    assert again is not document
    assert render_pdf(again) == pdf
    assert render_html(again) == render_html(document)


def test_another_document_gives_other_bytes(document: Dossier, pdf: bytes) -> None:
    assert render_pdf(replace(document, state="approved")) != pdf


def test_every_page_names_its_record_and_its_place(pdf: bytes) -> None:
    pages = pypdf.PdfReader(BytesIO(pdf)).pages
    for number, sheet in enumerate(pages, 1):
        text = sheet.extract_text()
        assert f"{number} of {len(pages)}" in text
        assert RECORD in text
        assert "rel_01jexample" in text


def test_the_first_page_says_the_decision_and_what_blocks(document: Dossier, pdf: bytes) -> None:
    first = pypdf.PdfReader(BytesIO(pdf)).pages[0]
    text = squeeze(first.extract_text())
    for sentence in (document.headline, *(row.sentence for row in document.blocking)):
        assert squeeze(sentence) in text
    assert len(first.images) == 4


def test_title_bookmarks_and_language_are_set(document: Dossier, pdf: bytes) -> None:
    reader = pypdf.PdfReader(BytesIO(pdf))
    assert reader.metadata is not None
    assert reader.metadata.title == document.title
    assert reader.metadata["/CreationDate"] == "D:20261103142205+00'00'"
    assert reader.trailer["/Root"]["/Lang"] == "en"  # type: ignore[index]
    bookmarks = {entry.title: reader.get_destination_page_number(entry) for entry in reader.outline}  # type: ignore[union-attr, arg-type]
    assert "Signatures" in bookmarks
    for title, number in bookmarks.items():
        assert str(title) in reader.pages[number or 0].extract_text()


def test_latin_text_uses_embedded_fonts(document: Dossier) -> None:
    plain = replace(document, signatures=document.signatures[:1])
    for sheet in pypdf.PdfReader(BytesIO(render_pdf(plain))).pages:
        for font in sheet["/Resources"]["/Font"].values():  # type: ignore[index]
            font = font.get_object()
            if font["/BaseFont"] != "/Helvetica":
                assert "/FontFile2" in font["/FontDescriptor"]


def test_html_is_one_file_that_may_load_nothing(page: Reader) -> None:
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "iframe", "a", "form", "object"} & set(names)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:")
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(images) == 4 + 5 * 4 + 2
    assert all((image["src"] or "").startswith("data:image/") and image["alt"] for image in images)


def test_html_has_headings_in_order_and_scoped_tables(page: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    heads = [attrs for tag, attrs in page.tags if tag == "th"]
    assert heads
    assert all(attrs.get("scope") in ("col", "row") for attrs in heads)


def test_an_empty_dossier_says_what_is_missing(document: Dossier) -> None:
    empty = Dossier(
        "rel_02", "Nothing yet", "Undecided: nothing was judged.", Outcome.OPEN, "candidate", "release", "release",
        document.made_at, RECORD, document.project, document.model, document.asset,
    )  # fmt: skip
    sentences = (
        "Nothing was measured.", "No policy pack was judged.", wording.PERSONS_UNKNOWN, "No review is on record.",
        "Nobody has signed this record.", "No job is on record.", "No audit proof was taken.",
    )  # fmt: skip
    printed, shown = pdf_text(render_pdf(empty)), squeeze("".join(read(render_html(empty)).words))
    for sentence in sentences:
        assert squeeze(sentence) in printed
        assert squeeze(sentence) in shown


def test_nobody_visible_is_told_apart_from_nobody_asked(document: Dossier) -> None:
    known = replace(document, persons=())
    assert squeeze(wording.NO_PERSONS) in pdf_text(render_pdf(known))
    assert wording.NO_PERSONS in render_html(known)


def test_a_transplanted_signature_is_called_out(document: Dossier) -> None:
    moved = replace(document, record_sha256="0" * 64)
    words = "WARNING: signs another record"
    assert squeeze(words) in pdf_text(render_pdf(moved))
    assert words in render_html(moved)
