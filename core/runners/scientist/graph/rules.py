"""What a verdict needs before it counts, and what can be seen in recorded results without any model."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from core.runners.scientist.graph.forms import CHECKS, DIMENSIONS, Assessment, EthicsReview, Idea, Judgement, Plan
from core.runners.scientist.writing import DraftError, resolve

MOST_BYTES, MOST_DEPTH, MOST_NUMBERS = 1 << 20, 12, 20_000
KEY = re.compile(r"[\w .+()%-]{1,80}")
EXPLODED = 1e4
"""A gradient norm beyond this counts as an explosion."""
LOWEST_ETHICALITY = 2


class Results(NamedTuple):
    """Recorded results, or why they cannot be used."""

    values: dict[str, object]
    why_not: str


def read_results(data: bytes | None) -> Results:
    """Read `results.json`: an object of plain keys, text, lists and finite numbers, within limits."""
    if data is None:
        return Results({}, "the code left no /outputs/results.json")
    if len(data) > MOST_BYTES:
        return Results({}, f"results.json is larger than {MOST_BYTES >> 20} MiB")
    try:
        values = json.loads(data.decode("utf-8"), parse_constant=_refuse)
        counted = _count(values, 0)
    except (ValueError, RecursionError) as error:
        return Results({}, f"results.json cannot be used: {error}")
    if not isinstance(values, dict):
        return Results({}, "results.json holds no object")
    return Results(values, "" if counted else "results.json holds no number")


def _refuse(word: str) -> object:
    raise ValueError(f"it holds {word}, which is no number")


def _count(value: object, depth: int) -> int:
    if depth > MOST_DEPTH:
        raise ValueError("it nests too deep")
    if isinstance(value, dict):
        for key in value:
            if not KEY.fullmatch(key):
                raise ValueError(f"the key {key[:40]!r} is not a plain name")
        found = sum(_count(item, depth + 1) for item in value.values())
    elif isinstance(value, list):
        found = sum(_count(item, depth + 1) for item in value)
    else:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("it holds a number that is not finite")
        found = int(isinstance(value, int | float) and not isinstance(value, bool))
    if found > MOST_NUMBERS:
        raise ValueError(f"it holds more than {MOST_NUMBERS} numbers")
    return found


def number_at(results: Mapping[str, object], pointer: str) -> float | None:
    """Return the number at a pointer, None where there is none."""
    try:
        value = resolve(results, pointer)
    except DraftError:
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def success(ended: bool, results: Mapping[str, object]) -> dict[str, bool | None]:
    """The five criteria of a run; None where the results do not tell, as for models that no gradient trains."""
    training = results.get("training")
    told: Mapping[str, object] = training if isinstance(training, Mapping) else {}
    loss, norms = _series(told.get("loss")), _series(told.get("gradient_norm"))
    finite = told.get("weights_finite")
    return {
        "no_error": ended,
        "loss_falls": loss[-1] < loss[0] if len(loss) > 1 else None,
        "no_gradient_explosion": max(norms) < EXPLODED if norms else None,
        "valid_weights": finite if isinstance(finite, bool) else None,
        "quantitative_results": _count(dict(results), 0) > 0,
    }


def _series(value: object) -> list[float]:
    numbers = [item for item in value if isinstance(item, int | float)] if isinstance(value, list) else []
    return [float(number) for number in numbers]


def plan_complaint(plan: Plan) -> str | None:
    """A plan without steps or numbers, or with unusable pointers, is asked anew."""
    wrong = [
        wanted.pointer for wanted in plan.results if not re.fullmatch(r"(/[\w .+()%-]{1,80}){1,11}", wanted.pointer)
    ]
    if wrong:
        return f"{wrong[0]!r} is no JSON pointer of plain names"
    return None if plan.steps and plan.results else "the plan names no steps or no numbers to record"


def idea_complaint(idea: Idea) -> str | None:
    """An idea without its parts is asked anew."""
    empty = [
        name for name in ("title", "hypothesis", "method", "compute", "baseline") if not getattr(idea, name).strip()
    ]
    return f"the engineer leaves '{empty[0]}' empty" if empty else None


def assessment_complaint(assessment: Assessment) -> str | None:
    """Each of the six dimensions once, each from 1 to 5, each with a reason."""
    names = sorted(score.dimension for score in assessment.scores)
    if names != sorted(DIMENSIONS):
        return f"score each of {', '.join(DIMENSIONS)} once"
    if any(not 1 <= score.score <= 5 or not score.reason.strip() for score in assessment.scores):
        return "each score is a whole number from 1 to 5 with a reason"
    return None


def unethical(assessment: Assessment) -> str | None:
    """Why an idea may not be carried out, or None."""
    score = next(score for score in assessment.scores if score.dimension == "ethicality")
    if assessment.ethics == "fail":
        return f"the assessor finds it unethical: {assessment.ethics_reason}"
    low = score.score <= LOWEST_ETHICALITY
    return f"its ethicality is scored {score.score} of 5: {score.reason}" if low else None


def unaccepted(judgement: Judgement, plan: Plan, results: Mapping[str, object], ended: bool) -> list[str]:
    """Why an acceptance does not count; empty when its evidence holds.

    Every planned number must be recorded, and the judge must have copied each of them as it stands.
    """
    found = [] if ended else ["the code did not end without an error"]
    read = {evidence.pointer: evidence.value for evidence in judgement.evidence}
    for wanted in plan.results:
        value = number_at(results, wanted.pointer)
        if value is None:
            found.append(f"no number is recorded at {wanted.pointer}")
        elif not _same(read.get(wanted.pointer), value):
            found.append(f"the judge did not copy the number at {wanted.pointer} as it is recorded")
    if judgement.text_addressed_to_judge:
        found.append("the judge reports text that speaks to it")
    return found


def _same(text: str | None, value: float) -> bool:
    try:
        shown = float(text) if text is not None else math.nan
    except ValueError:
        return False
    # A copy may be shorter than the record, but not by more than rounding at four significant digits.
    return math.isclose(shown, value, rel_tol=5e-4, abs_tol=1e-12)


def review_problems(review: EthicsReview, sentences: Callable[[str], bool]) -> list[str]:
    """Why an ethics review does not count as a pass; `sentences` tells whether the manuscript holds a quotation."""
    topics = [check.topic for check in review.checks]
    if sorted(topics) != sorted(CHECKS):
        return [f"the ethicist did not check each of {', '.join(CHECKS)} once"]
    found = [f"{check.topic}: {check.reason}" for check in review.checks if check.status == "fail"]
    found += [
        f"{check.topic}: the quotation is not in the manuscript"
        for check in review.checks
        if check.status == "pass" and not sentences(check.quote)
    ]
    if review.text_addressed_to_judge:
        found.append("the ethicist reports text that speaks to a reviewer")
    return found


def joined(reasons: Sequence[str]) -> str:
    """Reasons as one text, bounded."""
    return "; ".join(reasons)[:2000]
