"""Read tables that somebody may have damaged: a row that cannot be read is told apart, and the others are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.tables import Base

Row = TypeVar("Row", bound=Base)
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, sa.exc.SQLAlchemyError)
"""What the database and the column types raise over a value that is not of its kind."""


class Found(NamedTuple):
    """A stored row by its primary key; `row` is None where its values cannot be read."""

    key: tuple[Any, ...]
    row: Any


def read_rows(session: Session, model: type[Row]) -> Iterator[Found]:
    """Yield every row of a table in the order of its key."""
    columns = sa.inspect(model).primary_key
    try:
        rows = list(session.scalars(sa.select(model).order_by(*columns)))
    except UNREADABLE:
        keys = [tuple(key) for key in session.execute(sa.select(*columns).order_by(*columns))]
        yield from (Found(key, _one(session, model, key)) for key in keys)
    else:
        yield from (Found(tuple(sa.inspect(model).primary_key_from_instance(row)), row) for row in rows)


def _one(session: Session, model: type[Row], key: tuple[Any, ...]) -> Row | None:
    try:
        return session.get(model, key)
    except UNREADABLE:
        return None
