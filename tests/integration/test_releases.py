"""From candidate to decision to export: nobody out of turn, nobody twice, nothing that was not judged and signed."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from support.studio import PASSWORD, PERFORMER, Studio, finish_without_running, give_consent

from core import consents, identity, releases
from core.audit.verify import verify
from core.canonical import file_sha256, sha256
from core.errors import (
    Conflict,
    Denied,
    GreenlightError,
    InputError,
    NotFound,
    Refused,
    TamperingFound,
    Unavailable,
)
from core.keys import SigningKey
from core.lookup import signatures_of
from core.reports.dossier import check_dossier, make_dossier, write_dossier
from core.signatures import check_signature, open_slots, signed_content
from core.tables import AssessmentRecord, AuditEvent, Release, SignatureRecord


def propose(studio: Studio, by: str = "engineer", job: str = "") -> str:
    return releases.propose(studio.platform, studio.people[by], job or studio.job).release.id


def sign(studio: Studio, release: str, by: str, **given: str) -> Release:
    return releases.sign(studio.platform, studio.proof(by), release, **given)


def approved(studio: Studio) -> str:
    release = propose(studio)
    sign(studio, release, "legal")
    sign(studio, release, "manager")
    return release


def export(studio: Studio, release: str, to: Path, by: str = "manager") -> Path:
    return releases.export(studio.platform, studio.people[by], release, to)


def state(studio: Studio, release: str) -> str:
    with studio.platform.reading() as session:
        return session.get_one(Release, release).state


def signatures(studio: Studio, release: str) -> list[SignatureRecord]:
    with studio.platform.reading() as session:
        return signatures_of(session, session.get_one(Release, release))


def slots(studio: Studio, release: str) -> list[str]:
    with studio.platform.reading() as session:
        return [slot.meaning for slot in open_slots(session, session.get_one(Release, release))]


def actions(studio: Studio, release: str) -> list[str]:
    query = sa.select(AuditEvent.action).where(AuditEvent.subject == release).order_by(AuditEvent.index)
    with studio.platform.reading() as session:
        return list(session.scalars(query))


def intact(studio: Studio) -> bool:
    with studio.platform.reading() as session:
        return verify(session, studio.platform.store, studio.platform.key.public).intact


def refused(studio: Studio, kind: type[GreenlightError], release: str, by: str, **given: str) -> str:
    """What the refusal says; it must leave state and signatures as they were."""
    before = state(studio, release), [row.id for row in signatures(studio, release)]
    with pytest.raises(kind) as error:
        sign(studio, release, by, **given)
    assert (state(studio, release), [row.id for row in signatures(studio, release)]) == before
    return str(error.value)


def hire(studio: Studio, login: str, *roles: str) -> None:
    with studio.platform.work(studio.people["admin"]) as work:
        user = identity.create_user(work, login=login, name=login.title(), password=PASSWORD, roles=list(roles))
    studio.people[login] = identity.actor_of(user)  # type: ignore[index]


def revoke(studio: Studio) -> None:
    with studio.platform.work(studio.people["legal"]) as work:
        consents.revoke_consent(work, consent=studio.consent, reason="asked for")


def test_legal_then_manager_then_the_output_leaves_as_it_was_made(studio: Studio, tmp_path: Path):
    release = propose(studio)
    assert slots(studio, release) == ["review", "approval"]
    assert sign(studio, release, "legal").state == "candidate"
    assert sign(studio, release, "manager", reason="Good to go.").state == "approved"
    path = export(studio, release, tmp_path / "out")
    assert file_sha256(path) == file_sha256(studio.output)
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == [path.name]
    assert actions(studio, release) == [
        "release.proposed",
        "gate.release",
        "release.signed",
        "release.candidate",
        "gate.release",
        "release.signed",
        "release.approved",
        "gate.export",
        "release.exported",
    ]
    with studio.platform.reading() as session:
        row = session.get_one(Release, release)
        assert row.decided_at is not None
        assert row.exported_at is not None
    assert intact(studio)


def test_each_signature_says_who_when_what_it_means_and_covers_the_frozen_evidence(studio: Studio):
    release = approved(studio)
    with studio.platform.reading() as session:
        row = session.get_one(Release, release)
    given = signatures(studio, release)
    assert [(one.printed_name, one.role, one.meaning, one.decision) for one in given] == [
        ("Legal", "legal_lead", "review", "signed"),
        ("Manager", "release_manager", "approval", "signed"),
    ]
    for one in given:
        assert one.record_sha256 == row.evidence_sha256
        assert timedelta(0) <= one.signed_at - one.authenticated_at < timedelta(seconds=60)
        check_signature(one, row, studio.platform.key.public)


def test_the_manager_does_not_sign_before_the_lawyer(studio: Studio):
    release = propose(studio)
    told = refused(studio, Denied, release, "manager")
    assert told == "the next signature is the review by a legal lead, which Manager is not; ask a legal lead."


@pytest.mark.parametrize("by", ["engineer", "auditor", "admin"])
def test_who_has_no_part_in_it_cannot_sign(studio: Studio, by: str):
    assert "release:sign" in refused(studio, Denied, propose(studio), by)


def test_a_clinical_lead_is_no_lawyer(studio: Studio):
    assert "ask a legal lead" in refused(studio, Denied, propose(studio), "clinical")


def test_nobody_signs_twice_even_with_both_roles(studio: Studio):
    hire(studio, "both", "legal_lead", "release_manager")
    release = propose(studio)
    sign(studio, release, "both")
    assert "has signed this release already" in refused(studio, Conflict, release, "both")
    assert sign(studio, release, "manager").state == "approved"


def test_whoever_proposed_it_cannot_approve_it(studio: Studio):
    hire(studio, "second", "release_manager")
    release = propose(studio, "manager")
    sign(studio, release, "legal")
    assert "submitted or proposed a release cannot approve it" in refused(studio, Denied, release, "manager")
    assert sign(studio, release, "second").state == "approved"


def test_whoever_submitted_it_cannot_approve_it(studio: Studio):
    hire(studio, "builder", "engineer", "release_manager")
    submitter = replace(studio, people={**studio.people, "engineer": studio.people["builder"]})
    job = submitter.submit()
    finish_without_running(studio, job)
    release = propose(studio, "engineer", job)
    sign(studio, release, "legal")
    assert "cannot approve it" in refused(studio, Denied, release, "builder")


def test_a_password_given_long_ago_does_not_sign(studio: Studio):
    release, proof = propose(studio), studio.proof("legal")
    old = replace(proof, at=proof.at - timedelta(seconds=61))
    with pytest.raises(Denied, match="too long ago; give it again"):
        releases.sign(studio.platform, old, release)
    assert signatures(studio, release) == []


def test_a_wrong_password_gives_nothing_to_sign_with(studio: Studio):
    with pytest.raises(Denied, match="password is wrong"):
        studio.proof("legal", "another password entirely")


def test_declining_needs_a_reason_and_ends_it(studio: Studio):
    release = propose(studio)
    assert "declining needs a reason" in refused(studio, InputError, release, "legal", decision="declined", reason="  ")
    assert "'maybe' is no decision" in refused(studio, InputError, release, "legal", decision="maybe")
    assert sign(studio, release, "legal", decision="declined", reason="The shadow stays.").state == "declined"
    assert "is declined" in refused(studio, Conflict, release, "manager")
    assert [one.reason for one in signatures(studio, release)] == ["The shadow stays."]
    assert intact(studio)


def test_nobody_declines_out_of_turn(studio: Studio):
    release = propose(studio)
    refused(studio, Denied, release, "manager", decision="declined", reason="I do not like it.")


def test_nothing_is_signed_after_the_approval(studio: Studio):
    hire(studio, "second", "release_manager")
    assert "is approved" in refused(studio, Conflict, approved(studio), "second")


def test_an_unfinished_or_unknown_job_is_not_proposed(studio: Studio):
    job = studio.submit()
    with pytest.raises(Conflict, match=f"the job {job} is queued"):
        propose(studio, job=job)
    with pytest.raises(NotFound, match="no job 'job_none'"):
        propose(studio, job="job_none")
    with pytest.raises(Denied):
        propose(studio, "legal")


def test_a_refused_release_is_kept_and_cannot_be_signed_or_exported(studio: Studio, tmp_path: Path):
    revoke(studio)
    release = propose(studio)
    assert state(studio, release) == "refused"
    assert "is refused" in refused(studio, Conflict, release, "legal")
    with pytest.raises(Conflict, match="is refused"):
        export(studio, release, tmp_path)


def test_a_consent_revoked_before_the_approval_closes_the_gate_and_stays_on_record(studio: Studio):
    release = propose(studio)
    sign(studio, release, "legal")
    revoke(studio)
    told = refused(studio, Refused, release, "manager")
    assert told.startswith("May not be released: ")
    assert PERFORMER in told
    query = sa.select(AssessmentRecord).where(AssessmentRecord.release_id == release)
    with studio.platform.reading() as session:
        opened = [row.opens for row in session.scalars(query.order_by(AssessmentRecord.judged_at, AssessmentRecord.id))]
    assert opened.count(False) == 1
    with studio.platform.work(studio.people["legal"]) as work:
        give_consent(work, PERFORMER)
    assert sign(studio, release, "manager").state == "approved"
    assert intact(studio)


def test_a_consent_revoked_after_the_approval_keeps_the_output_inside(studio: Studio, tmp_path: Path):
    release = approved(studio)
    revoke(studio)
    with pytest.raises(Refused, match="May not leave"):
        export(studio, release, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert actions(studio, release)[-1] == "gate.export"


@pytest.mark.parametrize("by", ["engineer", "legal", "auditor", "admin"])
def test_only_a_release_manager_lets_it_leave(studio: Studio, tmp_path: Path, by: str):
    with pytest.raises(Denied, match="release manager"):
        export(studio, approved(studio), tmp_path, by)


def test_nothing_leaves_before_the_last_signature(studio: Studio, tmp_path: Path):
    release = propose(studio)
    with pytest.raises(Conflict, match="is candidate; this step needs it to be approved"):
        export(studio, release, tmp_path)
    sign(studio, release, "legal")
    with pytest.raises(Conflict, match="is candidate"):
        export(studio, release, tmp_path)
    assert list(tmp_path.glob("*.mp4")) == []


def test_an_export_that_fails_is_not_on_record_as_done(studio: Studio, tmp_path: Path):
    release = approved(studio)
    path = export(studio, release, tmp_path / "out")
    with pytest.raises(InputError, match="exists; choose another folder"):
        export(studio, release, tmp_path / "out")
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(Unavailable, match="cannot be written"):
        export(studio, release, tmp_path / "file")
    assert actions(studio, release).count("release.exported") == 1
    assert path.exists()
    assert export(studio, release, tmp_path / "again").exists()
    assert actions(studio, release).count("release.exported") == 2


def test_an_altered_output_does_not_leave(studio: Studio, tmp_path: Path):
    release = approved(studio)
    path = studio.platform.store.local_path(file_sha256(studio.output))
    assert path
    path.chmod(0o644)
    path.write_bytes(b"another clip")
    with pytest.raises(Refused, match="audit trail does not verify"):
        export(studio, release, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_evidence_is_frozen_whatever_happens_later(studio: Studio):
    release = propose(studio)
    with studio.platform.reading() as session:
        before = session.get_one(Release, release).evidence_sha256
    evidence = json.loads(studio.platform.store.read(before))
    assert evidence["outputs"] == {"video": file_sha256(studio.output)}
    assert sha256(studio.platform.store.read(evidence["facts_sha256"])) == evidence["facts_sha256"]
    revoke(studio)
    with suppress(Refused):
        sign(studio, release, "legal")
    with studio.platform.reading() as session:
        assert session.get_one(Release, release).evidence_sha256 == before
    assert json.loads(studio.platform.store.read(before)) == evidence


def test_altered_evidence_is_not_signed(studio: Studio):
    release = propose(studio)
    with studio.platform.reading() as session:
        path = studio.platform.store.local_path(session.get_one(Release, release).evidence_sha256)
    assert path
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"opens":true', b'"opens":TRUE'))
    assert "is not what was stored" in refused(studio, TamperingFound, release, "legal")


def test_a_signature_cannot_be_moved_to_another_release(studio: Studio):
    first, second = approved(studio), propose(studio)
    one, key = signatures(studio, first)[0], studio.platform.key.public
    with studio.platform.reading() as session:
        target = session.get_one(Release, second)
    with pytest.raises(TamperingFound, match="does not belong to the evidence"):
        check_signature(one, target, key)
    with studio.platform.reading() as session:
        moved = signatures_of(session, session.get_one(Release, first))[0]
        session.expunge(moved)
    moved.release_id, moved.record_sha256 = second, target.evidence_sha256
    with pytest.raises(TamperingFound):
        check_signature(moved, target, key)


@pytest.mark.parametrize(
    "column",
    ["printed_name", "role", "meaning", "decision", "reason", "user_id", "authenticated_at", "signed_at", "key_id"],
)
def test_no_part_of_a_signature_can_be_altered(studio: Studio, column: str):
    release = propose(studio)
    sign(studio, release, "legal", reason="Seen.")
    with studio.platform.reading() as session:
        row = session.get_one(Release, release)
        (one,) = signatures_of(session, row)
        session.expunge_all()
    check_signature(one, row, studio.platform.key.public)
    value = getattr(one, column)
    setattr(one, column, value + timedelta(seconds=1) if column.endswith("_at") else value + "x")
    with pytest.raises(TamperingFound):
        check_signature(one, row, studio.platform.key.public)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize("signature", ["", "no base64 at all!", base64.b64encode(b"short").decode()])
def test_a_seal_that_is_no_seal_does_not_hold(studio: Studio, signature: str, database_kind: str):
    release = propose(studio)
    sign(studio, release, "legal")
    with studio.platform.reading() as session:
        row = session.get_one(Release, release)
        (one,) = signatures_of(session, row)
        session.expunge_all()
    one.signature = signature
    with pytest.raises(TamperingFound):
        check_signature(one, row, studio.platform.key.public)


def test_a_seal_of_another_key_does_not_hold(studio: Studio, tmp_path: Path):
    release = propose(studio)
    sign(studio, release, "legal")
    with studio.platform.reading() as session:
        row = session.get_one(Release, release)
        (one,) = signatures_of(session, row)
        session.expunge_all()
    other = SigningKey.load_or_create(tmp_path / "other keys")
    one.key_id = other.public.key_id
    one.signature = base64.b64encode(other.sign(signed_content(one))).decode()
    with pytest.raises(TamperingFound):
        check_signature(one, row, studio.platform.key.public)


def test_the_dossier_of_each_state_is_sealed_kept_and_checked(studio: Studio, tmp_path: Path):
    release = approved(studio)
    files = make_dossier(studio.platform, studio.people["auditor"], release)
    pdf, html = write_dossier(files, tmp_path)
    assert studio.platform.store.read(files.record.pdf_sha256) == pdf.read_bytes()
    assert studio.platform.store.read(files.record.html_sha256) == html.read_bytes()
    with studio.platform.reading() as session:
        evidence = session.get_one(Release, release).evidence_sha256
    report = check_dossier(studio.platform, pdf)
    assert (report.holds, report.record_sha256) == (True, evidence)
    data = bytearray(pdf.read_bytes())
    data[len(data) // 2] ^= 1
    pdf.write_bytes(data)
    with pytest.raises(TamperingFound, match="does not hold"):
        check_dossier(studio.platform, pdf)
    assert actions(studio, release)[-1] == "dossier.made"
    assert intact(studio)
