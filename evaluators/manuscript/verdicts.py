"""From what a panel said to a review: quotes looked up, copies compared, scores dropped with their reason, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import median, median_low
from typing import TYPE_CHECKING, NamedTuple

from evaluators.base import Direction, Evaluation, EvaluatorError, Interval, Measure, Measurement, absent
from evaluators.manuscript.canaries import Trial
from evaluators.manuscript.copies import Copy, Haystack
from evaluators.manuscript.document import Place
from evaluators.manuscript.judge_form import ADDRESSED, Filled, needs_quote, value_of
from evaluators.manuscript.panel import Panel, Seat
from evaluators.manuscript.rubric import Item, Rubric
from evaluators.manuscript.scoring import Answer, Scored, check_answers, score

if TYPE_CHECKING:
    from evaluators.judging.hearing import Exchange, Hearing

EVALUATOR = "manuscript-judge"
NO_QUOTE = "its quote does not occur in the paper"
SHOWN = 200
HOUSE = "median of language models' scores on the rubric's own scale; this package's prompt"


class Heard(NamedTuple):
    """What a judge said about one copy."""

    copy: str
    hearing: Hearing[Filled]


@dataclass(frozen=True)
class SeatRecord:
    """What one judge of the panel said, or why it was not asked."""

    seat: Seat
    trial: Trial | None
    heard: tuple[Heard, ...]
    reason: str | None

    @property
    def counted(self) -> bool:
        """Whether its answers count: it was asked and did not fail its canaries."""
        return self.reason is None and (self.trial is None or self.trial.failure is None)

    def said(self, copy: str) -> list[Filled]:
        """Its answers about a copy."""
        return [answer for heard in self.heard if heard.copy == copy for answer in heard.hearing.answers]

    def exchanges(self) -> list[Exchange]:
        """Every request and what came of it."""
        return [exchange for heard in self.heard for exchange in heard.hearing.exchanges]


class Vote(NamedTuple):
    """One judge's answer to one item that counts."""

    seat: str
    value: float | bool
    quote: str
    reason: str
    place: Place | None


class Dropped(NamedTuple):
    """An answer that does not count, and why."""

    seat: str
    value: object
    quote: str
    why: str


@dataclass(frozen=True)
class Cost:
    """What was used. `usd` is None when a price or a count is not known."""

    requests: int
    tokens_in: int
    tokens_out: int
    usd: float | None


@dataclass(frozen=True)
class Review:
    """A panel's review. `answers` is the filled form as a person's would be; what has no score is absent from it."""

    rubric: Mapping[str, object]
    answers: Mapping[str, Answer]
    scored: Scored
    evaluation: Evaluation
    votes: Mapping[str, tuple[Vote, ...]]
    dropped: Mapping[str, tuple[Dropped, ...]]
    seats: tuple[Mapping[str, object], ...]
    cost: Cost
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The review as plain JSON values."""
        return {
            "rubric": dict(self.rubric),
            "answers": {name: answer.to_json() for name, answer in self.answers.items()},
            "scored": self.scored.to_json(),
            "evaluation": self.evaluation.to_json(),
            "votes": {name: [_plain(vote) for vote in votes] for name, votes in self.votes.items()},
            "dropped": {name: [one._asdict() for one in dropped] for name, dropped in self.dropped.items()},
            "seats": [dict(seat) for seat in self.seats],
            "cost": asdict(self.cost),
            "notes": list(self.notes),
        }


def _plain(vote: Vote) -> dict[str, object]:
    return vote._asdict() | {"place": asdict(vote.place) if vote.place else None}


def review_of(
    rubric: Rubric,
    panel: Panel,
    copies: tuple[Copy, Copy],
    records: Sequence[SeatRecord],
    version: str,
    nothing: str | None,
) -> Review:
    """Return the review that the records make; `nothing` is why no judge was asked at all."""
    counted = [record for record in records if record.counted]
    obstacle = nothing or _obstacle(records, counted)
    paper = Haystack(copies[0])
    votes: dict[str, tuple[Vote, ...]] = {}
    dropped: dict[str, tuple[Dropped, ...]] = {}
    measurements = []
    for item in rubric.leaves():
        if item.kind in ("score", "yes_no"):
            votes[item.id], dropped[item.id] = _votes(item, counted, paper)
            measurements.append(_measurement(rubric, item, votes[item.id], dropped[item.id], counted, panel, obstacle))
    measured = {m.measure.name for m in measurements if m.value is not None}
    answers = _answers(
        rubric, {name: votes[name] for name in votes if measure_name(name) in measured}, counted, obstacle
    )
    cost, notes = _cost(records), _notes(copies, records)
    parameters = {"rubric": rubric.to_json(), "panel": [record.seat.name for record in records], "cost": asdict(cost)}
    egress = any(record.seat.model.network_egress and record.exchanges() for record in records)
    evaluation = Evaluation(
        EVALUATOR, version, tuple(measurements), notes, parameters | {"network_egress": egress, **_shown(copies)}
    )
    seats = tuple(_seat(record) for record in records)
    return Review(
        rubric.to_json(), answers, score(rubric, answers), evaluation, votes, dropped, seats, cost, notes
    )  # fmt: skip


def _obstacle(records: Sequence[SeatRecord], counted: Sequence[SeatRecord]) -> str | None:
    """Why no item can have a score."""
    if not counted:
        return _why_not(records[0]) if records else "no judge was asked"
    answers = [answer for record in counted for answer in record.said("quarantined")]
    addressed = sum(getattr(answer, ADDRESSED) for answer in answers)
    if addressed * 2 > len(answers):
        return f"text in the paper speaks to the judge, {addressed} of {len(answers)} answers say; let a person look"
    return None


def _why_not(record: SeatRecord) -> str:
    if record.reason:
        return record.reason
    return f"the judge failed its canaries: {record.trial.failure if record.trial else 'it was not tried'}"


def _votes(item: Item, counted: Sequence[SeatRecord], paper: Haystack) -> tuple[tuple[Vote, ...], tuple[Dropped, ...]]:
    votes, dropped = [], []
    for record in counted:
        for filled in record.said("quarantined"):
            given = getattr(filled, item.id)
            value, quote, reason = value_of(item, given.score), "", ""
            place = None
            if needs_quote(item):
                quote, reason = given.quote, given.reason
                place = paper.find(quote)
                if place is None:
                    dropped.append(Dropped(record.seat.name, value, quote, NO_QUOTE))
                    continue
            votes.append(Vote(record.seat.name, value, quote, reason, place))  # type: ignore[arg-type]
    return tuple(votes), tuple(dropped)


def measure_name(item: str) -> str:
    """The name of the measure of an item."""
    return f"judge_{item}"


def measure_of(rubric: Rubric, item: Item) -> Measure:
    """Return the measure of an item. It is diagnostic: no gate may rest on what a language model says."""
    low, high = (0.0, 1.0) if item.kind == "yes_no" else (float(item.values[0]), float(item.values[-1]))
    return Measure(
        measure_name(item.id),
        f"Judge: {item.title}",
        "share of yes" if item.kind == "yes_no" else "points",
        Direction.DIAGNOSTIC,
        low,
        high,
        f"{rubric.content.source.title}; {HOUSE}",
        rubric.version,
        f"What language models answer to: {item.question or item.title}",
    )


def _measurement(
    rubric: Rubric,
    item: Item,
    votes: Sequence[Vote],
    dropped: Sequence[Dropped],
    counted: Sequence[SeatRecord],
    panel: Panel,
    obstacle: str | None,
) -> Measurement:
    measure = measure_of(rubric, item)
    moved = _moved(item, counted)
    evidence = {
        "votes": [_plain(vote) for vote in votes],
        "dropped": [one._asdict() for one in dropped],
        "moved_by_removed_text": moved,
    }
    asked = sum(seat.model.samples for seat in panel.seats)
    reason = obstacle or _short_of(votes, dropped, counted, asked, moved, item)
    if reason:
        return absent(measure, reason, **evidence)
    values = sorted(float(vote.value) for vote in votes)
    value = sum(values) / len(values) if item.kind == "yes_no" else median(values)
    return Measurement(
        measure, value, interval=_interval(values), count=len(values), count_of="answers", evidence=evidence
    )


def _short_of(
    votes: Sequence[Vote],
    dropped: Sequence[Dropped],
    counted: Sequence[SeatRecord],
    asked: int,
    moved: float | None,
    item: Item,
) -> str | None:
    if moved is not None and abs(moved) >= _step(item):
        return f"text that speaks to the judge moves its score by {moved:+g}; let a person look"
    if len(votes) * 2 > asked:
        return None
    if len(dropped) * 2 >= asked:
        return f"{NO_QUOTE} ({len(dropped)} of {asked} answers)"
    failure = next((heard.hearing.failure for one in counted for heard in one.heard if heard.hearing.failure), None)
    why = failure.sentence if failure else "too few answers count"
    return f"{why} ({len(votes)} of {asked} answers count)"


def _moved(item: Item, counted: Sequence[SeatRecord]) -> float | None:
    """Median with the sentences that speak to the judge, minus the median without; None where only one was asked."""
    both = [
        [float(value_of(item, getattr(filled, item.id).score)) for one in counted for filled in one.said(copy)]
        for copy in ("sanitised", "quarantined")
    ]
    return median(both[0]) - median(both[1]) if all(both) else None


def _step(item: Item) -> float:
    """The smallest step of an item's scale."""
    if item.kind == "yes_no":
        return 1.0
    values = [float(value) for value in item.values]
    return min(high - low for low, high in pairwise(values))


def _interval(values: Sequence[float]) -> Interval | None:
    """Lowest to highest answer: it holds the median of such answers with this probability, whatever they follow."""
    if len(values) < 3:
        return None
    level = 1 - 2.0 ** (1 - len(values))
    return Interval(values[0], values[-1], level, f"lowest to highest of {len(values)} answers (order statistics)")


def _answers(
    rubric: Rubric, votes: Mapping[str, Sequence[Vote]], counted: Sequence[SeatRecord], obstacle: str | None
) -> dict[str, Answer]:
    """The form as a person would fill it: the lower median on the scale with that vote's quote; texts by one judge."""
    if obstacle:
        return {}
    filled: dict[str, Answer] = {}
    for item in rubric.leaves():
        if given := votes.get(item.id):
            middle = median_low([float(vote.value) for vote in given])
            vote = next(vote for vote in given if float(vote.value) == middle)
            filled[item.id] = Answer(vote.value, vote.reason, vote.quote)
        elif item.kind in ("text", "choice"):
            said = [getattr(form, item.id).score for one in counted for form in one.said("quarantined")]
            filled |= _first_taken(rubric, item, said)
    return filled


def _first_taken(rubric: Rubric, item: Item, said: Sequence[object]) -> dict[str, Answer]:
    """The commonest choice, or the first text that the form takes."""
    ordered = sorted(said, key=lambda one: -said.count(one)) if item.kind == "choice" else said
    for one in ordered:
        try:
            return check_answers(rubric, {item.id: one}, complete=False)
        except EvaluatorError:
            continue
    return {}


def _cost(records: Sequence[SeatRecord]) -> Cost:
    requests = tokens_in = tokens_out = 0
    usd: float | None = 0.0
    for record in records:
        for exchange in record.exchanges():
            requests += 1
            tokens_in += exchange.tokens_in or 0
            tokens_out += exchange.tokens_out or 0
            usd = _plus(usd, record.seat, exchange)
    return Cost(requests, tokens_in, tokens_out, None if usd is None else round(usd, 6))


def _plus(usd: float | None, seat: Seat, exchange: Exchange) -> float | None:
    counts, prices = (exchange.tokens_in, exchange.tokens_out), (seat.price_in, seat.price_out)
    if usd is None or None in counts or None in prices:
        return None
    return usd + sum(count * price for count, price in zip(counts, prices, strict=True) if count and price) / 1e6


def _notes(copies: tuple[Copy, Copy], records: Sequence[SeatRecord]) -> tuple[str, ...]:
    notes = []
    if removed := copies[1].removed:
        notes.append(f"{len(removed)} sentences speak to a reviewer or a model; scores rest on the copy without them.")
        compared = any(record.said("sanitised") for record in records if record.counted)
        notes.extend([] if compared else ["The two copies could not be compared."])
    if copies[1].left_out:
        notes.append(f"The last {copies[1].left_out} characters were not shown to the judges.")
    notes.extend(f"{record.seat.name}: {_why_not(record)}." for record in records if not record.counted)
    hosts = sorted({one.seat.model.host for one in records if one.seat.model.network_egress and one.exchanges()})
    notes.extend(f"The paper's text went to {host}." for host in hosts)
    return tuple(notes)


def _shown(copies: tuple[Copy, Copy]) -> dict[str, object]:
    return {
        "sanitised": copies[0].digest,
        "quarantined": copies[1].digest,
        "removed": [{"text": one.text[:SHOWN], "place": asdict(one.place)} for one in copies[1].removed],
    }


def _seat(record: SeatRecord) -> dict[str, object]:
    return {
        "name": record.seat.name,
        "model": record.seat.model.model,
        "persona": record.seat.persona,
        "host": record.seat.model.host,
        "temperature": record.seat.model.temperature,
        "counted": record.counted,
        "reason": None if record.counted else _why_not(record),
        "canaries": asdict(record.trial) if record.trial else None,
        "exchanges": [
            {"copy": heard.copy, **asdict(exchange)} for heard in record.heard for exchange in heard.hearing.exchanges
        ],
    }
