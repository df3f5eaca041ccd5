"""Kleene's laws, and that knowing more never turns a result round."""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.clauses import parse_clause
from policies.logic import Truth, conjunction, disjunction, negation
from policies.operators import evaluate
from policies.scope import Scope

TRUTHS = st.sampled_from(list(Truth))
LISTS = st.lists(TRUTHS, max_size=5)
ORDER = {Truth.FALSE: 0, Truth.UNKNOWN: 1, Truth.TRUE: 2}


@given(LISTS)
def test_all_and_any_are_the_least_and_the_greatest(truths: list[Truth]) -> None:
    assert ORDER[conjunction(truths)] == min((ORDER[truth] for truth in truths), default=2)
    assert ORDER[disjunction(truths)] == max((ORDER[truth] for truth in truths), default=0)


@given(LISTS)
def test_de_morgan(truths: list[Truth]) -> None:
    assert negation(conjunction(truths)) == disjunction(negation(truth) for truth in truths)
    assert negation(disjunction(truths)) == conjunction(negation(truth) for truth in truths)


@given(TRUTHS, TRUTHS, TRUTHS)
def test_lattice_laws(a: Truth, b: Truth, c: Truth) -> None:
    assert negation(negation(a)) == a
    assert conjunction((a, b)) == conjunction((b, a))
    assert conjunction((a, conjunction((b, c)))) == conjunction((conjunction((a, b)), c))
    assert conjunction((a, disjunction((a, b)))) == a
    assert conjunction((a, disjunction((b, c)))) == disjunction((conjunction((a, b)), conjunction((a, c))))


def test_the_excluded_middle_does_not_hold() -> None:
    assert disjunction((Truth.UNKNOWN, negation(Truth.UNKNOWN))) is Truth.UNKNOWN


@given(LISTS)
def test_replacing_unknown_only_refines(truths: list[Truth]) -> None:
    slots = [(Truth.TRUE, Truth.FALSE) if truth is Truth.UNKNOWN else (truth,) for truth in truths]
    for join in (conjunction, disjunction):
        outcomes = {join(filled) for filled in product(*slots)}
        known = join(truths)
        assert outcomes == {known} if known is not Truth.UNKNOWN else outcomes == {Truth.TRUE, Truth.FALSE}


MOMENTS = st.sampled_from(["2026-01-01", "2026-01-02T00:00:00Z", "2026-01-02T12:00:00Z", "2026-02-01"])
ENTRY = st.fixed_dictionaries(
    {}, optional={"word": st.sampled_from(["a", "b"]), "when": MOMENTS, "tags": st.lists(st.sampled_from(["a", "b"]))}
)
FACTS = st.fixed_dictionaries(
    {"entries": st.lists(ENTRY, max_size=3), "flag": st.booleans(), "number": st.integers(0, 3), "word": st.just("a")},
    optional={
        "at": MOMENTS,
        "attestations": st.lists(st.just({"kind": "k", "role": "r", "by": "u", "at": "2026-01-01"})),
    },
)
LEAVES: list[dict[str, Any]] = [
    {"exists": "number"},
    {"recorded": "flag"},
    {"eq": {"path": "flag", "value": True}},
    {"in": {"path": "word", "values": ["a", "c"]}},
    {"gte": {"path": "number", "value": 2}},
    {"lte": {"path": "number", "value": 1}},
    {"attested_by": {"kind": "k", "roles": ["r"]}},
]
ENTRY_LEAVES: list[dict[str, Any]] = [
    {"eq": {"path": "one.word", "other": "word"}},
    {"in": {"path": "word", "among": "one.tags"}},
    {"subset": {"path": "one.tags", "values": ["a"]}},
    {"before": {"path": "one.when", "than": "at"}},
    {"within_window": {"path": "at", "from": "one.when", "to": "one.end"}},
    {"not": {"recorded": "one.end"}},
]


def _joined(part: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(part, min_size=1, max_size=3)
    return st.one_of(
        several.map(lambda of: {"all": of}), several.map(lambda of: {"any": of}), part.map(lambda of: {"not": of})
    )


def _quantified(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    body = st.fixed_dictionaries(
        {"of": st.just("entries"), "as": st.just("one"), "holds": inner}, optional={"where": inner}
    )
    return st.one_of(body.map(lambda args: {"every": args}), body.map(lambda args: {"some": args}))


INNER = st.recursive(st.sampled_from(ENTRY_LEAVES), _joined, max_leaves=4)
CLAUSES = st.recursive(st.one_of(st.sampled_from(LEAVES), _quantified(INNER)), _joined, max_leaves=5)


def _removable(value: Any) -> list[tuple[Any, str]]:
    if isinstance(value, list):
        return [pair for item in value for pair in _removable(item)]
    if isinstance(value, dict):
        return [(value, key) for key in value] + [pair for item in value.values() for pair in _removable(item)]
    return []


@settings(deadline=None, max_examples=300)
@given(CLAUSES, FACTS, st.data())
def test_a_clause_that_is_decided_stays_decided_when_more_becomes_known(clause: Any, full: Any, data: Any) -> None:
    less = copy.deepcopy(full)
    for holder, key in _removable(less):
        if data.draw(st.booleans()):
            holder.pop(key, None)
    parsed = parse_clause(clause, "clause")
    before, after = evaluate(parsed, Scope(less)).result, evaluate(parsed, Scope(full)).result
    assert before in (after, Truth.UNKNOWN)


@pytest.mark.parametrize("leaf", [*LEAVES[:1], *LEAVES[2:]])
def test_null_is_as_little_known_as_a_missing_key(leaf: dict[str, Any]) -> None:
    nothing = {"number": None, "flag": None, "word": None, "attestations": None}
    assert evaluate(parse_clause(leaf, "clause"), Scope(nothing)).result is Truth.UNKNOWN
    assert evaluate(parse_clause(leaf, "clause"), Scope({})).result is Truth.UNKNOWN
