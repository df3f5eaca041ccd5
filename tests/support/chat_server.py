"""A scripted language model for studies: a real server on this machine that answers each role as it is told.

It speaks the OpenAI chat protocol through `vlm.Server`. A request's role is told by the form that it asks for.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from core.runners.base import Manifest, RunContext, RunSpecification
from core.runners.scientist.graph.runner import ScientistRunner
from support.vlm import Reply, Server, completion

Step = Mapping[str, Any] | str | None | Callable[[dict[str, Any]], "Reply | None"]
"""An answer, raw text, silence, or what makes a whole reply."""

PREDICTORS = ("mean radius", "mean texture", "mean smoothness")
CARD = """\
  - name: wdbc
    title: Breast Cancer Wisconsin (Diagnostic)
    source: sklearn:breast_cancer
    modality: pathology
    description: Features of cell nuclei in a digitised image of a fine needle aspirate.
    rights: {licence: CC BY, evidence: distributed with scikit-learn}
    deidentification: {basis: published_without_identifiers, detail: Holds measurements and the diagnosis only.}
    consent: {basis: public_dataset, detail: Public dataset.}
    split_by: {row_is_patient: A row is one aspirate of one mass.}
    equipment: [digital microscope]
    known_after_use: [worst area]
"""
PROTOCOL = f"""\
schema: greenlight.protocol/1
id: nuclei
title: Telling malignant from benign masses by the size of nuclei
mode: MODE
question: How well do three features of nuclei tell malignant from benign masses?
context_of_use: Retrospective methods evaluation.
datasets:
{CARD}outcome:
  column: diagnosis
  kind: binary
  event: malignant
  title: malignant mass
  definition: The diagnosis as recorded.
predictors: [{", ".join(PREDICTORS)}]
models:
  - {{name: logistic, title: Logistic regression, kind: logistic_regression, grid: {{strength: [1.0]}}}}
validation: {{outer_folds: 3, inner_folds: 2, repeats: 1, seed: 7}}
statistics: {{primary: roc_auc, threshold: 0.5}}
"""
REFERENCES = """\
references:
  - {key: street1993, text: "Street WN, Wolberg WH, Mangasarian OL. Nuclear feature extraction.", abstract: "Nuclei."}
"""
CODE = """\
import csv, json
rows = {row["row"]: row for row in csv.DictReader(open("/inputs/data.csv"))}
folds = list(csv.DictReader(open("/inputs/folds.csv")))
scored = []
with open("/outputs/predictions.csv", "w") as out:
    out.write("row,repeat,fold,prediction\\n")
    for place in folds:
        row = rows[place["row"]]
        score = float(row["mean radius"])
        out.write(f"{place['row']},{place['repeat']},{place['fold']},{score}\\n")
        scored.append((score, row["diagnosis"] == "malignant"))
ill = [score for score, event in scored if event]
well = [score for score, event in scored if not event]
auc = sum((a > b) + (a == b) / 2 for a in ill for b in well) / (len(ill) * len(well))
assert "worst area" not in next(iter(rows.values()))
results = {"models": {"radius": {"auc": auc}}, "n": len(scored), "events": len(ill)}
json.dump(results, open("/outputs/results.json", "w"))
"""
FITTED = """\
import csv, json
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
rows = {row["row"]: row for row in csv.DictReader(open("/inputs/data.csv"))}
folds = list(csv.DictReader(open("/inputs/folds.csv")))
names = ["mean radius", "mean texture", "mean smoothness"]
x = np.array([[float(rows[f["row"]][name]) for name in names] for f in folds])
y = np.array([rows[f["row"]]["diagnosis"] == "malignant" for f in folds])
fold = np.array([int(f["fold"]) for f in folds])
p = np.empty(len(y))
for k in np.unique(fold):
    mean, spread = x[fold != k].mean(0), x[fold != k].std(0)
    model = LogisticRegression().fit((x[fold != k] - mean) / spread, y[fold != k])
    p[fold == k] = model.predict_proba((x[fold == k] - mean) / spread)[:, 1]
with open("/outputs/predictions.csv", "w") as out:
    out.write("row,repeat,fold,prediction\\n")
    for f, value in zip(folds, p):
        out.write(f"{f['row']},{f['repeat']},{f['fold']},{value}\\n")
results = {"models": {"radius": {"auc": float(roc_auc_score(y, p))}}, "n": len(y), "events": int(y.sum())}
json.dump(results, open("/outputs/results.json", "w"))
"""
IDEA = {
    "title": "Nuclear size as a marker", "hypothesis": "Larger nuclei mean malignancy.", "method": "Rank by radius.",
    "datasets": ["wdbc"], "outcome": "diagnosis", "equipment": ["Digital microscope"], "baseline": "prevalence",
    "predictors": [{"name": name, "available": "at_use"} for name in PREDICTORS], "compute": "one core, a minute",
    "deviations": [], "agrees": True, "reply": "First proposal.",
}  # fmt: skip
VIEW = {
    "feasibility": {"verdict": "feasible", "reason": "Aspirates are taken anyway."},
    "eligibility": {"population": "Adults with a palpable mass.", "exclusions": [], "reason": "As in the data."},
    "equipment": {"needed": [], "reason": "A microscope is at hand."},
    "harm": {"level": "minor", "reason": "A wrong rank delays a biopsy.", "mitigations": ["Biopsy follows."]},
    "unavailable_predictors": [], "demands": [], "verdict": "agree",
}  # fmt: skip
WANTED = (("/models/radius/auc", "area under the curve"), ("/n", "rows analysed"), ("/events", "malignant masses"))
LIMITS = "One centre and one dataset limit what these results say about other patients."
RIGHTS = "The data are public and were published without identifiers, so no consent was sought."
HARM = "A wrong answer could delay a biopsy, which a cytologist would notice."
MODEST = "Nothing here supports the care of a patient by itself."
TEXT = {
    "title": "Nuclear size tells malignant from benign masses",
    "abstract": ["Of {{r:/n}} masses {{r:/events}} were malignant; the area was {{r:/models/radius/auc|3}}."],
    "chapters": [
        {"heading": "Introduction", "paragraphs": ["Nuclei of malignant masses are larger [@street1993]."]},
        {"heading": "Methods", "paragraphs": [f"{RIGHTS} Validation used {{{{p:/validation/outer_folds}}}} folds."]},
        {"heading": "Results", "paragraphs": ["The area was {{r:/models/radius/auc|2}} over all folds."]},
        {"heading": "Discussion", "paragraphs": [f"{HARM} {MODEST}"]},
        {"heading": "Limitations", "paragraphs": [LIMITS]},
    ],
}  # fmt: skip
QUOTES = {"data_rights": RIGHTS, "consent": RIGHTS, "harm": HARM, "limitations": LIMITS, "overclaim": MODEST}
REVIEW = {
    "checks": [{"topic": t, "status": "pass", "quote": q, "reason": "It is said."} for t, q in QUOTES.items()],
    "text_addressed_to_judge": False, "verdict": "pass", "reason": "Sober.",
}  # fmt: skip
DIMENSIONS = ("novelty", "maturity", "ethicality", "generalizability", "utility", "interpretability")
FINE: dict[str, Any] = {
    "Analysis": {
        "problem": "Tell masses apart.", "population": "Adults.", "moment_of_use": "Reading.", "constraints": [],
    },
    "Survey": {"findings": [{"reference": "street1993", "statement": "Nuclei differ."}], "gaps": ["Other centres."]},
    "Idea": IDEA,
    "ClinicalView": VIEW,
    "Assessment": {
        "scores": [{"dimension": name, "score": 4, "reason": "Sound."} for name in DIMENSIONS],
        "ethics": "pass", "ethics_reason": "Public data.",
    },
    "Plan": {"steps": ["Rank.", "Score."], "results": [{"pointer": p, "meaning": m} for p, m in WANTED]},
    "Code": {"code": CODE, "explanation": "Ranks by radius."},
    "Findings": {
        "findings": [{"text": "The area under the curve was {{r:/models/radius/auc|3}}."}],
        "limitations": [{"text": "One centre only."}],
    },
    "Text": TEXT,
    "EthicsReview": REVIEW,
}  # fmt: skip


def accept(body: dict[str, Any]) -> Reply:
    """The judge's acceptance, with every planned number copied from the results that it was shown."""
    results = shown(body, "results")
    evidence = [{"pointer": pointer, "value": str(follow(results, pointer))} for pointer, _ in WANTED]
    answer = {
        "evidence": evidence, "problems": [], "text_addressed_to_judge": False, "verdict": "accept", "reason": "Done.",
    }  # fmt: skip
    return completion(json.dumps(answer))


def shown_text(body: dict[str, Any], name: str) -> str:
    """A piece of the material that a request shows, read back."""
    line = next(line for line in body["messages"][1]["content"].split("\n\n") if line.startswith(f"{name}, as"))
    return str(json.loads(line.partition(": ")[2]))


def shown(body: dict[str, Any], name: str) -> Any:
    """A piece that is JSON."""
    return json.loads(shown_text(body, name))


def follow(value: Any, pointer: str) -> Any:
    for key in pointer.split("/")[1:]:
        value = value[key]
    return value


def form_of(body: dict[str, Any]) -> str:
    return str(body["response_format"]["json_schema"]["name"])


class Script:
    """Answers by form: the given steps one after another (the last for ever), and a sound answer for the others."""

    def __init__(self, **steps: Step | list[Step]) -> None:
        listed = {name: step if isinstance(step, list) else [step] for name, step in steps.items()}
        self.steps: dict[str, list[Step]] = {
            **{name: [step] for name, step in FINE.items()},
            "Judgement": [accept],
            **listed,
        }
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.before: Callable[[str], None] = lambda _form: None
        self._lock = threading.Lock()

    def __call__(self, body: dict[str, Any]) -> Reply | None:
        form = form_of(body)
        self.before(form)
        with self._lock:
            self.bodies.append(body)
            self.asked[form] += 1
            steps = self.steps[form]
            step = steps[min(self.asked[form], len(steps)) - 1]
        if callable(step):
            return step(body)
        return None if step is None else completion(step if isinstance(step, str) else json.dumps(step))


def study(
    folder: Path,
    server: Server,
    *,
    mode: str = "innovation",
    protocol: str = PROTOCOL,
    references: str | None = REFERENCES,
    **parameters: object,
) -> RunSpecification:
    """A study whose every role is answered by the server."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"protocol": protocol.replace("MODE", mode), "references": references}
    inputs = {}
    for role, text in files.items():
        if text is not None:
            inputs[role] = folder / f"{role}.yaml"
            inputs[role].write_text(text, encoding="utf-8")
    models = {"default": {"model": "local", "base_url": server.url, "price_in": 1.0, "price_out": 2.0}}
    return RunSpecification("scientist", inputs, {"models": models, "backoff_s": 0, "tries": 3, **parameters}, seed=5)


def carry_out(
    specification: RunSpecification, folder: Path, progress: Callable[[float, str], None] = lambda _done, _what: None
) -> Manifest:
    """Run a study in this process; its checkpoints are beside the folder of its outputs."""
    out = folder / "out"
    out.mkdir(exist_ok=True)
    return ScientistRunner().run(specification, RunContext(out, progress, folder / "job_test"))
