"""Answers to a rubric: checked, rolled up, turned into a recommendation, and compared between reviewers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from evaluators.base import EvaluatorError
from evaluators.manuscript.rubric import Item, Rubric, Value, grouped

LONGEST_TEXT = 20_000
LONGEST_QUOTE = 1_000
NO_TOTAL = "a checklist has no total; how much of it is reported is counted instead"
FIELDS = frozenset({"value", "reason", "quote"})
NOT_NOVEL = re.compile(
    r"\b(not|isn't|hardly|lacks?|lacking|limited|little|no|without|missing)\b[^.]{0,40}\b(novel|novelty|original|originality)\b"
    r"|\b(already|previously)\b[^.]{0,30}\b(done|known|proposed|published|shown)\b|\bincremental\b",
    re.IGNORECASE,
)
REFERENCE = re.compile(
    r"https?://\S|\bdoi:|\b10\.\d{4,9}/\S|\barxiv\b[^.]{0,12}\d{4}\.\d{4,5}|\[\d+\]"
    r"|\(?\b[A-Z][\w-]+( et al\.?)?,? \(?(19|20)\d\d\b",
)


@dataclass(frozen=True)
class Answer:
    """One filled item: a number, a yes or no, a word or a text; `quote` is the passage of the paper it rests on."""

    value: Value | None
    reason: str = ""
    quote: str = ""

    def to_json(self) -> dict[str, object]:
        """The answer as plain JSON values."""
        return asdict(self)


Answers = Mapping[str, Answer]


@dataclass(frozen=True)
class Node:
    """An item of a scored rubric: its share of the best (0 to 1), or the reason why there is none."""

    id: str
    share: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Scored:
    """A rolled-up review. `accept` is the form's own rule applied, None where the form has none or lacks its answer."""

    rubric: Mapping[str, object]
    nodes: Mapping[str, Node]
    total: Node
    accept: bool | None

    def to_json(self) -> dict[str, object]:
        """The scores as plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Difference:
    """Two reviews that lie further apart on an item than its rubric allows; the outermost numbers, or two words."""

    item: str
    title: str
    low: float | str
    high: float | str
    limit: float


def check_answers(rubric: Rubric, raw: Mapping[str, object], *, complete: bool = True) -> dict[str, Answer]:
    """Return checked answers; each is a bare value or `{"value", "reason", "quote"}`.

    Raises EvaluatorError for an unknown item, a value off its scale, a text that is too long, a denial of novelty
    without a reference where the form asks for one, and, with `complete`, for an item that is left out.
    """
    leaves = {leaf.id: leaf for leaf in rubric.leaves()}
    if unknown := next((name for name in raw if name not in leaves), None):
        raise EvaluatorError(f"The rubric {rubric.id} has no item '{unknown}'; it asks for {', '.join(leaves)}.")
    answers = {name: _answer(leaves[name], given) for name, given in raw.items()}
    needed = [leaf.id for leaf in leaves.values() if not leaf.optional]
    missing = [name for name in needed if name not in answers or answers[name].value in (None, "")]
    if complete and missing:
        raise EvaluatorError(f"The review lacks {', '.join(missing)}; answer every item of {rubric.id}.")
    return answers


def _answer(item: Item, given: object) -> Answer:
    if isinstance(given, Answer):
        given = given.to_json()
    fields = dict(given) if isinstance(given, Mapping) else {"value": given}
    if strange := next((str(name) for name in fields if name not in FIELDS), None):
        raise EvaluatorError(f"'{item.id}' has the unknown field '{strange}'; use value, reason and quote.")
    reason, quote = fields.get("reason") or "", fields.get("quote") or ""
    if not isinstance(reason, str) or not isinstance(quote, str):
        raise EvaluatorError(f"The reason and the quote of '{item.id}' are no texts; write them as text.")
    if len(reason) > LONGEST_TEXT or len(quote) > LONGEST_QUOTE:
        raise EvaluatorError(
            f"'{item.id}' has a reason above {LONGEST_TEXT} or a quote above {LONGEST_QUOTE} characters; shorten it."
        )
    return Answer(_value(item, fields.get("value")), reason, quote)


def _value(item: Item, value: object) -> Value | None:
    if value is None:
        return None
    if item.kind == "yes_no":
        if isinstance(value, bool):
            return value
        raise EvaluatorError(f"'{item.id}' is answered with {value!r}; answer true or false.")
    if item.kind == "score":
        if isinstance(value, int | float) and not isinstance(value, bool) and float(value) in item.values:
            return float(value)
        scale = ", ".join(f"{one:g}" for one in item.values if isinstance(one, float))
        raise EvaluatorError(f"'{item.id}' is answered with {value!r}; choose one of {scale}.")
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise EvaluatorError(f"'{item.id}' needs a text of at most {LONGEST_TEXT} characters; write one.")
    if item.kind == "choice" and value not in item.values:
        raise EvaluatorError(
            f"'{item.id}' is answered with {value!r}; choose one of {', '.join(map(str, item.values))}."
        )
    if item.cites_prior_work and NOT_NOVEL.search(value) and not REFERENCE.search(value):
        raise EvaluatorError(f"'{item.id}' denies novelty without a reference; name the work that was there before.")
    return value


def score(rubric: Rubric, answers: Answers) -> Scored:
    """Roll answers up; a group or total whose part has no answer is absent and says which."""
    nodes: dict[str, Node] = {}
    for item in rubric.content.items:
        _roll(item, answers, nodes)
    items = rubric.content.items
    total = Node("total", None, NO_TOTAL) if rubric.is_checklist else _group("total", items, nodes)
    rule = rubric.content.decision
    own = answers.get(rule.item) if rule else None
    accept = None if rule is None or own is None or own.value is None else float(own.value) >= rule.accept_from
    return Scored(rubric.to_json(), nodes, total, accept)


def _roll(item: Item, answers: Answers, nodes: dict[str, Node]) -> None:
    for child in item.items:
        _roll(child, answers, nodes)
    if item.kind == "group":
        nodes[item.id] = _group(item.id, item.items, nodes)
    elif item.counts:
        given = answers.get(item.id)
        missing = given is None or given.value is None
        nodes[item.id] = (
            Node(item.id, None, "not answered") if missing else Node(item.id, share_of(item, answers[item.id].value))
        )


def _group(name: str, items: Sequence[Item], nodes: Mapping[str, Node]) -> Node:
    found = {one: node.share for one, node in nodes.items() if node.share is not None}
    share = grouped(items, found)
    if share is not None:
        return Node(name, share)
    missing = [item.id for item in items if item.counts and item.id not in found]
    return Node(name, None, f"no answer to {', '.join(missing)}" if missing else "nothing below it counts")


def share_of(item: Item, value: Value | None) -> float:
    """Return how far up its scale an answer is: 0 the worst, 1 the best."""
    if isinstance(value, bool):
        return float(value == item.better)
    low, high = float(item.values[0]), float(item.values[-1])
    share = (float(value or 0.0) - low) / (high - low)
    return share if item.direction == "higher" else 1 - share


def differences(rubric: Rubric, reviews: Sequence[Answers]) -> tuple[Difference, ...]:
    """Return the items on which two reviews differ by the rubric's limit or more: a third person should decide."""
    found = []
    for item in rubric.leaves():
        given = [answers[item.id].value for answers in reviews if item.id in answers]
        ends = _words(item, given) if item.kind == "choice" else _ends(given)
        if ends is not None and item.differ_by is not None and _distance(*ends) >= item.differ_by:
            low, high = ends
            found.append(Difference(item.id, item.title, low, high, item.differ_by))
    return tuple(found)


def _ends(given: Sequence[Value | None]) -> tuple[float, float] | None:
    numbers = [float(value) for value in given if isinstance(value, int | float)]
    return (min(numbers), max(numbers)) if len(numbers) > 1 else None


def _words(item: Item, given: Sequence[Value | None]) -> tuple[str, str] | None:
    """The first and the last word that somebody chose, in the form's order; None where nobody differs."""
    chosen = [str(word) for word in item.values if word in given]
    return (chosen[0], chosen[-1]) if len(chosen) > 1 else None


def _distance(low: float | str, high: float | str) -> float:
    return 1.0 if isinstance(low, str) or isinstance(high, str) else high - low
