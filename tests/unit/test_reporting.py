"""A guideline's form: its items and back, its answers over the rules', and that it never has a total."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.base import EvaluatorError
from evaluators.manuscript.datafile import Digest, read
from evaluators.manuscript.document import Box, Manuscript, Place, Section, Sentence
from evaluators.manuscript.guideline import (
    Guideline,
    GuidelineFile,
    fill,
    guideline_names,
    load_guideline,
)
from evaluators.manuscript.reporting import (
    Given,
    counted,
    find_form,
    form_file,
    form_id,
    guideline_id,
    heard,
    kept_checklist,
    unfilled,
)
from evaluators.manuscript.rubric import SAID, RubricFile, rubric_names
from evaluators.manuscript.scoring import Answer, check_answers, differences, score

FOUND = "The learning rate was 1e-4."


def paper() -> Manuscript:
    place = Place("Methods", page=3, boxes=(Box(3, 1, 2, 30, 12),))
    sections = (Section("Methods", 1, (Sentence(FOUND, place),), place),)
    return Manuscript("pdf", "T", "", sections, (), (), (), (), (), 9, "0" * 64)


@pytest.mark.parametrize("name", guideline_names())
def test_a_guideline_is_a_form_with_one_choice_an_item_grouped_by_its_sections(name):
    guideline, made = load_guideline(name).content, find_form(name)
    assert made.is_checklist
    assert name not in rubric_names()
    assert {guideline_id(leaf): (leaf.question, leaf.values) for leaf in made.leaves()} == {
        item.id: (item.text, SAID) for item in guideline.items
    }
    assert all(leaf.id == form_id(guideline_id(leaf)) for leaf in made.leaves())
    assert {group.title: {guideline_id(one) for one in group.items} for group in made.content.items} == {
        section: {item.id for item in guideline.items if item.section == section}
        for section in dict.fromkeys(item.section for item in guideline.items)
    }
    assert form_file(load_guideline(name)) == form_file(load_guideline(name))


def test_two_items_that_would_be_one_on_the_form_are_refused():
    content = load_guideline("consort-ai").content
    twice = tuple(
        item.model_copy(update={"id": one}) for item, one in zip(content.items, ("5 (i)", "5.i"), strict=False)
    )
    changed = GuidelineFile.model_validate(
        content.model_dump(by_alias=True) | {"items": [one.model_dump() for one in twice]}
    )
    with pytest.raises(EvaluatorError, match="item_5_i"):
        form_file(Guideline(changed, Digest("x", "sha256:0")))


@given(st.data())
@settings(deadline=None, max_examples=25)
def test_a_checklist_has_counts_and_never_a_total(data):
    made = find_form(data.draw(st.sampled_from(["consort-ai", "spirit-ai"])))
    answers = {leaf.id: Answer(data.draw(st.sampled_from(SAID))) for leaf in made.leaves()}
    found = score(made, answers)
    assert found.total.share is None
    assert "no total" in str(found.total.reason)
    assert found.accept is None
    assert all(node.share is None for node in found.nodes.values())
    assert sum(counted(answer.value for answer in answers.values()).values()) == len(answers)


def test_every_item_must_be_answered_also_those_that_a_rule_found():
    made = find_form("consort-ai")
    answers = {leaf.id: "reported" for leaf in made.leaves()}
    assert len(check_answers(made, answers)) == 14
    del answers["item_5_i"]
    with pytest.raises(EvaluatorError, match="lacks item_5_i"):
        check_answers(made, answers)
    with pytest.raises(EvaluatorError, match="choose one of reported, not_reported, not_applicable"):
        check_answers(made, {"item_5_i": "yes"}, complete=False)


def test_two_words_of_a_choice_are_a_dispute_and_one_is_none():
    made = find_form("consort-ai")
    said = [{"item_19": Answer(word)} for word in ("not_applicable", "reported", "reported")]
    assert [(one.item, one.title, one.low, one.high) for one in differences(made, said)] == [
        ("item_19", "Item 19", "reported", "not_applicable")
    ]
    assert differences(made, said[1:]) == ()
    assert differences(made, [{}, {"item_19": Answer(None)}, said[0]]) == ()


def test_peoples_answers_go_before_the_rules_with_who_said_it_and_where():
    filled = fill(load_guideline("tripod-ai"), paper())
    assert filled["12c"].by == "rule"
    ada = Given(
        "Reviewer 1", {"item_12c": Answer("reported", "read it", "p. 3"), "item_4": Answer("reported", "", "p. 1")}
    )
    ben = Given("Ben", {"item_12c": Answer("reported", "", "Methods"), "item_4": Answer("not_reported")})
    one = heard(filled, [ada])
    assert (one["12c"].by, one["12c"].quote, one["12c"].reason, one["12c"].confidence) == (
        "Reviewer 1",
        "p. 3",
        "read it",
        None,
    )
    assert one["12c"].evidence == filled["12c"].evidence
    assert (one.coverage.reported_by_rule, one.coverage.reported_by_people, one.coverage.disputed) == (0, 2, 0)
    both = heard(filled, [ada, ben])
    assert (both["12c"].by, both["12c"].quote) == ("Reviewer 1 and Ben", "p. 3 / Methods")
    assert (both["4"].status, both["4"].disputed, both["4"].by) == ("reviewer", True, "reviewer")
    assert both["4"].reason == "Reviewer 1 says reported; Ben says not reported"
    assert (both.coverage.waiting, both.coverage.disputed) == (51, 1)
    settled = heard(filled, [ada, ben], Given("Cara", {"item_4": Answer("not_applicable")}))
    assert (settled["4"].status, settled["4"].by, settled.coverage.disputed) == ("not_applicable", "Cara", 0)
    assert settled["12c"].by == "Reviewer 1 and Ben"


def test_a_rules_answer_that_people_dispute_waits_and_counts_as_reported_by_nobody():
    filled = fill(load_guideline("tripod-ai"), paper())
    words = [Given(by, {"item_12c": Answer(word)}) for by, word in (("A", "reported"), ("B", "not_reported"))]
    found = heard(filled, words)
    assert (filled.coverage.reported_by_rule, found.coverage.reported_by_rule, found.coverage.waiting) == (1, 0, 52)
    assert found["12c"].confidence is None


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_coverage_adds_up_whoever_says_what(data):
    filled = fill(load_guideline("tripod-ai"), paper())
    ids = [form_id(entry.id) for entry in filled.entries[:12]]
    word = st.sampled_from([*SAID, None])
    people = [
        Given(f"P{number}", {one: Answer(data.draw(word)) for one in ids})
        for number in range(data.draw(st.integers(0, 3)))
    ]
    settled = Given("S", {one: Answer(data.draw(word)) for one in ids[:4]}) if data.draw(st.booleans()) else None
    found = heard(filled, people, settled)
    counts = found.coverage
    reported = counts.reported_by_rule + counts.reported_by_people
    assert counts.items == 52 == reported + counts.not_reported + counts.not_applicable + counts.waiting
    assert counts.disputed <= counts.waiting
    assert kept_checklist(json.loads(json.dumps(found.to_json()))) == found
    for entry in found.entries:
        said = {answers[form_id(entry.id)].value for _, answers in people if form_id(entry.id) in answers} - {None}
        own = settled.answers.get(form_id(entry.id), Answer(None)).value if settled else None
        expected = own or (said.pop() if len(said) == 1 else None)
        assert entry.disputed == (own is None and len(said) > 1)
        assert expected is None or (entry.status == expected and entry.by not in ("rule", "reviewer"))


def test_a_guideline_that_no_rule_was_tried_on_waits_as_a_whole():
    found = unfilled(find_form("stard-ai"))
    assert (found.coverage.items, found.coverage.waiting) == (48, 48)
    assert [entry.id for entry in found.entries] == [item.id for item in load_guideline("stard-ai").content.items]
    assert found.guideline["doi"] == load_guideline("stard-ai").content.doi


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "score", "values": [1, 2]},
        {"kind": "choice", "values": ["yes", "no"]},
        {"kind": "yes_no"},
        {"kind": "group", "items": [{"id": "b", "title": "B", "kind": "choice", "values": list(SAID)}]},
    ],
)
def test_a_checklist_of_ones_own_has_its_three_words_and_no_weight(item):
    file = {
        "schema": "greenlight.rubric/1", "id": "own", "version": "1", "title": "Own", "judges": "reporting",
        "source": {"title": "ours"}, "items": [{"id": "a", "title": "A", **item}],
    }  # fmt: skip
    with pytest.raises(EvaluatorError, match="of a checklist is no choice of reported"):
        read(json.dumps(file).encode(), "own.yaml", RubricFile)
