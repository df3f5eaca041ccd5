"""What the paths of bodies must obey, whatever the scene: each rule returns how badly a clip breaks it.

A violation of 0 is none and 1 is as much as a viewer would call wrong; its score is 1 / (1 + violation^2). Lengths
are judged against the body's own size, because one camera does not know the size of the world. Nothing here knows
the true outcome; the mask only says which bodies the removal concerns and whether they touched what was removed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluators.video.association import Track
from evaluators.video.bodies import Blob
from evaluators.video.tracking import Tracked
from evaluators.video.trajectory import Stretch

FRICTION = 1.0
"""Largest coefficient of friction that a contact is granted."""
_SPIN = 0.3
"""Share of a contact's push that a spinning body may turn into speed along the contact."""
LEAST_AREA = 80.0
"""Tracking pixels below which what the input shows in the affected region is no body."""
_GRACE = 2
"""Frames that a body may seem at rest after losing its support: the start of a fall is slow."""
_STILL = 0.012
"""Body sizes per frame below which a body counts as at rest."""


@dataclass(frozen=True)
class Path:
    """A body's track with its stretches of simple motion."""

    track: Track
    stretches: tuple[Stretch, ...]

    @property
    def size(self) -> float:
        """Side of the square of the body's area, in tracking pixels."""
        return self.track.size

    def rests(self, stretch: Stretch) -> bool:
        """Return whether the body is at rest in a stretch."""
        speed = max(math.hypot(*stretch.speeds(frame)) for frame in (stretch.start, stretch.end))
        return stretch.travel < max(1.0, 0.06 * self.size) and speed < max(0.25, _STILL * self.size)

    def events(self) -> Iterator[tuple[Stretch, Stretch]]:
        """Yield the pairs of neighbouring stretches; single frames between them, as at a contact, are passed over."""
        yield from pairwise(stretch for stretch in self.stretches if stretch.frames > 1)


class Finding(NamedTuple):
    """How badly one rule is broken, where, and in which words."""

    violation: float
    frames: tuple[int, ...] = ()
    words: str = ""


NONE = Finding(0.0)


@dataclass(frozen=True)
class Clip:
    """Everything the rules look at."""

    paths: tuple[Path, ...]
    tracked: Tracked
    last: int
    """Number of the last frame."""


def score(violation: float) -> float:
    """Return the score of a violation, in [0, 1]."""
    return 1.0 / (1.0 + violation * violation)


def worst(findings: Sequence[Finding]) -> Finding:
    """Return the finding with the largest violation."""
    return max(findings, key=lambda finding: finding.violation, default=NONE)


def gravity_direction(clip: Clip) -> Finding:
    """Free bodies speed up downwards: an acceleration upwards that lasts is wrong."""
    return worst([_upward(path, stretch) for path in clip.paths for stretch in path.stretches])


def _upward(path: Path, stretch: Stretch) -> Finding:
    lift = -stretch.y.acceleration
    opening = stretch is path.stretches[0] and stretch.frames == 3 and stretch.y.speed_at(0.5) < 0
    if (stretch.frames < 4 and not opening) or lift < 3 * stretch.y.acceleration_error:
        return NONE
    gained = lift * (stretch.frames - 1) ** 2 / 2
    if stretch.y.speed_at(stretch.frames - 1) > 0:
        # A body that brakes on its way down may have been caught by something soft.
        gained *= 0.3
    return Finding(
        gained / (0.35 * path.size), (stretch.start, stretch.end), "a body speeds up upwards, against gravity"
    )


def sideways(clip: Clip) -> Finding:
    """Nothing pulls sideways: a horizontal speed that keeps growing is wrong."""
    return worst([_sideways(path, stretch) for path in clip.paths for stretch in path.stretches])


def _sideways(path: Path, stretch: Stretch) -> Finding:
    pull = abs(stretch.x.acceleration)
    before, after = abs(stretch.x.speed), abs(stretch.x.speed_at(stretch.frames - 1))
    if stretch.frames < 4 or pull < 3.5 * stretch.x.acceleration_error or after <= before:
        return NONE
    gained = pull * (stretch.frames - 1) ** 2 / 2
    return Finding(gained / (0.4 * path.size), (stretch.start, stretch.end), "a body is pulled sideways by nothing")


def support(clip: Clip) -> Finding:
    """A body whose support is gone falls at once; a body at rest does not start to fall later."""
    findings = [_late_fall(path, before, after) for path in clip.paths for before, after in path.events()]
    findings += [_never_falls(clip, path) for path in clip.paths]
    return worst(findings)


def _late_fall(path: Path, before: Stretch, after: Stretch) -> Finding:
    fall = after.y.at(after.frames - 1) - after.y.at(0)
    speeds_up = after.y.acceleration > 3 * after.y.acceleration_error > 0 or after.frames < 4
    if not path.rests(before) or fall < 0.3 * path.size or not speeds_up:
        return NONE
    waited = before.frames - _GRACE
    return Finding(max(0.0, waited / 2), (before.start, before.end), "a body hangs in the air before it falls")


def _never_falls(clip: Clip, path: Path) -> Finding:
    answered = clip.tracked.unanswered is not None and clip.tracked.unanswered < 0.7
    still = all(path.rests(stretch) for stretch in path.stretches if stretch.frames > 2)
    long = sum(stretch.frames for stretch in path.stretches) > max(6, 0.5 * clip.last)
    moved = math.hypot(path.track.blobs[-1].x - path.track.blobs[0].x, path.track.blobs[-1].y - path.track.blobs[0].y)
    on_nothing = any(clip.tracked.tracks[number] is path.track for number in clip.tracked.hanging)
    held = clip.tracked.touches_removed and clip.tracked.unanswered is not None and not answered
    if not (on_nothing or held):
        return NONE
    if not still or not long or moved > 0.35 * path.size:
        return NONE
    waited = len(path.track.blobs) - _GRACE
    return Finding(waited / 2, path.track.frames[:: max(1, waited)], "a body stays in the air, its support removed")


def continuity(clip: Clip) -> Finding:
    """A body does not jump: neighbouring stretches meet at some moment between them."""
    return worst([_jump(path, before, after) for path in clip.paths for before, after in path.events()])


def _jump(path: Path, before: Stretch, after: Stretch) -> Finding:
    if after.start - before.end > 3:
        return NONE
    moments = np.linspace(before.end, after.start, 25)
    gap = min(math.dist(before.place(moment), after.place(moment)) for moment in moments)
    allowed = 0.12 * path.size + 1.0
    words = "a body jumps from one place to another"
    return Finding(max(0.0, gap - allowed) / (0.3 * path.size), (before.end, after.start), words)


def cause(clip: Clip) -> Finding:
    """Motion needs a cause: no start, gain of speed or swerve without a contact that can give it."""
    findings = []
    for path in clip.paths:
        for before, after in path.events():
            if after.start - before.end > 3 or _pushed(clip, path, before.end, after.start):
                continue
            findings.append(_gain(path, before, after))
            findings.append(_swerve(path, before, after))
    return worst([*findings, _strays(clip)])


def _strays(clip: Clip) -> Finding:
    """Until something of the input meets the removed object, the output's bodies move as the input's do."""
    findings = []
    largest = max((path.size for path in clip.paths), default=0.0)
    for number, shown in enumerate(clip.tracked.before):
        for body in shown:
            found = [blob for path in clip.paths for blob in path.track.blobs if blob.frame == body.frame]
            size = math.sqrt(body.area)
            if body.at_border or not found or size < 0.45 * largest:
                continue
            off = min(math.hypot(blob.x - body.x, blob.y - body.y) for blob in found) / size
            # Slightly other beginnings are as plausible, and they part with time.
            violation = (off - 0.25 - 0.1 * number) / 0.4
            words = "a body leaves its path before the removed object could have mattered"
            findings.append(Finding(max(0.0, violation), (body.frame,), words))
    return worst(findings)


def _gain(path: Path, before: Stretch, after: Stretch) -> Finding:
    """Compare the speeds at the moment between the stretches at which a fall allows most."""
    was = max(math.hypot(*before.speeds(moment)) for moment in (before.end, after.start))
    now = min(_unaided(before, after, moment) for moment in (before.end, after.start))
    doubt = 2.5 * math.hypot(after.x.speed_error, after.y.speed_error) + 2.5 * math.hypot(
        before.x.speed_error, before.y.speed_error
    )
    gained = now - 1.1 * was - doubt - 0.01 * path.size
    if gained <= 0 or after.travel < max(2.0, 0.1 * path.size):
        return NONE
    from_rest = path.rests(before) and before.frames >= 3
    violation = gained * 3 / (0.35 * path.size)
    if not from_rest:
        return Finding(violation, (before.end, after.start), "a body gains speed from nothing")
    # Rest is plain to see, so that how far the body gets counts and not only how fast it is.
    way = math.dist(before.place(before.end), after.place(after.end)) / path.size
    violation = max(2 * violation, (way - 0.1) / 0.15)
    return Finding(violation, (before.end, after.start), "a body at rest starts to move with nothing near it")


def _unaided(before: Stretch, after: Stretch, moment: float) -> float:
    """Return the later speed without what it gained downwards: that a body comes down has a cause."""
    across, down = after.speeds(moment)
    return math.hypot(across, min(down, max(0.0, before.speeds(moment)[1])))


def _swerve(path: Path, before: Stretch, after: Stretch) -> Finding:
    """A contact from below pushes up and rubs; one from the side turns a body back. Anything else is a swerve."""
    if before.frames < 2 or after.frames < 2:
        return NONE
    moment = (before.end + after.start) / 2
    was, now = before.speeds(moment), after.speeds(moment)
    turn, push = abs(now[0] - was[0]), max(0.0, before.speeds(after.start)[1] - after.speeds(before.end)[1])
    speed = math.hypot(*was)
    doubt = 2 * (before.x.speed_error + after.x.speed_error)
    left = turn - FRICTION * push - 0.08 * speed - 0.04 * path.size - doubt
    no_faster = abs(now[0]) <= abs(was[0]) + _SPIN * push + doubt
    turned_back = now[0] * was[0] <= 0 and no_faster and not path.rests(after)
    if left <= 0 or turned_back or max(turn, speed) < 0.08 * path.size:
        return NONE
    words = "a body stops or swerves in its flight with nothing in the way"
    return Finding(2 * left / (0.35 * path.size), (before.end, after.start), words)


def _pushed(clip: Clip, path: Path, start: int, end: int) -> bool:
    """Return whether another moving body is in contact with this one at that time."""
    own = [blob for blob in path.track.blobs if start - 1 <= blob.frame <= end + 1]
    for other in clip.paths:
        if other is path:
            continue
        for blob in other.track.blobs:
            near = any(b.frame == blob.frame and _apart(b, blob) < 0.25 * path.size for b in own)
            if near and _moves(other, blob.frame):
                return True
    return False


def _apart(one: Blob, two: Blob) -> float:
    across = max(one.left, two.left) - min(one.left + one.width, two.left + two.width)
    down = max(one.top, two.top) - min(one.top + one.height, two.top + two.height)
    return math.hypot(max(0.0, across), max(0.0, down))


def _moves(path: Path, frame: int) -> bool:
    return any(stretch.start - 1 <= frame <= stretch.end + 1 and not path.rests(stretch) for stretch in path.stretches)


def permanence(clip: Clip) -> Finding:
    """Bodies neither vanish nor multiply: their pixels stay the same in number unless one leaves the picture."""
    if not clip.paths:
        gone = clip.tracked.first_area >= LEAST_AREA and not clip.tracked.tracks
        return Finding(clip.last / 1.5, (0,), "a body of the input is gone from the start") if gone else NONE
    first = min(path.track.frames[0] for path in clip.paths)
    area = np.zeros(clip.last + 1)
    for path in clip.paths:
        for blob in path.track.blobs:
            area[blob.frame] += blob.area
    reference = np.full(clip.last + 1, float(np.median(area[first : first + 3])))
    for path in clip.paths:
        _allow_borders(path, reference, first, clip.tracked)
    seen = np.arange(clip.last + 1) >= first
    own = max(path.size for path in clip.paths) ** 2
    missing = np.flatnonzero(seen & (reference > 0.3 * own) & (area < 0.72 * reference))
    double = np.flatnonzero(seen & (area > 1.5 * reference) & (reference > 0.3 * own))
    lost = Finding(len(missing) / 1.5, tuple(int(f) for f in missing[:8]), "a body vanishes")
    many = Finding(max(0, len(double) - 1) / 3, tuple(int(f) for f in double[:8]), "a body is doubled")
    return worst([lost, many])


def _allow_borders(path: Path, reference: NDArray[np.float64], first: int, tracked: Tracked) -> None:
    """Take a body off the expected area while the border cuts or hides it, and add one that comes in there."""
    seen = {blob.frame: number for number, blob in enumerate(path.track.blobs)}
    usual = path.size**2
    begin = path.track.blobs[0].frame
    if path.track.blobs[0].at_border and begin > first:
        reference[begin:] += usual
    number = 0
    for frame in range(begin, len(reference)):
        number = seen.get(frame, number)
        blob = path.track.blobs[number]
        if blob.at_border or (frame not in seen and _is_out(path.track.blobs[: number + 1], frame, path.size, tracked)):
            reference[frame] -= max(0.0, usual - blob.area) if frame in seen else usual


def _is_out(blobs: Sequence[Blob], frame: int, size: float, tracked: Tracked) -> bool:
    """Return whether its last steps take the body out of the picture by a frame, on a side that the mask names."""
    x, y = (_onward([getattr(blob, axis) for blob in blobs[-3:]], frame - blobs[-1].frame) for axis in ("x", "y"))
    reach = 0.25 * size
    width, height = tracked.canvas
    over = {"left": x < reach, "right": x > width - reach, "top": y < reach, "bottom": y > height - reach}
    return any(beyond and side in tracked.exits for side, beyond in over.items())


def _onward(places: Sequence[float], steps: int) -> float:
    """Return the place some steps on, by the last speed and gain of speed."""
    speed = places[-1] - places[-2] if len(places) > 1 else 0.0
    gain = speed - (places[-2] - places[-3]) if len(places) > 2 else 0.0
    return places[-1] + speed * steps + gain * steps * (steps + 1) / 2


class Fall(NamedTuple):
    """A measured free fall: downward acceleration in pixels per frame squared, with its standard error."""

    acceleration: float
    error: float
    start: int
    end: int
    residual: float


def fall_of(path: Path) -> Fall | None:
    """Return the best measured free fall of a body: at least 0.4 sizes deep, downwards beyond doubt."""
    best: Fall | None = None
    opening = path.stretches[0]
    for stretch in path.stretches:
        depth = stretch.y.at(stretch.frames - 1) - min(stretch.y.at(0), stretch.y.at(stretch.frames - 1))
        drop = max(depth, abs(stretch.y.acceleration) * (stretch.frames - 1) ** 2 / 8)
        enough = stretch.frames >= 4 or (stretch.frames == 3 and stretch is opening)
        down = stretch.y.acceleration > 3 * stretch.y.acceleration_error
        if not enough or not down or drop < 0.4 * path.size:
            continue
        fall = Fall(stretch.y.acceleration, stretch.y.acceleration_error, stretch.start, stretch.end, stretch.residual)
        if best is None or fall.error / fall.acceleration < best.error / best.acceleration:
            best = fall
    return best


def gravity_size(ratio: float, relative_error: float) -> float:
    """Return the violation of a measured g, `ratio` times 9.81, whose relative standard error is given."""
    off = abs(math.log(max(ratio, 1e-3)))
    return max(0.0, off - 2 * relative_error - 0.03) / math.log(1.5)


def agreement(falls: Sequence[Fall]) -> float:
    """Return the largest ratio between the accelerations of several falls (1 is agreement)."""
    values = [fall.acceleration for fall in falls]
    return max(values) / min(values)


RULES: dict[str, Callable[[Clip], Finding]] = {
    "physics_gravity_direction": gravity_direction,
    "physics_sideways": sideways,
    "physics_support": support,
    "physics_continuity": continuity,
    "physics_cause": cause,
    "physics_permanence": permanence,
}
"""Every rule that needs no scale, by the name of its measure."""
