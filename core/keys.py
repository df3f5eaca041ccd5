"""The installation's Ed25519 key: it signs checkpoints and seals signature records."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.canonical import sha256
from core.errors import Unavailable

KEY_FILE = "log.ed25519.pem"


@dataclass(frozen=True)
class VerifyingKey:
    """The public half: 32 raw bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """SHA-256 of the raw public key, in hexadecimal."""
        return sha256(self.raw)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """The private half; it never leaves the keys folder."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = VerifyingKey(
            private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        )

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature (RFC 8032)."""
        return self._private.sign(message)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Whether a folder holds a key."""
        return (folder / KEY_FILE).exists()

    @classmethod
    def load_or_create(cls, folder: Path) -> SigningKey:
        """Load the key of a folder, making it on first use, readable by the owner only."""
        path = folder / KEY_FILE
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _create(path)
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise Unavailable(
                f"the signing key {path} cannot be read ({error})", "restore the keys folder from its backup"
            ) from error
        if not isinstance(private, Ed25519PrivateKey):
            raise Unavailable(f"the signing key {path} is not an Ed25519 key", "restore it from its backup")
        return cls(private)


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    temporary = path.with_name(f".{KEY_FILE}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
        stream.flush()
        os.fsync(stream.fileno())
    try:
        # A link, not a rename: whoever makes the key first wins, and nobody replaces it.
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
