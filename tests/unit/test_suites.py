"""Suites as people write them, and what their results add up to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.studies import small_protocol, write_protocol

from core.bench_results import CRITERIA, Cell, Results, _rows, _success
from core.errors import InputError
from core.reports.bench import render_bench
from core.suites import read_suite

SUITES = Path(__file__).parents[2] / "benchmarks"
SUITE: dict[str, Any] = {
    "schema": "greenlight.suite/1",
    "name": "two",
    "model": "study-protocol@1",
    "modes": ["reproduction", "exploration"],
    "tasks": [{"name": "progression", "cases": [{"name": "small", "protocol": "protocol.yaml"}]}],
}


def written(folder: Path, **changes: Any) -> Path:
    write_protocol(folder)
    path = folder / "suite.yaml"
    path.write_text(yaml.safe_dump({**SUITE, **changes}, sort_keys=False))
    return path


def cell(**changes: Any) -> Cell:
    usual: dict[str, Any] = {
        "task": "t", "case": "c", "mode": "reproduction", "modality": "ehr", "status": "succeeded", "job": "job_1",
        "success": True, "criteria": dict.fromkeys(CRITERIA, True), "seconds": 2.0, "tokens": 10, "usd": 0.5,
        "reason": "",
    }  # fmt: skip
    return Cell(**{**usual, **changes})


def tags(html: str) -> set[str]:
    found: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
            found.add(tag)

    Reader().feed(html)
    return found


def test_the_shipped_suite_has_two_tasks_of_two_cases_in_three_modes():
    suite = read_suite(SUITES / "studies.yaml")
    assert len({planned.task for planned in suite.cases}) == 2
    assert len(suite.cases) == 4
    assert len(suite.modes) == 3
    assert {planned.modality for planned in suite.cases} == {"pathology", "ehr"}


def test_changes_reach_the_protocol_field_by_field_and_change_its_digest(tmp_path: Path):
    plain = read_suite(written(tmp_path))
    changes = {"validation": {"outer_folds": 3}, "title": "Another"}
    changed = read_suite(written(tmp_path, changes=changes))
    protocol = yaml.safe_load(changed.cases[0].protocol)
    assert protocol["title"] == "Another"
    assert protocol["validation"] == {**small_protocol()["validation"], "outer_folds": 3}
    assert plain.cases[0].protocol_sha256 != changed.cases[0].protocol_sha256


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surprise": 1}, "surprise"),
        ({"modes": ["guessing"]}, "modes"),
        ({"modes": ["exploration", "exploration"]}, "twice"),
        ({"tasks": []}, "tasks"),
        ({"changes": {"question": ""}}, "progression, small, line 1: question"),
        ({"tasks": [{"name": "a", "cases": [{"name": "b", "protocol": "example:nothing"}]}]}, "use one of"),
        ({"tasks": [{"name": "a", "cases": [{"name": "b", "protocol": "nowhere.yaml"}]}]}, "nowhere.yaml"),
        ({"tasks": [{"name": "a/b", "cases": [{"name": "b", "protocol": "protocol.yaml"}]}]}, "tasks.0.name"),
    ],
)
def test_a_suite_that_cannot_be_used_is_told_by_field(tmp_path: Path, changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        read_suite(written(tmp_path, **changes))


@given(
    st.sampled_from(["succeeded", "failed", "cancelled", "waiting"]),
    st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in CRITERIA}),
)
def test_success_is_never_claimed_without_its_evidence(status: str, criteria: dict[str, bool | None]):
    found = _success(status, criteria)
    if found is True:
        assert status == "succeeded"
        assert criteria["no_error"] is True
        assert criteria["quantitative_results"] is True
        assert False not in criteria.values()
    if status in ("cancelled", "waiting"):
        assert found is None
    if status == "failed":
        assert found is False


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from([True, False, None]))))
def test_the_rows_of_a_table_add_up(drawn: list[tuple[str, str, bool | None]]):
    cells = tuple(cell(mode=mode, modality=modality, success=success) for mode, modality, success in drawn)
    rows = tuple(_rows(cells))
    single = [row for row in rows if "all" not in (row.mode, row.modality)]
    total = rows[-1]
    for name in ("cells", "ended", "judged", "successes", "tokens"):
        assert sum(getattr(row, name) for row in single) == getattr(total, name)
    assert total.cells == len(drawn)
    for row in rows:
        assert (row.share is None) == (row.judged == 0)
        assert row.share is None or row.low <= row.share <= row.high


def test_what_nobody_knows_is_left_out_of_the_sums_and_said():
    row = tuple(_rows((cell(tokens=None, usd=None),)))[-1]
    assert (row.tokens, row.tokens_unknown, row.usd, row.usd_unknown) == (0, 1, 0.0, 1)
    total = tuple(_rows((cell(), cell(status="failed", success=False, usd=None))))[-1]
    assert (total.usd, total.usd_unknown, total.successes, total.judged) == (0.5, 1, 1, 2)


def test_the_report_is_inert_and_says_what_the_table_says():
    hostile = cell(task="<script>alert(1)</script>", reason="\u202e<img src=x>", status="failed", success=False)
    cells = (cell(), hostile)
    results = Results("bat_1", "<b>suite</b>", "d" * 64, datetime(2026, 11, 2, tzinfo=UTC), "protocol", cells, ())
    html = render_bench(replace(results, rows=tuple(_rows(cells))))
    assert not {"script", "img", "link", "a"} & tags(html)
    assert "\u202e" not in html
    assert "1 of 2 judged runs succeeded, of 2 cells." in html
