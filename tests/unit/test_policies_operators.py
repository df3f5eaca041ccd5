"""What each operator says, and that a fact of the wrong kind is never silently 'not equal'."""

from __future__ import annotations

from typing import Any

import pytest

from policies.clauses import FORMS, parse_clause
from policies.errors import OperandError
from policies.logic import Truth
from policies.operators import OPERATORS, evaluate
from policies.scope import Scope

T, F, U = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
NOON = "2026-11-02T12:00:00Z"


def result(clause: dict[str, Any], facts: dict[str, Any]) -> Truth:
    return evaluate(parse_clause(clause, "clause"), Scope(facts)).result


def measured(threshold: dict[str, Any], record: Any) -> Any:
    clause = parse_clause({"measured": {"name": "m", **threshold}}, "clause")
    return evaluate(clause, Scope({"measurements": {"m": record}}))


def test_every_form_has_its_operator() -> None:
    assert set(FORMS) == set(OPERATORS)


@pytest.mark.parametrize(
    ("clause", "facts", "expected"),
    [
        ({"recorded": "c.revoked_at"}, {"c": {"revoked_at": None}}, F),
        ({"recorded": "c.revoked_at"}, {"c": {}}, U),
        ({"recorded": "c.revoked_at"}, {"c": None}, U),
        ({"recorded": "c.revoked_at"}, {"c": {"revoked_at": NOON}}, T),
        ({"every": {"of": "l", "as": "x", "holds": {"exists": "x.a"}}}, {"l": []}, T),
        ({"some": {"of": "l", "as": "x", "holds": {"exists": "x.a"}}}, {"l": []}, F),
        ({"every": {"of": "l", "as": "x", "holds": {"exists": "x.a"}}}, {}, U),
        ({"subset": {"path": "l", "values": ["a", "b"]}}, {"l": ["a"]}, T),
        ({"subset": {"path": "l", "of": "w"}}, {"l": ["a", "c"], "w": ["a"]}, F),
        ({"before": {"path": "a", "than": "b"}}, {"a": NOON, "b": NOON}, T),
        ({"before": {"path": "a", "than": "b"}}, {"a": "2026-11-02", "b": NOON}, U),
        ({"before": {"path": "a", "than": "b", "at_least_hours": 48}}, {"a": "2026-10-31T12:00:00Z", "b": NOON}, T),
        ({"before": {"path": "a", "than": "b", "at_least_hours": 48}}, {"a": "2026-10-31T12:00:01Z", "b": NOON}, F),
        ({"before": {"path": "a", "than": "b", "at_most_minutes": 5}}, {"a": "2026-11-02T11:54:59Z", "b": NOON}, F),
        (
            {"before": {"path": "a", "than": "b", "at_most_minutes": 5}},
            {"a": "2026-11-02T12:55:00+01:00", "b": NOON},
            T,
        ),
        (
            {"within_window": {"path": "at", "from": "s", "to": "e"}},
            {"at": NOON, "s": "2026-11-01", "e": "2026-11-02"},
            T,
        ),
        (
            {"within_window": {"path": "at", "from": "s", "to": "e"}},
            {"at": NOON, "s": "2026-11-01", "e": "2026-11-01"},
            F,
        ),
        ({"within_window": {"path": "at", "from": "s", "to": "e"}}, {"at": NOON, "s": "2026-11-01", "e": None}, T),
        ({"within_window": {"path": "at", "from": "s", "to": "e"}}, {"at": NOON, "s": "2026-11-01"}, U),
        ({"within_window": {"path": "at", "from": "s", "to": "e"}}, {"at": NOON, "s": "2026-11-03"}, F),
        (
            {"paid_at_least": {"path": "p", "amount": 1246.5, "currency": "USD"}},
            {"p": {"amount": "1246.50", "currency": "USD"}},
            T,
        ),
        (
            {"paid_at_least": {"path": "p", "amount": 1246.5, "currency": "USD"}},
            {"p": {"amount": 1246.49, "currency": "USD"}},
            F,
        ),
        ({"paid_at_least": {"path": "p", "other": "due"}}, {"p": {"amount": 5, "currency": "USD"}}, U),
        ({"attested_by": {"kind": "k"}}, {"at": NOON, "attestations": []}, F),
        ({"attested_by": {"kind": "k"}}, {"at": NOON, "attestations": [{"kind": "k", "by": "u", "at": NOON}]}, T),
        ({"attested_by": {"kind": "k"}}, {"at": NOON, "attestations": [{"kind": "k", "at": NOON}]}, U),
        (
            {"attested_by": {"kind": "k", "roles": ["r"]}},
            {"at": NOON, "attestations": [{"kind": "k", "by": "u", "at": NOON}]},
            U,
        ),
        (
            {"attested_by": {"kind": "k"}},
            {"at": NOON, "attestations": [{"kind": "k", "by": "u", "at": "2026-11-03"}]},
            F,
        ),
    ],
)
def test_results(clause: dict[str, Any], facts: dict[str, Any], expected: Truth) -> None:
    assert result(clause, facts) is expected


@pytest.mark.parametrize(
    ("clause", "facts"),
    [
        ({"eq": {"path": "a", "value": True}}, {"a": 1}),
        ({"eq": {"path": "a", "value": False}}, {"a": "false"}),
        ({"in": {"path": "a", "values": ["x"]}}, {"a": ["x"]}),
        ({"in": {"path": "a", "among": "l"}}, {"a": "x", "l": "xyz"}),
        ({"gte": {"path": "a", "value": 1}}, {"a": True}),
        ({"gte": {"path": "a", "value": 1}}, {"a": float("nan")}),
        ({"gte": {"path": "a", "value": 1}}, {"a": "2"}),
        ({"exists": "a.b"}, {"a": "text"}),
        ({"every": {"of": "a", "as": "x", "holds": {"exists": "x.y"}}}, {"a": {"y": 1}}),
        ({"before": {"path": "a", "than": "b"}}, {"a": "2026-11-02T12:00:00", "b": NOON}),
        ({"before": {"path": "a", "than": "b"}}, {"a": "yesterday", "b": NOON}),
        ({"paid_at_least": {"path": "p", "amount": 1, "currency": "USD"}}, {"p": {"amount": 2, "currency": "EUR"}}),
        ({"paid_at_least": {"path": "p", "amount": 1, "currency": "USD"}}, {"p": 2}),
        ({"paid_at_least": {"path": "p", "amount": 1, "currency": "USD"}}, {"p": {"amount": "NaN", "currency": "USD"}}),
    ],
)
def test_a_fact_of_the_wrong_kind_is_an_error(clause: dict[str, Any], facts: dict[str, Any]) -> None:
    with pytest.raises(OperandError):
        result(clause, facts)


def test_a_measure_that_was_not_taken_is_unknown_for_its_own_reason() -> None:
    node = measured({"at_least": 28}, {"value": None, "reason": "the mask keeps too little"})
    assert node.result is U
    assert "the mask keeps too little" in node.sentence


@pytest.mark.parametrize(
    ("threshold", "record", "expected"),
    [
        ({"at_least": 28}, {"value": 28}, T),
        ({"at_least": 28}, {"value": 27.99}, F),
        ({"at_most": 0.5}, {"value": 0.5}, T),
        ({"between": [0.5, 1.5]}, {"value": 1.6}, F),
        ({"at_least": 28, "conservative": True}, {"value": 30, "low": 27, "high": 33}, F),
        ({"at_most": 28, "conservative": True}, {"value": 27, "low": 26, "high": 28.5}, F),
        ({"between": [0, 2], "conservative": True}, {"value": 1, "low": 0.5, "high": 1.5}, T),
        ({"at_least": 28, "conservative": True}, {"value": 99}, U),
        ({"at_least": 28}, None, U),
    ],
)
def test_thresholds(threshold: dict[str, Any], record: Any, expected: Truth) -> None:
    assert measured(threshold, record).result is expected


@pytest.mark.parametrize(
    ("threshold", "record"),
    [
        ({"at_least": 28}, {"value": 30, "direction": "lower_is_better"}),
        ({"at_most": 28}, {"value": 30, "direction": "higher_is_better"}),
        ({"at_least": 28, "unit": "dB"}, {"value": 30, "unit": "grey levels"}),
        ({"at_least": 28, "conservative": True}, {"value": 30, "low": 31, "high": 32}),
        ({"at_least": 28}, {"value": float("inf")}),
        ({"at_least": 28}, {"value": "30"}),
    ],
)
def test_a_threshold_that_does_not_fit_its_measure_is_an_error(threshold: dict[str, Any], record: Any) -> None:
    with pytest.raises(OperandError):
        measured(threshold, record)


def test_a_trace_says_what_was_read_and_found() -> None:
    clause = {"every": {"of": "persons.list", "as": "person", "holds": {"eq": {"path": "person.union", "value": "X"}}}}
    facts = {"persons": {"list": [{"name_shown": "Ada Example", "union": "Y"}]}}
    trace = evaluate(parse_clause(clause, "clause"), Scope(facts)).to_json()
    entry = trace["children"][0]  # type: ignore[index]
    assert entry["item"] == "Ada Example"
    leaf = entry["children"][0]
    assert (leaf["path"], leaf["value"], leaf["result"]) == ("persons.list[].union", "Y", "false")
