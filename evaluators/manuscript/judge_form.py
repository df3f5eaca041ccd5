"""The closed form that a judge fills, made from a rubric: one answer an item, on the item's own scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, create_model, model_validator

from evaluators.base import EvaluatorError
from evaluators.manuscript.rubric import Item, Rubric, Value

LONGEST_REASON = 600
"""Twice what is asked for: models count characters badly."""
LONGEST_QUOTE = 1_000
LONGEST_TEXT = 4_000
MOST_ITEMS = 60
ADDRESSED = "text_addressed_to_judge"


class Filled(BaseModel):
    """Every form: whether the paper speaks to the judge, and an answer to each item."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text_addressed_to_judge: bool


class ItemAnswer(BaseModel):
    """An answer with the passage that it rests on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    score: Any
    quote: str
    reason: str

    @model_validator(mode="after")
    def _short(self) -> ItemAnswer:
        if len(self.reason) > LONGEST_REASON or len(self.quote) > LONGEST_QUOTE:
            raise ValueError("the reason or the quote is too long")
        return self


class PlainAnswer(BaseModel):
    """An answer that needs no passage: a text, a choice, the judge's own confidence."""

    model_config = ConfigDict(extra="forbid", strict=True)

    score: Any

    @model_validator(mode="after")
    def _short(self) -> PlainAnswer:
        if isinstance(self.score, str) and len(self.score) > LONGEST_TEXT:
            raise ValueError("the text is too long")
        return self


def needs_quote(item: Item) -> bool:
    """Whether an item's answer must rest on a passage."""
    return item.counts and item.kind in ("score", "yes_no")


def form_of(rubric: Rubric) -> type[Filled]:
    """Return the form of a rubric; EvaluatorError for one that is too long for a judge."""
    leaves = rubric.leaves()
    if len(leaves) > MOST_ITEMS:
        raise EvaluatorError(
            f"The rubric {rubric.id} has {len(leaves)} items; give a judge a rubric of at most {MOST_ITEMS}."
        )
    fields: dict[str, Any] = {leaf.id: (_answer(leaf), ...) for leaf in leaves}
    return create_model("Review", __base__=Filled, **fields)


def _answer(item: Item) -> type[BaseModel]:
    base: type[BaseModel] = ItemAnswer if needs_quote(item) else PlainAnswer
    made: Any = create_model(f"Answer_{item.id}", __base__=base, score=(_scale(item), ...))
    return made  # type: ignore[no-any-return]


def _scale(item: Item) -> Any:
    if item.kind == "yes_no":
        return bool
    if item.kind == "text":
        return str
    return Annotated[Literal[tuple(_shown(value) for value in item.values)], BeforeValidator(_no_flag)]


def _no_flag(value: object) -> object:
    """Python takes true for 1; a form does not."""
    if isinstance(value, bool):
        raise ValueError("true and false are no values of this scale")
    return value


def _shown(value: float | str) -> int | str:
    """A scale's value as the form shows it; JSON schemas of servers know whole numbers and words only."""
    return value if isinstance(value, str) else int(value) if float(value).is_integer() else f"{value:g}"


def value_of(item: Item, score: object) -> Value:
    """Return an answer of the form as the rubric's value."""
    if isinstance(score, bool) or item.kind in ("text", "choice"):
        return score  # type: ignore[return-value]
    return next(float(value) for value in item.values if _shown(value) == score)


def described(rubric: Rubric) -> str:
    """Return the form in words for the question: what each item asks, its scale, what its values mean."""
    lines = [f"The form: {rubric.content.title}."]
    for item in rubric.leaves():
        scale = {"yes_no": "true or false", "text": "a text"}.get(item.kind) or ", ".join(
            str(_shown(value)) for value in item.values
        )
        anchors = "; ".join(f"{_shown(value)} {meaning}".rstrip(".") for value, meaning in item.anchors.items())
        lines.append(f"{item.id}: {item.title}. {item.question} Scale: {scale}.{f' {anchors}.' if anchors else ''}")
    return "\n".join(lines)


def cleaned(form: type[Filled]) -> Callable[[Filled, Callable[[str], str]], Filled]:
    """Return what passes every text of an answer through a function."""

    def clean(answer: Filled, kept: Callable[[str], str]) -> Filled:
        return form.model_validate(_walk(answer.model_dump(), kept))

    return clean


def _walk(value: Any, kept: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _walk(one, kept) for name, one in value.items()}
    return kept(value) if isinstance(value, str) else value
