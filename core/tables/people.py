"""People who act, and their sessions."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.tables.base import Base, Digest, Id, Name, Text


class User(Base):
    """A person; a login is never given to somebody else (21 CFR 11.100(a))."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    login: Mapped[str] = mapped_column(Name, unique=True)
    name: Mapped[str] = mapped_column(Name)
    roles: Mapped[list[str]]
    password_hash: Mapped[str] = mapped_column(Text)
    password_changed_at: Mapped[datetime]
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class LoginSession(Base):
    """One continuous session of a person; only the digest of its token is kept."""

    __tablename__ = "login_sessions"
    vouched = False

    token_sha256: Mapped[str] = mapped_column(Digest, primary_key=True)
    user_id: Mapped[str] = mapped_column(sa.ForeignKey("users.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
