"""Does what the removal set free move as the world moves? Judged without knowing the true outcome.

The bodies in the affected region A are followed (`tracking`), their paths cut into stretches of simple motion
(`trajectory`) and held against rules that hold in any scene (`physics_rules`). One camera does not know how large
the world is: the *size* of gravity is judged only with a scale in metres per pixel. Whatever cannot be seen is
absent with its reason.

`physics_plausibility` is the product of the rules' scores that were taken, each 1 / (1 + violation^2).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, Interval, Measure, Measurement, absent
from evaluators.video import physics_rules as rules
from evaluators.video.association import Track
from evaluators.video.stills import Still, shrink, shrink_mask, tracking_size
from evaluators.video.tracking import Tracked, follow
from evaluators.video.trajectory import Stretch, cut

NAME = "physics"
VERSION = "2"
STANDARD_GRAVITY = 9.81
HOUSE = "this package's definition, after the trajectory guards of Morpheus (arXiv 2504.02918)"
LEAST_FRAMES = 5
LEAST_WHOLE = 3
"""Frames in which a body must be seen whole: the fewest that show it speed up."""
LEAST_AREA = rules.LEAST_AREA
_REPLICATES = 12
_TRACKER_NOISE = 0.3
_LEVEL = 0.9


def _rule(name: str, title: str, meaning: str) -> Measure:
    return Measure(name, title, "score", Direction.HIGHER, 0, 1, HOUSE, VERSION, meaning)


PLAUSIBILITY = _rule(
    "physics_plausibility", "Physical plausibility",
    "1 when nothing that the removal set free moves against physics; the product of the rules below.",
)  # fmt: skip
RULE_MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        _rule("physics_gravity_direction", "Gravity points down", "Free bodies speed up downwards, never upwards."),
        _rule("physics_sideways", "No sideways pull", "No body gains speed sideways without a push."),
        _rule(
            "physics_support", "Unsupported bodies fall", "A body whose support was removed does not hang in the air."
        ),
        _rule("physics_continuity", "No jumps", "No body jumps from one place to another."),
        _rule("physics_cause", "Motion has a cause", "No body starts, speeds up or swerves with nothing near it."),
        _rule("physics_permanence", "Bodies stay", "No body vanishes, comes from nowhere or is doubled."),
    )
}
FALL = Measure(
    "physics_fall_acceleration", "Acceleration of free fall", "m/s²", Direction.TARGET, None, None, HOUSE, VERSION,
    "How fast a released body speeds up; 9.81 on Earth. Needs the picture's scale.", STANDARD_GRAVITY,
)  # fmt: skip
GRAVITY_SIZE = _rule(
    "physics_gravity_size",
    "Gravity is as strong as on Earth",
    "1 when released bodies fall at 9.81 m/s²; needs the scale.",
)
AGREEMENT = Measure(
    "physics_gravity_agreement", "Agreement between falls", "ratio", Direction.LOWER, 1, None, HOUSE, VERSION,
    "The largest ratio between the accelerations of bodies that fall in one clip; 1 when all fall alike.",
)  # fmt: skip
BOUNCE = Measure(
    "physics_bounce_energy", "Energy kept in a bounce", "ratio", Direction.DIAGNOSTIC, 0, None, HOUSE, VERSION,
    "The largest share of its vertical energy that a body keeps when it bounces; more than 1 is impossible.",
)  # fmt: skip
RESIDUAL = Measure(
    "physics_path_residual", "Roughness of the path", "body sizes", Direction.DIAGNOSTIC, 0, None,
    "normalised residual of the trajectory fit, as in Morpheus (arXiv 2504.02918)", VERSION,
    "How far positions lie from smooth motion, against the body's size.",
)  # fmt: skip
MEASURES: tuple[Measure, ...] = (PLAUSIBILITY, *RULE_MEASURES.values(), FALL, GRAVITY_SIZE, AGREEMENT, BOUNCE, RESIDUAL)


def make_still(
    input_bgr: NDArray[np.uint8],
    output_bgr: NDArray[np.uint8],
    removed: NDArray[np.uint8],
    affected: NDArray[np.uint8],
    kept: NDArray[np.uint8],
) -> Still:
    """Return one frame at the tracking size; regions are (h, w) uint8 of 0 and 1, frames (h, w, 3) uint8 BGR."""
    size = tracking_size(input_bgr.shape[1], input_bgr.shape[0])
    return Still(
        shrink(input_bgr, size),
        shrink(output_bgr, size),
        shrink_mask(removed, size, whole=False),
        shrink_mask(affected, size, whole=False),
        shrink_mask(kept, size, whole=True),
    )


def evaluate_physics(
    inputs: Iterable[NDArray[np.uint8]],
    outputs: Iterable[NDArray[np.uint8]],
    quadmasks: Iterable[NDArray[np.uint8]],
    fps: float,
    metres_per_pixel: float | None = None,
) -> Evaluation:
    """Judge an output clip from decoded frames of equal size: BGR (h, w, 3) uint8, quadmask (h, w) uint8.

    `metres_per_pixel` is the scale at the bodies in these frames' pixels. Frames are read once, in step, and kept
    at 336x192 at most. Iterables of unequal length are read to the shortest.
    """
    stills = []
    width = 1
    for before, after, mask in zip(inputs, outputs, quadmasks, strict=False):
        width = before.shape[1]
        removed, affected = (mask <= 63), (mask == 63) | (mask == 127)
        kept = _erode((mask == 255).astype(np.uint8), max(3, round(mask.shape[0] / 48)))
        stills.append(make_still(before, after, removed.astype(np.uint8), affected.astype(np.uint8), kept))
    return judge(stills, fps, metres_per_pixel, width)


def judge(stills: Sequence[Still], fps: float, metres_per_pixel: float | None, width: int) -> Evaluation:
    """Return the evaluation of stills; `metres_per_pixel` belongs to frames `width` pixels wide."""
    parameters: dict[str, object] = {"fps": fps, "metres_per_pixel": metres_per_pixel, "frames": len(stills)}
    reason, tracked = _look(stills)
    if reason is not None or tracked is None:
        return Evaluation(NAME, VERSION, tuple(absent(m, reason or "") for m in MEASURES), parameters=parameters)
    zoom = width / stills[0].removed.shape[1]
    scale = None if metres_per_pixel is None else metres_per_pixel * zoom * fps * fps
    clip = _clip(tracked, len(stills))
    repeats = [_clip(tracked, len(stills), seed) for seed in range(_REPLICATES)]
    parameters["camera_travel_px"] = round(tracked.camera_px * zoom, 2)
    evidence = _evidence(clip, zoom)
    taken = _rule_measurements(clip, repeats)
    fall, size = _gravity(clip, repeats, scale)
    scores = [*taken.values(), *([size] if size.value is not None else [])]
    summary = _summary(scores, repeats, scale, evidence)
    rest = (fall, size, _agreement(clip), _bounce(clip), _residual(clip))
    return Evaluation(NAME, VERSION, (summary, *taken.values(), *rest), parameters=parameters)


def _look(stills: Sequence[Still]) -> tuple[str | None, Tracked | None]:
    """Return the reason why a clip cannot be judged, or what was tracked."""
    if len(stills) < LEAST_FRAMES:
        return f"a path needs at least {LEAST_FRAMES} frames and the clip has {len(stills)}", None
    if not any(still.affected.any() for still in stills):
        return "the mask names no affected region, so the removal sets nothing free", None
    tracked = follow(stills)
    if tracked.reason is not None:
        return tracked.reason, None
    longest = max((len(_whole(track)) for track in tracked.tracks), default=0)
    if not tracked.tracks and tracked.first_area < LEAST_AREA:
        return "no body can be told from the background in the affected region", None
    if tracked.tracks and 0 < longest < LEAST_WHOLE and sum(map(bool, tracked.before)) < 2:
        return f"bodies in the affected region are seen whole in fewer than {LEAST_WHOLE} frames", None
    if tracked.tracks and longest == 0:
        return "what moves in the affected region is cut by the border of the picture or of the region throughout", None
    return None, tracked


def _clip(tracked: Tracked, frames: int, seed: int | None = None) -> rules.Clip:
    """Return the paths; with a seed, of positions to which the tracker's noise was added once more."""
    rng = None if seed is None else np.random.default_rng((seed, 11))
    paths = []
    for track in tracked.tracks:
        noise = np.zeros((2, len(track.blobs))) if rng is None else rng.normal(0, _TRACKER_NOISE, (2, len(track.blobs)))
        x = [blob.x + float(d) for blob, d in zip(track.blobs, noise[0], strict=True)]
        y = [blob.y + float(d) for blob, d in zip(track.blobs, noise[1], strict=True)]
        seen = _whole(track)
        paths.append(
            rules.Path(track, cut([track.frames[i] for i in seen], [x[i] for i in seen], [y[i] for i in seen]))
        )
    return rules.Clip(tuple(path for path in paths if path.stretches), tracked, frames - 1)


def _whole(track: Track) -> list[int]:
    """Return the blobs whose centre is that of the whole body: the border does not cut them."""
    return [i for i, blob in enumerate(track.blobs) if not blob.at_border]


def _rule_measurements(clip: rules.Clip, repeats: Sequence[rules.Clip]) -> dict[str, Measurement]:
    taken = {}
    for name, rule in rules.RULES.items():
        finding = rule(clip)
        value = rules.score(finding.violation)
        interval = _range([rules.score(rule(repeat).violation) for repeat in repeats], value)
        plain = finding.violation > 0.3
        evidence = {
            "violation": round(finding.violation, 4),
            "frames": list(finding.frames) if plain else [],
            "why": finding.words if plain else "",
        }
        taken[name] = Measurement(
            RULE_MEASURES[name], value, interval=interval, count=len(clip.paths), count_of="bodies", evidence=evidence
        )
    return taken


def _range(values: Sequence[float], value: float) -> Interval:
    """Return the central range of repetitions, widened to hold the value itself."""
    low, high = (float(v) for v in np.quantile(values, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2)))
    method = f"{len(values)} repetitions with the tracker's noise added"
    return Interval(min(low, value), max(high, value), _LEVEL, method)


def _gravity(clip: rules.Clip, repeats: Sequence[rules.Clip], scale: float | None) -> tuple[Measurement, Measurement]:
    """Return the acceleration of the best measured fall, and its score; `scale` turns px/frame² into m/s²."""
    if scale is None:
        reason = "no scale was given, and one camera does not know the size of the world"
        return absent(FALL, reason), absent(GRAVITY_SIZE, reason)
    falls = [fall for fall in map(rules.fall_of, clip.paths) if fall is not None]
    if not falls:
        reason = "no body falls freely for long enough"
        return absent(FALL, reason), absent(GRAVITY_SIZE, reason)
    fall = min(falls, key=lambda item: item.error / item.acceleration)
    value, error = fall.acceleration * scale, fall.error * scale
    interval = Interval(value - 1.96 * error, value + 1.96 * error, 0.95, "standard error of the quadratic fit")
    frames = fall.end - fall.start + 1
    evidence = {"frames": [fall.start, fall.end], "falls_m_s2": [round(f.acceleration * scale, 3) for f in falls]}
    measured = Measurement(FALL, value, interval=interval, count=frames, evidence=evidence)
    score = rules.score(_size_violation(fall, scale))
    again = [_size_score(repeat, scale) for repeat in repeats]
    band = _range([s for s in again if s is not None] or [score], score)
    return measured, Measurement(GRAVITY_SIZE, score, interval=band, count=frames, evidence=evidence)


def _size_violation(fall: rules.Fall, scale: float) -> float:
    return rules.gravity_size(fall.acceleration * scale / STANDARD_GRAVITY, fall.error / fall.acceleration)


def _size_score(clip: rules.Clip, scale: float) -> float | None:
    falls = [fall for fall in map(rules.fall_of, clip.paths) if fall is not None]
    if not falls:
        return None
    return rules.score(_size_violation(min(falls, key=lambda item: item.error / item.acceleration), scale))


def _summary(
    scores: Sequence[Measurement],
    repeats: Sequence[rules.Clip],
    scale: float | None,
    evidence: dict[str, object],
) -> Measurement:
    value = math.prod(m.value for m in scores if m.value is not None)
    again = []
    for repeat in repeats:
        product = math.prod(rules.score(rule(repeat).violation) for rule in rules.RULES.values())
        size = _size_score(repeat, scale) if scale is not None else None
        again.append(product * (1.0 if size is None else size))
    broken = sorted((m for m in scores if m.value is not None and m.value < 0.5), key=lambda m: m.value or 0.0)
    words = [str(m.evidence.get("why") or m.measure.meaning) for m in broken]
    full = {**evidence, "rules": [m.measure.name for m in scores], "broken": words}
    bodies = scores[0].count
    return Measurement(
        PLAUSIBILITY, value, interval=_range(again, value), count=bodies, count_of="bodies", evidence=full
    )


def _agreement(clip: rules.Clip) -> Measurement:
    falls = [fall for fall in map(rules.fall_of, clip.paths) if fall is not None]
    if len(falls) < 2:
        return absent(AGREEMENT, "fewer than two bodies fall freely")
    ratio = rules.agreement(falls)
    error = max(fall.error / fall.acceleration for fall in falls) * math.sqrt(2)
    interval = Interval(max(1.0, ratio * (1 - 1.96 * error)), ratio * (1 + 1.96 * error), 0.95, "standard error")
    return Measurement(AGREEMENT, ratio, interval=interval, count=len(falls), count_of="falls")


def _bounce(clip: rules.Clip) -> Measurement:
    kept = []
    for path in clip.paths:
        for before, after in path.events():
            contact = _meeting(before, after)
            down, up = before.speeds(contact)[1], -after.speeds(contact)[1]
            if down > 0.1 * path.size and up > 3 * after.y.speed_error > 0 and after.start - before.end <= 2:
                kept.append(((up / down) ** 2, 2 * after.y.speed_error / up, before.end))
    if not kept:
        return absent(BOUNCE, "no body bounces high enough to measure")
    value, error, frame = max(kept)
    interval = Interval(
        max(0.0, value * (1 - 1.96 * error)), value * (1 + 1.96 * error), 0.95, "standard error of the fit"
    )
    return Measurement(BOUNCE, value, interval=interval, count=len(kept), count_of="bounces", evidence={"frame": frame})


def _meeting(before: Stretch, after: Stretch) -> float:
    """Return the moment between two stretches at which their fits come closest."""
    moments = np.linspace(before.end, after.start, 25)
    return float(min(moments, key=lambda moment: math.dist(before.place(moment), after.place(moment))))


def _residual(clip: rules.Clip) -> Measurement:
    parts = [
        (stretch.residual / path.size, stretch.frames)
        for path in clip.paths
        for stretch in path.stretches
        if stretch.frames >= 4
    ]
    if not parts:
        return absent(RESIDUAL, "no stretch of motion is long enough to fit")
    frames = sum(count for _value, count in parts)
    value = math.sqrt(sum(value**2 * count for value, count in parts) / frames)
    return Measurement(RESIDUAL, value, count=frames)


def _evidence(clip: rules.Clip, zoom: float) -> dict[str, object]:
    """Return the tracks and fits in the clip's own pixels, for a reader to check against the frames."""
    return {
        "tracks": [
            {
                "frames": list(path.track.frames),
                "x": [round(blob.x * zoom, 1) for blob in path.track.blobs],
                "y": [round(blob.y * zoom, 1) for blob in path.track.blobs],
                "size_px": round(path.size * zoom, 1),
                "stretches": [
                    {
                        "frames": [stretch.start, stretch.end],
                        "speed": [round(v * zoom, 3) for v in stretch.speeds(stretch.start)],
                        "acceleration": [
                            round(stretch.x.acceleration * zoom, 3),
                            round(stretch.y.acceleration * zoom, 3),
                        ],
                        "residual": round(stretch.residual * zoom, 3),
                        "at_rest": path.rests(stretch),
                    }
                    for stretch in path.stretches
                ],
            }
            for path in clip.paths
        ],
        "unit": "pixels of the measured frames and frames; y points down; the first frame's coordinates",
    }


def _erode(mask: NDArray[np.uint8], band: int) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.erode(mask, np.ones((2 * band + 1,) * 2, np.uint8)), np.uint8)


def without_scale(evaluation: Evaluation) -> Evaluation:
    """Return the evaluation as it would be if no scale had been given: the summary without the size of gravity."""
    kept = [m for m in evaluation.measurements if m.measure.name in RULE_MEASURES and m.value is not None]
    value = math.prod(m.value for m in kept if m.value is not None)
    return replace(
        evaluation,
        measurements=tuple(
            replace(m, value=value, interval=None) if m.measure is PLAUSIBILITY and m.value is not None else m
            for m in evaluation.measurements
        ),
    )
