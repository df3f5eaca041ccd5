"""The Physics-IQ score where the truth is known more than once: filmed again, or simulated from perturbed conditions.

Two takes of the same event never agree fully. How well they do is the best that can be asked of an output, so each
figure is divided by it, as Physics-IQ does with its two real takes.

    takes = [evaluate_clip(case, take, truth, evaluators=[Reference()]).evaluations[0] for take in other_takes]
    found = score_among_takes(evaluate_clip(case, output, truth, evaluators=[Reference()]).evaluations[0], takes)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.video.reference import IQ, MSE, ST, VERSION, WS, S

SCORE_AMONG_TAKES = Measure(
    "reference_physics_iq_among_takes", "Physics-IQ score against several takes", "points", Direction.HIGHER, 0, 100,
    f"{IQ}: 100 ((ST/ST_v + S/S_v + WS/WS_v) / 3 - (MSE - MSE_v)), cut to [0, 100]; v: the mean over further takes",
    VERSION, "100 is as close to the truth as another take of it is.",
)  # fmt: skip


FIGURES = (ST, S, WS, MSE)


def score_among_takes(output: Evaluation, takes: Sequence[Evaluation]) -> Measurement:
    """Return the score in points, 0 to 100, of `output` against one take, given further `takes` against the same one.

    All are evaluations by `Reference`. Absent when a figure is, or when the takes share no motion to divide by.
    """
    if not takes:
        return absent(SCORE_AMONG_TAKES, "no second take of the truth was given")
    for missing in (e[measure.name].reason for e in (output, *takes) for measure in FIGURES):
        if missing is not None:
            return absent(SCORE_AMONG_TAKES, missing)
    shown, *spreads = (np.array([e[measure.name].value for measure in FIGURES], float) for e in (output, *takes))
    spread = np.mean(spreads, axis=0)
    between = {measure.name: float(level) for measure, level in zip(FIGURES, spread, strict=True)}
    if spread[:3].min() <= 0:
        reason = "the takes of the truth share no motion to divide by"
        return absent(SCORE_AMONG_TAKES, reason, takes=len(takes), between_takes=between)
    points = np.mean(shown[:3] / spread[:3]) - (shown[3] - spread[3])
    return Measurement(
        SCORE_AMONG_TAKES,
        100 * float(np.clip(points, 0, 1)),
        count=output[ST.name].count,
        evidence={"takes": len(takes), "between_takes": between},
    )
