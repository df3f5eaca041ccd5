"""The declarative base, the column types and the naming of constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from core.canonical import digest

NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Id = sa.String(48)
Name = sa.String(200)
Word = sa.String(40)
Digest = sa.String(64)
Text = sa.Text()


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment in UTC with microseconds, the same on both databases; naive datetimes are refused."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Store UTC; SQLite has no time zones, so the zone is dropped there."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored moment needs a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        """Return UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table."""

    vouched: ClassVar[bool] = True
    """Whether audit events carry the digest of these rows; False for rows that change without an event."""
    volatile: ClassVar[frozenset[str]] = frozenset()
    """Columns that the digest leaves out because they change without an event that vouches for them."""

    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012
        dict[str, Any]: sa.JSON(),
        list[str]: sa.JSON(),
        list[Any]: sa.JSON(),
        datetime: Moment(),
    }


def record_of(row: Base) -> dict[str, Any]:
    """Return a row's columns by name, as they are stored."""
    return {column.key: getattr(row, column.key) for column in sa.inspect(type(row)).columns}


def record_digest(row: Base) -> str:
    """Return the SHA-256 of a row's canonical JSON, less its volatile columns: what an audit event binds."""
    return digest({name: value for name, value in record_of(row).items() if name not in row.volatile})
