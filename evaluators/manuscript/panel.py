"""Who judges a manuscript: models, the persona each of them takes, how often they are asked, what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evaluators.base import EvaluatorError
from evaluators.judging.options import ModelOptions
from evaluators.manuscript.copies import ROOM

PERSONAS: Mapping[str, str] = {
    "reader": "You read it as a careful scientist of its field.",
    "clinician": "You read it as a clinician who would have to act on it: patients, harm, use at the bedside.",
    "statistician": "You read it as a statistician: design, sample size, leakage, uncertainty, multiplicity.",
    "engineer": "You read it as an engineer who would have to repeat it: code, data, settings, comparisons.",
}
MOST_SEATS = 8


@dataclass(frozen=True)
class Seat:
    """One judge of a panel. Prices are USD for a million tokens; without them no cost is told."""

    model: ModelOptions
    persona: str = "reader"
    price_in: float | None = None
    price_out: float | None = None

    @property
    def name(self) -> str:
        """How the seat is called in a record."""
        return f"{self.model.model} as {self.persona}"


@dataclass(frozen=True)
class Panel:
    """The judges. With `canaries` each is tried on artificial papers first. `room` is a copy's most characters."""

    seats: tuple[Seat, ...]
    canaries: bool = True
    room: int = ROOM

    def __post_init__(self) -> None:
        if not 1 <= len(self.seats) <= MOST_SEATS:
            raise EvaluatorError(f"A panel has 1 to {MOST_SEATS} judges; choose within these.")
        if unknown := next((seat.persona for seat in self.seats if seat.persona not in PERSONAS), None):
            raise EvaluatorError(f"There is no persona '{unknown}'; choose one of {', '.join(PERSONAS)}.")
        if len({seat.name for seat in self.seats}) < len(self.seats):
            raise EvaluatorError("Two seats have the same model and persona; ask for more samples instead.")
        if self.room < 1_000:
            raise EvaluatorError("A judge needs room for 1000 characters at least; give it more.")

    @property
    def name(self) -> str:
        """Whom the panel asks, as a record names it."""
        models = ", ".join(dict.fromkeys(seat.model.model for seat in self.seats))
        personas = ", ".join(dict.fromkeys(seat.persona for seat in self.seats))
        return f"{models[:120]} as {personas}"

    @property
    def network_egress(self) -> bool:
        """Whether asking it takes the paper out of this machine."""
        return any(seat.model.network_egress for seat in self.seats)


def panel_of(model: ModelOptions, personas: tuple[str, ...] = ("reader",)) -> Panel:
    """Return a panel of one model under several personas."""
    return Panel(tuple(Seat(model, persona) for persona in personas))
