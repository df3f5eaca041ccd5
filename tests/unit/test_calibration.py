"""Judges against people: the published figures, known answers, files of every form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from evaluators.base import EvaluatorError
from evaluators.manuscript.calibration import area, balanced_accuracy, calibrate, draw_pairs
from evaluators.manuscript.ratings import read_file, read_ratings

GPT, CLAUDE = "gpt-4o_fewshot1_reflect5_ensemble5", "claude-3-5-sonnet_reflect5_ensemble5"


@pytest.fixture(scope="module")
def published(request):
    folder = Path(__file__).resolve().parents[3] / "shared" / "samples" / "reviews"
    if not folder.is_dir():
        pytest.skip("needs the samples, which are not beside this project")
    return calibrate(read_ratings([folder]))


@pytest.mark.parametrize(
    ("judge", "name", "figure"),
    [
        (None, "spearman_one", 0.363),
        (None, "alpha_interval", 0.354),
        (None, "kappa_one", 0.361),
        (GPT, "spearman_mean", 0.383),
        (GPT, "auc", 0.691),
        (GPT, "balanced_accuracy", 0.602),
        (CLAUDE, "spearman_mean", 0.323),
    ],
)
def test_the_published_figures_are_reproduced(published, judge, name, figure):
    found = published.of(name, judge)
    assert round(found.value, 3) == figure
    assert found.count == 500
    assert found.interval.low < found.value < found.interval.high


def test_the_published_bias_is_reproduced(published):
    assert round(published.of("bias", CLAUDE).value, 2) == 1.70
    assert published.papers == 500
    assert published.ratings == 1968


def test_a_share_is_of_a_reviewer_on_the_same_pairs(published):
    for name in ("spearman_one", "kappa_one", "spearman_rest"):
        share = published.of(f"{name}_share", GPT)
        assert share.value == pytest.approx(published.of(name, GPT).value / published.of(name).value)
        assert 0 < share.value < 1


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def wide(path: Path, rows, decisions=None) -> Path:
    head = ["paper_id", *(str(i) for i in range(len(rows[0]))), *(["decision"] if decisions else [])]
    lines = [
        "\t".join([f"p{number}", *map(str, row), *([decisions[number]] if decisions else [])])
        for number, row in enumerate(rows)
    ]
    return write(path, "\n".join(["\t".join(head), *lines]))


def test_a_judge_that_is_the_people_reaches_more_than_a_reviewer(tmp_path):
    rng = np.random.default_rng(5)
    truth = rng.normal(5, 2, 120)
    rows = np.clip(np.round(truth[:, None] + rng.normal(0, 2, (120, 3))), 1, 10).astype(int)
    people = wide(tmp_path / "people.tsv", rows.tolist(), ["Accept" if one > 5 else "Reject" for one in truth])
    lines = [f"p{i},{one:.3f},{'Accept' if one > 5 else 'Reject'}" for i, one in enumerate(truth)]
    judge = write(tmp_path / "oracle.csv", "\n".join(["paper_id,Overall,Decision", *lines]))
    found = calibrate(read_ratings([people, judge]))
    assert found.of("spearman_one_share", "oracle").value > 1.1
    assert found.of("auc", "oracle").value == 1.0
    assert found.of("balanced_accuracy", "oracle").value == 1.0
    assert abs(found.of("bias", "oracle").value) < 0.5


def test_a_constant_judge_has_no_correlation_and_says_why(tmp_path):
    people = wide(tmp_path / "people.tsv", [[1, 2], [3, 4], [5, 6], [2, 2]])
    judge = write(tmp_path / "dull.csv", "paper_id,Overall\np0,5\np1,5\np2,5\np3,5")
    found = calibrate(read_ratings([people, judge]))
    assert found.of("spearman_mean", "dull").value is None
    assert "do not differ" in found.of("spearman_mean", "dull").reason
    assert "accepted" in found.of("auc", "dull").reason
    assert "no dates" in found.of("drift", "dull").reason
    assert found.of("bias", "dull").value == pytest.approx(5 - np.mean([1.5, 3.5, 5.5, 2]))
    json.dumps(found.to_json(), allow_nan=False)


def long(path: Path, rows) -> Path:
    return write(path, "\n".join(["subject,rater,kind,score,date", *(",".join(map(str, row)) for row in rows)]))


def test_drift_over_time_and_on_papers_rated_again(tmp_path):
    rows = [
        (f"p{i}", who, "person", 1 + (i + shift) % 6, "") for i in range(24) for shift, who in enumerate(("a", "b"))
    ]
    for i in range(24):
        mean = np.mean([1 + i % 6, 1 + (i + 1) % 6])
        rows.append((f"p{i}", "m", "model", mean + (2.0 if i >= 12 else 0.0), f"2026-{1 + i // 4:02d}-10"))
    rows.extend((f"p{i}", "m", "model", 3, "2025-06-01") for i in (0, 1, 2))
    found = calibrate(read_ratings([long(tmp_path / "ratings.csv", rows)]))
    drift = found.of("drift", "m")
    assert drift.value > 1
    assert drift.interval.low > 0
    assert found.of("drift_repeats", "m").count == 3
    assert found.periods["m"][0]["month"] == "2025-06"
    assert found.periods["m"][-1] == {"month": "2026-06", "papers": 4, "bias": pytest.approx(2.0)}
    assert found.of("icc_2_1").count == 24


def test_people_who_are_unknown_get_the_one_way_coefficient(tmp_path):
    found = calibrate(read_ratings([wide(tmp_path / "people.tsv", [[1, 2], [4, 4], [6, 5]])]))
    assert found.of("icc_1_1").value > 0.8
    assert found.judges == {}
    with pytest.raises(KeyError):
        found.of("icc_2_1")


@given(st.lists(st.tuples(st.integers(1, 10), st.booleans(), st.booleans()), min_size=2, max_size=40))
@settings(deadline=None, max_examples=60)
def test_decision_figures_are_those_of_scikit_learn(rows):
    scores, real, own = (np.array(column) for column in zip(*rows, strict=True))
    if real.all() or not real.any():
        assert area(scores.astype(float), real) is None
        assert balanced_accuracy(own, real) is None
        return
    assert area(scores.astype(float), real) == pytest.approx(roc_auc_score(real, scores))
    assert balanced_accuracy(own, real) == pytest.approx(balanced_accuracy_score(real, own))


@given(st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=5, unique=True), min_size=2, max_size=6))
@settings(deadline=None, max_examples=30)
def test_a_drawn_pair_is_two_reviewers_of_one_paper(papers):
    scores = np.full((len(papers), 5), np.nan)
    for row, paper in enumerate(papers):
        scores[row, : len(paper)] = paper
    pairs = draw_pairs(scores, draws=10)
    for first, second, rest in zip(pairs.first, pairs.second, pairs.rest, strict=True):
        for paper, one, other, others in zip(papers, first, second, rest, strict=True):
            assert {one, other} <= set(paper)
            assert one != other
            assert others == pytest.approx((sum(paper) - one) / (len(paper) - 1))


def test_scores_with_their_anchor_and_json_are_read(tmp_path):
    rows = [{"paper_id": "x", "rater": "r1", "rating": "8: accept, good paper", "venue_decision": "Accept (Oral)"}]
    found = read_file(write(tmp_path / "r.json", json.dumps(rows)))
    assert found.ratings[0].score == 8.0
    assert found.decisions == {"x": True}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2", "names no papers"),
        ("paper_id\nx", "has no scores"),
        ("paper_id,0\nx,good", "'good' where a score belongs"),
        ("paper_id,0\n", "holds 0 rows"),
        ("[1, 2]", "no table of ratings"),
        ('{"a": 1}', "no table of ratings"),
        ("subject,rater,score,date\nx,r,3,yesterday", "as a date"),
        ("subject,rater,score\nx,r,3\nx,r,4", "rated twice"),
        ("subject,rater,kind,score\nx,p,person,3\nx,m,model,3\nx,m,model,4", "twice without dates"),
        ("subject,rater,score,dimension\nx,r,3,clarity", "no score for 'overall'"),
        ("subject,rater,kind,score\nx,m,model,3", "There are no people's ratings"),
        ("paper_id,0\nx,1e999", "where a score belongs"),
        ("paper_id,0\nx," + "9" * 400, "where a score belongs"),
    ],
)
def test_a_file_that_is_no_table_of_ratings_is_refused_in_a_sentence(tmp_path, text, says):
    with pytest.raises(EvaluatorError, match=says):
        read_ratings([write(tmp_path / "r.csv", text)])


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "r.csv"
    path.write_bytes(b"paper_id,0\n\xff\xfe,\x00")
    with pytest.raises(EvaluatorError, match="no table of ratings"):
        read_file(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EvaluatorError, match="no file of ratings"):
        read_ratings([tmp_path / "empty"])
