"""Rubrics as data: their content, what a file of one's own may hold, scoring, and where reviewers differ."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.base import EvaluatorError
from evaluators.manuscript.rubric import find_rubric, load_rubric, read_rubric, rubric_names
from evaluators.manuscript.scoring import Answer, check_answers, differences, score, share_of

SCALES = {
    "medical-ai-scientist-idea": {"novelty maturity ethicality generalizability utility interpretability": (1, 5)},
    "medical-ai-scientist-implementation": {"algorithm_fidelity pipeline_integrity": (1, 5)},
    "medical-ai-scientist-manuscript": {"novelty clarity coherence reproducibility coverage": (1, 5)},
    "neurips-2024": {
        "originality quality clarity significance soundness presentation contribution": (1, 4),
        "overall": (1, 10),
        "confidence": (1, 5),
    },
    "neurips-2025": {"quality clarity significance originality": (1, 4), "overall": (1, 6), "confidence": (1, 5)},
    "iclr-2025": {"soundness presentation contribution": (1, 4), "rating": (1, 10), "confidence": (1, 5)},
    "miccai-2026": {"rating": (1, 6), "confidence": (1, 4)},
    "agents4science": {"quality clarity significance originality": (1, 4), "overall": (1, 6)},
    "replication": {},
}
"""Dimensions and ends of the scales, by the forms that the rubrics follow."""

CUSTOM = {
    "schema": "greenlight.rubric/1",
    "id": "our-form",
    "version": "2.1",
    "title": "Our form",
    "judges": "manuscript",
    "source": {"title": "Our group"},
    "items": [
        {"id": "overall", "title": "Overall", "values": [1, 2, 3], "differ_by": 2},
        {
            "id": "parts",
            "title": "Parts",
            "kind": "group",
            "weight": 3,
            "items": [
                {"id": "data", "title": "Data", "kind": "yes_no", "weight": 3},
                {"id": "errors", "title": "Errors", "values": [0, 1, 5], "direction": "lower"},
            ],
        },
        {"id": "remarks", "title": "Remarks", "kind": "text", "optional": True},
    ],
    "decision": {"item": "overall", "accept_from": 2},
}


@pytest.fixture
def custom(tmp_path):
    def make(**changes):
        path = tmp_path / "form.yaml"
        path.write_text(json.dumps({**CUSTOM, **changes}), encoding="utf-8")
        return read_rubric(path)

    return make


def test_every_set_is_there():
    assert set(rubric_names()) == set(SCALES)


@pytest.mark.parametrize("name", sorted(SCALES))
def test_a_rubric_has_the_dimensions_and_scales_of_its_form(name):
    rubric = load_rubric(name)
    for ids, (low, high) in SCALES[name].items():
        for item in ids.split():
            assert (rubric[item].values[0], rubric[item].values[-1]) == (low, high)
    assert rubric.id == name
    assert rubric.file.digest.startswith("sha256:")
    assert all(leaf.question for leaf in rubric.leaves())
    assert all(item.kind != "score" or item.anchors for item in rubric.leaves())
    json.dumps(rubric.content.model_dump())


def test_iclr_ratings_are_six_numbers_with_gaps():
    assert load_rubric("iclr-2025")["rating"].values == (1, 3, 5, 6, 8, 10)


@pytest.mark.parametrize(
    ("name", "item", "last_reject", "first_accept"),
    [
        ("neurips-2024", "overall", 5, 6),
        ("iclr-2025", "rating", 5, 6),
        ("miccai-2026", "rating", 3, 4),
        ("neurips-2025", "overall", 3, 4),
    ],
)
def test_a_form_recommends_from_its_threshold_on(name, item, last_reject, first_accept):
    rubric = load_rubric(name)
    assert score(rubric, {item: Answer(float(last_reject))}).accept is False
    assert score(rubric, {item: Answer(float(first_accept))}).accept is True
    assert score(rubric, {}).accept is None


def test_binary_leaves_roll_up_by_weight():
    rubric = load_rubric("replication")
    answers = check_answers(rubric, {leaf.id: leaf.id != "components_there" for leaf in rubric.leaves()})
    found = score(rubric, answers)
    assert found.nodes["method"].share == pytest.approx(3 / 6)
    assert found.nodes["data"].share == 1.0
    assert found.total.share == pytest.approx((2 * 1 + 3 * 0.5 + 2 * 1 + 3 * 1) / 10)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_the_total_lies_between_worst_and_best_and_never_falls_with_a_better_answer(data):
    rubric = load_rubric(data.draw(st.sampled_from(sorted(SCALES))))
    counting = [leaf for leaf in rubric.leaves() if leaf.counts]
    values = {leaf.id: data.draw(st.sampled_from(leaf.values or (True, False))) for leaf in counting}
    total = score(rubric, {name: Answer(value) for name, value in values.items()}).total.share
    assert 0 <= total <= 1
    leaf = data.draw(st.sampled_from(counting))
    better = data.draw(st.sampled_from(leaf.values or (True, False)))
    if share_of(leaf, better) >= share_of(leaf, values[leaf.id]):
        raised = score(rubric, {name: Answer(value) for name, value in {**values, leaf.id: better}.items()})
        assert raised.total.share >= total - 1e-12


def test_an_item_that_is_left_out_leaves_its_group_without_a_number(custom):
    rubric = custom()
    answers = check_answers(rubric, {"overall": 3, "errors": 5}, complete=False)
    found = score(rubric, answers)
    assert found.nodes["parts"].share is None
    assert found.nodes["parts"].reason == "no answer to data"
    assert found.total.reason == "no answer to parts"
    assert found.nodes["errors"].share == 0.0
    assert found.nodes["overall"].share == 1.0
    json.dumps(found.to_json())


def test_reviewers_who_differ_by_the_limit_are_told():
    rubric = load_rubric("miccai-2026")
    reviews = [check_answers(rubric, {"rating": value}, complete=False) for value in (2, 4, 3)]
    found = differences(rubric, reviews)
    assert [(one.item, one.low, one.high, one.limit) for one in found] == [("rating", 2, 4, 2)]
    assert differences(rubric, reviews[1:]) == ()
    flags = [{"ethics_flag": Answer(True)}, {"ethics_flag": Answer(False)}]
    assert [one.item for one in differences(rubric, flags)] == ["ethics_flag"]


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"rating": 7}, "choose one of 1, 2, 3, 4, 5, 6"),
        ({"rating": 3.5}, "choose one of"),
        ({"rating": True}, "choose one of"),
        ({"rating": "4"}, "choose one of"),
        ({"ethics_flag": "no"}, "true or false"),
        ({"novelty": 3}, "has no item 'novelty'"),
        ({"rating": {"value": 3, "score": 3}}, "unknown field 'score'"),
        ({"strengths": "x" * 20_001}, "at most 20000"),
        ({"rating": {"value": 3, "quote": "x" * 1001}}, "shorten"),
        ({"rating": {"value": 3, "reason": 7}}, "no texts"),
    ],
)
def test_an_answer_off_the_form_is_refused_in_a_sentence(answers, says):
    with pytest.raises(EvaluatorError, match=says):
        check_answers(load_rubric("miccai-2026"), answers, complete=False)


def test_a_complete_review_answers_everything_but_what_is_optional(custom):
    rubric = custom()
    check_answers(rubric, {"overall": 1, "data": True, "errors": 0})
    with pytest.raises(EvaluatorError, match="lacks data, errors"):
        check_answers(rubric, {"overall": 1})


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("The method is not novel.", False),
        ("Limited novelty; incremental over U-Net.", False),
        ("This was already proposed by others.", False),
        ("Not novel: see doi:10.1000/xyz123.", True),
        ("The novelty is limited, as Chen et al. (2021) did the same.", True),
        ("Not novel given [12].", True),
        ("The test set is small.", True),
    ],
)
def test_who_denies_novelty_names_the_earlier_work(text, taken):
    rubric = load_rubric("miccai-2026")
    if taken:
        assert check_answers(rubric, {"weaknesses": text}, complete=False)["weaknesses"].value == text
        return
    with pytest.raises(EvaluatorError, match="denies novelty without a reference"):
        check_answers(rubric, {"weaknesses": text}, complete=False)


def test_a_rubric_of_ones_own_is_read_by_its_path(custom, tmp_path):
    assert custom().id == "our-form"
    assert find_rubric(str(tmp_path / "form.yaml")).version == "2.1"
    with pytest.raises(EvaluatorError, match="choose one of"):
        find_rubric("no-such-form")
    with pytest.raises(EvaluatorError, match="cannot be read"):
        find_rubric(str(tmp_path / "none.yaml"))


ITEM = CUSTOM["items"][0]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"items": [{**ITEM, "values": [3, 2, 1]}]}, "lowest first"),
        ({"items": [{**ITEM, "values": [1]}]}, "two or more"),
        ({"items": [{**ITEM, "values": [1, "two"]}]}, "numbers"),
        ({"items": [{**ITEM, "anchors": {7: "?"}}]}, "not on its scale"),
        ({"items": [{**ITEM, "weight": -1}]}, "greater than or equal"),
        ({"items": [{**ITEM, "weight": 0}]}, "no item has a weight"),
        ({"items": [ITEM, ITEM]}, "there twice"),
        ({"items": [{**ITEM, "colour": "red"}]}, "Extra inputs"),
        ({"items": [{**ITEM, "kind": "group"}]}, "items.0"),
        ({"items": [{**ITEM, "kind": "text", "values": [], "weight": 1}]}, "no number"),
        ({"items": []}, "at least 1"),
        ({"decision": {"item": "overall", "accept_from": 2.5}}, "value of its scale"),
        ({"decision": {"item": "data", "accept_from": 1}}, "needs a score"),
        ({"schema": "greenlight.rubric/9"}, "schema"),
        ({"judges": "people"}, "judges"),
        ({"version": "new"}, "version"),
        ({"source": {"title": "x", "url": "javascript:alert(1)"}}, "url"),
    ],
)
def test_a_file_that_is_no_rubric_is_refused_with_its_place(custom, changes, says):
    with pytest.raises(EvaluatorError, match=says) as caught:
        custom(**changes)
    assert str(caught.value).startswith("form.yaml")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: 1\na: 2", "repeated"),
        ("[" * 60 + "]" * 60, "deeper"),
        ("!!python/object/apply:os.system [ls]", "no YAML|not valid YAML"),
        ("just words", "the file"),
        ("x: " + "y" * 300_000, "larger"),
    ],
)
def test_hostile_yaml_is_refused(tmp_path, text, says):
    path = tmp_path / "form.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(EvaluatorError, match=says):
        read_rubric(path)
