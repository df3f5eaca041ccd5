"""What a study has paid for, model calls and files of executed programs, kept so that nothing is paid twice.

Append-only, beside the graph's checkpoints: a SQLite file in the job's folder, or tables in the PostgreSQL database
that holds the checkpoints. A node that is run again after a kill asks the same questions in the same order; those that
were answered before are answered from here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from core.errors import Unavailable

PAID = ("answered", "malformed", "refused", "too_long")
"""Outcomes that a server's answer settled: asking again would cost again and tell nothing new."""


@dataclass(frozen=True)
class Call:
    """One request to a model and what came of it. `place` is node/visit/ordinal; `request` the digest of all sent.

    `sent` names the messages in the ledger's files.
    `outcome` is `answered`, `malformed`, `refused`, `too_long` or a failure's kind. Tokens and `usd` are None where
    nobody said them. `answer` is the raw text without the key.
    """

    place: str
    role: str
    prompt: str
    prompt_sha256: str
    request: str
    sent: str
    model: str
    served_by: str | None
    seed: int
    outcome: str
    answer: str
    tokens_in: int | None
    tokens_out: int | None
    usd: float | None
    seconds: float
    at: str

    def record(self, messages: object) -> dict[str, object]:
        """The call as one line of the output `calls`, with the messages that were sent."""
        digest = hashlib.sha256(self.answer.encode()).hexdigest()
        return {**asdict(self), "messages": messages, "answer_sha256": digest}


COLUMNS = tuple(field.name for field in fields(Call))
TABLES = (
    "CREATE TABLE IF NOT EXISTS study_calls (number {serial} PRIMARY KEY, thread TEXT, place TEXT, role TEXT, "
    "prompt TEXT, prompt_sha256 TEXT, request TEXT, sent TEXT, model TEXT, served_by TEXT, seed BIGINT, "
    "outcome TEXT, answer TEXT, tokens_in INTEGER, tokens_out INTEGER, usd DOUBLE PRECISION, "
    "seconds DOUBLE PRECISION, at TEXT)",
    "CREATE TABLE IF NOT EXISTS study_files (thread TEXT, sha256 TEXT, data {bytes}, PRIMARY KEY (thread, sha256))",
)


class Ledger:
    """The ledger of one thread (a job) over a DB-API connection that commits each statement; `mark` is a parameter."""

    def __init__(self, connection: Any, thread: str, mark: str) -> None:
        self._connection, self._thread, self._mark = connection, thread, mark
        serial, kind = ("INTEGER", "BLOB") if mark == "?" else ("BIGSERIAL", "BYTEA")
        for table in TABLES:
            connection.execute(table.format(serial=serial, bytes=kind))

    def calls(self) -> list[Call]:
        """Return every call of the thread, oldest first, those of earlier attempts too."""
        rows = self._rows(f"SELECT {', '.join(COLUMNS)} FROM study_calls WHERE thread = ? ORDER BY number", ())  # noqa: S608
        return [Call(*row) for row in rows]

    def paid(self, place: str, role: str, request: str, model: str) -> Call | None:
        """Return the answer that this very request got at this place before, if it got one."""
        for call in self.calls():
            same = (call.place, call.role, call.request, call.model) == (place, role, request, model)
            if same and call.outcome in PAID:
                return call
        return None

    def append(self, call: Call) -> None:
        """Keep a call; it is on the disk when this returns."""
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        self._write(
            f"INSERT INTO study_calls (thread, {', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608
            (self._thread, *astuple(call)),
        )

    def keep(self, data: bytes) -> str:
        """Keep a file and return its SHA-256."""
        digest = hashlib.sha256(data).hexdigest()
        self._write(
            "INSERT INTO study_files (thread, sha256, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (self._thread, digest, data),
        )
        return digest

    def file(self, digest: str) -> bytes:
        """Return a kept file; `Unavailable` when it is not here or not what was kept."""
        rows = self._rows("SELECT data FROM study_files WHERE thread = ? AND sha256 = ?", (digest,))
        data = bytes(rows[0][0]) if rows else b""
        if hashlib.sha256(data).hexdigest() != digest:
            raise Unavailable("a file that the study's code made is no longer there", "submit the study again")
        return data

    def _rows(self, statement: str, values: Sequence[object]) -> list[Any]:
        found = self._connection.execute(statement.replace("?", self._mark), (self._thread, *values)).fetchall()
        return list(found)

    def _write(self, statement: str, values: Sequence[object]) -> None:
        self._connection.execute(statement.replace("?", self._mark), values)


@contextmanager
def sqlite_ledger(path: Path, thread: str) -> Iterator[Ledger]:
    """Open the ledger in a file."""
    import sqlite3

    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        yield Ledger(connection, thread, "?")
    finally:
        connection.close()


@contextmanager
def postgres_ledger(address: str, thread: str) -> Iterator[Ledger]:
    """Open the ledger in a PostgreSQL database."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        yield Ledger(connection, thread, "%s")
