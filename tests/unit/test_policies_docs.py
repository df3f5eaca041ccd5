"""What docs/policies.md shows is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

from policies import builtin_ids, headline, judge, load_builtin
from policies.clauses import FORMS
from policies.fixtures import Case
from policies.lint import lint
from policies.loading import loads
from policies.trace import TraceNode, deciding

PAGE = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_example_says_what_the_page_says() -> None:
    assessment = judge(loads(block("yaml")), json.loads(block("json")), "release")
    assert headline([assessment]) == block("text").strip()


def test_the_example_is_a_sound_pack_but_for_its_other_examples() -> None:
    case = Case("EX-1", "fail", "release", json.loads(block("json")), "the page's facts")
    assert {finding.rule for finding in lint(loads(block("yaml")), [case])} == {"no-example"}


def test_every_clause_and_every_pack_is_on_the_page() -> None:
    assert all(f"`{name}" in PAGE for name in FORMS)
    assert all(f"`{pack_id}`" in PAGE for pack_id in builtin_ids())


def test_every_attestation_that_a_pack_asks_for_is_on_the_page() -> None:
    for pack_id in builtin_ids():
        for control in load_builtin(pack_id).controls:
            text = json.dumps([control.applies_when.to_json(), control.passes_when.to_json()])
            for kind in re.findall(r'"attested_by": \{"kind": "(\w+)"', text):
                assert f"`{kind}`" in PAGE


def test_the_trace_of_the_example_names_who_decided() -> None:
    verdict = judge(loads(block("yaml")), json.loads(block("json")), "release")["EX-1"]
    assert isinstance(verdict.passes_trace, TraceNode)
    assert [node.item for node in deciding(verdict.passes_trace) if node.item] == ["A. Example"]
