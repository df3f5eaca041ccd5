"""What small runs logged, written in a test."""

from __future__ import annotations

from evaluators.manuscript.logged import RunLog, flatten


def run_of(document: object, texts: dict[str, str] | None = None, file: str = "final_info.json") -> RunLog:
    return RunLog(tuple(flatten(document, file)), texts or {})


def four_sets() -> dict[str, object]:
    times = {"circle": 41.6384, "dino": 40.2541, "line": 43.8873, "moons": 40.1346}
    losses = {"circle": 0.1517, "dino": 0.6634, "line": 0.2281, "moons": 0.9206}
    return {name: {"means": {"training_time": times[name], "eval_loss": losses[name]}} for name in times}
