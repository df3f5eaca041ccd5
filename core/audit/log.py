"""Append to the audit log, inside the transaction of the change that the event tells of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.audit.merkle import Frontier, leaf_hash
from core.canonical import canonical_json, timestamp
from core.tables import AuditEvent, AuditFrontier, Base, record_digest

SCHEMA = "greenlight.event/1"


def append(
    session: Session,
    *,
    actor: str,
    action: str,
    subject: str,
    at: datetime,
    payload: Mapping[str, object],
    rows: Iterable[Base] = (),
) -> AuditEvent:
    """Append one event and advance the tree.

    `rows` are the records that the event vouches for: their digests go into the event, so that a later change
    behind the services' back is found. Personal data belongs into rows, not into `payload`.
    """
    session.flush()
    stored = hold(session)
    frontier = Frontier(stored.size, tuple(bytes.fromhex(node) for node in stored.nodes))
    body = canonical_json(
        {
            "schema": SCHEMA,
            "index": frontier.size,
            "at": timestamp(at),
            "actor": actor,
            "action": action,
            "subject": subject,
            "payload": dict(payload),
            "records": {record_key(row): record_digest(row) for row in rows},
        }
    )
    leaf = leaf_hash(body)
    event = AuditEvent(
        index=frontier.size,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        body=body.decode(),
        leaf_sha256=leaf.hex(),
    )
    grown = frontier.append(leaf)
    stored.size, stored.nodes = grown.size, [node.hex() for node in grown.nodes]
    session.add(event)
    session.flush()
    return event


def hold(session: Session) -> AuditFrontier:
    """Make every other change wait until this transaction ends, and return the stored frontier."""
    return session.execute(sa.select(AuditFrontier).with_for_update()).scalar_one()


def record_key(row: Base) -> str:
    """Name a row as `table/key` for the event that vouches for it."""
    key = "|".join(str(value) for value in sa.inspect(type(row)).primary_key_from_instance(row))
    return f"{row.__tablename__}/{key}"


def tree_head(session: Session) -> Frontier:
    """Return the stored frontier."""
    stored = session.execute(sa.select(AuditFrontier)).scalar_one()
    return Frontier(stored.size, tuple(bytes.fromhex(node) for node in stored.nodes))
