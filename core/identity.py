"""People: accounts, passwords, sessions, and the fresh proof of identity that a signature needs.

Two components identify a person: the login and the password (21 CFR 11.200(a)(1)). Failed attempts are events,
and too many of them lock the account for a while (21 CFR 11.300(d)).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import sqlalchemy as sa

from core.access import INSTALLER, Actor, Permission, Role, parse_roles
from core.audit.log import hold
from core.canonical import new_id, now, sha256
from core.errors import Conflict, Denied, InputError
from core.platform import Platform, Work
from core.tables import LoginSession, User

MIN_PASSWORD = 12
MAX_PASSWORD = 1024
MAX_FAILURES = 5
LOCK = timedelta(minutes=15)
SESSION = timedelta(hours=12)
PROOF_MAX_AGE = timedelta(seconds=60)


@dataclass(frozen=True)
class Proof:
    """That a person has just given login and password; good for one minute."""

    actor: Actor
    login: str
    at: datetime

    def require_fresh(self, moment: datetime) -> None:
        """Raise `Denied` when the proof is older than a minute."""
        if abs(moment - self.at) > PROOF_MAX_AGE:
            raise Denied("the password was given too long ago", "give it again and sign at once")


def create_first_user(platform: Platform, *, login: str, name: str, password: str, roles: list[str]) -> User:
    """Make the first person of an installation; `Conflict` when there is one already."""
    with platform.work(INSTALLER) as work:
        hold(work.session)
        if work.session.scalar(sa.select(sa.func.count()).select_from(User)):
            raise Conflict("this Greenlight has users already", "ask an administrator to add you")
        return create_user(work, login=login, name=name, password=password, roles=roles)


def create_user(work: Work, *, login: str, name: str, password: str, roles: list[str]) -> User:
    """Add a person. Logins are unique for ever; a password has at least 12 characters."""
    work.require(Permission.USER_MANAGE)
    login, name = check_person(login=login, name=name, password=password, roles=roles)
    if work.session.scalar(sa.select(User).where(User.login == login)):
        raise Conflict(f"the login '{login}' is taken", "choose another; a login is never given twice")
    user = work.add(
        User(
            id=new_id("usr"),
            login=login,
            name=name,
            roles=sorted(parse_roles(roles)),
            password_hash=_hash(password),
            password_changed_at=work.at,
            failed_logins=0,
            created_at=work.at,
        )
    )
    work.record("user.created", user.id, roles=user.roles)
    return user


def check_person(*, login: str, name: str, password: str, roles: list[str]) -> tuple[str, str]:
    """Return login and name as they will be stored; `InputError` for what cannot make a person."""
    if not roles:
        raise InputError("a person needs at least one role", f"use {', '.join(sorted(Role))}")
    parse_roles(roles)
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(f"a password needs {MIN_PASSWORD} to {MAX_PASSWORD} characters", "choose another")
    return _clean(login, "login"), _clean(name, "name")


def authenticate(platform: Platform, login: str, password: str) -> Proof:
    """Check login and password, each attempt an audit event; `Denied` when they do not fit or the account is locked."""
    with platform.work(INSTALLER) as work:
        # Locked, so that guesses made at the same moment are counted one after the other.
        user = work.session.scalar(sa.select(User).where(User.login == login).with_for_update())
        problem = _problem(work, user, password)
        if user is None or problem:
            work.record("user.authentication_failed", user.id if user else "unknown", *([user] if user else []))
        else:
            user.failed_logins, user.locked_until = 0, None
            work.record("user.authenticated", user.id, user)
    if user is None or problem:
        raise problem or _wrong()
    return Proof(actor_of(user), user.login, work.at)


def open_session(platform: Platform, proof: Proof) -> str:
    """Start a session for a proven person and return its token; only the token's digest is stored."""
    token = secrets.token_urlsafe(32)
    with platform.work(proof.actor) as work:
        work.add(
            LoginSession(
                token_sha256=sha256(token.encode()),
                user_id=proof.actor.id,
                created_at=work.at,
                expires_at=work.at + SESSION,
            )
        )
        work.record("session.opened", proof.actor.id)
    return token


def close_session(platform: Platform, token: str) -> None:
    """End a session; ending one twice changes nothing."""
    actor = actor_from_token(platform, token)
    with platform.work(actor) as work:
        session = work.get(LoginSession, sha256(token.encode()), "session")
        session.ended_at = work.at
        work.record("session.closed", actor.id)


def actor_from_token(platform: Platform, token: str) -> Actor:
    """Return who holds a session; `Denied` when it has ended or the person was disabled."""
    with platform.reading() as session:
        found = session.get(LoginSession, sha256(token.encode()))
        user = session.get(User, found.user_id) if found else None
        if found is None or user is None or found.ended_at or found.expires_at < now() or user.disabled_at:
            raise Denied("you are not signed in", "run 'greenlight user login'")
        return actor_of(user)


def actor_of(user: User) -> Actor:
    """Return the actor that a user record stands for."""
    return Actor(user.id, user.name, frozenset(Role(role) for role in user.roles))


def _problem(work: Work, user: User | None, password: str) -> Denied | None:
    if user is None:
        # The same work as for a known login, so that the time taken does not tell which logins exist.
        _verify(_nobodys_hash(), password)
        return _wrong()
    if user.disabled_at:
        return Denied("this account is disabled", "ask an administrator")
    if user.locked_until and user.locked_until > work.at:
        return Denied(
            f"this account is locked until {user.locked_until:%H:%M} UTC after {MAX_FAILURES} wrong passwords",
            "wait, or ask an administrator",
        )
    if _verify(user.password_hash, password):
        return None
    user.failed_logins += 1
    if user.failed_logins >= MAX_FAILURES:
        user.failed_logins, user.locked_until = 0, work.at + LOCK
    return _wrong()


def _wrong() -> Denied:
    return Denied("the login or the password is wrong", "try again; nothing was changed")


def _hash(password: str) -> str:
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


@cache
def _nobodys_hash() -> str:
    return _hash(secrets.token_urlsafe())


def _verify(stored: str, password: str) -> bool:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    try:
        return PasswordHasher().verify(stored, password)
    except (VerificationError, UnicodeEncodeError):
        return False


def _clean(text: str, what: str) -> str:
    text = text.strip()
    if not text or len(text) > 200 or not text.isprintable():
        raise InputError(f"the {what} must be 1 to 200 printable characters", "choose another")
    return text
