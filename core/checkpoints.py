"""Sign the audit log's head, and keep a copy where the database's owner cannot rewrite it."""

from __future__ import annotations

from pathlib import Path

from core.access import Permission
from core.audit.checkpoint import sign_checkpoint, verifier_key
from core.audit.log import tree_head
from core.errors import Unavailable
from core.platform import Work
from core.tables import AuditCheckpoint


def make_checkpoint(work: Work) -> AuditCheckpoint:
    """Sign the log as it stands; the same head is signed once. Not an event: a checkpoint proves itself."""
    if not work.actor.may(Permission.REPORT_MAKE):
        work.require(Permission.AUDIT_CHECKPOINT)
    head = tree_head(work.session)
    known = work.session.get(AuditCheckpoint, head.size)
    if known is not None:
        return known
    return work.add(
        AuditCheckpoint(
            size=head.size, root_sha256=head.root().hex(), note=sign_checkpoint(head, work.key), signed_at=work.at
        )
    )


def export_checkpoint(work: Work, folder: Path) -> Path:
    """Write a checkpoint and the key that checks it into a folder, best on another machine; returns the note's file."""
    checkpoint = make_checkpoint(work)
    path = folder / f"checkpoint-{checkpoint.size:09d}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(checkpoint.note, encoding="utf-8")
        (folder / "log.vkey").write_text(verifier_key(work.key.public) + "\n", encoding="utf-8")
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written ({error.strerror})", "choose another folder") from error
    return path
