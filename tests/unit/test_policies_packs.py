"""The shipped packs prove themselves, and the lint notices each kind of defect."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import Pack, Status, builtin_ids, judge, load_builtin
from policies.clauses import parse_clause
from policies.fixtures import Case, load_fixtures, without
from policies.lint import lint
from policies.loading import loads
from policies.pack import Confidence, Severity, Standing

CASES = [(pack_id, case) for pack_id in builtin_ids() for case in load_fixtures(load_builtin(pack_id))]


@pytest.mark.parametrize("pack_id", builtin_ids())
def test_every_shipped_pack_lints_clean(pack_id: str) -> None:
    assert lint(load_builtin(pack_id), on=date(2026, 11, 30)) == ()


@pytest.mark.parametrize("pack_id", builtin_ids())
def test_nothing_known_never_passes(pack_id: str) -> None:
    pack = load_builtin(pack_id)
    for gate in ("submit", "release", "export"):
        assessment = judge(pack, {"at": "2026-11-02T10:00:00Z"}, gate)
        assert all(verdict.status is Status.INDETERMINATE for verdict in assessment.verdicts)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(CASES), st.data())
def test_taking_evidence_away_only_leaves_a_verdict_open(chosen: tuple[str, Case], data: Any) -> None:
    pack_id, case = chosen
    pack = load_builtin(pack_id)
    paths = [path for path in pack[case.control].evidence if path not in ("at", "gate")]
    less = case.facts
    for path in data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=4)) if paths else ():
        less = without(less, path)
    before, after = (judge(pack, facts, case.gate)[case.control].status for facts in (case.facts, less))
    whether_taken = case.control == "GQ-07"
    assert after in (before, Status.INDETERMINATE) or (whether_taken and after is Status.NOT_APPLICABLE)


def test_secondary_inferred_and_unresolved_citations_block_only_on_purpose() -> None:
    for pack_id in builtin_ids():
        for control in load_builtin(pack_id).controls:
            weak = all(citation.confidence not in ("verified", "settled") for citation in control.citations)
            assert not (weak and control.blocking) or control.block_on_secondary is True
    assert not load_builtin("sag-aftra-tv-2026")["UN-17"].blocking
    assert load_builtin("sag-aftra-tv-2026")["UN-13"].blocking


@pytest.mark.parametrize("confidence", [Confidence.SECONDARY, Confidence.INFERENCE, Confidence.UNRESOLVED])
def test_a_weak_citation_needs_an_opt_in(confidence: Confidence) -> None:
    control = load_builtin("part-11")["P11-e"]
    weak = replace(control, citations=(replace(control.citations[0], confidence=confidence),))
    assert not weak.blocking
    assert replace(weak, block_on_secondary=True).blocking


@pytest.mark.parametrize("status", [Standing.DRAFT, Standing.NOT_ENACTED])
def test_draft_law_needs_an_opt_in(status: Standing) -> None:
    control = load_builtin("part-11")["P11-e"]
    draft = replace(control, citations=(replace(control.citations[0], status=status),))
    assert not draft.blocking
    assert not replace(draft, block_on_secondary=True).blocking
    assert replace(draft, block_on_draft=True).blocking


def _example() -> Pack:
    return loads(
        """
id: example
version: "1"
title: An example
short_title: example pack
status: house rules
governs: example
in_force_by: at
controls:
  - id: EX-1
    version: "1"
    title: Tested
    gates: [release]
    severity: block
    plain_text: The job was tested
    applies_when: {eq: {path: job.made, value: true}}
    passes_when: {eq: {path: job.tested, value: true}}
    evidence: [job.made, job.tested]
    fails_text: it was not tested
    next_step: Test it.
    citations:
      - {instrument: House rules, pinpoint: one, status: house rule, confidence: verified, verified_on: 2026-11}
"""
    )


def _case(expect: str, **job: object) -> Case:
    return Case("EX-1", expect, "release", {"at": "2026-11-02T10:00:00Z", "job": job}, expect)


GOOD = (
    _case("pass", made=True, tested=True),
    _case("fail", made=True, tested=False),
    _case("indeterminate", made=True),
    _case("not_applicable", made=False),
)


def _rules(pack: Pack, cases: tuple[Case, ...] = GOOD, on: date | None = None) -> set[str]:
    return {finding.rule for finding in lint(pack, cases, on)}


def _changed(**changes: Any) -> Pack:
    pack = _example()
    return replace(pack, controls=(replace(pack.controls[0], **changes),))


def test_a_sound_pack_has_no_findings() -> None:
    assert _rules(_example()) == set()


def test_a_control_that_cannot_fail_is_found() -> None:
    trigger = _example().controls[0].applies_when
    assert "trigger-is-satisfier" in _rules(_changed(passes_when=trigger))
    both = parse_clause({"all": [{"eq": {"path": "job.made", "value": True}}, {"exists": "job.tested"}]}, "clause")
    assert "trigger-is-satisfier" in _rules(_changed(applies_when=both, passes_when=trigger))
    assert "trigger-is-satisfier" in _rules(_changed(passes_when=parse_clause({"always": True}, "clause")))


def test_evidence_that_is_none_is_found() -> None:
    assert "unread-evidence" in _rules(_changed(evidence=("job.made", "job.tested", "job.colour")))
    assert "undeclared-evidence" in _rules(_changed(evidence=("job.made",)))
    either = parse_clause({"any": [{"eq": {"path": "job.tested", "value": True}}, {"exists": "job.made"}]}, "clause")
    assert "not-evidence" in _rules(_changed(passes_when=either))


def test_a_measure_that_nobody_tried_is_not_one_that_abstained() -> None:
    pack = _changed(
        passes_when=parse_clause({"not": {"taken": "m"}}, "clause"), evidence=("job.made", "measurements.m")
    )
    abstained = {**GOOD[0].facts, "measurements": {"m": {"value": None, "reason": "too short"}}}
    assert judge(pack, abstained, "release")["EX-1"].status == "pass"
    assert judge(pack, {**abstained, "measurements": {}}, "release")["EX-1"].status == "indeterminate"


@pytest.mark.parametrize("missing", range(4))
def test_each_kind_of_example_is_needed(missing: int) -> None:
    assert "no-example" in _rules(_example(), GOOD[:missing] + GOOD[missing + 1 :])


def test_examples_are_executed() -> None:
    wrong = (*GOOD, _case("pass", made=True, tested=False))
    assert "example-differs" in _rules(_example(), wrong)


def test_citations_are_checked() -> None:
    control = _example().controls[0]
    old = replace(control.citations[0], valid_until=date(2026, 1, 1))
    assert _rules(_changed(citations=(old,)), on=date(2026, 11, 30)) == {"expired-citation"}
    assert "no-citation" in _rules(_changed(citations=()))
    early = date(2026, 1, 1)
    assert _rules(_example(), on=early) == {"future-citation"}


def test_a_block_that_nothing_carries_must_be_meant() -> None:
    weak = replace(_example().controls[0].citations[0], confidence=Confidence.SECONDARY)
    assert _rules(_changed(citations=(weak,))) == {"block-without-authority"}
    assert _rules(_changed(citations=(weak,), block_on_secondary=False)) == set()
    assert _rules(_changed(citations=(weak,), severity=Severity.MAJOR)) == set()
    draft = replace(weak, status=Standing.DRAFT)
    assert _rules(_changed(citations=(draft,), block_on_secondary=True)) == {"block-without-authority"}


def test_judging_leaves_the_facts_as_they_were() -> None:
    for pack_id, case in CASES:
        kept = copy.deepcopy(case.facts)
        judge(load_builtin(pack_id), case.facts, case.gate)
        assert case.facts == kept
