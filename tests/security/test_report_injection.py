"""Names and sentences are hostile text: they are shown literally and do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
import pytest
from report_example import example, study_example

from core.reports.document import Dossier
from core.reports.html import render_html
from core.reports.pdf import render_pdf
from core.reports.picture import Picture

HOSTILE = {
    "image": '<img src="{path}" width="10" height="10"/>',
    "entity": "&lt;img src='{path}'/&gt; &#60;b&#62; &amp;amp;",
    "link": '<a href="javascript:alert(1)">press</a>',
    "address": '<link href="https://example.invalid/">x</link> https://example.invalid/ javascript:alert(1)',
    "script": "</title></style><script>alert(1)</script>",
    "attribute": '" onload="alert(1)" style="position:fixed" \' onerror=\'x',
    "markup": "<para><font color='red' size=90>x</font></para><br/><unknown>",
    "unclosed": "<b><i><font name='Nowhere'>",
    "template": "{{ 7 * 7 }} {% raw %} ${{7*7}}",
    "direction": "\u202egnp.exe\u202c \u2066x\u2069 \u200fy\u200e",
    "control": "\x00\x01\x07\x08\x0b\x0c\x1b[31m\x7f\x85\u2028\u2029\ufeff",
    "surrogate": "\ud800 and \udfff",
    "unassigned": "\U000e0041 \uffff \U0010ffff",
    "long": "W" * 10_000,
    "long words": "lorem ipsum " * 900,
    "lines": "line\n" * 2_000,
    "scripts": "Zoë 山田太郎 やまだ 김민수 עדה عائشة Ἀθηνᾶ Ірина 😀 𝔘 a\u0301",
    "wide": "﷽" * 80,
}


def poison(value: Any, text: str) -> Any:
    """The same document with every text in it replaced."""
    if isinstance(value, Enum | datetime | bytes | bool):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, Picture):
        return replace(value, caption=text, alt=text)
    if isinstance(value, tuple):
        return tuple(poison(one, text) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {one.name: poison(getattr(value, one.name), text) for one in fields(value) if one.init}
        return replace(value, **changes)
    return value


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A local picture that a document must not be able to pull in."""
    path = tmp_path_factory.mktemp("private") / "secret.png"
    path.write_bytes(example().frames[0].pictures[0].data)
    return path


@pytest.fixture(scope="module")
def clean() -> Dossier:
    document = example()
    return replace(document, frames=document.frames[:1])


def images(pdf: bytes) -> int:
    return sum(len(page.images) for page in pypdf.PdfReader(BytesIO(pdf)).pages)


def names(reader: pypdf.PdfReader) -> Iterator[str]:
    """Every key of every dictionary in the file."""
    waiting: list[Any] = [reader.get_object(number) for number in reader.xref[0]]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pypdf.generic.DictionaryObject):
            yield from one
            waiting += one.values()
        elif isinstance(one, pypdf.generic.ArrayObject):
            waiting += one


def parts(html: str) -> set[tuple[str, ...]]:
    """Every tag with the names of its attributes, and where its pictures come from."""
    found: set[tuple[str, ...]] = set()

    class Collector(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add((tag, *(name for name, _ in attrs)))
            found.update(("style", value or "") for name, value in attrs if name == "style")
            found.update(("src", (value or "")[:10]) for name, value in attrs if name == "src")

    Collector().feed(html)
    return found


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_inert_in_the_pdf(kind: str, clean: Dossier, secret: Path) -> None:
    pdf = render_pdf(poison(clean, HOSTILE[kind].replace("{path}", str(secret))))
    reader = pypdf.PdfReader(BytesIO(pdf))
    assert images(pdf) == images(render_pdf(clean))
    assert all("/Annots" not in page for page in reader.pages)
    assert "/Type" in set(names(reader))
    assert not set(names(reader)) & {"/URI", "/JavaScript", "/JS", "/Launch", "/OpenAction", "/AA", "/A"}
    assert len(reader.pages) < 60


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_of_a_study_is_inert(kind: str, secret: Path) -> None:
    full = study_example()
    clean = replace(full, packs=full.packs[:1], measurements=(), signatures=(), reviews=(), audit=None, evidence=())
    poisoned = poison(clean, HOSTILE[kind].replace("{path}", str(secret)))
    pdf = render_pdf(poisoned)
    assert images(pdf) == images(render_pdf(clean))
    assert not set(names(pypdf.PdfReader(BytesIO(pdf)))) & {"/URI", "/JavaScript", "/JS", "/Launch", "/AA", "/A"}
    assert parts(render_html(poisoned)) <= parts(render_html(clean))


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_inert_in_the_html(kind: str, clean: Dossier, secret: Path) -> None:
    text = HOSTILE[kind].replace("{path}", str(secret))
    ours, theirs = render_html(clean), render_html(poison(clean, text))
    assert parts(theirs) <= parts(ours)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", theirs)
    theirs.encode("utf-8")


def test_markup_is_shown_as_it_was_written(clean: Dossier) -> None:
    text = '<img src="/etc/hostname"/>'
    pdf = render_pdf(replace(clean, headline=text))
    shown = pypdf.PdfReader(BytesIO(pdf)).pages[0].extract_text()
    assert text in shown.replace("\n", "")


def test_a_hidden_direction_mark_becomes_visible(clean: Dossier) -> None:
    marked = replace(clean, signatures=(replace(clean.signatures[0], printed_name="Reviewer\u202eOne"),))
    text = "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(render_pdf(marked))).pages)
    assert "Reviewer[U+202E]One" in text
    assert "Reviewer[U+202E]One" in render_html(marked)


def test_what_is_shortened_says_so(clean: Dossier) -> None:
    text = "".join(
        page.extract_text()
        for page in pypdf.PdfReader(BytesIO(render_pdf(replace(clean, headline="x" * 10_000)))).pages
    )
    assert "more characters in the attached record" in re.sub(r"\s+", " ", text)


def test_names_in_other_scripts_survive(clean: Dossier) -> None:
    name = "Zoë Ångström 山田太郎 김민수 Ірина"
    document = replace(clean, signatures=(replace(clean.signatures[0], printed_name=name),))
    text = "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(render_pdf(document))).pages)
    assert re.sub(r"\s", "", name) in re.sub(r"\s", "", text)
    assert name in render_html(document)
