"""Signed tree heads in the C2SP tlog-checkpoint form (a C2SP signed note with an Ed25519 signature).

A checkpoint that is kept outside the reach of whoever owns the database shows a rewritten or truncated log.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from core.audit.merkle import Frontier
from core.errors import InputError, TamperingFound
from core.keys import SigningKey, VerifyingKey

ORIGIN = "greenlight/audit"
ED25519 = b"\x01"


@dataclass(frozen=True)
class Checkpoint:
    """A tree head that somebody signed: number of events and root hash (32 bytes)."""

    size: int
    root: bytes


def sign_checkpoint(frontier: Frontier, key: SigningKey) -> str:
    """Return the signed note of a tree head."""
    text = f"{ORIGIN}\n{frontier.size}\n{base64.b64encode(frontier.root()).decode()}\n"
    signature = key_hash(key.public) + key.sign(text.encode())
    return f"{text}\n— {ORIGIN} {base64.b64encode(signature).decode()}\n"


def open_checkpoint(note: str, key: VerifyingKey) -> Checkpoint:
    """Check a signed note and return its tree head.

    Raises `InputError` when the text is no checkpoint, `TamperingFound` when the key did not sign it.
    """
    text, separator, signatures = note.partition("\n\n")
    lines = text.split("\n")
    if not separator or len(lines) < 3 or lines[0] != ORIGIN or not re.fullmatch("[0-9]+", lines[1]):
        raise InputError("this is not a Greenlight checkpoint", "give a file made by 'greenlight audit checkpoint'")
    if not any(_signed_by(line, text + "\n", key) for line in signatures.splitlines()):
        raise TamperingFound(
            "the checkpoint was not signed by this installation's key",
            "check that it belongs to this installation, and ask who wrote it",
        )
    return Checkpoint(int(lines[1]), base64.b64decode(lines[2]))


def verifier_key(key: VerifyingKey) -> str:
    """Return the key in the note format's `name+hash+key` form, for tools that check checkpoints."""
    encoded = base64.b64encode(ED25519 + key.raw).decode()
    return f"{ORIGIN}+{key_hash(key).hex()}+{encoded}"


def key_hash(key: VerifyingKey) -> bytes:
    """Return the four bytes by which a note names its signer's key."""
    return sha256(ORIGIN.encode() + b"\n" + ED25519 + key.raw).digest()[:4]


def _signed_by(line: str, text: str, key: VerifyingKey) -> bool:
    prefix = f"— {ORIGIN} "
    if not line.startswith(prefix):
        return False
    try:
        blob = base64.b64decode(line.removeprefix(prefix), validate=True)
    except binascii.Error:
        return False
    return blob[:4] == key_hash(key) and key.verifies(blob[4:], text.encode())
