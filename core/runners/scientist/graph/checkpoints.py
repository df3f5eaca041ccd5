"""Where a study's state is kept after every node: LangGraph's own savers for SQLite and PostgreSQL.

State is plain JSON data, and what is read back may be nothing else: the savers are told to revive no classes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from core.errors import InputError, Unavailable
from core.runners.scientist.graph.ledger import Ledger, postgres_ledger, sqlite_ledger

STATE, LEDGER = "graph.sqlite", "ledger.sqlite"


class Kept(NamedTuple):
    """What outlives an attempt: the graph's saver, the ledger, and the thread (the job) that both know it by."""

    saver: Any
    ledger: Ledger
    thread: str


@contextmanager
def opened(folder: Path, variable: str) -> Iterator[Kept]:
    """Open the checkpoints: in `folder`, or in the database whose address the environment's `variable` holds.

    The thread is the folder's name, which is the job's id. Raises `InputError` for an unusable address, `Unavailable`
    when the database cannot be reached.
    """
    if variable:
        with _postgres(os.environ.get(variable, ""), variable, folder.name) as kept:
            yield kept
        return
    from langgraph.checkpoint.sqlite import SqliteSaver

    folder.mkdir(parents=True, exist_ok=True)
    with SqliteSaver.from_conn_string(str(folder / STATE)) as saver:
        saver.serde = _plain()
        saver.setup()
        with sqlite_ledger(folder / LEDGER, folder.name) as ledger:
            yield Kept(saver, ledger, folder.name)


@contextmanager
def _postgres(address: str, variable: str, thread: str) -> Iterator[Kept]:
    import psycopg
    from langgraph.checkpoint.postgres import PostgresSaver

    address = address.replace("postgresql+psycopg://", "postgresql://", 1)
    if not address.startswith(("postgresql://", "postgres://")):
        raise InputError(
            f"the variable {variable} holds no address of a PostgreSQL database",
            "set it to postgresql://... for the worker, or clear the setting checkpoints_variable",
        )
    try:
        connected = PostgresSaver.from_conn_string(address)
        saver = connected.__enter__()
    except psycopg.OperationalError:
        # The driver's message may hold the address.
        raise Unavailable(
            "the database of the checkpoints cannot be reached", "start it, or check its address"
        ) from None
    try:
        saver.serde = _plain()
        saver.setup()
        with postgres_ledger(address, thread) as ledger:
            yield Kept(saver, ledger, thread)
    finally:
        connected.__exit__(None, None, None)


def _plain() -> Any:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    return JsonPlusSerializer(allowed_msgpack_modules=None, allowed_json_modules=None)
