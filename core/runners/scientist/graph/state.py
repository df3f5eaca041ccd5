"""What the graph knows of a study: plain JSON data only, so that a checkpoint revives no objects."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

Record = dict[str, Any]


def _counted(old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    return {**old, **new}


class Execution(TypedDict):
    """One run of a program in the sandbox. `files` are digests in the ledger by path in /outputs."""

    ok: bool
    reason: str
    detail: str
    exit_code: int | None
    seconds: float
    peak_memory: int | None
    printed: str
    errors: str
    files: dict[str, str]
    refused: list[str]
    results: Record
    results_problem: str


class State(TypedDict, total=False):
    """The whole of a study; every node returns the fields that it has settled."""

    inputs_sha256: str
    analysis: Record
    surveyed: Record
    idea: Record
    view: Record
    round: int
    objections: list[str]
    agreed: bool
    assessment: Record
    planned: Record
    code: str
    code_round: int
    code_problems: list[str]
    execution: Execution
    judgement: Record
    accepted: bool
    findings: Record
    text: Record
    writing_round: int
    writing_problems: list[str]
    ethics: Record
    cleared: bool
    cited: list[str]
    visits: Annotated[dict[str, int], _counted]
    log: Annotated[list[Record], operator.add]
    notes: Annotated[list[str], operator.add]
