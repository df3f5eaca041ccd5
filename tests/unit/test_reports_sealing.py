"""A seal holds for exactly the bytes that were sealed, by exactly the key that is trusted."""

from __future__ import annotations

import logging
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import AT, RECORD, example
from reportlab.pdfgen.canvas import Canvas

from core.canonical import canonical_json, sha256
from core.errors import InputError
from core.reports.pdf import render_pdf
from core.reports.sealing import Attachment, SealingKey, attached, seal, verify_seal

FACTS = canonical_json({"schema": "greenlight.facts/1", "gate": "release"})


class Sealed(NamedTuple):
    pdf: bytes
    trusted: bytes
    key: SealingKey


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    key = SealingKey.load_or_create(tmp_path_factory.mktemp("keys"), AT)
    buffer = BytesIO()
    canvas = Canvas(buffer, invariant=1)
    canvas.drawString(72, 720, "A small page keeps this fast.")
    canvas.save()
    facts = Attachment("facts.json", FACTS, "The facts that were judged")
    pdf = seal(buffer.getvalue(), key, at=AT, record_sha256=RECORD, attachments=[facts])
    return Sealed(pdf, key.certificate_pem(), key)


def test_a_sealed_dossier_holds_and_names_its_record(sealed: Sealed) -> None:
    pdf = seal(render_pdf(example()), sealed.key, at=AT, record_sha256=RECORD, reason="Release dossier")
    report = verify_seal(pdf, sealed.trusted)
    assert report.problems == ()
    assert report.holds
    assert (report.intact, report.trusted, report.covers_entire_file) == (True, True, True)
    assert report.record_sha256 == RECORD
    assert report.signed_at == AT
    assert report.certificate_sha256 == sealed.key.fingerprint


def test_the_evidence_travels_inside(sealed: Sealed) -> None:
    assert attached(sealed.pdf) == {"facts.json": FACTS}
    assert verify_seal(sealed.pdf, sealed.trusted).attachments == (("facts.json", sha256(FACTS)),)
    assert pypdf.PdfReader(BytesIO(sealed.pdf)).attachments["facts.json"] == [FACTS]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_one_changed_bit_breaks_the_seal(sealed: Sealed, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(sealed.pdf) - 1))
    changed = bytearray(sealed.pdf)
    changed[position] ^= 1 << data.draw(st.integers(0, 7))
    assert not verify_seal(bytes(changed), sealed.trusted).holds


def test_the_container_that_no_signature_covers_cannot_be_changed_either(sealed: Sealed) -> None:
    start = sealed.pdf.index(b"/Contents <") + len(b"/Contents <")
    end = sealed.pdf.index(b">", start)
    for position in (start + 7, start + 52, start + 60, end - 1, end - 200):
        changed = bytearray(sealed.pdf)
        changed[position] = ord("1") if changed[position] != ord("1") else ord("2")
        report = verify_seal(bytes(changed), sealed.trusted)
        assert not report.holds
    lowered = sealed.pdf[:start] + sealed.pdf[start:end].lower() + sealed.pdf[end:]
    assert not verify_seal(lowered, sealed.trusted).holds


@pytest.mark.parametrize("junk", [b"\n", b"junk", b"\n%%EOF\n"])
def test_anything_appended_breaks_the_seal(sealed: Sealed, junk: bytes) -> None:
    assert not verify_seal(sealed.pdf + junk, sealed.trusted).holds


def test_an_update_after_the_seal_breaks_it(sealed: Sealed) -> None:
    writer = pypdf.PdfWriter(BytesIO(sealed.pdf), incremental=True)
    writer.add_blank_page(200, 200)
    buffer = BytesIO()
    writer.write(buffer)
    assert buffer.getvalue().startswith(sealed.pdf)
    assert not verify_seal(buffer.getvalue(), sealed.trusted).holds


def test_another_certificate_is_not_trusted(sealed: Sealed, tmp_path: Path) -> None:
    other = SealingKey.load_or_create(tmp_path, AT)
    report = verify_seal(sealed.pdf, other.certificate_pem())
    assert report.problems == ("The seal was not made with the trusted certificate.",)
    assert report.intact


def test_a_file_without_a_seal_or_no_pdf_at_all_is_reported(sealed: Sealed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    assert verify_seal(render_pdf(example()), sealed.trusted).problems == ("The file carries no seal.",)
    assert not verify_seal(b"not a PDF", sealed.trusted).holds
    assert not verify_seal(b"", sealed.trusted).holds
    with pytest.raises(InputError):
        verify_seal(sealed.pdf, b"not a certificate")
    with pytest.raises(InputError):
        attached(b"not a PDF")


def test_the_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = SealingKey.load_or_create(folder, AT)
    again = SealingKey.load_or_create(folder, AT + timedelta(days=1))
    assert first.fingerprint == again.fingerprint
    assert (folder / "seal.pem").stat().st_mode & 0o777 == 0o600
    assert (folder / "seal-certificate.pem").read_bytes() == first.certificate_pem()
    assert sorted(path.name for path in folder.iterdir()) == ["seal-certificate.pem", "seal.pem"]
    assert "PRIVATE" not in repr(first)


def test_a_key_that_others_can_read_or_that_is_broken_is_refused(tmp_path: Path) -> None:
    SealingKey.load_or_create(tmp_path, AT)
    path = tmp_path / "seal.pem"
    path.chmod(0o644)
    with pytest.raises(InputError, match="can be read by others"):
        SealingKey.load_or_create(tmp_path, AT)
    path.chmod(0o600)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="no usable key"):
        SealingKey.load_or_create(tmp_path, AT)


def test_a_key_with_another_certificate_is_refused(tmp_path: Path) -> None:
    one = SealingKey.load_or_create(tmp_path / "a", AT)
    two = SealingKey.load_or_create(tmp_path / "b", AT)
    (tmp_path / "a" / "seal.pem").write_bytes(one.private_bytes() + two.certificate_pem())
    with pytest.raises(InputError, match="differ"):
        SealingKey.load_or_create(tmp_path / "a", AT)


@pytest.mark.parametrize("name", ["../facts.json", "", ".hidden", "a/b", "naïve.json", "x" * 200])
def test_an_attachment_has_a_plain_name(name: str) -> None:
    with pytest.raises(ValueError, match="plain file name"):
        Attachment(name, b"", "")


def test_a_seal_needs_a_digest(sealed: Sealed) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal"):
        seal(sealed.pdf, sealed.key, at=AT, record_sha256="abc")
