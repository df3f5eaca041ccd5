"""Find the bodies in a clip that differ from its clean background, and follow them from frame to frame.

Everything happens at the tracking size, in the coordinates of the first frame once the camera's motion over the
kept pixels K is taken out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.video import background as plates
from evaluators.video import bodies, camera
from evaluators.video.association import Track, associate, main_tracks, split_merged
from evaluators.video.bodies import Blob
from evaluators.video.stills import Mask, Still

LEAST_THRESHOLD = 16.0
"""Grey levels by which a pixel must differ from the background."""
_LEAST_KEPT = 0.02
_STEADY = 0.5
"""Share of its shape that a body must keep to be followed as one."""
_EDGE = 4
"""Tracking pixels within which a region counts as reaching the picture's border."""


@dataclass(frozen=True)
class Tracked:
    """What was found in a clip."""

    tracks: tuple[Track, ...]
    area: tuple[float, ...]
    """Foreground pixels per frame, all bodies together."""
    first_area: float
    """Pixels of the bodies as the input shows them where the mask first says affected; 0 when not known."""
    touches_removed: bool
    """Whether such a body touches the removed object in the beginning."""
    hanging: tuple[int, ...]
    """Numbers of the tracks that begin where the input shows a body on the removed object, which is gone."""
    unanswered: float | None
    """Share of the region that only the removal explains which no body ever enters; None when there is none."""
    camera_px: float
    """Farthest camera travel that was taken out."""
    canvas: tuple[int, int] = (0, 0)
    """Width and height of the picture that all frames share once the camera stands still."""
    before: tuple[tuple[Blob, ...], ...] = ()
    """Bodies as the input shows them, per frame, as long as none of them has met the removed object."""
    exits: frozenset[str] = frozenset()
    """Sides of the picture that the affected region reaches."""
    reason: str | None = None
    """Why nothing could be followed, or None."""


def follow(stills: Sequence[Still]) -> Tracked:
    """Return the bodies of a clip and their tracks; `reason` says why there is none."""
    labelled = bool(stills[0].affected.any())
    stills = _label_start(stills)
    if float(np.mean([still.kept.mean() for still in stills])) < _LEAST_KEPT:
        return _nothing("the mask keeps too little of the picture to know the camera and the background")
    transforms = camera.camera_path([still.input for still in stills], [still.kept for still in stills])
    if transforms is None:
        return _nothing("the camera's motion cannot be told from the kept pixels")
    travel = max(float(np.hypot(m[0, 2], m[1, 2])) for m in transforms)
    canvas = camera.stabilise(stills, transforms)
    if canvas is None:
        return _nothing("the camera travels too far for one background")
    stills, valid = canvas
    output = plates.level(stills)
    noise = plates.noise_level(stills, output)
    threshold = max(LEAST_THRESHOLD, 5 * noise)
    background, known = plates.find_background(stills, output, valid, threshold)
    found = [
        bodies.foreground(still, out, background, known, seen, threshold)
        for still, out, seen in zip(stills, output, valid, strict=True)
    ]
    masks, beside = [mask for mask, _beside in found], [around for _mask, around in found]
    if not labelled:
        # The region of frame 1 may cut a body that moves.
        masks[0] = bodies.whole_bodies(masks[0], output[0], background, valid[0], threshold)
    blobs = [
        bodies.find_blobs(i, mask, stills[i].output, background, valid[i], threshold, beside[i])
        for i, mask in enumerate(masks)
    ]
    first = bodies.first_bodies(stills, background, known, threshold)
    followed = main_tracks(associate(split_merged(blobs)))
    tracks = tuple(track for track in followed if track.steadiness >= _STEADY)
    weight = [sum(blob.area for blob in track.blobs) for track in followed]
    steady = sum(w for w, track in zip(weight, followed, strict=True) if track in tracks)
    if steady < 0.5 * sum(weight):
        return _nothing(
            "what moves in the affected region changes its shape or shows in part only, so it is not followed as a body"
        )
    gone = bodies.replaced(stills, output, threshold)
    carried = bodies.carried_by(*first) if gone else np.zeros_like(first[0])
    return Tracked(
        tracks=tracks,
        area=tuple(float(sum(blob.area for blob in found)) for found in blobs),
        first_area=float(first[0].sum()),
        touches_removed=bodies.touch(*first),
        hanging=tuple(i for i, track in enumerate(tracks) if _begins_in(track, carried)),
        unanswered=bodies.unanswered(stills, masks, background, threshold),
        camera_px=travel,
        canvas=(background.shape[1], background.shape[0]),
        before=tuple(map(tuple, bodies.input_bodies(stills, valid, background, known, threshold)))[not labelled :],
        exits=_exits(stills, valid),
    )


def _label_start(stills: Sequence[Still]) -> list[Still]:
    """Return the stills with frame 0 labelled affected where frame 1 is.

    By convention no mask says affected on frame 0, although the bodies are there.
    """
    if len(stills) < 2 or stills[0].affected.any():
        return list(stills)
    later = stills[1].affected
    first = stills[0]._replace(affected=later, kept=stills[0].kept & ~later)
    return [first, *stills[1:]]


def _begins_in(track: Track, region: Mask) -> bool:
    """Return whether most of a body lies in a region when it is first seen, at the clip's start."""
    blob = track.blobs[0]
    if blob.frame > 1:
        return False
    rows = slice(int(blob.top), int(blob.top + blob.height))
    columns = slice(int(blob.left), int(blob.left + blob.width))
    return bool((region[rows, columns] & blob.shape).sum() > 0.5 * blob.area)


def _exits(stills: Sequence[Still], valid: Sequence[Mask]) -> frozenset[str]:
    """Return the sides (left, right, top, bottom) of the canvas that the affected region comes near to."""
    ever = np.any([still.affected & seen for still, seen in zip(stills, valid, strict=True)], axis=0)
    edges = {"left": ever[:, :_EDGE], "right": ever[:, -_EDGE:], "top": ever[:_EDGE], "bottom": ever[-_EDGE:]}
    return frozenset(side for side, strip in edges.items() if strip.any())


def _nothing(reason: str) -> Tracked:
    return Tracked((), (), 0.0, False, (), None, 0.0, reason=reason)
