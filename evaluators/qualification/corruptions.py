"""Graded corruption of a scene's truth, plausible variation of it, and the trivial baselines.

A corruption has at least five severities, mildest first. Those of the picture work on the drawn truth; those of
the physics draw the scene again from altered paths, so that shadows and noise stay right and only the motion is
wrong. Everything is decided by the scene's seed, the corruption's name and the level.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import EvaluatorError
from evaluators.qualification import baselines, motion, picture
from evaluators.qualification.scenes import Scene

Video = NDArray[np.uint8]
Apply = Callable[[Scene, float, np.random.Generator], Video | None]


class Group(StrEnum):
    """What a corruption spoils."""

    TEMPORAL = "temporal"
    REMOVAL = "removal"
    PRESERVATION = "preservation"
    PHYSICS = "physics"
    GRAVITY = "gravity"
    """Physics that one camera can judge only with a scale."""
    PLAUSIBLE = "plausible"
    """Nothing: variations that must not be called wrong."""
    BASELINE = "baseline"
    """What a lazy remover would hand in."""


@dataclass(frozen=True)
class Corruption:
    """One way to spoil the truth; `severities` go from mild to severe in `unit`."""

    name: str
    group: Group
    unit: str
    severities: tuple[float, ...]
    apply: Apply
    """Returns the spoiled clip, or None where the scene has nothing to spoil that way."""


_ALL = (
    Corruption("gain_flicker", Group.TEMPORAL, "grey levels", (1, 2, 4, 6, 10), picture.gain_flicker),
    Corruption("jitter", Group.TEMPORAL, "pixels", (0.25, 0.5, 1, 2, 4), picture.jitter),
    Corruption("trail", Group.TEMPORAL, "share of the older frame", (0.1, 0.2, 0.35, 0.5, 0.7), picture.trail),
    Corruption("temporal_blur", Group.TEMPORAL, "frames", (3, 5, 7, 9, 13), picture.temporal_blur),
    Corruption("freeze", Group.TEMPORAL, "share of the clip", (0.2, 0.4, 0.6, 0.8, 1.0), picture.freeze),
    Corruption("shuffle", Group.TEMPORAL, "window in frames", (2, 4, 8, 16, 48), picture.shuffle),
    Corruption("residual", Group.REMOVAL, "opacity", (0.1, 0.2, 0.35, 0.5, 0.8), picture.residual),
    Corruption("shadow_left", Group.REMOVAL, "share of the shadow", (0.2, 0.4, 0.6, 0.8, 1.0), picture.shadow_left),
    Corruption("keep_drift", Group.PRESERVATION, "grey levels", (2, 4, 8, 16, 32), picture.keep_drift),
    Corruption("hover", Group.PHYSICS, "share of the clip", (0.2, 0.4, 0.6, 0.8, 1.0), motion.hover),
    Corruption("upward", Group.PHYSICS, "g, upward", (0.15, 0.3, 0.6, 1.0, 1.5), motion.upward),
    Corruption("teleport", Group.PHYSICS, "object sizes", (0.75, 1, 1.5, 2, 3), motion.teleport),
    Corruption("vanish", Group.PHYSICS, "frames", (2, 4, 8, 16, 999), motion.vanish),
    Corruption("sideways_drift", Group.PHYSICS, "m/s²", (0.5, 1, 2, 4, 8), motion.sideways_drift),
    Corruption("unprompted", Group.PHYSICS, "m/s", (0.3, 0.6, 1, 1.5, 2.5), motion.unprompted),
    Corruption("gravity_low", Group.GRAVITY, "share of g lost", (0.3, 0.5, 0.65, 0.85, 1.0), motion.gravity_low),
    Corruption("gravity_high", Group.GRAVITY, "times g", (1.5, 2, 3, 4, 6), motion.gravity_high),
    Corruption("truth", Group.PLAUSIBLE, "take", (1, 2), picture.another_take),
    Corruption("reencoded", Group.PLAUSIBLE, "crf", (18, 23, 28), picture.reencoded),
    Corruption("noisy", Group.PLAUSIBLE, "grey levels", (2, 4, 6), picture.noisy),
    Corruption("perturbed", Group.PLAUSIBLE, "m/s", (0.05, 0.1, 0.15), motion.perturbed),
    Corruption("copy_input", Group.BASELINE, "", (1,), baselines.copy_input),
    Corruption("frozen_input", Group.BASELINE, "", (1,), baselines.frozen_input),
    Corruption("blur_fill", Group.BASELINE, "", (1,), baselines.blur_fill),
)

CORRUPTIONS: dict[str, Corruption] = {corruption.name: corruption for corruption in _ALL}
"""Every corruption, variation and baseline by name."""


REARRANGED = frozenset({"trail", "temporal_blur", "freeze", "shuffle", "frozen_input"})
"""What only repeats, mixes or reorders frames: it spoils nothing where nothing moves."""
SEEN = 4.0
"""Grey levels, averaged over blocks of 8x8 pixels, from which a clip differs from the truth by more than its grain."""


def in_group(*groups: Group) -> tuple[Corruption, ...]:
    """Return the corruptions of these groups."""
    return tuple(corruption for corruption in _ALL if corruption.group in groups)


def corrupt(scene: Scene, name: str, level: int) -> Video | None:
    """Return the truth spoiled at severity number `level` (0 is the mildest), or None where it does not apply.

    A clip that was only rearranged and still shows the truth, as nothing moves while it was, is None too: no measure
    could or should call it spoiled. RGB uint8, the shape of the scene's video. Raises EvaluatorError for an unknown
    name or level.
    """
    corruption = CORRUPTIONS.get(name)
    if corruption is None:
        raise EvaluatorError(f"There is no corruption '{name}'; choose one of {', '.join(CORRUPTIONS)}.")
    if not 0 <= level < len(corruption.severities):
        raise EvaluatorError(f"{name} has the levels 0 to {len(corruption.severities) - 1}, not {level}.")
    # The level is left out of the seed: severities of one scene differ in size only, as a dose does.
    rng = np.random.default_rng((scene.seed, zlib.crc32(f"{scene.family}/{name}".encode())))
    video = corruption.apply(scene, corruption.severities[level], rng)
    return None if video is not None and name in REARRANGED and not differs(video, scene.counterfactual) else video


def differs(video: Video, truth: Video) -> bool:
    """Return whether any frame differs from the truth by more than grain; both (frames, height, width, 3) uint8."""
    size = (max(truth.shape[2] // 8, 1), max(truth.shape[1] // 8, 1))
    for frame, true in zip(video, truth, strict=True):
        if not np.array_equal(frame, true):
            small, small_true = (cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (frame, true))
            if cv2.norm(small, small_true, cv2.NORM_INF) >= SEEN:
                return True
    return False
