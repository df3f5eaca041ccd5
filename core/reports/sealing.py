"""Seal a dossier: attach its evidence, sign the whole file (PAdES B-B, ECDSA P-256), and check such a seal.

The seal says that this installation issued exactly these bytes; who approved is said by the signatures
inside. Nothing here uses a network: trust comes from a certificate that the reader already holds, and the
time in the seal is the sealer's word, since no time-stamping authority is asked.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from core.canonical import now, sha256
from core.errors import InputError, Unavailable

if TYPE_CHECKING:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.pdf_utils.reader import PdfFileReader

KEY_FILE, CERTIFICATE_FILE = "seal.pem", "seal-certificate.pem"
# What the validator finds wrong is in the report; without a handler it would be printed as well.
logging.getLogger("pyhanko").addHandler(logging.NullHandler())
FIELD = "GreenlightSeal"
CERTIFICATE_YEARS = 30
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
RECORD = re.compile(r"\[record sha256:([0-9a-f]{64})\]$")


@dataclass(frozen=True)
class Attachment:
    """A file to carry inside the PDF, such as the canonical facts; `name` is plain ASCII without a folder."""

    name: str
    data: bytes
    description: str
    media_type: str = "application/json"

    def __post_init__(self) -> None:
        if not FILE_NAME.fullmatch(self.name):
            raise ValueError(f"'{self.name}' is not a plain file name")


@dataclass(frozen=True)
class SealingKey:
    """The private key of this installation's seal with its certificate; never shown when printed."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    @classmethod
    def load_or_create(cls, folder: Path, at: datetime | None = None) -> SealingKey:
        """Read the key in `folder`, or make one that only the owner may read (mode 0600) on first use.

        `at` is when a new certificate starts to count; two processes that come first together get the same
        key. Raises `InputError` for a file that others may read or that holds no key, `Unavailable` when
        the folder cannot be used.
        """
        path = folder / KEY_FILE
        try:
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                made = _make(at or now())
                _publish(path, made.private_pem())
                _publish(folder / CERTIFICATE_FILE, cls.load(path).certificate_pem(), mode=0o644)
            return cls.load(path)
        except OSError as error:
            raise Unavailable(
                f"the folder of keys {folder} cannot be used ({error.strerror})", "make it writable for you"
            ) from error

    @classmethod
    def load(cls, path: Path) -> SealingKey:
        """Read a key file that `load_or_create` wrote."""
        if path.stat().st_mode & 0o077:
            raise InputError(f"the seal's key {path} can be read by others", f"run: chmod 600 {path}")
        data = path.read_bytes()
        try:
            key = load_pem_private_key(data, password=None)
            certificate = x509.load_pem_x509_certificate(data)
        except ValueError as error:
            raise InputError(f"{path} holds no usable key", "restore it from a backup") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise InputError(f"the key and the certificate in {path} differ", "restore it from a backup")
        return cls(key, certificate)

    def certificate_pem(self) -> bytes:
        """The certificate that a reader needs to check seals; it holds no secret."""
        return self.certificate.public_bytes(Encoding.PEM)

    def private_pem(self) -> bytes:
        """Key and certificate as one file, for `load_or_create` and for a backup."""
        return self.private_bytes() + self.certificate_pem()

    def private_bytes(self) -> bytes:
        """The private key alone, as PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate, to be compared with one received on another way."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def _make(at: datetime) -> SealingKey:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    words = f"Greenlight dossier seal {sha256(public)[:12]}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=365 * CERTIFICATE_YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, encipher_only=False, decipher_only=False, **usage
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return SealingKey(key, certificate)


def _publish(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a new file whole, or leave the one that is there."""
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()


def seal(
    pdf: bytes,
    key: SealingKey,
    *,
    at: datetime,
    record_sha256: str,
    reason: str = "Issued by Greenlight",
    attachments: Sequence[Attachment] = (),
) -> bytes:
    """Return the PDF with its attachments and a certifying signature over every byte of it.

    `at` is written as the time of the seal; `record_sha256` is the digest of the record that the dossier is
    about and becomes part of the signed reason. No change is permitted afterwards.
    """
    if not re.fullmatch("[0-9a-f]{64}", record_sha256):
        raise ValueError("a record's digest is 64 hexadecimal digits")
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
    from pyhanko.sign.signers import PdfSignatureMetadata

    writer = IncrementalPdfFileWriter(BytesIO(pdf))
    for attachment in attachments:
        _attach(writer, attachment, at)
    metadata = PdfSignatureMetadata(
        field_name=FIELD,
        reason=f"{reason} [record sha256:{record_sha256}]",
        md_algorithm="sha256",
        subfilter=SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
    )
    signed: BytesIO = _signer(metadata, key, at).sign_pdf(writer)
    return signed.getvalue()


def _attach(writer: IncrementalPdfFileWriter, attachment: Attachment, at: datetime) -> None:
    from pyhanko.pdf_utils import embed

    params = embed.EmbeddedFileParams(embed_checksum=False, creation_date=at, modification_date=at)
    stream = embed.EmbeddedFileObject.from_file_data(
        writer, attachment.data, params=params, mime_type=attachment.media_type
    )
    embed.embed_file(
        writer,
        embed.FileSpec(attachment.name, embedded_data=stream, description=attachment.description),
    )


def _signer(metadata: Any, key: SealingKey, at: datetime) -> Any:
    from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
    from pyhanko.sign.signers import PdfSigner, SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    class GivenTimeSigner(PdfSigner):
        """Signs with the moment that was given, where pyHanko would read the clock."""

        def init_signing_session(self, *args: Any, **kwargs: Any) -> Any:
            session = super().init_signing_session(*args, **kwargs)
            session.system_time = at
            return session

    (certificate,) = load_certs_from_pemder_data(key.certificate_pem())
    private = load_private_key_from_pemder_data(key.private_bytes(), passphrase=None)
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    signer = SimpleSigner(certificate, private, registry)
    return GivenTimeSigner(metadata, signer)


@dataclass(frozen=True)
class SealReport:
    """What checking a seal found. `problems` says in sentences why a seal does not hold; empty means it does."""

    problems: tuple[str, ...]
    intact: bool = False
    trusted: bool = False
    covers_entire_file: bool = False
    signed_at: datetime | None = None
    reason: str | None = None
    record_sha256: str | None = None
    certificate_sha256: str | None = None
    attachments: tuple[tuple[str, str], ...] = ()
    """Name and SHA-256 of each file that the PDF carries."""

    @property
    def holds(self) -> bool:
        """Whether the file is exactly what the trusted key sealed."""
        return not self.problems


def verify_seal(pdf: bytes, trusted_certificate: bytes) -> SealReport:
    """Check the last signature of a PDF against a certificate (PEM) that the reader trusts.

    The seal holds only if the signature is intact, made by that certificate's key, and covers every byte of
    the file: bytes appended later, which many readers accept, are a problem here. Never raises for a bad
    file; an unusable certificate is an `InputError`.
    """
    try:
        trusted = x509.load_pem_x509_certificate(trusted_certificate)
    except ValueError as error:
        raise InputError("the trusted certificate is not a PEM certificate", "give the seal's certificate") from error
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        reader = PdfFileReader(BytesIO(pdf))
        signatures = reader.embedded_regular_signatures
        if not signatures:
            return SealReport(("The file carries no seal.",))
        return _judge(pdf, reader, signatures[-1], trusted)
    except Exception as error:  # a hostile or broken file may raise anything in a parser
        return SealReport((f"The file cannot be read as a sealed PDF ({type(error).__name__}).",))


def _judge(pdf: bytes, reader: PdfFileReader, signature: Any, trusted: x509.Certificate) -> SealReport:
    from pyhanko.keys import load_certs_from_pemder_data
    from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    signed_at = signature.self_reported_timestamp
    roots = list(load_certs_from_pemder_data(trusted.public_bytes(Encoding.PEM)))
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=signed_at)
    status = validate_pdf_signature(signature, context)
    reason = str(signature.sig_object.get("/Reason", ""))
    record = RECORD.search(reason)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    sound = bool(status.intact and status.valid) and _canonical(pdf, signature)
    return SealReport(
        problems=_problems(sound, bool(status.trusted), whole, record is not None),
        intact=sound,
        trusted=bool(status.trusted),
        covers_entire_file=whole,
        signed_at=signed_at,
        reason=reason,
        record_sha256=record[1] if record else None,
        certificate_sha256=sha256(signature.signer_cert.dump()),
        attachments=tuple((name, sha256(data)) for name, data in _attached(reader).items()),
    )


def _canonical(pdf: bytes, signature: Any) -> bool:
    """Whether the signature's own container, which no signature covers, is exactly as `seal` writes it.

    It holds signed attributes, a signature and a certificate, which are proven otherwise, and fields around
    them that a validator skips: those could be changed unseen, so the container is built anew and compared.
    """
    from asn1crypto import cms  # type: ignore[import-untyped]

    signer = signature.signer_info
    identity = cms.IssuerAndSerialNumber(
        {"issuer": signature.signer_cert.issuer, "serial_number": signature.signer_cert.serial_number}
    )
    algorithm = {"algorithm": "sha256"}
    rebuilt = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [algorithm],
            "encap_content_info": {"content_type": "data"},
            "certificates": [signature.signer_cert],
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": cms.SignerIdentifier({"issuer_and_serial_number": identity}),
                    "digest_algorithm": algorithm,
                    "signed_attrs": signer["signed_attrs"],
                    "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                    "signature": signer["signature"],
                }
            ],
        }
    )
    container = cms.ContentInfo({"content_type": "signed_data", "content": rebuilt}).dump().hex().upper()
    _, start, end, _ = signature.byte_range
    expected = f"<{container:0<{end - start - 2}}>"
    return pdf[start:end] == expected.encode()


def _problems(intact: bool, trusted: bool, whole: bool, named: bool) -> tuple[str, ...]:
    checks = (
        (intact, "The file was changed after it was sealed."),
        (trusted or not intact, "The seal was not made with the trusted certificate."),
        (whole, "The seal does not cover the entire file: something was added after it."),
        (named, "The seal does not name the digest of a record."),
    )
    return tuple(sentence for passed, sentence in checks if not passed)


def attached(pdf: bytes) -> dict[str, bytes]:
    """Return the files that a PDF carries, by name; check the seal before relying on them."""
    from pyhanko.pdf_utils.misc import PdfReadError
    from pyhanko.pdf_utils.reader import PdfFileReader

    try:
        return _attached(PdfFileReader(BytesIO(pdf)))
    except (PdfReadError, KeyError, ValueError) as error:
        raise InputError("the file cannot be read as a PDF", "give a dossier that Greenlight made") from error


def _attached(reader: PdfFileReader) -> dict[str, bytes]:
    try:
        names = reader.root["/Names"]["/EmbeddedFiles"]["/Names"]
    except KeyError:
        return {}
    return {str(names[index]): names[index + 1]["/EF"]["/F"].data for index in range(0, len(names), 2)}
