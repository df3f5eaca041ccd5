"""Checklists: their items, what a rule finds, and that what waits for a reviewer never counts as reported."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.base import EvaluatorError
from evaluators.manuscript.document import Manuscript, Place, Section, Sentence
from evaluators.manuscript.guideline import fill, guideline_names, load_guideline
from evaluators.manuscript.parts import part_of, passages

TRIPOD_PARTS = {
    3: "abc",
    5: "ab",
    6: "abc",
    8: "abc",
    9: "abc",
    12: "abcdefg",
    18: "abcdef",
    20: "abc",
    23: "ab",
    27: "abc",
}
TRIPOD = [f"{number}{part}" for number in range(1, 28) for part in TRIPOD_PARTS.get(number, [""])]
SIZES = {
    "tripod-ai": 52,
    "claim-2024": 44,
    "consort-ai": 14,
    "spirit-ai": 15,
    "stard-ai": 48,
    "probast-ai": 16 + 18,
    "decide-ai": 28 + 10,
    "mi-claim-gen": 26,
}


def paper(*sections: tuple[str, str | list[str]], title: str = "A study", abstract: str = "") -> Manuscript:
    made = []
    line = 1
    for heading, text in sections:
        sentences = []
        for one in [text] if isinstance(text, str) else text:
            line += 1
            sentences.append(Sentence(one, Place(heading, line=line)))
        made.append(Section(heading, 1, tuple(sentences), Place(heading, line=line)))
    return Manuscript("latex", title, abstract, tuple(made), (), (), (), (), (), None, "0" * 64)


def test_every_guideline_is_there_with_its_number_of_items():
    assert {name: len(load_guideline(name).content.items) for name in guideline_names()} == SIZES


def test_tripod_has_its_items_in_order():
    assert [item.id for item in load_guideline("tripod-ai").content.items] == TRIPOD
    assert len({item.id.rstrip("abcdefg") for item in load_guideline("tripod-ai").content.items}) == 27


@pytest.mark.parametrize(("name", "start", "count"), [("probast-ai", "D", 16), ("probast-ai", "E", 18)])
def test_probast_has_two_parts(name, start, count):
    assert sum(item.id.startswith(start) for item in load_guideline(name).content.items) == count


def test_claim_is_numbered_from_one_to_forty_four():
    assert [item.id for item in load_guideline("claim-2024").content.items] == [str(n) for n in range(1, 45)]


@pytest.mark.parametrize(
    ("item", "section", "sentence"),
    [
        ("4", "Introduction", "We aim to predict death within 30 days."),
        ("5b", "Methods", "Patients were admitted between January 2012 and May 2019."),
        ("6b", "Patients", "Patients younger than 18 years were excluded."),
        ("7", "Data", "Images were resized to 224 by 224 pixels and normalised."),
        ("8a", "Methods", "The primary outcome was death within 30 days of admission."),
        ("8c", "Methods", "Two cardiologists, blinded to the model's output, read each scan."),
        ("10", "Methods", "The sample size was calculated for a sensitivity of 90%."),
        ("11", "Statistical analysis", "Missing values were imputed by chained equations."),
        ("12a", "Methods", "The data were split by patient into training, validation and test sets."),
        ("12c", "Implementation details", "The learning rate was 1e-4."),
        ("12e", "Methods", "We report the AUROC and the Brier score."),
        ("13", "Methods", "We used class weights because of class imbalance."),
        ("14", "Results", "Performance in subgroups of sex and age is shown in Table 3."),
        ("17", "Ethics", "The institutional review board approved the study."),
        ("18a", "Funding", "No external funding was received."),
        ("18b", "Declarations", "The authors declare no competing interests."),
        ("18d", "Methods", "The trial was registered at ClinicalTrials.gov (NCT01234567)."),
        ("18e", "Data availability", "The dataset is publicly available."),
        ("18f", "Data availability", "Code is available at https://github.com/a/b."),
        ("20b", "Results", "Baseline characteristics are shown in Table 1."),
        ("23a", "Results", "The AUROC was 0.81 (95% CI 0.78 to 0.84)."),
        ("26", "Discussion", "A limitation is the single centre."),
        ("27c", "Conclusion", "Future work will test it in other countries."),
    ],
)
def test_a_rule_finds_the_sentence_that_reports_an_item(item, section, sentence):
    found = fill(load_guideline("tripod-ai"), paper((section, ["We did what follows.", sentence])))[item]
    assert found.status == "reported"
    assert found.by == "rule"
    assert found.evidence[0].quote == sentence
    assert found.evidence[0].place.line == 3
    assert 0 < found.confidence <= 1


@pytest.mark.parametrize(
    ("item", "section", "sentence"),
    [
        ("26", "Introduction", "A limitation of earlier work is its small size."),
        ("4", "Related work", "Chen et al. describe a network."),
        ("18f", "Methods", "We coded the diagnoses by ICD-10."),
        ("23a", "Results", "The AUROC was 0.81."),
        ("11", "Discussion", "What is missing is a trial."),
        ("18d", "Methods", "Images were registered to a common space."),
        ("10", "Results", "The power of the network is shown."),
        ("7", "Methods", "Careful normalization of the latents helps."),
        ("12c", "Methods", "where n is the batch size."),
        ("6a", "Methods", "The loss pulls latents towards their class centers."),
        ("12c", "Methods", "where c is one of the hyperparameters."),
        ("18c", "Methods", "The same protocol is applied to all baselines."),
    ],
)
def test_a_sentence_about_something_else_is_no_evidence(item, section, sentence):
    found = fill(load_guideline("tripod-ai"), paper((section, sentence)))[item]
    assert found.status == "reviewer"
    assert "a reviewer has to look" in found.reason
    assert found.confidence is None


def test_all_sentences_of_a_rule_are_needed():
    both = paper(("Abstract", ["We trained a network.", "It achieved an AUC of 0.9."]))
    one = paper(("Abstract", "We trained a network."))
    guideline = load_guideline("claim-2024")
    assert [len(fill(guideline, m)["2"].evidence) for m in (both, one)] == [2, 0]


def test_what_waits_for_a_reviewer_never_counts_as_reported():
    empty = fill(load_guideline("tripod-ai"), paper(("Introduction", "Nothing.")))
    assert empty.coverage.waiting == 52
    assert empty.coverage.share == 0.0


def test_an_appraisal_is_never_answered_by_a_sentence():
    full = paper(
        ("Methods", ["The sample size was calculated.", "Missing values were imputed.", "The dataset is from MIMIC."])
    )
    found = fill(load_guideline("probast-ai"), full)
    assert found.coverage.share == 0.0
    assert found["D4.3"].evidence[0].quote == "Missing values were imputed."
    assert "suitable" in found["D4.3"].reason


def test_a_persons_answer_goes_before_the_rules():
    filled = fill(load_guideline("consort-ai"), paper(("Methods", "We used version 2.")))
    assert filled["5 (i)"].status == "reported"
    answered = filled.answered({"5 (i)": "not_reported", "5 (v)": "reported", "25": "not_applicable"}, "A. Reviewer")
    assert answered["5 (i)"].by == "A. Reviewer"
    coverage = answered.coverage
    assert (coverage.reported_by_rule, coverage.reported_by_people, coverage.not_reported) == (0, 1, 1)
    assert coverage.share == pytest.approx(1 / 13)
    for wrong in ({"5 (i)": "reviewer"}, {"99": "reported"}):
        with pytest.raises(EvaluatorError, match="is no answer"):
            filled.answered(wrong, "A. Reviewer")
    json.dumps(answered.to_json())


@given(st.lists(st.sampled_from(["reported", "not_reported", "not_applicable"]), max_size=14))
@settings(deadline=None, max_examples=40)
def test_coverage_adds_up(statuses):
    filled = fill(load_guideline("consort-ai"), paper(("Methods", "We used version 2.")))
    ids = [entry.id for entry in filled.entries]
    counts = filled.answered(dict(zip(ids, statuses, strict=False)), "R").coverage
    reported = counts.reported_by_rule + counts.reported_by_people
    assert counts.items == reported + counts.not_reported + counts.not_applicable + counts.waiting
    assert counts.share is None or 0 <= counts.share <= 1


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("1 Introduction", "introduction"),
        ("2.1 Datasets and Preprocessing", "methods"),
        ("IV. RESULTS", "results"),
        ("Discussion and Conclusion", "discussion"),
        ("Related Work", "introduction"),
        ("Acknowledgements", "closing"),
        ("Data and code availability", "closing"),
        ("Ablation study", "results"),
        ("Problem Setting", None),
        ("Optimization Objectives", None),
        ("Aims", "introduction"),
        ("C. Implementation", "methods"),
    ],
)
def test_a_heading_tells_its_part(heading, part):
    assert part_of(heading) == part


def test_a_heading_that_tells_nothing_goes_with_what_is_above_it():
    made = paper(("Methods", "A."), ("Denoiser", "B."), ("Results", "C."), abstract="D.")
    sections = tuple(Section(s.title, 2 if s.title == "Denoiser" else 1, s.sentences, s.place) for s in made.sections)
    found = passages(Manuscript("latex", "T", "D.", sections, (), (), (), (), (), None, "0" * 64))
    assert [(one.part, one.text) for one in found] == [
        ("title", "T"), ("methods", "A."), ("methods", "B."), ("results", "C."), ("abstract", "D."),
    ]  # fmt: skip


def test_an_unknown_guideline_is_refused_with_the_list():
    with pytest.raises(EvaluatorError, match="tripod-ai"):
        load_guideline("strobe")
