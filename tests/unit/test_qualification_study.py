"""The study: its statistics against closed forms, and a tiny run from scenes to report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape
from scipy.stats import kendalltau, mannwhitneyu

from evaluators.base import Evaluation, Measurement
from evaluators.qualification import statistics
from evaluators.qualification.corruptions import CORRUPTIONS, REARRANGED, Group, corrupt, differs
from evaluators.qualification.report import HTML_NAME, JSON_NAME, render, write_report
from evaluators.qualification.scenes import make_scene
from evaluators.qualification.statistics import Figure
from evaluators.qualification.study import Operating, Plan, Row, StudyResult, badness, run_study
from evaluators.qualification.wording import failures
from evaluators.video.physics import FALL, PLAUSIBILITY
from evaluators.video.suite import video_measures
from evaluators.video.summary import PARTS, overall, part_score, summarise

MEASURED = {measure.name: measure for measure in video_measures()}
TINY = Plan(
    development=("held",),
    held_out=("pan",),
    seeds=(31,),
    frames=36,
    levels=(4,),
    groups=(Group.PHYSICS, Group.PLAUSIBLE, Group.BASELINE),
)


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return run_study(plan=TINY)


def test_tau_and_auc_agree_with_scipy() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 5, 40), rng.integers(0, 6, 40)
    assert statistics.kendall_tau(x, y) == pytest.approx(kendalltau(x, y).statistic)
    good, bad = rng.integers(0, 9, 30), rng.integers(3, 12, 25)
    area = mannwhitneyu(bad, good).statistic / (30 * 25)
    assert statistics.roc_auc(good, bad) == pytest.approx(area)


def test_constant_figures_rank_nothing() -> None:
    assert statistics.kendall_tau([1, 2, 3], [5, 5, 5]) is None
    assert statistics.roc_auc([1, 1], [1, 1]) == 0.5
    assert statistics.roc_auc([], [1]) is None


def test_interval_holds_the_value_and_needs_two_scenes() -> None:
    good = {f"s{i}": [0.0, 1.0] for i in range(6)}
    bad = {f"s{i}": [0.5 + i / 10, 2.0] for i in range(6)}
    figure = statistics.auc_figure(good, bad)
    assert figure.low <= figure.value <= figure.high
    assert statistics.auc_figure({"a": [0]}, {"a": [1]}).low is None


def test_threshold_lets_at_most_the_given_share_of_good_clips_through() -> None:
    good = {"a": list(range(100))}
    threshold = statistics.threshold_for(good, 0.05)
    assert statistics.rate_figure(good, threshold).value <= 0.05


def test_badness_follows_the_direction() -> None:
    assert badness(PLAUSIBILITY, 0.2) > badness(PLAUSIBILITY, 0.9)
    assert badness(FALL, 9.81) == 0
    assert badness(FALL, 9.81 / 2) == pytest.approx(badness(FALL, 9.81 * 2))


def test_rearranging_frames_spoils_nothing_where_nothing_moves() -> None:
    still = make_scene("prop_shadow", 5, frames=20)
    hardest = {name: len(CORRUPTIONS[name].severities) - 1 for name in REARRANGED}
    assert all(corrupt(still, name, level) is None for name, level in hardest.items())
    assert corrupt(still, "gain_flicker", 0) is not None
    falling = make_scene("held", 5, frames=20)
    assert all(corrupt(falling, name, level) is not None for name, level in hardest.items())


def test_grain_is_no_difference_and_a_moved_object_is() -> None:
    truth = np.full((3, 64, 96, 3), 100, np.uint8)
    grain = np.random.default_rng(1).normal(0, 6, truth.shape)
    noisy = np.clip(truth + grain, 0, 255).astype(np.uint8)
    assert not differs(noisy, truth)
    noisy[1, 8:24, 8:24] += 20
    assert differs(noisy, truth)


@given(st.dictionaries(st.sampled_from(list(MEASURED)), st.floats(0, 50), min_size=1), st.sampled_from(list(PARTS)))
def test_every_further_fault_lowers_a_summary(values: dict[str, float], name: str) -> None:
    found = [Evaluation("t", "1", tuple(Measurement(MEASURED[n], v) for n, v in values.items()))]
    score = summarise(found)[name].value
    taken = [part for part in PARTS[name] if part.measure in values]
    if not taken:
        assert score is None
        return
    parts = [part_score(part, values[part.measure]) for part in taken]
    assert score == pytest.approx(1 / (1 + sum(1 / part - 1 for part in parts)))
    assert 0 < score <= min(parts) + 1e-9


def test_clips_are_ranked_by_their_lowest_score() -> None:
    assert overall({"temporal": 0.4, "preservation": 0.9, "removal": None, "physics": 0.1}) == 0.4
    assert overall({"physics": 0.1}) is None


def test_study_separates_upward_motion_from_the_truth(result: StudyResult) -> None:
    row = result.row("physics_plausibility", "upward")
    assert row.auc.value > 0.9
    assert row.auc.clips == 1
    assert row.abstained == 0


def test_lazy_baselines_rank_last(result: StudyResult) -> None:
    assert result.baselines_last.value == 1


def test_report_is_one_page_and_json_holds_every_clip(result: StudyResult, tmp_path: Path) -> None:
    page = write_report(result, tmp_path)
    assert page == tmp_path / HTML_NAME
    text = page.read_text(encoding="utf-8")
    assert "held-out" in text
    assert "data:image/png;base64," in text
    assert "http" not in text.replace("http-equiv", "")
    stored = json.loads((tmp_path / JSON_NAME).read_text(encoding="utf-8"))
    assert len(stored["samples"]) == len(result.samples)
    assert {sample["family"] for sample in stored["samples"]} == {"held", "pan"}


def figures(*rows: tuple[str, str, float | None], alarms: float = 0.05) -> StudyResult:
    """A result made of ROC-AUCs by measure and corruption."""
    nothing = Figure(None, None, None, 0, 0)
    made = tuple(
        Row(measure, name, nothing, Figure(auc, None, None, 1, 1), nothing, 0.0, (0.5, 0.6, 0.9, 1.0, 1.0))
        for measure, name, auc in rows
    )
    operating = (Operating("jitter", 0.1, Figure(alarms, None, None, 1, 1)),)
    return StudyResult("1", TINY, "a machine", "2026-01-31", made, operating, nothing, ())


def test_failures_are_told_worst_first_with_the_doses_that_are_missed() -> None:
    told = failures(
        figures(
            ("temporal", "freeze", 0.85), ("warp_error", "freeze", 0.4), ("disorder", "freeze", 0.95),
            ("removal", "shadow_left", 0.3), ("temporal", "jitter", 1.0), alarms=0.25,
        )
    )  # fmt: skip
    assert [sentence.split(":")[0] for sentence in told[:3]] == ["Shadow left", "Freeze", "Jitter"]
    assert told[0] == "Shadow left: not noticed by the score 'removal' (ROC-AUC 0.300). Blind to it: removal."
    assert "not surely" in told[1]
    assert "missed at 0.2, 0.4 share of the clip" in told[1]
    assert "The best measure is 'disorder' (0.950). Blind to it: warp_error." in told[1]
    assert "noticed surely" in told[2]
    assert told[3].startswith("'jitter' raises false alarms: it calls 25% of good clips")
    assert len(failures(figures(("temporal", "freeze", None)))) == 1


def test_the_page_says_when_where_and_what_fails(result: StudyResult) -> None:
    page = render(result)
    assert f"measured on {result.date}" in page
    assert "cores" in result.machine
    assert all(str(escape(sentence)) in page for sentence in failures(result))


def test_figures_alone_leave_the_clips_out(result: StudyResult, tmp_path: Path) -> None:
    page = write_report(result, tmp_path, page_name="report.html", json_name="report.json", clips=False)
    stored = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert page.name == "report.html"
    assert "samples" not in stored
    assert len(stored["rows"]) == len(result.rows)
