"""People prove who they are; whoever fails is on record, too often is locked out, and nothing secret is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from argon2._password_hasher import PasswordHasher

from core.access import Actor, Role
from core.audit.verify import verify
from core.canonical import now, sha256
from core.errors import Conflict, Denied, InputError, Unavailable
from core.identity import (
    MAX_FAILURES,
    MIN_PASSWORD,
    actor_from_token,
    authenticate,
    close_session,
    create_first_user,
    create_user,
    open_session,
)
from core.keys import KEY_FILE
from core.platform import Platform
from core.tables import AuditEvent, LoginSession, User

PASSWORD = "a password for tests"


@pytest.fixture
def admin(platform: Platform) -> Actor:
    """The first administrator, with the login `admin`."""
    create_first_user(platform, login="admin", name="Administrator", password=PASSWORD, roles=["administrator"])
    return authenticate(platform, "admin", PASSWORD).actor


def events(platform: Platform) -> list[AuditEvent]:
    with platform.reading() as session:
        return list(session.scalars(sa.select(AuditEvent).order_by(AuditEvent.index)))


def actions(platform: Platform) -> list[str]:
    return [event.action for event in events(platform)]


def change(platform: Platform, statement: sa.Executable) -> None:
    with platform.database.writing() as session:
        session.execute(statement)


def intact(platform: Platform) -> bool:
    with platform.reading() as session:
        return verify(session, platform.store, platform.key.public).intact


def fail(platform: Platform, login: str, times: int) -> Iterator[str]:
    for _ in range(times):
        with pytest.raises(Denied) as error:
            authenticate(platform, login, "a wrong password")
        yield str(error.value)


def test_the_first_person_is_made_once(platform: Platform, admin: Actor):
    assert admin.roles == {Role.ADMINISTRATOR}
    with pytest.raises(Conflict, match="has users already"):
        create_first_user(platform, login="other", name="Other", password=PASSWORD, roles=["administrator"])


def test_two_who_set_up_at_once_make_one_administrator(platform: Platform):
    together = threading.Barrier(2, timeout=20)

    def first(login: str) -> str:
        together.wait()
        try:
            create_first_user(platform, login=login, name=login, password=PASSWORD, roles=["administrator"])
        except Conflict:
            return ""
        return login

    with ThreadPoolExecutor(2) as pool:
        made = sorted(pool.map(first, ["one", "two"]))
    assert made[0] == ""
    assert made[1] in ("one", "two")


def test_only_an_administrator_adds_people(platform: Platform, admin: Actor):
    with platform.work(admin) as work:
        engineer = create_user(work, login="engineer", name="Engineer", password=PASSWORD, roles=["engineer"])
    actor = authenticate(platform, engineer.login, PASSWORD).actor
    with pytest.raises(Denied, match=r"user:manage.*ask somebody who is administrator"), platform.work(actor) as work:
        create_user(work, login="friend", name="Friend", password=PASSWORD, roles=["auditor"])


def test_a_login_is_never_given_twice(platform: Platform, admin: Actor):
    with pytest.raises(Conflict, match="'admin' is taken"), platform.work(admin) as work:
        create_user(work, login=" admin ", name="Another", password=PASSWORD, roles=["engineer"])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"password": "x" * (MIN_PASSWORD - 1)}, "needs 12 to 1024 characters"),
        ({"password": "x" * 1025}, "needs 12 to 1024 characters"),
        ({"login": " "}, "the login must be"),
        ({"login": "a\nb"}, "the login must be"),
        ({"name": "x" * 201}, "the name must be"),
        ({"roles": ["king"]}, "'king' is not a role"),
        ({"roles": []}, "at least one role"),
    ],
)
def test_what_cannot_be_a_person_is_told_and_nobody_is_added(platform: Platform, wrong: dict[str, object], told: str):
    given = {"login": "new", "name": "New", "password": PASSWORD, "roles": ["engineer"], **wrong}
    with pytest.raises(InputError, match=told):
        create_first_user(platform, **given)  # type: ignore[arg-type]
    assert actions(platform) == []


def test_only_argon2_of_a_password_is_stored_and_no_event_tells_a_secret(platform: Platform, admin: Actor):
    token = open_session(platform, authenticate(platform, "admin", PASSWORD))
    list(fail(platform, "admin", 1))
    with platform.reading() as session:
        user = session.scalars(sa.select(User)).one()
        assert user.password_hash.startswith("$argon2id$")
        assert session.scalars(sa.select(LoginSession.token_sha256)).all() == [sha256(token.encode())]
    told = "\n".join(event.body for event in events(platform))
    for secret in (PASSWORD, "a wrong password", token, user.password_hash, "Administrator"):
        assert secret not in told


def test_the_same_password_is_stored_differently_each_time(platform: Platform, admin: Actor):
    with platform.work(admin) as work:
        one = create_user(work, login="one", name="One", password=PASSWORD, roles=["auditor"])
        two = create_user(work, login="two", name="Two", password=PASSWORD, roles=["auditor"])
    assert one.password_hash != two.password_hash


def test_a_wrong_password_and_an_unknown_login_are_told_alike_and_are_events(platform: Platform, admin: Actor):
    (wrong,) = fail(platform, "admin", 1)
    (unknown,) = fail(platform, "nobody", 1)
    assert wrong == unknown == "the login or the password is wrong; try again; nothing was changed."
    failed = [event.subject for event in events(platform) if event.action == "user.authentication_failed"]
    assert failed == [admin.id, "unknown"]
    assert intact(platform)


def test_an_unknown_login_costs_the_same_work_as_a_known_one(
    platform: Platform, admin: Actor, monkeypatch: pytest.MonkeyPatch
):
    done: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        original = getattr(PasswordHasher, name)
        return lambda *given: (done.append(name), original(*given))[1]

    list(fail(platform, "nobody", 1))
    for name in ("hash", "verify"):
        monkeypatch.setattr(PasswordHasher, name, counted(name))
    for login in ("nobody", "admin"):
        done.clear()
        list(fail(platform, login, 1))
        assert done == ["verify"]


def test_passwords_are_hashed_as_rfc_9106_recommends():
    # Its second recommended option: 3 passes over 64 MiB in 4 lanes.
    real = PasswordHasher()
    assert (real.time_cost, real.memory_cost, real.parallelism, real.type.name) == (3, 64 << 10, 4, "ID")


def test_the_fifth_wrong_password_locks_the_account_even_for_the_right_one(platform: Platform, admin: Actor):
    told = list(fail(platform, "admin", MAX_FAILURES))
    assert MAX_FAILURES == 5
    assert all("locked" not in sentence for sentence in told)
    with pytest.raises(Denied, match=r"locked until \d\d:\d\d UTC after 5 wrong passwords"):
        authenticate(platform, "admin", PASSWORD)
    assert actions(platform).count("user.authentication_failed") == MAX_FAILURES + 1
    assert intact(platform)


def test_the_lock_ends_after_a_quarter_of_an_hour(platform: Platform, admin: Actor):
    list(fail(platform, "admin", MAX_FAILURES))
    with platform.reading() as session:
        until = session.scalars(sa.select(User.locked_until)).one()
    assert until is not None
    assert timedelta(minutes=14) < until - now() <= timedelta(minutes=15)
    change(platform, sa.update(User).values(locked_until=now() - timedelta(seconds=1)))
    assert authenticate(platform, "admin", PASSWORD).actor == admin


def test_a_right_password_starts_the_count_anew(platform: Platform, admin: Actor):
    list(fail(platform, "admin", MAX_FAILURES - 1))
    authenticate(platform, "admin", PASSWORD)
    list(fail(platform, "admin", MAX_FAILURES - 1))
    assert authenticate(platform, "admin", PASSWORD).actor == admin


def test_guesses_made_at_once_are_all_counted(platform: Platform, admin: Actor):
    def guess(_turn: int) -> None:
        with pytest.raises(Denied):
            authenticate(platform, "admin", "a wrong password")

    with ThreadPoolExecutor(MAX_FAILURES) as pool:
        list(pool.map(guess, range(MAX_FAILURES)))
    with pytest.raises(Denied, match="locked until"):
        authenticate(platform, "admin", PASSWORD)


def test_a_disabled_person_can_neither_sign_in_nor_go_on(platform: Platform, admin: Actor):
    token = open_session(platform, authenticate(platform, "admin", PASSWORD))
    change(platform, sa.update(User).values(disabled_at=now()))
    with pytest.raises(Denied, match="disabled"):
        authenticate(platform, "admin", PASSWORD)
    with pytest.raises(Denied, match="not signed in"):
        actor_from_token(platform, token)


def test_a_session_lasts_twelve_hours_or_until_it_is_ended(platform: Platform, admin: Actor):
    token = open_session(platform, authenticate(platform, "admin", PASSWORD))
    other = open_session(platform, authenticate(platform, "admin", PASSWORD))
    assert actor_from_token(platform, token) == admin
    close_session(platform, token)
    with pytest.raises(Denied, match="not signed in"):
        actor_from_token(platform, token)
    with platform.reading() as session:
        still = session.scalars(sa.select(LoginSession).where(LoginSession.ended_at.is_(None))).one()
        assert still.expires_at - still.created_at == timedelta(hours=12)
    change(platform, sa.update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))
    with pytest.raises(Denied, match="not signed in"):
        actor_from_token(platform, other)
    assert actions(platform)[-1] == "session.closed"


@pytest.mark.parametrize("token", ["", "made up", "ü"])
def test_a_made_up_token_is_nobody(platform: Platform, admin: Actor, token: str):
    with pytest.raises(Denied, match="not signed in"):
        actor_from_token(platform, token)


def test_a_proof_is_good_for_a_minute(platform: Platform, admin: Actor):
    proof = authenticate(platform, "admin", PASSWORD)
    proof.require_fresh(proof.at + timedelta(seconds=60))
    with pytest.raises(Denied, match="too long ago"):
        proof.require_fresh(proof.at + timedelta(seconds=61))
    with pytest.raises(Denied, match="too long ago"):
        replace(proof, at=proof.at + timedelta(hours=1)).require_fresh(proof.at)


def test_the_signing_key_is_made_once_for_its_owner_only(platform: Platform):
    keys = platform.settings.keys
    first = platform.key.public
    assert (keys / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert keys.stat().st_mode & 0o077 == 0
    with closing(Platform.open(platform.settings)) as again:
        assert again.key.public == first


def test_a_lost_key_is_told_and_never_replaced_in_silence(platform: Platform, admin: Actor):
    # Another key would make every checkpoint and signature look forged.
    (platform.settings.keys / KEY_FILE).unlink()
    with closing(Platform.open(platform.settings)) as again:
        with pytest.raises(Unavailable, match="restore the keys folder"):
            authenticate(again, "admin", PASSWORD)
        assert not (platform.settings.keys / KEY_FILE).exists()


def test_a_damaged_key_is_told(platform: Platform):
    path = platform.settings.keys / KEY_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("not a key", encoding="utf-8")
    with pytest.raises(Unavailable, match="restore the keys folder"):
        _ = platform.key
