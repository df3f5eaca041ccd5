"""The unit of work on both databases: all or nothing, one consistent look, many writers, and failures in a sentence."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.requirements import PROJECT
from support.studio import Studio

from core.access import INSTALLER
from core.audit.log import append
from core.audit.verify import verify
from core.canonical import now
from core.database import Database, migrate
from core.errors import Conflict, GreenlightError, InputError, Unavailable
from core.platform import Platform
from core.settings import Settings
from core.tables import Artifact, AuditEvent, Base, Project

EACH = 12


def events(database: Database) -> int:
    return count(database, "audit_events")


def write_event(database: Database, name: str) -> None:
    with database.writing() as session:
        append(session, actor="test", action="test.happened", subject=name, at=now(), payload={})


def count(database: Database, table: str) -> int:
    with database.reading() as session:
        return session.execute(sa.select(sa.func.count()).select_from(Base.metadata.tables[table])).scalar_one()


def test_a_block_that_raises_leaves_nothing(platform: Platform):
    def interrupted() -> None:
        with platform.work(INSTALLER) as work:
            work.keep(b"a paper", "text/plain")
            work.record("test.happened", "x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with platform.reading() as session:
        assert session.scalars(sa.select(Artifact)).all() == []
    assert events(platform.database) == 0


def test_a_change_without_an_event_is_refused_as_a_whole(platform: Platform):
    with pytest.raises(AssertionError, match="without an audit event"), platform.work(INSTALLER) as work:
        work.keep(b"a paper", "text/plain")
    with platform.reading() as session:
        assert session.scalars(sa.select(Artifact)).all() == []


def test_a_look_leaves_no_change_behind(platform: Platform):
    with platform.reading() as session:
        session.add(Artifact(sha256="0" * 64, size=0, media_type="text/plain", stored_at=now()))
    with platform.reading() as session:
        assert session.scalars(sa.select(Artifact)).all() == []


def test_one_look_sees_one_state_whatever_others_write(platform: Platform):
    write_event(platform.database, "before")
    with platform.reading() as session:
        number = sa.select(sa.func.count()).select_from(AuditEvent)
        assert session.scalar(number) == 1
        write_event(platform.database, "meanwhile")
        assert session.scalar(number) == 1
    assert events(platform.database) == 2


def test_a_verification_is_not_disturbed_by_somebody_who_writes_meanwhile(studio: Studio):
    with studio.platform.reading() as session:
        report = verify(
            session,
            studio.platform.store,
            studio.platform.key.public,
            progress=lambda _done, _message: write_event(studio.platform.database, "meanwhile"),
        )
        again = verify(session, studio.platform.store, studio.platform.key.public)
    assert report.intact
    assert again.intact
    assert again.events == report.events
    assert events(studio.platform.database) > report.events


def test_threads_that_write_at_once_all_succeed(database: Database):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: [write_event(database, f"{name}-{n}") for n in range(EACH)], "abcd"))
    with database.reading() as session:
        assert list(session.scalars(sa.select(AuditEvent.index).order_by(AuditEvent.index))) == list(range(4 * EACH))


MANY = """
import sys
from core.audit.log import append
from core.canonical import now
from core.database import Database
database = Database(sys.argv[1])
for number in range(int(sys.argv[2])):
    with database.writing() as session:
        append(session, actor="test", action="test.happened", subject=str(number), at=now(), payload={})
"""


def test_processes_that_write_at_once_all_succeed(database: Database, settings: Settings):
    command = [sys.executable, "-c", MANY, settings.database, str(EACH)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=PROJECT) for _ in "ab"]
    assert [writer.communicate(timeout=60)[1] for writer in writers] == [b"", b""]
    assert events(database) == 2 * EACH


def test_a_writer_that_reads_first_waits_for_the_other_instead_of_failing(database: Database):
    # With BEGIN DEFERRED the second writer would have read before the first wrote, and SQLite refuses its write.
    entered, errors = threading.Barrier(2, timeout=20), []

    def count_then_write(name: str) -> None:
        try:
            entered.wait()
            with database.writing() as session:
                session.scalar(sa.select(sa.func.count()).select_from(AuditEvent))
                append(session, actor="test", action="test.happened", subject=name, at=now(), payload={})
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=count_then_write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []
    assert events(database) == 2


def test_the_same_content_stored_by_two_at_once_is_one_record_and_no_error(platform: Platform):
    together = threading.Barrier(2, timeout=20)

    def keep(_turn: int) -> str:
        together.wait()
        with platform.work(INSTALLER) as work:
            kept = work.keep(b"the same output of two jobs", "text/plain")
            work.record("test.happened", kept.sha256)
            return kept.sha256

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(keep, range(2)))) == 1
    with platform.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Artifact)) == 1
        assert verify(session, platform.store, platform.key.public).intact


def append_only() -> tuple[str, ...]:
    revisions = ("0002_append_only", "0004_studies", "0005_reviews")
    return tuple(table for name in revisions for table in import_module(f"migrations.versions.{name}").APPEND_ONLY)


def attempt(database: Database, statement: sa.Executable) -> None:
    with database.writing() as session:
        session.execute(statement)


def test_evidence_cannot_be_changed_emptied_or_deleted_by_plain_sql(studio: Studio, database_kind: str):
    database, filled = studio.platform.database, 0
    for name in append_only():
        table, rows = Base.metadata.tables[name], count(studio.platform.database, name)
        if database_kind == "postgresql":
            with pytest.raises(Conflict, match=f"{name} is append-only"):
                attempt(database, sa.text(f"TRUNCATE {name} CASCADE"))
        column = next(iter(table.columns))
        for statement in (sa.update(table).values({column: column}), sa.delete(table)) if rows else ():
            with pytest.raises(Conflict, match=f"{name} is append-only"):
                attempt(database, statement)
        filled += rows > 0
        assert count(database, name) == rows
    assert filled >= 8


def test_a_name_that_is_taken_is_a_conflict_told_in_a_sentence(platform: Platform):
    def project(number: int) -> Project:
        common = {"name": "Pilot", "kind": "production", "created_by": "x", "created_at": now()}
        return Project(id=f"prj_{number}", agreements=[], jurisdictions=[], tools={}, **common)

    with pytest.raises(Conflict, match="clashes"), platform.database.writing() as session:
        session.add_all([project(1), project(2)])


def test_text_that_cannot_be_stored_is_told_not_traced(platform: Platform):
    with pytest.raises(InputError, match="cannot be stored"):
        write_event(platform.database, "\udcff")


@pytest.mark.parametrize("database_kind", ["postgresql"])
@pytest.mark.parametrize("text", ["a\x00b", "x" * 81], ids=["a zero byte", "too long"])
def test_text_that_only_one_database_cannot_hold_is_told_there(platform: Platform, text: str, database_kind: str):
    with pytest.raises(InputError, match="cannot be stored"):
        write_event(platform.database, text)


def sentence(error: GreenlightError) -> str:
    text = str(error)
    assert "\n" not in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    "content", [b"this is no database at all, but a long enough text" * 20, b"SQLite format 3\x00" * 99]
)
def test_a_damaged_file_is_told_with_the_way_out(tmp_path: Path, content: bytes, database_kind: str):
    (tmp_path / "greenlight.db").write_bytes(content)
    with pytest.raises(Unavailable) as error:
        Platform.open(Settings(home=tmp_path))
    assert "is damaged" in sentence(error.value)
    assert "backup" in sentence(error.value)


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_file_that_is_damaged_in_the_middle_is_told_when_it_is_read(studio: Studio, database_kind: str):
    path = studio.platform.settings.home / "greenlight.db"
    studio.platform.close()
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = b"\xa5" * (len(data) // 2 - 4096)
    path.write_bytes(data)

    def verified() -> None:
        platform = Platform.open(studio.platform.settings)
        with platform.reading() as session:
            verify(session, platform.store, platform.key.public)

    with pytest.raises(Unavailable) as error:
        verified()
    assert "is damaged" in sentence(error.value)


def test_where_nothing_was_set_up_the_command_for_it_is_named(tmp_path: Path):
    with pytest.raises(Unavailable, match="greenlight init") as error:
        Platform.open(Settings(home=tmp_path))
    sentence(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_told_to_be_set_up(empty_database_url: str, tmp_path: Path):
    database = Database(empty_database_url)
    with pytest.raises(Unavailable, match="is not set up; run 'greenlight init'"), database.reading() as session:
        session.scalars(sa.select(Project)).all()
    database.close()


def test_a_server_that_does_not_answer_is_told(tmp_path: Path):
    settings = Settings(home=tmp_path, database_url="postgresql://somebody:secret@127.0.0.1:1/studio")
    with pytest.raises(Unavailable) as error:
        Platform.open(settings)
    assert "PostgreSQL at 127.0.0.1" in sentence(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("url", ["nonsense", "mysql://somebody@host/studio", "postgresql+unknown://host/studio", "://"])
def test_an_address_of_another_kind_is_told(url: str):
    with pytest.raises(Unavailable, match="GREENLIGHT_DATABASE_URL") as error:
        Database(url)
    sentence(error.value)


def test_the_folder_of_a_new_database_is_made_and_an_impossible_one_is_told(tmp_path: Path):
    migrate(f"sqlite:///{tmp_path / 'new' / 'deep' / 'greenlight.db'}")
    assert (tmp_path / "new" / "deep" / "greenlight.db").is_file()
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(Unavailable, match="GREENLIGHT_HOME"):
        migrate(f"sqlite:///{tmp_path / 'file' / 'greenlight.db'}")
