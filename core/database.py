"""The engine and the unit of work: SQLite in WAL mode, or PostgreSQL.

SQLite takes its write lock at the start of a writing transaction (`BEGIN IMMEDIATE`): a deferred one fails
half-way when two writers meet, and no time-out helps. Driver errors leave here as `Unavailable`, `Conflict` or
`InputError`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import Conflict, GreenlightError, InputError, Unavailable

BUSY_MS = 30_000
MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
WRITING = "greenlight_writing"
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql+psycopg")


class Database:
    """One database: `reading()` for a consistent look, `writing()` for one atomic change."""

    def __init__(self, url: str | sa.URL) -> None:
        """Prepare the engine; nothing is opened yet. An address that cannot be read is `Unavailable`."""
        try:
            self.url = sa.make_url(_with_driver(url) if isinstance(url, str) else url)
        except sa.exc.ArgumentError as error:
            raise Unavailable(
                "the database address cannot be read", "correct GREENLIGHT_DATABASE_URL or leave it empty"
            ) from error
        if self.url.drivername not in DRIVERS:
            raise Unavailable(
                f"the database address is of an unknown kind ('{self.url.drivername}')",
                "correct GREENLIGHT_DATABASE_URL to postgresql://... or leave it empty",
            )
        self.engine = _engine(self.url)
        # One look is one state on both: SQLite's read transaction is a snapshot, PostgreSQL's only when it is told so.
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = self.engine.execution_options(**options)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that sees one state and leaves no change behind."""
        with self._translated(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session whose changes commit together, or not at all when the block raises."""
        engine = self.engine.execution_options(**{WRITING: True})
        with self._translated(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Let every pooled connection go."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise _explain(error, self.url) from error
        except sqlite3.DatabaseError as error:
            raise _explain_text(str(error), self.url) from error
        except UnicodeEncodeError as error:
            raise _unstorable("it is not whole text") from error


def _with_driver(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False})
    sa.event.listen(engine, "connect", _prepare_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver must not open transactions by itself: _begin_sqlite decides which kind it is.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get(WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN DEFERRED")


def _explain(error: sa.exc.DBAPIError, url: sa.URL) -> GreenlightError:
    if isinstance(error, sa.exc.IntegrityError):
        return Conflict(
            f"the record clashes with one that exists or refers to one that does not ({_first_line(error.orig)})",
            "choose another name or correct the reference",
        )
    if isinstance(error, sa.exc.DataError):
        return _unstorable(_first_line(error.orig))
    return _explain_text(_first_line(error.orig), url)


def _unstorable(why: str) -> InputError:
    return InputError(f"a value cannot be stored ({why})", "shorten it or remove unusual characters")


def _explain_text(text: str, url: sa.URL) -> GreenlightError:
    place = url.database if url.get_backend_name() == "sqlite" else f"PostgreSQL at {url.host}"
    if "refused by trigger" in text:
        return Conflict(f"a stored record may not be changed ({text})", "add a new record instead")
    if "disk is full" in text or "No space left" in text or "disk I/O" in text:
        return Unavailable(f"the disk of {place} is full or failing", "free space and run the command again")
    if "not a database" in text or "malformed" in text:
        return Unavailable(
            f"the database {place} is damaged ({text})",
            "restore it from a backup, then run 'greenlight audit verify'",
        )
    if "locked" in text:
        return Unavailable(f"the database {place} is busy", "wait for the other process to finish, then try again")
    if "no such table" in text or "does not exist" in text:
        return Unavailable(f"the database {place} is not set up", "run 'greenlight init'")
    if "unable to open" in text:
        return Unavailable(f"the database {place} cannot be opened", "run 'greenlight init' or set GREENLIGHT_HOME")
    return Unavailable(
        f"the database {place} did not answer as expected ({text})", "check that it runs, then try again"
    )


def _first_line(error: object) -> str:
    return (str(error).splitlines() or ["no detail"])[0]


def alembic_config(url: str | sa.URL) -> Any:
    """Return the Alembic configuration for an address; the script folder is the project's `migrations`."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema to a revision. A SQLite file's folder is made when it is missing."""
    from alembic import command

    database = Database(url)
    if database.is_sqlite and database.url.database:
        _make_folder(Path(database.url.database).parent)
    with database._translated():
        try:
            command.upgrade(alembic_config(database.url), revision)
        finally:
            database.close()


def is_current(database: Database) -> bool:
    """Whether the schema is the one this version of Greenlight was made for."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(alembic_config(database.url)).get_current_head()
    with database.reading() as session:
        return MigrationContext.configure(session.connection()).get_current_revision() == head


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"the folder {folder} cannot be made ({error.strerror})",
            "set GREENLIGHT_HOME to a folder you can write",
        ) from error
