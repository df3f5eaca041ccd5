"""Ask a role until its answer fits its form and draws no complaint, within the budget, and never pay twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from pydantic import ValidationError

from core.errors import RunFailed, TransientFailure
from core.runners.scientist.graph.forms import Form
from core.runners.scientist.graph.ledger import PAID, Call, Ledger
from core.runners.scientist.graph.models import (
    TOO_LONG,
    Piece,
    Said,
    conversation,
    endpoint,
    pause,
    request_digest,
    send,
)
from core.runners.scientist.graph.options import ModelChoice, Options
from core.runners.scientist.graph.prompts import Prompt, load_prompt
from evaluators.judging.failures import REFUSED, Failure

Answer = TypeVar("Answer", bound=Form)
SMALLEST_CUT = 1000
ADVICE = "see the study's parameters 'models' and 'budget' in docs/scientist.md"


class Spent(NamedTuple):
    """What a study has used so far; `usd` is None when the price of any paid call is unknown."""

    calls: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    seconds: float


def spent(calls: Sequence[Call]) -> Spent:
    """Add calls up."""
    paid = [call for call in calls if call.outcome in PAID and call.tokens_in is not None]
    prices = [call.usd for call in paid]
    return Spent(
        len(calls),
        sum(call.tokens_in or 0 for call in calls),
        sum(call.tokens_out or 0 for call in calls),
        None if None in prices or not prices else round(sum(price or 0.0 for price in prices), 6),
        round(sum(call.seconds for call in calls), 3),
    )


@dataclass
class Asker:
    """Asks the models of one study. `at` names the node whose questions follow; `notes` collects what was cut."""

    options: Options
    ledger: Ledger
    seed: int
    tell: Callable[[str], None]
    notes: list[str] = field(default_factory=list)
    _node: str = ""
    _paid: int = 0

    def at(self, node: str, visit: int) -> None:
        """Say which run of which node asks from now on; a node that runs again asks under the same name."""
        self._node, self._paid, self.notes = f"{node}/{visit}", 0, []

    def models(self) -> list[str]:
        """The models that have answered so far, by the names that their servers gave, or else the chosen names."""
        paid = (call for call in self.ledger.calls() if call.outcome in PAID)
        return sorted({call.served_by or call.model for call in paid})

    def ask(
        self, role: str, form: type[Answer], pieces: Sequence[Piece], complaint: Callable[[Answer], str | None]
    ) -> Answer:
        """Put one question until an answer fits the form and draws no complaint.

        Raises `TransientFailure` where the server is at fault, `RunFailed` where the model, the request or the budget
        is. Material beyond the limit, or beyond what the server takes, is cut in its middle, with a note.
        """
        prompt, choice = load_prompt(role), self.options.model_of(role)
        if choice.forbidden:
            raise RunFailed(choice.forbidden, "submit the study with network_egress, or name a model on this machine")
        room = self.options.context_chars
        wrong: list[Piece] = []
        reason, failure = "", REFUSED
        for number in range(self.options.tries):
            shown = self._fitted(role, [*pieces, *wrong], room)
            call, failure_, answer, reason = self._put(role, prompt, choice, form, shown, complaint)
            if answer is not None:
                return answer
            failure = failure_ or Failure("malformed", f"the answers of the role '{role}' cannot be used: {reason}")
            if failure_ is None:
                wrong = [Piece("your last answer", call.answer), Piece("what is wrong with it", reason)]
            elif failure_ is TOO_LONG:
                room = max(SMALLEST_CUT, sum(len(piece.text) for piece in shown) // 2)
            elif failure_ is not REFUSED:
                self._wait(role, failure_, number)
        raise self._given_up(role, failure)

    def _put(
        self,
        role: str,
        prompt: Prompt,
        choice: ModelChoice,
        form: type[Answer],
        pieces: Sequence[Piece],
        complaint: Callable[[Answer], str | None],
    ) -> tuple[Call, Failure | None, Answer | None, str]:
        """One request, or the answer that it got before: the call, its failure, the usable answer, why it is not."""
        messages, where = conversation(prompt, pieces), endpoint(choice, self.options.request_s)
        seed = (self.seed + self._paid) % (1 << 31)
        request, place = request_digest(messages, form, where, seed), f"{self._node}/{self._paid}"
        call = self.ledger.paid(place, role, request, choice.model)
        said = None
        if call is None:
            self._check_budget()
            said = send(where, messages, form, seed, self.tell)
        text = call.answer if call else (said.text if said else "")
        failure = _failure(call) if call else (said.failure if said else None)
        answer, reason = (None, "") if failure else _fitting(text, form, complaint)
        if call is None and said is not None:
            outcome = failure.kind if failure else ("answered" if answer is not None else "malformed")
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            sent = self.ledger.keep(json.dumps(messages, ensure_ascii=False).encode())
            call = Call(
                place, role, prompt.name, prompt.digest, request, sent, choice.model, said.served_by, seed, outcome,
                text, said.tokens_in, said.tokens_out, _price(choice, said), said.seconds, moment,
            )  # fmt: skip
            self.ledger.append(call)
        assert call is not None  # noqa: S101 - found or made above
        self._paid += call.outcome in PAID
        return call, failure, answer, reason

    def _wait(self, role: str, failure: Failure, number: int) -> None:
        """Wait before the next try, as long as the server asked for; a failure that will not pass ends the job."""
        seconds = self.options.backoff_s * 2**number if failure.wait_s is None else failure.wait_s
        left = self.options.budget.seconds - spent(self.ledger.calls()).seconds
        if not failure.passing or seconds > left:
            raise self._given_up(role, failure)
        if number + 1 < self.options.tries:
            pause(seconds, self.tell)

    def _given_up(self, role: str, failure: Failure) -> RunFailed:
        sentence = failure.sentence.replace("judge", role)
        return (TransientFailure if failure.passing else RunFailed)(sentence, ADVICE)

    def _check_budget(self) -> None:
        used, budget = spent(self.ledger.calls()), self.options.budget
        for what, have, most in (
            ("calls", used.calls, budget.calls),
            ("tokens", used.tokens_in + used.tokens_out, budget.tokens),
            ("dollars", used.usd or 0.0, budget.usd),
            ("seconds", used.seconds, budget.seconds),
        ):
            if most is not None and have >= most:
                raise RunFailed(f"the study's budget of {most:g} {what} is used up ({have:g})", ADVICE)

    def _fitted(self, role: str, pieces: Sequence[Piece], room: int) -> list[Piece]:
        """Cut the longest pieces in their middle until all fit."""
        fitted = list(pieces)
        while (over := sum(len(piece.text) for piece in fitted) - room) > 0:
            longest = max(range(len(fitted)), key=lambda number: len(fitted[number].text))
            piece = fitted[longest]
            keep = max(len(piece.text) - over - 80, len(piece.text) // 2, 0)
            left_out = len(piece.text) - keep
            if keep < SMALLEST_CUT // 10 or left_out < 1:
                break
            head, tail = piece.text[: keep // 2], piece.text[len(piece.text) - keep // 2 :]
            fitted[longest] = Piece(piece.name, f"{head}\n[{left_out} characters left out]\n{tail}")
            if (note := f"The {piece.name} was cut for the {role}: it was too long.") not in self.notes:
                self.notes.append(note)
        return fitted


def _failure(call: Call) -> Failure | None:
    return {"refused": REFUSED, "too_long": TOO_LONG}.get(call.outcome)


def _fitting(text: str, form: type[Answer], complaint: Callable[[Answer], str | None]) -> tuple[Answer | None, str]:
    """Read an answer; None with the reason where it does not fit. A fence around the JSON is forgiven."""
    body = text.strip()
    if body.startswith("```"):
        body = body.strip("`").removeprefix("json").strip()
    try:
        answer = form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return None, f"{place or 'the answer'}: {first['msg'].removeprefix('Value error, ')}"
    wrong = complaint(answer)
    return (None, wrong) if wrong else (answer, "")


def _price(choice: ModelChoice, said: Said) -> float | None:
    if choice.price_in is None or choice.price_out is None or said.tokens_in is None or said.tokens_out is None:
        return None
    return (said.tokens_in * choice.price_in + said.tokens_out * choice.price_out) / 1e6


def as_text(value: object) -> str:
    """Show a value to a model: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
