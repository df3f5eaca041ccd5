"""Gates, dates, waivers and the record of a judgement."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from policies import (
    Assessment,
    FactsError,
    Status,
    Waiver,
    builtin_ids,
    headline,
    judge,
    load_builtin,
    subject_sha256,
)
from policies.explain import lines, reasons
from policies.operators import OPERATORS
from policies.trace import TraceNode

UNION = load_builtin("sag-aftra-tv-2026")
FACTS: dict[str, Any] = {
    "schema": "greenlight.facts/1",
    "at": "2026-11-02T10:00:00.000000Z",
    "purpose": "release",
    "project": {"id": "prj_1", "first_photography": "2026-08-01", "final_deliverable": True, "strikes": []},
    "model": {"digest": "ab", "licence": "Apache-2.0", "licence_cleared": True, "lineage": []},
    "asset": {"sha256": "cd", "mask": {"exact": True}},
    "ai_use": {"kind": "REMOVAL", "exception_code": None, "script_delta": None, "network_egress": False},
    "persons": {
        "declared_by": "usr_1",
        "declared_at": "2026-11-01T10:00:00Z",
        "basis": "watched frame by frame",
        "list": [
            {
                "subject": "sub_1",
                "name_shown": "Ada Example",
                "treatment": "removed",
                "union": "SAG-AFTRA",
                "consents": [],
            }
        ],
    },
    "attestations": [
        {"kind": "removal_reviewed", "by": "usr_2", "role": "legal_lead", "at": "2026-11-01T11:00:00Z"},
    ],
    "submitter": {"id": "usr_1", "name": "S. Example", "role": "engineer"},
    "output": {"sha256": "ef"},
}
CONSENT = {
    "id": "con_1",
    "uses": ["REMOVAL"],
    "project": "prj_1",
    "signed_at": "2026-10-01T09:00:00Z",
    "expires_at": None,
    "revoked_at": None,
}


def facts(**changes: Any) -> dict[str, Any]:
    """Return the facts with values put at dotted paths, written with `__` for the dot."""
    changed = copy.deepcopy(FACTS)
    for path, value in changes.items():
        holder: Any = changed
        *parents, last = path.split("__")
        for key in parents:
            holder = holder[key]
        holder[last] = value
    return changed


def person(**changes: Any) -> list[dict[str, Any]]:
    return [{**FACTS["persons"]["list"][0], **changes}]


def waiver(**changes: Any) -> Waiver:
    values: dict[str, Any] = {
        "id": "wav_1",
        "pack_id": UNION.id,
        "control_id": "UN-12",
        "control_version": UNION["UN-12"].version,
        "gate": "release",
        "subject_sha256": subject_sha256(FACTS),
        "by": "usr_2",
        "by_name": "L. Example",
        "role": "legal_lead",
        "reason": "the estate has agreed by letter.",
        "signed_at": "2026-11-02T09:00:00Z",
        "expires_at": "2026-11-09T09:00:00Z",
        **changes,
    }
    made = Waiver(**values)
    return made if "record_sha256" in changes else replace(made, record_sha256=made.content_sha256())


def test_a_person_without_consent_closes_the_gate_and_is_named() -> None:
    assessment = judge(UNION, facts(), "release")
    assert [verdict.control_id for verdict in assessment.closing] == ["UN-12"]
    assert headline([assessment]) == (
        "May not be released: the union pack's rule UN-12 fails because no consent covers the removal of Ada Example. "
        "Get a consent from Ada Example that names this use and this project, or have the legal lead determine "
        "which exception applies."
    )


def test_a_consent_opens_it() -> None:
    assessment = judge(UNION, facts(persons__list=person(consents=[CONSENT])), "release")
    assert assessment.opens
    assert headline([assessment]) == "May be released: no rule of the union pack stands in the way."


def test_two_partial_consents_do_not_add_up() -> None:
    revoked = {**CONSENT, "revoked_at": "2026-10-20T09:00:00Z"}
    elsewhere = {**CONSENT, "project": "prj_2"}
    assessment = judge(UNION, facts(persons__list=person(consents=[revoked, elsewhere])), "release")
    assert assessment["UN-12"].status is Status.FAIL


def test_an_internal_trial_is_judged_when_it_is_to_be_released() -> None:
    trial = facts(purpose="internal_trial")
    at_submit, at_release = judge(UNION, trial, "submit"), judge(UNION, trial, "release")
    assert at_submit["UN-12"].status is Status.NOT_APPLICABLE
    assert "an internal trial's output never leaves" in at_submit["UN-12"].sentence
    assert at_submit.opens
    assert at_release["UN-12"].status is Status.FAIL


def test_persons_not_declared_is_not_persons_absent() -> None:
    unknown = judge(UNION, facts(persons=None), "release")
    nobody = judge(UNION, facts(persons__list=[]), "release")
    assert unknown["UN-12"].status is Status.INDETERMINATE
    assert "who is visible in the picture" in unknown["UN-12"].sentence
    assert not unknown.opens
    assert nobody.opens
    assert nobody["UN-12"].status is Status.NOT_APPLICABLE


def test_several_persons_are_named_and_those_who_consented_are_not() -> None:
    persons = [
        *person(name_shown="Ada Example"),
        *person(name_shown="Bo Example", treatment="affected"),
        *person(name_shown="Cy Example", consents=[CONSENT]),
        *person(name_shown="Di Example", treatment="visible"),
    ]
    sentence = judge(UNION, facts(persons__list=persons), "release")["UN-12"].sentence
    assert sentence == "UN-12 fails because no consent covers the removal of Ada Example and Bo Example."


def test_a_name_is_never_read_as_a_template() -> None:
    sentence = judge(UNION, facts(persons__list=person(name_shown="{gate} {0.__class__}\n")), "release")[
        "UN-12"
    ].sentence
    assert sentence.endswith("of {gate} {0.__class__}.")


def test_a_pack_that_is_not_in_force_closes() -> None:
    legacy = judge(UNION, facts(project__first_photography="2026-06-30"), "release")
    assert {verdict.status for verdict in legacy.verdicts} == {Status.ERROR}
    assert not legacy.opens
    assert "2026-07-01 to 2030-06-30" in headline([legacy])
    assert (
        judge(load_builtin("sag-aftra-tv-2023"), facts(project__first_photography="2026-06-30"), "release").problem
        is None
    )


def test_a_pack_that_may_not_be_in_force_closes() -> None:
    undated = judge(UNION, facts(project__first_photography=None), "submit")
    assert {verdict.status for verdict in undated.verdicts} == {Status.INDETERMINATE}
    assert not undated.opens
    assert "the date of first photography" in headline([undated])


def test_a_pack_out_of_force_closes_even_without_a_control_at_the_gate() -> None:
    early = judge(load_builtin("part-11"), {"at": "1990-01-01T00:00:00Z"}, "submit")
    assert early.verdicts == ()
    assert not early.opens


def test_a_control_of_later_date_does_not_apply_yet() -> None:
    later = replace(UNION, controls=(replace(UNION["UN-12"], effective_from=date(2027, 1, 1)),))
    ended = replace(UNION, controls=(replace(UNION["UN-12"], effective_to=date(2026, 1, 1)),))
    assert judge(later, facts(), "release")["UN-12"].status is Status.NOT_APPLICABLE
    assert "2027-01-01" in judge(later, facts(), "release")["UN-12"].sentence
    assert judge(ended, facts(), "release")["UN-12"].status is Status.NOT_APPLICABLE


def test_a_fact_of_the_wrong_kind_closes_with_an_error() -> None:
    broken = judge(UNION, facts(persons__list="nobody"), "release")
    assert broken["UN-12"].status is Status.ERROR
    assert "persons.list is not a list" in broken["UN-12"].sentence
    assert not broken.opens


def test_an_operator_that_breaks_closes_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> TraceNode:
        raise ZeroDivisionError

    monkeypatch.setitem(OPERATORS, "attested_by", broken)  # type: ignore[arg-type]
    assessment = judge(UNION, facts(), "release")
    assert assessment["UN-13"].status is Status.ERROR
    assert not assessment.opens


def test_a_waiver_opens_and_keeps_what_it_covers() -> None:
    assessment = judge(UNION, facts(), "release", [waiver()])
    verdict = assessment["UN-12"]
    assert verdict.status is Status.WAIVED
    assert verdict.waiver_id == "wav_1"
    assert assessment.opens
    assert verdict.sentence == (
        "UN-12 is waived until 2026-11-09T09:00:00Z by L. Example (legal lead): the estate has agreed by letter."
    )
    assert "no consent covers" in verdict.notes[0]
    assert headline([assessment]) == "May be released: no rule of the union pack stands in the way; UN-12 is waived."


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"expires_at": "2026-11-02T10:00:00Z"}, "expired"),
        ({"signed_at": "2026-11-02T10:00:01Z"}, "signed only on"),
        ({"signed_at": "soon"}, "dates cannot be read"),
        ({"role": "release_manager"}, "only the legal lead"),
        ({"by": "usr_1"}, "the submitter cannot"),
        ({"control_version": "0"}, "version 0"),
        ({"subject_sha256": "00"}, "another model, input or output"),
        ({"reason": " "}, "no signer or no reason"),
        ({"record_sha256": "00"}, "does not cover its content"),
        ({"record_sha256": ""}, "does not cover its content"),
    ],
)
def test_a_waiver_that_does_not_fit_changes_nothing_and_says_why(changes: dict[str, Any], says: str) -> None:
    assessment = judge(UNION, facts(), "release", [waiver(**changes)])
    assert assessment["UN-12"].status is Status.FAIL
    assert says in assessment["UN-12"].notes[0]
    assert not assessment.opens


@pytest.mark.parametrize("changes", [{"gate": "export"}, {"control_id": "UN-13"}, {"pack_id": "sag-aftra-tv-2023"}])
def test_a_waiver_for_something_else_is_not_offered(changes: dict[str, Any]) -> None:
    verdict = judge(UNION, facts(), "release", [waiver(**changes)])["UN-12"]
    assert verdict.status is Status.FAIL
    assert verdict.notes == ()


def test_a_waiver_does_not_move_to_another_output() -> None:
    assert judge(UNION, facts(output__sha256="99"), "release", [waiver()])["UN-12"].status is Status.FAIL


def test_a_waiver_needs_a_known_submitter() -> None:
    verdict = judge(UNION, facts(submitter=None), "release", [waiver()])["UN-12"]
    assert verdict.status is Status.FAIL
    assert "who submitted this" in verdict.notes[0]


def test_an_unwaivable_rule_stays_unmet() -> None:
    revoked = person(consents=[{**CONSENT, "revoked_at": "2026-10-20T09:00:00Z"}])
    offered = waiver(control_id="UN-05R", control_version=UNION["UN-05R"].version)
    verdict = judge(UNION, facts(persons__list=revoked), "release", [offered])["UN-05R"]
    assert verdict.status is Status.FAIL
    assert verdict.notes == ("A waiver by L. Example was not accepted: this rule cannot be waived.",)


def test_what_is_missing_can_be_waived_and_what_broke_cannot() -> None:
    assert judge(UNION, facts(persons=None), "release", [waiver()])["UN-12"].status is Status.WAIVED
    assert judge(UNION, facts(persons__list="x"), "release", [waiver()])["UN-12"].status is Status.ERROR


@pytest.mark.parametrize(
    ("changed", "gate"),
    [
        ({"at": None}, "release"),
        ({"at": "2026-11-02T10:00:00"}, "release"),
        ({"schema": "greenlight.facts/9"}, "release"),
        ({"gate": "submit"}, "release"),
        ({}, "publish"),
        ({"job": object()}, "release"),
        ({"job": {"n": float("nan")}}, "release"),
    ],
)
def test_facts_that_cannot_be_judged_are_refused(changed: dict[str, Any], gate: str) -> None:
    with pytest.raises(FactsError) as caught:
        judge(UNION, facts(**changed), gate)
    assert str(caught.value).endswith(".")


def test_a_judgement_is_the_same_every_time_and_plain_json() -> None:
    for pack_id in builtin_ids():
        for gate in ("submit", "release", "export"):
            first, second = (judge(load_builtin(pack_id), facts(), gate).to_json() for _ in range(2))
            assert json.dumps(first, allow_nan=False) == json.dumps(second, allow_nan=False)


def test_a_verdict_names_its_evidence_by_digest() -> None:
    before = {item.path: item.sha256 for item in judge(UNION, facts(), "release")["UN-12"].evidence}
    changed = facts(ai_use__script_delta="minor")
    after = {item.path: item.sha256 for item in judge(UNION, changed, "release")["UN-12"].evidence}
    assert before["ai_use.script_delta"] is None
    assert {path for path in before if before[path] != after[path]} == {"ai_use.script_delta"}
    assert judge(UNION, changed, "release").facts_sha256 != judge(UNION, facts(), "release").facts_sha256


def test_a_rule_that_only_advises_does_not_close_and_is_mentioned() -> None:
    strike = [{"union": "SAG-AFTRA", "starts_at": "2026-11-01T00:00:00Z", "ends_at": None}]
    case = facts(project__strikes=strike, persons__list=person(consents=[CONSENT]))
    assessment = judge(UNION, case, "release")
    assert assessment["UN-17"].status is Status.FAIL
    assert assessment.opens
    assert "UN-17 deserves a look and does not block" in headline([assessment])


def test_the_headline_counts_what_else_is_wrong_and_says_failures_first() -> None:
    quality = judge(load_builtin("greenlight-quality"), facts(), "release")
    union = judge(UNION, facts(attestations=[]), "release")
    text = headline([quality, union])
    assert text.startswith("May not be released: the union pack's rule UN-12 fails because")
    assert text.endswith(f"{len(reasons([quality, union])) - 1} more rules also keep it closed.")


def test_judged_by_no_pack_nothing_may_pass() -> None:
    assert headline([]).startswith("Nothing was judged")


def _every_sentence(assessment: Assessment) -> list[str]:
    return [*lines(assessment), headline([assessment])]


def test_sentences_are_for_people() -> None:
    cases = [facts(), facts(persons=None), facts(purpose="internal_trial"), {"at": FACTS["at"], "measurements": {}}]
    for pack_id in builtin_ids():
        for case in cases:
            for gate in ("submit", "release", "export"):
                for text in _every_sentence(judge(load_builtin(pack_id), case, gate)):
                    assert text.endswith(".")
                    assert not any(mark in text for mark in ("{", "[]", "_", "..", "None", "null", "Truth", "  "))


def test_a_longer_cast_costs_in_proportion() -> None:
    def nodes(count: int) -> int:
        verdict = judge(UNION, facts(persons__list=person(consents=[CONSENT]) * count), "release")["UN-12"]
        return json.dumps(verdict.to_json()).count('"clause"')

    assert nodes(40) - nodes(30) == nodes(30) - nodes(20)
