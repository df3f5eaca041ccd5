"""Who is visible, what they allow, what leads determine; and how a revoked consent changes the facts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from support.studio import BARE_CLIP, CLIP, PERFORMER, PROJECT, Studio, give_consent

from core import consents
from core.canonical import now, sha256
from core.errors import Conflict, Denied, GreenlightError, InputError, NotFound
from core.facts import build_facts
from core.lookup import consents_of, current_declaration, find
from core.tables import Asset, Attestation, AuditEvent, Consent, Job, PersonsDeclaration, Subject


def act(studio: Studio, by: str, what: Any, /, **given: Any) -> Any:
    with studio.platform.work(studio.people[by]) as work:
        return what(work, **given)


def told(studio: Studio, error_kind: type[GreenlightError], by: str, what: Any, /, **given: Any) -> str:
    """What the refusal says; it must leave no record, no event and no stored paper."""
    before = left(studio)
    with pytest.raises(error_kind) as error:
        act(studio, by, what, **given)
    assert left(studio) == before
    return str(error.value)


def left(studio: Studio) -> tuple[list[int], int]:
    tables = (Subject, PersonsDeclaration, Consent, Attestation, AuditEvent)
    with studio.platform.reading() as session:
        rows = [session.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables]
    return rows, len(list((studio.platform.settings.home / "artifacts").rglob("*")))


def facts(studio: Studio) -> dict[str, Any]:
    with studio.platform.reading() as session:
        return build_facts(session, session.get_one(Job, studio.job), "release", now())


def known(studio: Studio) -> list[dict[str, Any]]:
    return list(facts(studio)["persons"]["list"][0]["consents"])


DECLARATION = {"asset": CLIP, "persons": {PERFORMER: "removed"}, "basis": "watched it"}
ATTESTATION = {"project": PROJECT, "kind": "written_approval", "statement": "The studio agreed by letter."}


@pytest.mark.parametrize(
    ("by", "what", "given"),
    [
        ("manager", consents.create_subject, {"name": "Other"}),
        ("auditor", consents.declare_persons, DECLARATION),
        ("engineer", give_consent, {"subject": PERFORMER}),
        ("manager", give_consent, {"subject": PERFORMER}),
        ("engineer", consents.attest, ATTESTATION),
        ("admin", consents.attest, ATTESTATION),
    ],
)
def test_who_may_not_is_told_whom_to_ask(studio: Studio, by: str, what: Any, given: dict[str, Any]):
    assert "ask somebody who is" in told(studio, Denied, by, what, **given)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(
    ("what", "given", "says"),
    [
        (consents.create_subject, {"name": "A", "kind": "extra"}, "'extra' is no kind of subject"),
        (consents.create_subject, {"name": "A\tB"}, "cannot name a subject"),
        (consents.create_subject, {"name": "A", "union": "x" * 201}, "cannot name a union"),
        (consents.declare_persons, {**DECLARATION, "persons": {PERFORMER: "blurred"}}, "'blurred' is no treatment"),
        (consents.declare_persons, {**DECLARATION, "persons": {"Nobody": "removed"}}, "no subject 'Nobody'"),
        (consents.declare_persons, {**DECLARATION, "basis": " "}, "the basis"),
        (consents.declare_persons, {**DECLARATION, "basis": "a\x1b[2J"}, "the basis"),
        (give_consent, {"subject": PERFORMER, "uses": ["CLONING"]}, "'CLONING' is no use"),
        (give_consent, {"subject": PERFORMER, "uses": []}, "at least one use"),
        (give_consent, {"subject": PERFORMER, "given_by_role": "friend"}, "'friend' is no role of the giver"),
        (give_consent, {"subject": PERFORMER, "description": ""}, "the description"),
        (give_consent, {"subject": PERFORMER, "signed_at": now() + timedelta(days=1)}, "signed in the future"),
        (give_consent, {"subject": PERFORMER, "expires_at": now() - timedelta(days=40)}, "expires before it is signed"),
        (give_consent, {"subject": PERFORMER, "territory": "x" * 201}, "cannot name a territory"),
        (give_consent, {"subject": "Nobody", "evidence": b"a paper"}, "no subject 'Nobody'"),
        (give_consent, {"subject": PERFORMER, "evidence": Path("missing.pdf")}, "no evidence file"),
        (consents.attest, {**ATTESTATION, "statement": "  "}, "the statement"),
        (consents.attest, {**ATTESTATION, "statement": "x" * 10_001}, "the statement"),
        (consents.attest, {**ATTESTATION, "kind": "k" * 41}, "cannot name a determination"),
        (consents.attest, {**ATTESTATION, "asset": "none"}, "no asset 'none'"),
    ],
)
def test_what_cannot_be_used_is_told_and_leaves_nothing(
    studio: Studio, what: Any, given: dict[str, Any], says: str, database_kind: str
):
    assert says in told(studio, InputError, "legal", what, **given)


def test_the_newest_declaration_counts_and_the_older_ones_stay(studio: Studio):
    act(studio, "engineer", consents.declare_persons, asset=CLIP, persons={}, basis="looked again: it is a dummy")
    assert facts(studio)["persons"]["list"] == []
    with studio.platform.reading() as session:
        clip = find(session, Asset, CLIP)
        newest = current_declaration(session, clip)
        assert newest is not None
        assert newest.declared_by == studio.people["engineer"].id
        query = sa.select(sa.func.count()).where(PersonsDeclaration.asset_id == clip.id)
        assert session.scalar(query) == 2


def test_nobody_has_said_is_not_nobody_is_visible(studio: Studio):
    with studio.platform.reading() as session:
        bare = find(session, Asset, BARE_CLIP)
        assert current_declaration(session, bare) is None
    act(studio, "engineer", consents.declare_persons, asset=BARE_CLIP, persons={}, basis="watched it")
    with studio.platform.reading() as session:
        stated = current_declaration(session, bare)
        assert stated is not None
        assert stated.persons == []


def test_a_revoked_consent_stays_on_record_and_stops_covering(studio: Studio):
    before = known(studio)
    assert [(consent["id"], consent["revoked_at"]) for consent in before] == [(studio.consent, None)]
    act(studio, "legal", consents.revoke_consent, consent=studio.consent, reason="the performer wrote to us")
    after = known(studio)
    assert [consent["id"] for consent in after] == [studio.consent]
    assert after[0]["revoked_at"] is not None
    assert after[0] | {"revoked_at": None} == before[0]


def test_a_consent_is_revoked_once_and_may_be_given_again(studio: Studio):
    act(studio, "legal", consents.revoke_consent, consent=studio.consent, reason="asked for")
    assert "was revoked on" in told(
        studio, Conflict, "legal", consents.revoke_consent, consent=studio.consent, reason="again"
    )
    again = act(studio, "legal", give_consent, subject=PERFORMER)
    assert [consent["revoked_at"] is None for consent in known(studio)] == [False, True]
    assert known(studio)[1]["id"] == again


def test_only_who_records_consents_may_revoke_them(studio: Studio):
    for by in ("engineer", "manager", "auditor"):
        told(studio, Denied, by, consents.revoke_consent, consent=studio.consent, reason="x")
    told(studio, NotFound, "legal", consents.revoke_consent, consent="con_none", reason="x")
    told(studio, InputError, "legal", consents.revoke_consent, consent=studio.consent, reason=" ")


def test_the_paper_is_kept_by_its_digest_and_personal_data_stays_out_of_the_log(studio: Studio, tmp_path: Path):
    paper = tmp_path / "rider.pdf"
    paper.write_bytes(b"the signed paper")
    consent = act(studio, "legal", give_consent, subject=PERFORMER, evidence=paper, given_by="A Representative")
    with studio.platform.reading() as session:
        row = find(session, Consent, consent)
        assert row.evidence_sha256 == sha256(b"the signed paper")
        assert [one.id for one in consents_of(session, find(session, Subject, PERFORMER))][-1] == consent
        bodies = "\n".join(session.scalars(sa.select(AuditEvent.body)))
    assert studio.platform.store.read(sha256(b"the signed paper")) == b"the signed paper"
    assert "A Representative" not in bodies
    assert f'"{PERFORMER}"' not in bodies


def test_a_determination_names_who_made_it_in_which_role(studio: Studio):
    act(studio, "manager", consents.attest, **ATTESTATION)
    made = facts(studio)["attestations"][-1]
    assert (made["kind"], made["role"], made["by_name"]) == ("written_approval", "release_manager", "Manager")


def test_a_determination_about_another_clip_does_not_count_here(studio: Studio):
    act(studio, "legal", consents.attest, **ATTESTATION, asset=BARE_CLIP)
    assert "written_approval" not in [made["kind"] for made in facts(studio)["attestations"]]
    act(studio, "legal", consents.attest, **ATTESTATION)
    assert "written_approval" in [made["kind"] for made in facts(studio)["attestations"]]


def test_two_performers_of_one_name_are_told_apart_by_their_ids(studio: Studio):
    other = act(studio, "legal", consents.create_subject, name=PERFORMER)
    assert "give the subject's id" in told(studio, InputError, "legal", give_consent, subject=PERFORMER)
    assert other.id in told(studio, InputError, "legal", give_consent, subject=PERFORMER)
