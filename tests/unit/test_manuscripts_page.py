"""docs/manuscripts.md lists the integrity rules in their own words, and the forms and guidelines that there are."""

from __future__ import annotations

import re
from pathlib import Path

from evaluators.manuscript.findings import SEVERITIES
from evaluators.manuscript.integrity.registry import rules

PAGE = (Path(__file__).parents[2] / "docs" / "manuscripts.md").read_text(encoding="utf-8")


def test_every_rule_is_on_the_page_as_it_is_and_nothing_else() -> None:
    rows = re.findall(r"^\| `[\w-]+`<br>.*$", PAGE, re.MULTILINE)
    cells = ((f"`{rule.name}`<br>{rule.title}", rule.meaning, rule.citation) for rule in rules())
    assert rows == ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]


def test_every_severity_is_explained() -> None:
    assert re.findall(r"^\| (high|medium|low|note) \|", PAGE, re.MULTILINE) == list(SEVERITIES)
