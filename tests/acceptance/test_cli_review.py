"""`greenlight review` without a registry: ratings calibrated, rubrics shown, a checklist filled."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest

from core.cli.main import run

Command = Callable[..., tuple[int, str, str]]
PAPER = r"""\documentclass{article}
\title{A model that predicts death}
\begin{document}
\section{Methods}
Missing values were imputed by chained equations.
\section{Discussion}
A limitation is the single centre.
\end{document}
"""
PEOPLE = "paper_id\t0\t1\t2\tdecision\n" + "\n".join(
    f"p{n}\t{1 + n % 6}\t{1 + (n + n // 3) % 6}\t{1 + (n + n // 5) % 6}\t{'Accept' if n % 6 > 2 else 'Reject'}"
    for n in range(40)
)
JUDGE = "paper_id,Overall,Decision\n" + "\n".join(
    f"p{n},{2 + n % 6},{'Accept' if n % 6 > 1 else 'Reject'}" for n in range(40)
)


@pytest.fixture
def review(monkeypatch, capsys, tmp_path) -> Command:
    monkeypatch.setenv("GREENLIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["greenlight", "review", *map(str, arguments)])
        try:
            run()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def test_a_judge_is_calibrated_against_people(review, tmp_path):
    (tmp_path / "people.tsv").write_text(PEOPLE)
    (tmp_path / "judge.csv").write_text(JUDGE)
    code, out, _ = review("calibrate", "people.tsv", "judge.csv")
    assert code == 0
    for words in ("People among themselves: 40 papers, 120 ratings", "The judge judge", "Bias: judge minus people"):
        assert words in out
    assert "the judge's ratings have no dates" in out
    assert "A judge's score opens no gate." in out


def test_calibration_speaks_json_and_takes_a_folder(review, tmp_path):
    folder = tmp_path / "ratings"
    folder.mkdir()
    (folder / "people.tsv").write_text(PEOPLE)
    (folder / "judge.csv").write_text(JUDGE)
    code, out, _ = review("calibrate", folder, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["papers"] == 40
    auc = next(one for one in found["judges"]["judge"] if one["name"] == "auc")
    assert auc["value"] == 1.0


def test_a_file_that_is_no_ratings_is_told_in_one_sentence(review, tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n1,2")
    code, _, err = review("calibrate", "notes.csv")
    assert code != 0
    assert "names no papers" in err
    code, _, err = review("calibrate", "missing.csv")
    assert code != 0
    assert "missing.csv" in err


def test_rubrics_are_listed_and_shown(review):
    code, out, _ = review("rubrics")
    assert code == 0
    assert "miccai-2026" in out
    _, out, _ = review("rubrics", "iclr-2025")
    assert "1, 3, 5, 6, 8, 10" in out
    assert "recommends acceptance from rating 6 on" in out
    code, _, err = review("rubrics", "no-such")
    assert code != 0
    assert "choose one of" in err


def test_a_checklist_is_filled_with_the_line_of_its_evidence(review, tmp_path):
    (tmp_path / "paper.tex").write_text(PAPER)
    code, out, _ = review("checklist", "tripod-ai", "paper.tex", "--json")
    found = json.loads(out)
    entries = {entry["id"]: entry for entry in found["entries"]}
    assert code == 0
    assert entries["11"]["evidence"][0]["place"]["line"] == 5
    assert entries["26"]["status"] == "reported"
    assert entries["10"]["status"] == "reviewer"
    assert found["coverage"]["waiting"] == 52 - found["coverage"]["reported_by_rule"]
    _, out, _ = review("checklist", "tripod-ai", "paper.tex")
    assert "wait for a reviewer" in out
    _, out, _ = review("checklist", "tripod-ai")
    assert "18f" in out


def test_a_judge_reviews_a_paper_from_the_shell(review, tmp_path, serve):
    from support.vlm import completion

    quote = "Missing values were imputed by chained equations."
    items = ("novelty", "clarity", "coherence", "reproducibility", "coverage")

    def reply(body):
        value = 1 if "universal deep framework" in body["messages"][1]["content"] else 4
        form = {name: {"score": value, "quote": quote, "reason": "So it is."} for name in items}
        return completion(json.dumps({"text_addressed_to_judge": False} | form))

    text = PAPER.replace(quote, f"{quote} " + "The cohort held 420 patients of one hospital. " * 6)
    (tmp_path / "paper.tex").write_text(text)
    server = serve(reply)
    arguments = ("judge", "paper.tex", "--judge", "local", "--judge-url", server.url, "--samples", 1)
    code, out, _ = review(*arguments, "--price-in", 1, "--price-out", 2, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["answers"]["clarity"]["value"] == 4
    assert found["votes"]["clarity"][0]["place"]["line"] == 5
    assert found["cost"]["usd"] == pytest.approx(4 * (900 + 2 * 40) / 1e6)
    _, out, _ = review(*arguments)
    assert "A judge's score opens no gate." in out
    assert "4 of 5" in out
    code, _, err = review("judge", "paper.tex", "--judge", "nowhere")
    assert code != 0
    assert "name its provider" in err
