"""The tree of a run's numbers: asked quickly, it answers what a walk over every branch would."""

import statistics as plain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.manuscript.integrity.derived import all_statistics
from evaluators.manuscript.integrity.index import Index
from evaluators.manuscript.logged import RunLog, flatten

KEYS = st.sampled_from(
    ["circle", "moons", "val_loss", "test_loss", "loss", "final", "accuracy", "model a", "0", "mean"]
)
DOCUMENTS = st.recursive(
    st.floats(0, 1) | st.lists(st.floats(0, 1), min_size=1, max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, min_size=1, max_size=4),
    max_leaves=12,
)
WORDS = st.frozensets(st.sampled_from(["circle", "moons", "val", "test", "loss", "accuracy", "model", "a"]), max_size=5)


def walked(index: Index, node: object, strict: frozenset[str], loose: frozenset[str], hits: int, told: bool):  # type: ignore[no-untyped-def]
    """Every branch in turn: those under a named child, else those beside."""
    if not node.children:
        return [(hits, leaf) for leaf in node.leaves] if told else []
    chosen = children(node, strict) or children(node, loose)
    under, beside = [], []
    for part, child in node.children.items():
        hit = part in chosen
        found = walked(index, child, strict, loose, hits + hit, hit if child.names else told)
        (under if hit or not child.names else beside).extend(found)
    return under or beside


def children(node: object, given_words: frozenset[str]) -> set[str]:
    named = {
        part: max((name for name in child.names if given_words and name <= given_words), key=len, default=None)
        for part, child in node.children.items()  # type: ignore[attr-defined]
    }
    named = {part: name for part, name in named.items() if name}
    return {part for part, name in named.items() if not any(name < other for other in named.values())}


@given(
    st.dictionaries(st.sampled_from(["run_0/a.json", "run_1/a.json", "b.json"]), DOCUMENTS, min_size=1), WORDS, WORDS
)
def test_branches_without_a_name_are_passed_over_without_a_loss(
    files: dict[str, object], strict: frozenset[str], loose: frozenset[str]
) -> None:
    numbers = tuple(number for name, document in files.items() for number in flatten(document, name))
    index = Index(RunLog(numbers))
    found = walked(index, index._root, strict, loose, 0, False)
    most = max((hits for hits, _ in found), default=0)
    assert index.named(strict, loose) == tuple(leaf for hits, leaf in found if hits == most)


@given(st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=9, unique=True), min_size=1, max_size=5))
def test_statistics_of_many_groups_keep_their_order(groups: list[list[int]]) -> None:
    values = np.array([0.1, 0.7, 0.4, 3.0, 2.5, 0.3, 8.0, 0.9, 0.2, 1.6])
    by_form = {derived.form: derived for derived in all_statistics(groups, values)}
    for place, group in enumerate(groups):
        own = [float(values[i]) for i in group]
        assert by_form["mean"].sources[place] == tuple(group)
        assert by_form["mean"].values[place] == pytest.approx(plain.fmean(own))
        assert by_form["standard deviation"].values[place] == pytest.approx(plain.stdev(own))
        assert by_form["standard deviation (n)"].values[place] == pytest.approx(plain.pstdev(own))
        assert by_form["median"].values[place] == pytest.approx(plain.median(own))
        assert by_form["maximum"].values[place] == max(own)


def test_nothing_is_computed_of_no_groups() -> None:
    assert all_statistics([], np.array([1.0])) == ()
