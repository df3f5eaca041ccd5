"""`plate`: remove the object with a clean plate, without weights: the honest baseline that any model must beat.

Where the background shows in another frame it is taken from there (aligned, median of the best views); what never
shows is synthesised once, from its surroundings, so that it stands still. The affected region keeps the input:
this runner does not simulate what would have happened without the object.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import RunFailed
from core.runners import alignment as registration
from core.runners.background import Geometry, Plate, build, lay_out
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.blend import at_plane, composite, seam
from core.runners.frames import ClipFormat, ClipWriter, Planes, clip_format, read_grey, read_planes
from core.runners.holes import HIDDEN, NEAR, PackedMask, Reach, bounding_box
from core.runners.inpaint import fill
from core.runners.motion import mark_moving

PROXY_SIDE, PROXY_SIDE_LONG, LONG_CLIP = 960, 480, 240
OUTPUT = "output.mp4"


@dataclass(frozen=True)
class Scene:
    """What the first look at a clip tells."""

    form: ClipFormat
    masks: tuple[PackedMask, ...]
    alignment: registration.Alignment
    reach: Reach


@dataclass(frozen=True)
class Removal:
    """A clip, its quadmask and the background found for it; without a plate when nothing is removed."""

    video: Path
    scene: Scene
    geometry: Geometry | None
    plate: Plate | None

    def frames(self) -> Iterator[Planes]:
        """Yield each frame without the object; pixels beyond the changed band are the input's, bit for bit."""
        for t, frame in enumerate(read_planes(self.video, self.scene.form)):
            yield self._without_object(frame, t)

    def _without_object(self, frame: Planes, t: int) -> Planes:
        scene = self.scene
        removed = scene.masks[t].removed()
        region = bounding_box(removed, scene.reach.band + scene.reach.ring, scene.form.chroma)
        if region is None or self.plate is None or self.geometry is None:
            return frame
        edge = seam(removed[region.rows, region.columns], scene.reach)
        result = []
        for plane, source, chroma in zip(frame, self.plate.planes, (1, *[scene.form.chroma] * 2), strict=True):
            part = region.over(chroma)
            changed = plane.copy()
            view = changed[part.rows, part.columns]
            view[...] = composite(view, self.geometry.to_frame(source, t, region, chroma), at_plane(edge, view.shape))
            result.append(changed)
        return result[0], result[1], result[2]


class PlateRunner:
    """Clean-plate object removal on the CPU."""

    name = "plate"
    version = "1"
    needs = Needs(memory=2 << 30)

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Read `video` and `quadmask` (equal size and length), write the clip without the object as `video`."""
        started = time.monotonic()
        video, quadmask = (_input(specification, role) for role in ("video", "quadmask"))
        removal = prepare(video, quadmask, context.progress, specification.seed)
        output, count = context.folder / OUTPUT, len(removal.scene.masks)
        with ClipWriter(output, removal.scene.form) as writer:
            for number, frame in enumerate(removal.frames(), 1):
                writer.write(frame)
                context.progress(0.6 + 0.4 * number / count, f"frame {number} of {count}")
        facts = _facts(removal.scene, removal.plate) | {"seconds": round(time.monotonic() - started, 3)}
        return Manifest((RunOutput("video", output, "video/mp4"),), facts, _notes(removal.scene, removal.plate))


def _input(specification: RunSpecification, role: str) -> Path:
    path = specification.inputs.get(role)
    if path is None or not path.is_file():
        raise RunFailed(f"the runner 'plate' has no {role}", f"submit an asset with a {role}")
    return path


def prepare(video: Path, quadmask: Path, progress: Callable[[float, str], None], seed: int) -> Removal:
    """Look at the clip, gather its background and synthesise the rest; progress runs from 0 to 0.6."""
    scene = _look(video, quadmask, progress)
    layout = lay_out(scene.form, scene.alignment, scene.masks, scene.reach)
    if layout is None:
        return Removal(video, scene, None, None)
    geometry, needed = layout

    def gathering(done: float) -> None:
        progress(0.3 + 0.2 * done, "gathering the background")

    plate = build(video, geometry, needed, scene.masks, scene.reach, gathering)
    progress(0.5, "filling what no frame shows")
    planes = fill(plate.planes, plate.holes, plate.known, seed)
    return Removal(video, scene, geometry, replace(plate, planes=planes))


def _look(video: Path, quadmask: Path, progress: Callable[[float, str], None]) -> Scene:
    form = clip_format(video)
    masks = _read_masks(quadmask, form, progress)
    reach = Reach.of(form.width, form.height)
    side = PROXY_SIDE if len(masks) <= LONG_CLIP else PROXY_SIDE_LONG
    scale = min(1.0, side / max(form.width, form.height))
    size = (round(form.width * scale), round(form.height * scale))
    small, keep = [], []
    for number, planes in enumerate(read_planes(video, form), 1):
        if number > len(masks):
            raise _unequal()
        small.append(np.asarray(cv2.resize(planes[0], size, interpolation=cv2.INTER_AREA), np.uint8))
        keep.append(_background(masks[number - 1], reach, size))
        progress(0.15 + 0.15 * number / len(masks), f"following the camera, frame {number}")
    if len(small) != len(masks):
        raise _unequal()
    alignment = registration.register(small, keep, scale)
    mark_moving(small, alignment, scale, masks)
    return Scene(form, masks, alignment, reach)


def _read_masks(quadmask: Path, form: ClipFormat, progress: Callable[[float, str], None]) -> tuple[PackedMask, ...]:
    masks = []
    for number, grey in enumerate(read_grey(quadmask), 1):
        if grey.shape != (form.height, form.width):
            raise RunFailed("the quadmask and the video differ in size", "render the quadmask at the video's size")
        masks.append(PackedMask(grey))
        progress(0.15 * number / max(form.announced_frames, number), f"reading mask {number}")
    return tuple(masks)


def _unequal() -> RunFailed:
    return RunFailed("the video and the quadmask differ in length", "give both the same number of frames")


def _background(mask: PackedMask, reach: Reach, size: tuple[int, int]) -> NDArray[np.uint8]:
    quality = cv2.resize(mask.quality(reach), size, interpolation=cv2.INTER_NEAREST)
    return (quality >= NEAR).astype(np.uint8)


def _facts(scene: Scene, plate: Plate | None) -> dict[str, object]:
    form = scene.form
    facts: dict[str, object] = {
        "frames": len(scene.masks),
        "width": form.width,
        "height": form.height,
        "fps": round(float(form.fps), 6),
        "alignment_model": scene.alignment.model,
        "alignment_residual_px": round(scene.alignment.residual, 3),
        "changed_band_px": scene.reach.band,
        "removed_share": sum(mask.removed_pixels for mask in scene.masks)
        / (len(scene.masks) * form.width * form.height),
    }
    if plate is not None:
        pixels = int(np.count_nonzero(plate.needed))
        facts["plate_pixels"] = pixels
        facts["plate_synthesised_share"] = int(np.count_nonzero(plate.holes)) / pixels
    return facts


def _notes(scene: Scene, plate: Plate | None) -> tuple[str, ...]:
    notes = ["The affected region keeps the input: this runner does not simulate what happens without the object."]
    if plate is None:
        notes.append("The quadmask removes nothing: the output is the input, encoded again.")
    elif (plate.seen[plate.needed > 0] == HIDDEN).any():
        notes.append("A part of the background shows in no frame and was synthesised from its surroundings.")
    if scene.form.has_audio:
        notes.append("The input's sound is not carried over.")
    return tuple(notes)
