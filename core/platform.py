"""One installation, opened: settings, database, artifacts and key; and the unit of work of every service.

    platform = Platform.open(Settings.load())
    with platform.work(actor) as work:
        registry.create_project(work, name="Pilot", kind="production", agreements=["netflix-genai"])

A `Work` is one transaction of one actor. Services take it, check the permission, change, and record the event.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.access import Actor, Permission
from core.artifacts import ArtifactStore, StoredArtifact
from core.audit.log import append, tree_head
from core.canonical import canonical_json, now
from core.database import Database, is_current, migrate
from core.errors import Conflict, NotFound, Unavailable
from core.keys import SigningKey
from core.settings import Settings
from core.tables import Artifact, AuditEvent, Base, record_of

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Work:
    """One atomic change by one actor: the session, and what services need around it."""

    session: Session
    actor: Actor
    at: datetime
    settings: Settings
    store: ArtifactStore
    key: SigningKey
    unrecorded: list[Base] = field(default_factory=list)
    """Rows added since the last event; the next event vouches for them."""

    def require(self, permission: Permission) -> None:
        """Raise `Denied` unless the actor may."""
        self.actor.require(permission)

    def add(self, row: Row) -> Row:
        """Add a row and give the database the chance to refuse it now."""
        self.session.add(row)
        self.session.flush()
        if row.vouched:
            self.unrecorded.append(row)
        return row

    def get(self, model: type[Row], key: object, what: str) -> Row:
        """Return a row by its primary key, or `NotFound` that names `what` was looked for."""
        row = self.session.get(model, key)
        if row is None:
            raise NotFound(f"there is no {what} '{key}'", f"list the {what}s and choose one")
        return row

    def record(self, action: str, subject: str, *rows: Base, **payload: object) -> AuditEvent:
        """Append the audit event of this change; it vouches for every row added so far and for the changed `rows`."""
        vouched = [*self.unrecorded, *(row for row in rows if row not in self.unrecorded)]
        self.unrecorded.clear()
        return append(
            self.session, actor=self.actor.id, action=action, subject=subject, at=self.at, payload=payload, rows=vouched
        )

    def keep(self, source: Path | bytes, media_type: str) -> Artifact:
        """Store bytes or a file and return its artifact row, new or known."""
        stored = self.store.put_bytes(source) if isinstance(source, bytes) else self.store.put_file(source)
        return self._artifact(stored, media_type)

    def keep_json(self, value: object) -> Artifact:
        """Store a value as canonical JSON and return its artifact row."""
        return self.keep(canonical_json(value), "application/json")

    def _artifact(self, stored: StoredArtifact, media_type: str) -> Artifact:
        known = self.session.get(Artifact, stored.sha256)
        if known is not None:
            return known
        row = Artifact(sha256=stored.sha256, size=stored.size, media_type=media_type, stored_at=self.at)
        # Two jobs may make the same bytes at the same moment: whoever comes second takes the first one's record.
        insert = sqlite.insert if self.session.get_bind().dialect.name == "sqlite" else postgresql.insert
        statement = insert(Artifact).values(record_of(row)).on_conflict_do_nothing().returning(Artifact.sha256)
        added = self.session.scalar(statement)
        kept = self.session.get_one(Artifact, stored.sha256)
        if added is not None:
            self.unrecorded.append(kept)
        return kept


class Platform:
    """An opened installation."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)

    @cached_property
    def store(self) -> ArtifactStore:
        """The artifact store."""
        return ArtifactStore(self.settings.artifacts)

    @cached_property
    def key(self) -> SigningKey:
        """The installation's signing key, made on first use; a lost one is told (`Unavailable`), never replaced."""
        if not SigningKey.is_in(self.settings.keys) and self._has_history():
            raise Unavailable(
                f"the signing key of this Greenlight is not in {self.settings.keys}",
                "restore the keys folder from its backup",
            )
        return SigningKey.load_or_create(self.settings.keys)

    @classmethod
    def open(cls, settings: Settings, *, any_schema: bool = False) -> Platform:
        """Open an installation that `create` made; `Unavailable` says how to make one or bring it up to date.

        `any_schema` opens one whose tables are of another version, to bring it up to date.
        """
        platform = cls(settings)
        path = platform.database.url.database
        if platform.database.is_sqlite and not (path and Path(path).is_file()):
            raise Unavailable(
                f"there is no Greenlight at {settings.home}", "run 'greenlight init' or set GREENLIGHT_HOME"
            )
        try:
            current = any_schema or is_current(platform.database)
        except BaseException:
            platform.close()
            raise
        if not current:
            platform.close()
            raise Unavailable(
                "the database's tables are not those of this version",
                "back it up, then run 'greenlight init --migrate'",
            )
        return platform

    @classmethod
    def create(cls, settings: Settings) -> Platform:
        """Make or bring up to date the database, and the signing key."""
        migrate(settings.database)
        platform = cls(settings)
        _ = platform.key
        return platform

    @contextmanager
    def work(self, actor: Actor) -> Iterator[Work]:
        """Open one transaction of an actor; it commits when the block ends, or not at all."""
        with self.database.writing() as session:
            work = Work(session, actor, now(), self.settings, self.store, self.key)
            yield work
            if work.unrecorded:
                raise AssertionError(f"a service added {work.unrecorded[0].__tablename__} without an audit event")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a consistent look at the database."""
        with self.database.reading() as session:
            yield session

    def _has_history(self) -> bool:
        with self.reading() as session:
            return tree_head(session).size > 0

    def close(self) -> None:
        """Let the database go."""
        self.database.close()


def expect(state: str, allowed: tuple[str, ...], what: str) -> None:
    """Raise `Conflict` unless a state machine allows the step from `state`."""
    if state not in allowed:
        raise Conflict(f"{what} is {state}", f"this step needs it to be {' or '.join(allowed)}")
