"""What an output cost: machine time at a rate for what was made here, the declared price for what was bought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.errors import GreenlightError, InputError
from core.runners.registry import runner
from core.tables import Attempt, Job

HOUR = 3600


@dataclass(frozen=True)
class Rates:
    """What an hour of a machine costs, in one currency; None where nobody has said."""

    gpu_hour: float | None = None
    cpu_hour: float | None = None
    currency: str = "USD"

    def __post_init__(self) -> None:
        for rate in (self.gpu_hour, self.cpu_hour):
            if rate is not None and not 0 <= rate < 1e6:
                raise InputError(f"an hourly rate cannot be {rate}", "give a price per hour, such as 2.50")
        if not _is_currency(self.currency):
            raise InputError(f"'{self.currency[:20]}' is no currency", "use a three-letter code such as USD or EUR")


@dataclass(frozen=True)
class Cost:
    """What one output cost: an amount with its currency, or why it is not known. `basis` says where it is from."""

    amount: float | None
    currency: str | None
    basis: str
    seconds: float | None = None


@dataclass(frozen=True)
class CostSummary:
    """A candidate's mean cost per asset over `count` of `total` assets; None where it cannot be known."""

    amount: float | None
    currency: str | None
    count: int
    total: int
    basis: str
    reason: str | None = None


def cost_of(session: Session, job: Job, rates: Rates) -> Cost:
    """Return what a job's output cost; never 0 for want of knowledge."""
    price = (job.provenance or {}).get("price")
    if price is not None:
        return declared_price(price)
    if job.origin == "vendor" or job.runner == "ingest":
        return Cost(None, None, "no price is declared with this output; add it to its provenance")
    attempts = list(session.scalars(sa.select(Attempt).where(Attempt.job_id == job.id)))
    return _machine_time(job, attempts, rates)


def declared_price(price: object) -> Cost:
    """Return a vendor's price as declared: `{"amount": number, "currency": "EUR"}`."""
    if isinstance(price, dict):
        amount, currency = _amount(price.get("amount")), price.get("currency")
        if amount is not None and isinstance(currency, str) and _is_currency(currency):
            return Cost(float(amount), currency, "price declared by whoever ingested the output")
    return Cost(None, None, "the declared price is not usable; declare an amount and a three-letter currency")


def summarise(costs: Sequence[Cost], total: int) -> CostSummary:
    """Return the mean of the known costs; currencies are never mixed."""
    known = [(cost.amount, cost.currency) for cost in costs if cost.amount is not None]
    basis = "; ".join(sorted({_kind(cost) for cost in costs if cost.amount is not None}))
    if not known:
        reason = costs[0].basis if costs else "no output can be compared"
        return CostSummary(None, None, 0, total, basis, reason)
    currencies = sorted({str(currency) for _, currency in known})
    if len(currencies) > 1:
        reason = f"prices are in {' and '.join(currencies)}, and no exchange rate is on record"
        return CostSummary(None, None, len(known), total, basis, reason)
    return CostSummary(sum(amount for amount, _ in known) / len(known), currencies[0], len(known), total, basis)


def _machine_time(job: Job, attempts: Sequence[Attempt], rates: Rates) -> Cost:
    ended = [row for row in attempts if row.finished_at is not None]
    if not ended:
        return Cost(None, None, "the run's time was not recorded")
    seconds = sum((row.finished_at - row.started_at).total_seconds() for row in ended if row.finished_at is not None)
    tries = "1 attempt" if len(ended) == 1 else f"{len(ended)} attempts"
    spent = f"{seconds:.1f} s in {tries}, measuring included"
    gpu = _on_gpu(job, ended)
    if gpu is None:
        return Cost(
            None, None, f"{spent}; the runner '{job.runner}' is not installed, so the machine is unknown", seconds
        )
    machine, rate = ("GPU", rates.gpu_hour) if gpu else ("CPU", rates.cpu_hour)
    if rate is None:
        return Cost(None, None, f"{spent}; give --{machine.lower()}-rate to price it", seconds)
    return Cost(
        seconds / HOUR * rate, rates.currency, f"{spent}, at {rate:g} {rates.currency} per {machine} hour", seconds
    )


def _on_gpu(job: Job, attempts: Sequence[Attempt]) -> bool | None:
    """Whether the job held a GPU: as its environment recorded, else as its runner demands; None if unknown."""
    if any(row.environment.get("gpu") or row.environment.get("gpus") for row in attempts):
        return True
    try:
        return runner(job.runner).needs.gpu
    except GreenlightError:
        return None


def _kind(cost: Cost) -> str:
    return cost.basis if cost.seconds is None else "measured machine time at the given rate"


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**12 else None


def _is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()
