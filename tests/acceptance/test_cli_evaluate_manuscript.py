"""`greenlight evaluate manuscript`: a paper is checked from the shell, with no registry."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pypdf
import pytest
from support.injection import made_up
from support.reviewing import paper as printed

from core.cli.main import run


class Said(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run the command in an empty folder, where no registry has ever been."""
    monkeypatch.setenv("GREENLIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["greenlight", "evaluate", "manuscript", *map(str, arguments)])
        code = 0
        try:
            run()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return command


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A made-up paper with one altered number, and its run in the folder `run`."""
    case = made_up(1)
    document: dict[str, dict[str, object]] = {}
    for one in case.run.numbers:
        inner: dict = document
        for key in one.path[:-1]:
            inner = inner.setdefault(key, {})
        inner[one.path[-1]] = one.value
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "final_info.json").write_text(json.dumps(document))
    auc = next(one.value for one in case.run.numbers if one.path == ("methods", "Full model", "auc"))
    file = tmp_path / "paper.tex"
    file.write_text(case.source.replace(f"AUC of {auc:.4f}", f"AUC of {auc - 0.0321:.4f}"))
    return file


def test_findings_are_told_with_rule_line_quote_and_what_was_expected(evaluate: Command, paper: Path) -> None:
    said = evaluate(paper, "--run", paper.parent / "run")
    assert said.code == 0
    assert "HIGH" in said.out
    assert "table-text, line" in said.out
    assert "expected: 0." in said.out
    assert re.search(r"^Findings: [1-9]\d* high.*\. \d+ of \d+ rules had what they need\.$", said.out, re.MULTILINE)
    assert "Numbers traced to the run: 9" in said.out


def test_the_same_for_a_machine(evaluate: Command, paper: Path) -> None:
    answer = json.loads(evaluate(paper, "--run", paper.parent / "run", "--json").out)
    finding = answer["findings"][0]
    assert finding["severity"] == "high"
    assert {"rule", "message", "place", "quote", "expected", "confidence", "evidence"} <= finding.keys()
    measures = {m["measure"]["name"]: m["value"] for m in answer["evaluations"][0]["measurements"]}
    assert measures["findings_high"] >= 1
    assert 0.9 < measures["provenance_share"] < 1


def test_without_a_run_the_provenance_is_not_checked(evaluate: Command, paper: Path) -> None:
    said = evaluate(paper)
    assert said.code == 0
    assert "Numbers traced to the run: not checked: no run was given; name its folder with --run." in said.out
    answer = json.loads(evaluate(paper, "--json").out)
    measures = {m["measure"]["name"]: m for m in answer["evaluations"][0]["measurements"]}
    assert measures["provenance_share"]["value"] is None
    assert measures["provenance_share"]["reason"]


@pytest.mark.parametrize("arguments", [("nothing.pdf",), ("paper.tex", "--run", "nowhere")])
def test_what_cannot_be_read_is_told_in_a_sentence(evaluate: Command, paper: Path, arguments: tuple[str, ...]) -> None:
    said = evaluate(*arguments)
    assert said.code != 0
    assert "Traceback" not in said.err + said.out
    assert "give" in said.err


def test_a_copy_of_a_pdf_is_highlighted(evaluate: Command, tmp_path: Path) -> None:
    wrong = "The groups differed, t(28) = 2.20, p = .40, in the primary outcome."
    (tmp_path / "paper.pdf").write_bytes(printed("1 Results", wrong))
    said = evaluate("paper.pdf", "--highlight", "marked.pdf")
    assert (said.code, "highlighted in marked.pdf" in said.out) == (0, True)
    notes = [str(note.get_object()["/T"]) for note in pypdf.PdfReader(tmp_path / "marked.pdf").pages[0]["/Annots"]]
    assert notes == ["HIGH: recomputed-p"]
    (tmp_path / "clean.pdf").write_bytes(printed("1 Results", "The groups did not differ."))
    said = evaluate("paper.pdf", "--highlight", "paper.pdf")
    assert (said.code, "is the paper itself" in said.err, said.out) == (2, True, "")


def test_a_paper_without_a_finding_is_told_in_full_though_nothing_is_highlighted(
    evaluate: Command, tmp_path: Path
) -> None:
    (tmp_path / "clean.pdf").write_bytes(printed("1 Results", "The groups did not differ."))
    said = evaluate("clean.pdf", "--highlight", "none.pdf")
    assert (said.code, said.err) == (0, "")
    assert "Findings: none." in said.out
    assert "rules had what they need" in said.out
    assert "nothing to highlight, so none.pdf was not written" in said.out
    assert not (tmp_path / "none.pdf").exists()


def test_what_cannot_be_highlighted_is_refused_before_it_is_checked(evaluate: Command, paper: Path) -> None:
    said = evaluate(paper, "--highlight", "marked.pdf")
    assert (said.code, said.out) == (2, "")
    assert "only a PDF can be highlighted" in said.err
