"""Errors put into clean manuscripts are found, and clean manuscripts stay clean."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.injection import (
    Case,
    Injected,
    altered_digits,
    flipped_signs,
    made_up,
    stale_numbers,
    swapped_rows,
    wrong_n,
    wrong_p,
)
from support.studies import small_protocol, write_protocol

from core.runners.base import RunContext, RunSpecification
from core.runners.scientist.protocol.runner import ProtocolRunner
from evaluators.manuscript.findings import Finding, Inputs, Severity
from evaluators.manuscript.integrity import check_manuscript
from evaluators.manuscript.logged import read_run
from evaluators.manuscript.reading import read_here

MADE_UP = 3
FEWEST, LEAST_SHARE = 200, 0.9
SAID = (" & ", "reaches", "increases", "validation loss is")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A manuscript that the protocol backend wrote, and its run."""
    folder = tmp_path_factory.mktemp("study")
    models = [
        {"name": "ridge", "title": "Ridge regression", "kind": "ridge", "grid": {"strength": [1.0]}},
        {
            "name": "forest",
            "title": "Random forest",
            "kind": "random_forest",
            "grid": {"trees": [20], "smallest_leaf": [5]},
        },
    ]
    groups = [
        {"name": "lower pressure", "where": {"column": "bp", "below": 93}},
        {"name": "higher pressure", "where": {"column": "bp", "at_least": 93}},
    ]
    protocol = small_protocol(models=models, subgroups=groups, predictors=["age", "bmi", "bp", "s1", "s5"])
    path = write_protocol(folder, protocol) / "protocol.yaml"
    out = folder / "out"
    out.mkdir()
    ProtocolRunner().run(RunSpecification("protocol", {"protocol": path}), RunContext(out, lambda _done, _what: None))
    return Case((out / "manuscript.tex").read_text(), read_run(out))


Look = Callable[[str, Case], list[Finding]]


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """The findings of high and medium severity in a LaTeX source."""
    file = tmp_path / "paper.tex"

    def findings(source: str, case: Case) -> list[Finding]:
        file.write_text(source)
        report = check_manuscript(read_here(file, "latex", None), Inputs(run=case.run))
        assert not [check.reason for check in report.checks if "stopped" in check.reason]
        return [finding for finding in report.findings if finding.severity in (Severity.HIGH, Severity.MEDIUM)]

    return findings


def injections(case: Case, seed: int) -> Iterator[Injected]:
    """Every error that fits a made-up paper."""
    rng = random.Random(seed)  # noqa: S311

    def states(line: str) -> bool:
        return any(word in line for word in SAID)

    yield from altered_digits(case.source, rng, states)
    yield from stale_numbers(case.source, rng, states)
    yield from flipped_signs(case.source, states)
    yield from swapped_rows(case.source)
    yield from wrong_p(case.source, rng)
    yield from wrong_n(case.source, rng)


def test_made_up_papers_are_clean_and_injected_errors_are_found(look: Look) -> None:
    injected, found = Counter[str](), Counter[str]()
    missed = []
    for seed in range(MADE_UP):
        case = made_up(seed)
        assert look(case.source, case) == []
        for one in injections(case, seed):
            injected[one.kind] += 1
            if look(one.source, case):
                found[one.kind] += 1
            else:
                missed.append((seed, one.kind, one.what))
    assert injected.total() >= FEWEST
    assert set(injected) == {"altered digit", "stale number", "flipped sign", "swapped rows", "wrong p", "wrong n"}
    assert all(found[kind] / count >= LEAST_SHARE for kind, count in injected.items()), (injected, found, missed)


def test_a_manuscript_of_the_protocol_backend_is_clean_and_altered_cells_are_found(study: Case, look: Look) -> None:
    clean = look(study.source, study)
    assert sum(finding.severity is Severity.HIGH for finding in clean) == 0
    before = {finding.message for finding in clean}
    rng = random.Random(7)  # noqa: S311

    def states(line: str) -> bool:
        return " & " in line

    twice = [one for _ in range(2) for one in altered_digits(study.source, rng, states)]
    altered = [*twice, *flipped_signs(study.source, states)]
    chosen = rng.sample(altered, min(60, len(altered)))
    found = [one for one in chosen if {finding.message for finding in look(one.source, study)} - before]
    missed = [one.what for one in chosen if one not in found]
    assert len(chosen) >= 40
    assert len(found) / len(chosen) >= LEAST_SHARE, missed
