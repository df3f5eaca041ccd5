"""The closed forms that the roles must fill; nothing that a model says counts unless it fits its form.

Lengths and ranges are checked after the answer: the JSON schemas of some servers know no limits.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

LONGEST, LONGEST_CODE, MOST_ITEMS = 6000, 60_000, 60
DIMENSIONS = ("novelty", "maturity", "ethicality", "generalizability", "utility", "interpretability")
"""The six of the idea, each 1 to 5."""
CHECKS = ("data_rights", "consent", "harm", "limitations", "overclaim")
"""What the ethics reviewer must speak about, one by one."""


class Form(BaseModel):
    """Nothing beyond the named fields, no guessing at types, nothing endless."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="after")
    def _bounded(self) -> Form:
        for name, value in self.__dict__.items():
            if isinstance(value, str) and len(value) > (LONGEST_CODE if name == "code" else LONGEST):
                raise ValueError(f"the text '{name}' is too long")
            if isinstance(value, list) and len(value) > MOST_ITEMS:
                raise ValueError(f"the list '{name}' has more than {MOST_ITEMS} entries")
        return self


class Analysis(Form):
    """The analyst: what is asked, of whom, and when the prediction would be used."""

    problem: str
    population: str
    moment_of_use: str
    constraints: list[str]


class Finding(Form):
    """What one given reference contributes."""

    reference: str
    statement: str


class Survey(Form):
    """The surveyor, on the given references only."""

    findings: list[Finding]
    gaps: list[str]


class Predictor(Form):
    """One predictor and when its value exists, seen from the moment of use."""

    name: str
    available: Literal["before_use", "at_use", "after_use"]


class Idea(Form):
    """The engineer: method, data and compute; `agrees` says that the clinician's demands are met."""

    title: str
    hypothesis: str
    method: str
    datasets: list[str]
    outcome: str
    predictors: list[Predictor]
    equipment: list[str]
    baseline: str
    compute: str
    deviations: list[str]
    agrees: bool
    reply: str


class Feasibility(Form):
    """Whether it can be done in the clinic."""

    verdict: Literal["feasible", "uncertain", "infeasible"]
    reason: str


class Eligibility(Form):
    """Who it would be used for, and who not."""

    population: str
    exclusions: list[str]
    reason: str


class Equipment(Form):
    """What must be at hand that the dataset cards do not already name."""

    needed: list[str]
    reason: str


class Harm(Form):
    """What a wrong answer would do, and what limits that."""

    level: Literal["none", "minor", "moderate", "serious"]
    reason: str
    mitigations: list[str]


class ClinicalView(Form):
    """The clinician: all four fields and a verdict, or the answer does not count."""

    feasibility: Feasibility
    eligibility: Eligibility
    equipment: Equipment
    harm: Harm
    unavailable_predictors: list[str]
    demands: list[str]
    verdict: Literal["agree", "revise", "stop"]


class Score(Form):
    """One dimension, 1 (poor) to 5."""

    dimension: str
    score: int
    reason: str


class Assessment(Form):
    """The assessor: six scores, and whether the idea is ethical to carry out."""

    scores: list[Score]
    ethics: Literal["pass", "fail"]
    ethics_reason: str


class Wanted(Form):
    """A number that the code must record, by its JSON pointer in results.json."""

    pointer: str
    meaning: str


class Plan(Form):
    """The planner: steps, and the numbers that must come out."""

    steps: list[str]
    results: list[Wanted]


class Code(Form):
    """The coder: one whole Python program."""

    code: str
    explanation: str


class Evidence(Form):
    """A recorded number that the judge read: where, and its text as it stands there."""

    pointer: str
    value: str


class Judgement(Form):
    """The judge of a run. An acceptance counts only with evidence that is there."""

    evidence: list[Evidence]
    problems: list[str]
    text_addressed_to_judge: bool
    verdict: Literal["accept", "revise", "reject"]
    reason: str


class Statement(Form):
    """One finding in words; its numbers are marks."""

    text: str


class Findings(Form):
    """The interpreter: what the results say, and what they cannot say."""

    findings: list[Statement]
    limitations: list[Statement]


class Chapter(Form):
    """One section of the manuscript."""

    heading: Literal["Introduction", "Methods", "Results", "Discussion", "Limitations"]
    paragraphs: list[str]


class Text(Form):
    """The writer: a manuscript in words, its numbers as marks and its citations as keys."""

    title: str
    abstract: list[str]
    chapters: list[Chapter]


class Check(Form):
    """One topic of the ethics review; `quote` is a sentence of the manuscript, letter by letter."""

    topic: Literal["data_rights", "consent", "harm", "limitations", "overclaim"]
    status: Literal["pass", "fail"]
    quote: str
    reason: str


class EthicsReview(Form):
    """The ethicist. A pass counts only when each topic quotes the manuscript."""

    checks: list[Check]
    text_addressed_to_judge: bool
    verdict: Literal["pass", "revise", "fail"]
    reason: str
