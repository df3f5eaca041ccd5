"""A study's parameters: which model answers for which role, what all of it may cost, where a person decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import RunFailed
from core.runners.scientist.graph.prompts import ROLES

DEFAULT = "default"
Gate = Literal["execution", "manuscript"]


class Part(BaseModel):
    """A closed part of the parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ModelChoice(Part):
    """One model. Prices are US dollars per million tokens; without both its costs are unknown.

    `key_variable` and `forbidden` (why it may not be asked) are written by the worker.
    """

    model: str = Field(min_length=1, max_length=200)
    base_url: str | None = None
    key_variable: str | None = None
    forbidden: str | None = None
    temperature: float | None = Field(default=0.2, ge=0, le=2)
    max_tokens: int = Field(default=8000, ge=100, le=200_000)
    price_in: float | None = Field(default=None, ge=0)
    price_out: float | None = Field(default=None, ge=0)


class Budget(Part):
    """What the study may use over all its attempts; `usd` is unlimited unless given. Seconds are those spent asking."""

    calls: int = Field(default=120, ge=1)
    tokens: int = Field(default=2_000_000, ge=1)
    usd: float | None = Field(default=None, gt=0)
    seconds: float = Field(default=7200, gt=0)


class Sandbox(Part):
    """Limits of the executed code: seconds, MiB, processes."""

    wall_s: float = Field(default=600, gt=0, le=86_400)
    memory_mib: int = Field(default=2048, ge=128)
    processes: int = Field(default=64, ge=1)
    disk_mib: int = Field(default=256, ge=1)


class Options(Part):
    """Everything a study by the graph can choose."""

    models: Mapping[str, ModelChoice]
    """By role, or `default` for all others."""
    mode: Literal["reproduction", "innovation", "exploration"] | None = None
    """None takes the protocol's."""
    budget: Budget = Budget()
    rounds: int = Field(default=3, ge=1, le=10)
    """How often engineer and clinician may speak before they must agree."""
    code_rounds: int = Field(default=3, ge=1, le=10)
    writing_rounds: int = Field(default=3, ge=1, le=10)
    tries: int = Field(default=4, ge=1, le=20)
    """How often one question is put."""
    request_s: float = Field(default=120, gt=0, le=3600)
    backoff_s: float = Field(default=2, ge=0, le=600)
    """First wait after a failure that may pass, doubled each time; a server's Retry-After goes before it."""
    context_chars: int = Field(default=200_000, ge=2000)
    """Material beyond this is cut before it is sent."""
    sandbox: Sandbox = Sandbox()
    gates: tuple[Gate, ...] = ()
    decisions: Mapping[str, Mapping[str, object]] = Field(default_factory=dict)
    """What people have decided, by gate; written by the worker."""
    checkpoints_variable: str = ""
    """Names the variable with the address of a PostgreSQL database for the checkpoints; written by the worker."""

    def model_of(self, role: str) -> ModelChoice:
        """Return the model that answers for a role."""
        return self.models[role] if role in self.models else self.models[DEFAULT]


def read_options(parameters: Mapping[str, object]) -> Options:
    """Check the parameters; whatever is unusable is a `RunFailed` that names it."""
    known = {name: value for name, value in parameters.items() if name != "provenance"}
    try:
        options = Options.model_validate(known)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "parameters"
        raise RunFailed(f"the parameter '{place}' cannot be used: {first['msg']}", "see docs/scientist.md") from None
    if strange := sorted(set(options.models) - {*ROLES, DEFAULT}):
        raise RunFailed(f"there is no role '{strange[0]}'", f"use {DEFAULT}, {', '.join(ROLES)}")
    if missing := [role for role in ROLES if role not in options.models and DEFAULT not in options.models]:
        raise RunFailed(f"no model answers for the role '{missing[0]}'", "give one, or one as 'default'")
    unpriced = [choice.model for choice in options.models.values() if None in (choice.price_in, choice.price_out)]
    if options.budget.usd is not None and unpriced:
        raise RunFailed(f"a budget in dollars needs the prices of '{unpriced[0]}'", "give price_in and price_out")
    return options
