"""Results compared number by number, and the locks of two environments line by line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputError
from core.runners.scientist.results import Status, compare_results, read_results
from core.runners.scientist.sandbox.lock import compare_locks, lock

NUMBERS = st.integers() | st.floats()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_results_equal_themselves_and_the_comparison_is_strict_json(value: object) -> None:
    found = compare_results(value, json.loads(json.dumps(value)))
    assert {row.status for row in found.rows} == {Status.EXACT}
    assert found.equal
    json.dumps(compare_results(value, {"other": value}).to_json(), allow_nan=False)


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.dictionaries(st.text(), VALUES, max_size=5))
def test_every_place_of_both_is_counted_once_and_swapping_mirrors(left: dict, right: dict) -> None:
    found, mirrored = compare_results(left, right), compare_results(right, left)
    assert len({row.pointer for row in found.rows}) == len(found.rows) == sum(found.counts.values())
    assert found.counts["only_original"] == mirrored.counts["only_rerun"]
    assert (found.equal, found.counts["different"]) == (mirrored.equal, mirrored.counts["different"])


@given(st.floats(min_value=1e-3, max_value=1e9), st.floats(min_value=-1e-4, max_value=1e-4))
def test_a_number_is_within_up_to_the_tolerance_and_different_beyond(value: float, change: float) -> None:
    (row,) = compare_results([value], [value * (1 + change)]).rows
    if abs(change) < 0.9e-6:
        assert row.status in (Status.EXACT, Status.WITHIN)
    elif abs(change) > 1.1e-6:
        assert row.status is Status.DIFFERENT
    assert row.difference == pytest.approx(value * change, rel=1e-3, abs=value * 1e-12)


def test_each_place_is_told_by_its_pointer_and_status() -> None:
    before = {"n": 569, "auc": 0.9634, "a/b~": [1, 2.0], "model": "logistic", "gone": 1, "flag": True, "none": math.nan}
    after = {"n": 569, "auc": 0.96, "a/b~": [1, 2.0 + 1e-9], "model": "forest", "new": 2, "flag": 1, "none": math.nan}
    found = compare_results(before, after)
    statuses: dict[str, set[str]] = {}
    for row in found.rows:
        statuses.setdefault(row.status.value, set()).add(row.pointer)
    assert statuses == {
        "exact": {"/n", "/a~1b~0/0", "/none"},
        "within": {"/a~1b~0/1"},
        "different": {"/auc", "/model", "/flag"},
        "only_original": {"/gone"},
        "only_rerun": {"/new"},
    }
    assert not found.equal
    assert found.largest == pytest.approx(0.0034 / 0.9634)
    record = found.to_json()
    assert [row["pointer"] for row in record["rows"]] == ["/auc", "/flag", "/model", "/gone", "/new", "/a~1b~0/1"]
    assert record["rows"][0]["difference"] == pytest.approx(-0.0034)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "[" * 80 + "]" * 80, "9" * 5000])
def test_what_is_no_results_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(InputError):
        read_results(tmp_path / "results.json")


def test_the_lock_names_what_is_installed_and_two_locks_differ_by_line() -> None:
    here = lock()
    assert here == json.loads(json.dumps(lock()))
    names = [one["name"] for one in here["distributions"]]
    assert names == sorted(set(names))
    assert "numpy" in names
    assert all(row.equal for row in compare_locks(here, here))
    there = json.loads(json.dumps(here)) | {"python": "3.0.0"}
    entries = {one["name"]: one for one in there["distributions"]}
    entries["numpy"]["version"] = "0.1"
    entries["scipy"]["record_sha256"] = "0" * 64
    there["distributions"] = [one for one in there["distributions"] if one["name"] != "pyyaml"]
    differing = [row for row in compare_locks(here, there) if not row.equal]
    assert [row.name for row in differing] == ["python", "numpy", "pyyaml", "scipy (files)"]
    assert differing[2].rerun is None


def test_a_lock_may_be_a_plain_table_of_versions() -> None:
    rows = compare_locks(
        {"python": "3.12.1", "distributions": {"numpy": "2.0", "scipy": "1.14"}},
        {
            "python": "3.12.1",
            "distributions": [{"name": "numpy", "version": "2.1"}, {"name": "scipy", "version": "1.14"}],
        },
    )
    assert [(row.name, row.equal) for row in rows] == [("python", True), ("numpy", False), ("scipy", True)]
