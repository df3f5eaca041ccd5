"""The integrity rules on real papers: what must be found, and what must not."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from evaluators.manuscript.findings import Finding, Severity
from evaluators.manuscript.suite import ManuscriptResult, evaluate_manuscript, manuscript_measures

RUNS = ("gan_diffusion", "multi_style_adapter")


@lru_cache(maxsize=4)
def checked(path: Path, run: Path | None) -> ManuscriptResult:
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    return evaluate_manuscript(path, run)


def of_run(samples: Path, name: str) -> ManuscriptResult:
    return checked(samples / "runs" / name / "latex" / "template.tex", samples / "runs" / name)


def case1(samples: Path) -> ManuscriptResult:
    return checked(samples / "manuscripts" / "medical-ai-scientist-case1.pdf", None)


def found(result: ManuscriptResult, rule: str) -> list[Finding]:
    check = result.report[rule]
    assert check.status == "checked", check.reason
    return list(check.findings)


def test_the_numbers_of_gan_diffusion_come_from_its_run(samples: Path) -> None:
    result = of_run(samples, "gan_diffusion")
    check = result.report["number-provenance"]
    assert check.looked_at == 64
    assert check.evidence["traced"] >= 62  # type: ignore[operator]
    assert result.report.count(Severity.HIGH) == 0
    share = result.evaluations[0]["provenance_share"].value
    assert share is not None
    assert share >= 62 / 64


def test_the_wrong_standard_errors_of_multi_style_adapter_are_found_with_the_logged_ones(samples: Path) -> None:
    findings = {f.quote: f for f in found(of_run(samples, "multi_style_adapter"), "number-provenance")}
    loss, speed = findings["1.4655 ± 0.0121"], findings["666.51 ± 5.23"]
    assert (loss.severity, speed.severity) == (Severity.HIGH, Severity.HIGH)
    logged = [finding.evidence["logged"][0]["value"] for finding in (loss, speed)]  # type: ignore[index]
    assert logged == [pytest.approx(0.000482, abs=1e-6), pytest.approx(3.0979, abs=1e-4)]
    assert loss.expected.startswith("0.00048 (run_0/final_info.json#/shakespeare_char/stderrs/best_val_loss_stderr")


def test_what_multi_style_adapter_never_ran_is_unsupported(samples: Path) -> None:
    findings = found(of_run(samples, "multi_style_adapter"), "number-provenance")
    assert {f.severity for f in findings if f.quote.startswith(("0.9723", "0.9612"))} == {Severity.MEDIUM}


def test_case_1_has_the_grid_the_ablation_sign_and_two_checkpoint_rules(samples: Path) -> None:
    result = case1(samples)
    (grid,) = found(result, "accuracy-grid")
    assert (grid.severity, grid.expected) == (Severity.HIGH, "n = 150")
    assert "732 or 733" in grid.message
    signs = found(result, "ablation-sign")
    assert signs
    assert all("0.8267 to 0.7774" in finding.message for finding in signs)
    (rules,) = found(result, "checkpoint-rules")
    assert len(rules.evidence["rules"]) == 2  # type: ignore[arg-type]
    assert found(result, "evaluation-selection")
    assert found(result, "table-text") == []
    assert found(result, "best-marked") == []
    assert found(result, "direction-of-change") == []
    assert result.report["number-provenance"].status == "not_checked"


def test_every_finding_of_the_real_papers_has_a_place_and_a_quote_that_occurs(samples: Path) -> None:
    for result in (case1(samples), *(of_run(samples, name) for name in RUNS)):
        paper = result.manuscript
        texts = [s.text for s in paper.sentences()] + [r.text for r in paper.references] + [paper.abstract]
        texts += [cell.text for table in paper.tables for row in table.cells for cell in row]
        for finding in result.report.findings:
            assert finding.place.page or finding.place.line
            assert any(finding.quote in text for text in texts), finding
        assert not [check.reason for check in result.report.checks if "stopped" in check.reason]


def test_the_evaluation_is_json_and_its_measures_are_the_declared_ones(samples: Path) -> None:
    import json

    result = of_run(samples, "gan_diffusion")
    assert json.loads(json.dumps(result.to_json()))["evaluations"]
    assert tuple(m.measure for m in result.evaluations[0].measurements) == manuscript_measures()


def test_case_1_cites_two_papers_under_numbers_of_others_and_hides_nothing(samples: Path) -> None:
    result = case1(samples)
    wrong = {finding.quote: finding for finding in found(result, "citation-titles")}
    assert {quote for quote, finding in wrong.items() if finding.severity is Severity.HIGH} == {
        "2402.17139",
        "2306.00986",
    }
    assert wrong["2402.17139"].expected == "Video as the New Language for Real-World Decision Making"
    assert found(result, "hidden-text") == []
    for rule in ("confusion-matrix", "possible-values", "repeated-figures", "tortured-phrases", "left-over-phrases"):
        assert found(result, rule) == []


@pytest.mark.parametrize("name", RUNS)
def test_the_papers_of_runs_have_no_finding_about_statistics_or_citations(samples: Path, name: str) -> None:
    severe = {Severity.HIGH, Severity.MEDIUM}
    result = of_run(samples, name)
    rules = ("citation-identifiers", "citation-titles", "citation-keys", "reference-dates", "hidden-text")
    assert not [f for rule in rules for f in result.report[rule].findings if f.severity in severe]
