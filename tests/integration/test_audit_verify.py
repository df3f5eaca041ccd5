"""What is changed behind the services' back is named: any event, record, checkpoint or artifact, or a cut-off end."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session
from support.studio import CLIP, MODEL, PERFORMER, PROJECT, Studio, finish_without_running, give_consent

from core import consents, identity, registry, releases
from core.audit.log import record_key
from core.audit.merkle import Frontier, leaf_hash
from core.audit.verify import AuditReport, verify
from core.canonical import canonical_json, new_id, now
from core.checkpoints import export_checkpoint, make_checkpoint
from core.errors import GreenlightError
from core.jobs.queue import cancel
from core.platform import Platform, Work
from core.rerun import rerun
from core.tables import (
    AuditCheckpoint,
    AuditEvent,
    AuditFrontier,
    Base,
    Batch,
    BatchCell,
    Consent,
    Dossier,
    Job,
    ProtocolApproval,
    Task,
    User,
)
from core.tables.base import Moment

FREE = {"audit_events", "audit_frontier", "audit_checkpoints", "login_sessions"}
"""Tables that are checked in another way, or that count for nothing."""
VOLATILE = {
    "jobs": {
        "status",
        "attempt",
        "max_attempts",
        "worker",
        "lease_expires_at",
        "not_before",
        "cancel_requested_at",
        "progress",
        "message",
        "finished_at",
    }
}
"""What changes while a job runs: told by events, not vouched for column by column."""


def check(platform: Platform, session: Session, *outside: str, artifacts: bool = False) -> AuditReport:
    chosen = None if artifacts else ()
    return verify(session, platform.store, platform.key.public, outside_checkpoints=outside, artifacts=chosen)


def report(platform: Platform, *outside: str) -> AuditReport:
    with platform.reading() as session:
        return check(platform, session, *outside, artifacts=True)


@pytest.fixture
def platform(studio: Studio) -> Platform:
    """A studio whose release is approved and reported, so that every kind of record is there."""
    with studio.platform.work(studio.people["engineer"]) as work:
        registry.create_version(work, model="remover", version="2", licence="MIT", parents={MODEL: "base"})
        rerun(work, studio.job)
    release = releases.propose(studio.platform, studio.people["engineer"], studio.job).release.id
    for by in ("legal", "manager"):
        releases.sign(studio.platform, studio.proof(by), release)
    with studio.platform.work(studio.people["auditor"]) as work:
        checkpoint = make_checkpoint(work)
        digests = {name: work.keep(name.encode(), "text/plain").sha256 for name in ("pdf_sha256", "html_sha256")}
        work.add(
            Dossier(id=new_id("dos"), release_id=release, state="approved", made_by="tests", made_at=work.at, **digests)
        )
        _study_rows(work, studio)
        work.record("dossier.made", release, checkpoint=checkpoint.size)
    return studio.platform


def _study_rows(work: Work, studio: Studio) -> None:
    """One row of each table that only studies fill."""
    job = work.session.get_one(Job, studio.job)
    clinical = studio.people["clinical"].id
    work.add(
        Task(id=new_id("tsk"), job_id=job.id, attempt=1, gate="execution", question="?", documents={}, asked_at=work.at)
    )
    work.add(
        ProtocolApproval(
            id=new_id("apr"), asset_id=job.asset_id, asset_sha256="a", protocol_sha256="b", statement="read",
            approved_by=clinical, printed_name="Clinical", role="clinical_lead", authenticated_at=work.at,
            approved_at=work.at, key_id="k", signature="s",
        )
    )  # fmt: skip
    batch = work.add(
        Batch(
            id=new_id("bat"), project_id=job.project_id, name="suite", digest="d", suite={}, created_by=clinical,
            created_at=work.at,
        )
    )  # fmt: skip
    work.add(
        BatchCell(batch_id=batch.id, job_id=job.id, task="t", case_name="c", mode="exploration", submitted_at=work.at)
    )


@contextmanager
def tampering(platform: Platform) -> Iterator[sa.Engine]:
    """What the database's owner can do: no triggers, no foreign keys, no checks."""
    url = platform.database.url
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url)

        @sa.event.listens_for(engine, "connect")
        def _unguarded(connection: Any, _record: object) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA ignore_check_constraints=ON")
    else:
        engine = sa.create_engine(url, connect_args={"options": "-c session_replication_role=replica"})
        with engine.begin() as connection:
            drop = "ALTER TABLE measurements DROP CONSTRAINT IF EXISTS ck_measurements_value_or_reason"
            connection.exec_driver_sql(drop)
    if url.get_backend_name() == "sqlite":
        with engine.begin() as connection:
            triggers = (
                connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            )
            for name in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
    try:
        yield engine
    finally:
        engine.dispose()


def tamper(platform: Platform, *statements: sa.Executable) -> None:
    """Change the database for good."""
    with tampering(platform) as engine, engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def other(value: Any, column: sa.Column[Any]) -> Any:
    """The least change of a stored value."""
    kind = datetime if isinstance(column.type, Moment) else column.type.python_type
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return math.nextafter(value, math.inf)
        case datetime():
            return value + timedelta(microseconds=1)
        case str():
            return value[:-1] + ("x" if value[-1:] != "x" else "y")
        case list():
            return [*value, "x"]
        case dict():
            return {**value, "x": 1}
    absent: dict[type, Any] = {bool: True, float: 0.5, datetime: now(), str: "x", int: 1, dict: {"x": 1}}
    return absent[kind]


def test_what_nobody_touched_verifies(platform: Platform):
    found = report(platform)
    assert found.findings == ()
    assert found.events > 25
    assert found.records > 50
    assert found.artifacts > 8
    assert found.checkpoints == 1


def test_a_change_of_any_column_of_any_record_is_named(platform: Platform):
    tables = [table for table in Base.metadata.sorted_tables if table.name not in FREE]
    unchecked, empty = [], []
    with tampering(platform) as engine:
        for table in tables:
            with engine.connect() as connection:
                row = connection.execute(sa.select(table).limit(1)).mappings().first()
            if row is None:
                empty.append(table.name)
                continue
            this = sa.and_(*(column == row[column.name] for column in table.primary_key))
            for column in table.columns:
                statement = sa.update(table).where(this).values({column: other(row[column.name], column)})
                found = changed(platform, engine, statement)
                if not any(finding.where.startswith(f"{table.name}/") for finding in found.findings):
                    unchecked.append((table.name, column.name))
    assert sorted(unchecked) == sorted((table, column) for table, columns in VOLATILE.items() for column in columns)
    # Their rows come from studies of measures and reviews of manuscripts; the same code checks them.
    assert set(empty) == {"qualifications", "review_assignments", "review_conflicts", "reviews"}


def changed(platform: Platform, engine: sa.Engine, statement: sa.Executable) -> AuditReport:
    """What a verification finds after a change, which is then undone."""
    with Session(engine) as session:
        if engine.dialect.name == "sqlite":
            session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        session.execute(statement)
        found = check(platform, session)
        session.rollback()
        return found


@pytest.mark.parametrize("place", [0, 12, -1], ids=["first", "middle", "last"])
def test_a_change_of_any_column_of_any_event_is_named(platform: Platform, place: int):
    table = AuditEvent.__table__
    with tampering(platform) as engine:
        with engine.connect() as connection:
            row = list(connection.execute(sa.select(table).order_by(table.c.index)).mappings())[place]
        for column in table.columns:
            value = 10_000 if column.name == "index" else other(row[column.name], column)
            found = changed(
                platform, engine, sa.update(table).where(table.c.index == row["index"]).values({column: value})
            )
            named = [finding.where for finding in found.findings]
            wanted = "event 10000" if column.name == "index" else f"event {row['index']}"
            assert wanted in named, (column.name, named)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("column", sorted(AuditEvent.__table__.columns.keys()))
@pytest.mark.parametrize("value", ["not what it was", b"\xff\xfe", ""], ids=["text", "bytes", "nothing"])
def test_an_event_that_cannot_even_be_read_is_named(platform: Platform, column: str, value: object, database_kind: str):
    quoted = '"index"' if column == "index" else column
    with tampering(platform) as engine, engine.begin() as connection:
        connection.exec_driver_sql(f'UPDATE audit_events SET {quoted} = ? WHERE "index" = 3', (value,))  # noqa: S608
    found = report(platform)
    assert any("event" in finding.where for finding in found.findings), found.findings


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("assets", "facts", "{broken"),
        ("assets", "facts", '{"frames": NaN}'),
        ("assets", "facts", '{"frames": 99999999999999999999}'),
        ("consents", "signed_at", "some day"),
        ("measurements", "value", "much"),
        ("signatures", "reason", b"\xff\xfe"),
    ],
)
def test_a_record_that_cannot_even_be_read_is_named(
    platform: Platform, table: str, column: str, value: object, database_kind: str
):
    with tampering(platform) as engine, engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE {table} SET {column} = ? WHERE rowid = (SELECT min(rowid) FROM {table})",  # noqa: S608
            (value,),
        )
    found = report(platform)
    assert [finding.where.split("/")[0] for finding in found.findings] == [table]


def test_one_altered_byte_in_any_artifact_is_named_and_so_is_a_missing_one(platform: Platform):
    folder = platform.settings.home / "artifacts"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(paths) > 8
    for path in paths:
        path.chmod(0o644)
        data = path.read_bytes()
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    found = {finding.where: finding.what for finding in report(platform).findings}
    assert found == {f"artifact {path.name}": f"the artifact {path.name} is not what was stored" for path in paths}
    for path in paths:
        path.unlink()
    found = {finding.where: finding.what for finding in report(platform).findings}
    assert set(found) == {f"artifact {path.name}" for path in paths}
    assert all("is missing from the store" in what for what in found.values())


@pytest.mark.parametrize("table", ["consents", "outputs", "users", "artifacts"])
def test_a_forged_record_is_named(platform: Platform, table: str):
    # An attacker who adds a consent, an output or an administrator by plain SQL leaves no event.
    model = Base.metadata.tables[table]
    key = next(iter(model.primary_key))
    with tampering(platform) as engine, engine.begin() as connection:
        row = dict(connection.execute(sa.select(model).limit(1)).mappings().one())
        forged = row | {key.name: "f" * 64 if table == "artifacts" else "forged"}
        forged |= {"login": "forged"} if table == "users" else {}
        forged |= {"role": "forged"} if table == "outputs" else {}
        connection.execute(sa.insert(model).values(forged))
    found = [(finding.where, finding.what) for finding in report(platform).findings]
    assert (f"{table}/{forged[key.name]}", "no event tells of this record") in found


@pytest.mark.parametrize("table", ["consents", "signatures", "attestations", "jobs"])
def test_a_deleted_record_is_named(platform: Platform, table: str):
    with platform.reading() as session:
        model = next(mapper.class_ for mapper in Base.registry.mappers if mapper.class_.__tablename__ == table)
        key = record_key(session.scalars(sa.select(model).limit(1)).one())
    tamper(platform, sa.delete(Base.metadata.tables[table]))
    assert (key, "the record is gone") in [(found.where, found.what) for found in report(platform).findings]


def cut(platform: Platform, events: int, *, adjust: bool) -> None:
    """Delete the last events; with `adjust` also make the stored tree head follow from the rest."""
    with platform.reading() as session:
        leaves = list(session.scalars(sa.select(AuditEvent.leaf_sha256).order_by(AuditEvent.index)))[:-events]
    statements: list[sa.Executable] = [sa.delete(AuditEvent).where(AuditEvent.index >= len(leaves))]
    if adjust:
        statements.append(head(leaves))
    tamper(platform, *statements)


def head(leaves: list[str]) -> sa.Update:
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.append(bytes.fromhex(leaf))
    return sa.update(AuditFrontier).values(size=frontier.size, nodes=[node.hex() for node in frontier.nodes])


def test_events_deleted_at_the_end_are_missed(platform: Platform):
    cut(platform, 2, adjust=False)
    assert ("audit tree", "2 events at its end are missing") in [(f.where, f.what) for f in report(platform).findings]


def test_events_deleted_in_the_middle_are_missed_by_number(platform: Platform):
    tamper(platform, sa.delete(AuditEvent).where(AuditEvent.index == 7))
    found = [(finding.where, finding.what) for finding in report(platform).findings]
    assert ("event 8", "event 7 is missing before it") in found
    assert [where for where, what in found if "is missing before" in what] == ["event 8"]


def test_a_skilfully_cut_log_is_found_by_a_checkpoint_kept_inside_or_elsewhere(platform: Platform, tmp_path: Path):
    with platform.work(identity.INSTALLER) as work:
        note = export_checkpoint(work, tmp_path).read_text(encoding="utf-8")
    size = int(note.splitlines()[1])
    cut(platform, 2, adjust=True)
    cut_off = (f"checkpoint at {size} events", f"the log has only {size - 2} events now: its end was cut off")
    assert cut_off in [(finding.where, finding.what) for finding in report(platform).findings]
    tamper(platform, sa.delete(AuditCheckpoint))
    assert cut_off not in [(finding.where, finding.what) for finding in report(platform).findings]
    assert cut_off in [(finding.where, finding.what) for finding in report(platform, note).findings]


def rewrite(platform: Platform, index: int, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite history as somebody who knows how the log works: text, columns, hash, tree and no checkpoint."""
    with platform.reading() as session:
        events = list(session.scalars(sa.select(AuditEvent).order_by(AuditEvent.index)))
    body = json.loads(events[index].body)
    change(body)
    text = canonical_json(body)
    leaves = [event.leaf_sha256 for event in events]
    leaves[index] = leaf_hash(text).hex()
    columns = {"actor": body["actor"], "body": text.decode(), "leaf_sha256": leaves[index]}
    tamper(
        platform,
        sa.update(AuditEvent).where(AuditEvent.index == index).values(columns),
        head(leaves),
        sa.delete(AuditCheckpoint),
    )


def test_a_skilfully_rewritten_history_is_found_by_a_checkpoint_kept_elsewhere(platform: Platform, tmp_path: Path):
    with platform.work(identity.INSTALLER) as work:
        note = export_checkpoint(work, tmp_path).read_text(encoding="utf-8")
    rewrite(platform, 5, lambda body: body.update(actor="somebody else"))
    assert report(platform).intact
    (found,) = report(platform, note).findings
    assert found.what == "the log no longer leads to the signed root: its history was rewritten"


@pytest.mark.parametrize("column", ["size", "root_sha256", "note"])
def test_an_altered_checkpoint_is_named(platform: Platform, column: str):
    table = AuditCheckpoint.__table__
    with tampering(platform) as engine, engine.begin() as connection:
        row = connection.execute(sa.select(table)).mappings().one()
        connection.execute(sa.update(table).values({column: other(row[column], table.c[column])}))
    assert any("checkpoint" in finding.where for finding in report(platform).findings)


def test_a_checkpoint_of_another_installation_is_told_apart(platform: Platform, tmp_path: Path):
    with platform.work(identity.INSTALLER) as work:
        note = export_checkpoint(work, tmp_path).read_text(encoding="utf-8")
    forged = note.replace(note.splitlines()[2], "A" * 43 + "=")
    (found,) = report(platform, forged).findings
    assert found.what == "the checkpoint was not signed by this installation's key"


@pytest.mark.parametrize(
    "statement",
    [
        sa.delete(AuditFrontier),
        sa.update(AuditFrontier).values(nodes=["not hexadecimal"]),
        sa.update(AuditFrontier).values(nodes={"not": "a list"}),
        sa.update(AuditFrontier).values(size=AuditFrontier.size - 1),
        sa.update(AuditFrontier).values(size=0, nodes=[]),
    ],
    ids=["gone", "no hash", "no list", "smaller", "emptied"],
)
def test_a_broken_tree_head_is_named(platform: Platform, statement: sa.Executable):
    tamper(platform, statement)
    assert [finding.where for finding in report(platform).findings] == ["audit tree"]


def test_a_promoted_job_is_named(platform: Platform):
    # A trial turned into a release, or a submission moved to somebody else, must not pass.
    tamper(platform, sa.update(Job).values(purpose="release", submitted_by="somebody else"))
    assert any(finding.where.startswith("jobs/") for finding in report(platform).findings)


def test_a_consent_that_was_unrevoked_is_named(studio: Studio):
    with studio.platform.work(studio.people["legal"]) as work:
        consents.revoke_consent(work, consent=studio.consent, reason="asked for")
    assert report(studio.platform).intact
    tamper(studio.platform, sa.update(Consent).values(revoked_at=None))
    (found,) = report(studio.platform).findings
    assert found.where == f"consents/{studio.consent}"


def test_a_swapped_password_is_named(studio: Studio):
    tamper(studio.platform, sa.update(User).where(User.login == "manager").values(password_hash="$argon2id$other"))
    (found,) = report(studio.platform).findings
    assert found.where == f"users/{studio.people['manager'].id}"


def test_somebody_who_looks_sees_how_far_it_is(platform: Platform):
    told: list[float] = []
    with platform.reading() as session:
        verify(session, platform.store, platform.key.public, progress=lambda done, _message: told.append(done))
    assert told == sorted(told)
    assert len(told) > 8
    assert all(0 <= done <= 1 for done in told)


def run_new(studio: Studio) -> None:
    job = studio.submit()
    with studio.platform.reading() as session:
        opened = session.get_one(Job, job).status == "queued"
    if opened:
        finish_without_running(studio, job)


def stop_new(studio: Studio) -> None:
    job = studio.submit()
    with studio.platform.work(studio.people["engineer"]) as work:
        cancel(work, job)


def decide(studio: Studio, decision: str) -> None:
    release = releases.propose(studio.platform, studio.people["engineer"], studio.job).release.id
    releases.sign(studio.platform, studio.proof("legal"), release, decision=decision, reason="because")


def as_legal(what: Callable[..., Any], **given: Any) -> Callable[[Studio], None]:
    def step(studio: Studio) -> None:
        with studio.platform.work(studio.people["legal"]) as work:
            what(work, **given)

    return step


def revoke_any(studio: Studio) -> None:
    with studio.platform.work(studio.people["legal"]) as work:
        consents.revoke_consent(work, consent=studio.consent, reason="asked for")


def make_project(studio: Studio) -> None:
    with studio.platform.work(studio.people["manager"]) as work:
        registry.create_project(work, name="Second", kind="study", agreements=["part-11"])


def wrong_password(studio: Studio) -> None:
    studio.proof("auditor", "not the password")


def keep_checkpoint(studio: Studio) -> None:
    with studio.platform.work(studio.people["auditor"]) as work:
        make_checkpoint(work)


STEPS: dict[str, Callable[[Studio], None]] = {
    "run": run_new,
    "stop": stop_new,
    "sign": lambda studio: decide(studio, "signed"),
    "decline": lambda studio: decide(studio, "declined"),
    "declare": as_legal(consents.declare_persons, asset=CLIP, persons={PERFORMER: "visible"}, basis="watched it"),
    "consent": as_legal(give_consent, subject=PERFORMER, evidence=b"a paper"),
    "revoke": revoke_any,
    "attest": as_legal(consents.attest, project=PROJECT, kind="removal_reviewed", statement="Looked at."),
    "clear": as_legal(registry.clear_licence, version=MODEL, cleared=True),
    "project": make_project,
    "wrong password": wrong_password,
    "checkpoint": keep_checkpoint,
}


@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8))
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_services_do_or_refuse_the_log_verifies(studio: Studio, steps: list[str]):
    for step in steps:
        with suppress(GreenlightError):
            STEPS[step](studio)
    assert report(studio.platform).findings == ()
