"""`mask`: what goes and what its going affects, as a quadmask; VOID's mask stage as a job of its own.

SAM2 follows the object from clicks; a vision-language model says what else it affects, cell by cell of a grid.

Inputs
    video               the clip
    segmentation_info   optional: upstream's file, whose points are taken instead of the parameter's
    vlm_analysis        optional: upstream's file, in either of its schemas; then no model is asked what is affected
Parameters
    weights             absolute path of the SAM2 folder (config.json, *.safetensors), registered by digest
    points              [[frame, x, y, label], ...], label 1 on the object and 0 off it; without points, and without
                        segmentation_info, the vision-language model is asked where the object is
    instruction         what goes, in words
    device              `auto`, `cpu`, `cuda`
    vlm                 {model, base_url}; the settings' model where it is left out
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.mask.analysis import Analysis, read_analysis, require_inside
from core.runners.mask.grid import Grid, cells_at, quadmask
from core.runners.mask.options import ANALYSIS, SEGMENTATION, Options, read
from core.runners.mask.points import Point, by_frame, from_segmentation_info
from core.runners.mask.points import require_inside as require_points_inside
from core.runners.mask.prompts import AFFECTED, LOCATE, load_prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.runners.frames import ClipFormat
    from core.runners.mask.asking import Asker
    from core.runners.mask.pictures import Picture

QUADMASK, RECORD = "quadmask_0.mp4", "mask_record.json"
LARGEST_JSON = 8 << 20


class MaskRunner:
    """Make a quadmask. It has no output to be judged: a person takes the mask as an asset, or does not."""

    name = "mask"
    version = "1"
    needs = Needs(memory=3 << 30)
    produces = "quadmask"

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Write `quadmask`, `segmentation_info`, `vlm_analysis`, `record`; what cannot be is a `RunFailed` at once."""
        from core.runners.frames import clip_format, count_frames
        from core.runners.mask.weights import check_weights

        video = _video(specification)
        options = read(specification.parameters, specification.inputs)
        given = _Given.read(specification.inputs)
        files = check_weights(options.weights, specification.model)
        form = clip_format(video)
        frames = count_frames(video, lambda done: context.progress(0.05 * done, "reading the clip"))
        stage = _Stage(specification, context, options, given, form, frames)
        stage.make(video)
        return stage.manifest(files)


@dataclass(frozen=True)
class _Given:
    """Upstream's files, as far as they were given."""

    points: tuple[Point, ...]
    instruction: str
    analysis: Analysis | None

    @classmethod
    def read(cls, inputs: Mapping[str, Path]) -> _Given:
        record = _json(inputs[SEGMENTATION], SEGMENTATION) if SEGMENTATION in inputs else None
        analysis = read_analysis(_json(inputs[ANALYSIS], ANALYSIS)) if ANALYSIS in inputs else None
        points = from_segmentation_info(record) if record is not None else ()
        return cls(points, str((record or {}).get("instruction") or "")[:1000], analysis)


class _Stage:
    """One run, step by step."""

    def __init__(
        self,
        specification: RunSpecification,
        context: RunContext,
        options: Options,
        given: _Given,
        form: ClipFormat,
        frames: int,
    ) -> None:
        self._context, self._options, self._given = context, options, given
        self._form, self._frames = form, frames
        self._size = (form.height, form.width)
        self._instruction = options.instruction or given.instruction
        self._points = options.points or given.points
        require_points_inside(self._points, frames, form.width, form.height)
        self._grid = _grid(given.analysis, form)
        if given.analysis is not None:
            require_inside(given.analysis, *self._grid, frames)
        self._asker = self._asker_for(specification)
        self._done = 0.05
        self._counts: dict[int, int] = {}

    def make(self, video: Path) -> None:
        """Locate, follow, ask and write."""
        if not self._points:
            self._points = self._locate(video)
        masks = self._follow(video)
        self._analysis = self._given.analysis or self._ask_affected(video, masks)
        self._write(masks)

    def manifest(self, files: list[dict[str, object]]) -> Manifest:
        """Describe what was made, after writing the three records."""
        asked = self._asker.record() if self._asker is not None and self._asker.exchanges else None
        total = sum(self._counts.values())
        facts: dict[str, object] = {
            "frames": self._frames,
            "width": self._form.width,
            "height": self._form.height,
            "fps": round(float(self._form.fps), 6),
            "shares": {str(value): count / total for value, count in self._counts.items()},
            "grid": list(self._grid),
            "points": len(self._points),
            "points_from": self._points_from(),
            "analysis_from": self._analysis.schema,
            "weights": files,
            "vlm": _summary(asked),
        }
        record = {**facts, "instruction": self._instruction, "vlm": asked, "sam2": files}
        made = {
            SEGMENTATION: self._segmentation_info(),
            ANALYSIS: self._analysis.to_json(*self._grid),
            "record": record,
        }
        outputs = [RunOutput("quadmask", self._context.folder / QUADMASK, "video/mp4")]
        for role, content in made.items():
            path = self._context.folder / (RECORD if role == "record" else f"{role}.json")
            path.write_text(json.dumps(content, indent=1, allow_nan=False), encoding="utf-8")
            outputs.append(RunOutput(role, path, "application/json"))
        return Manifest(tuple(outputs), facts, tuple(self._notes(asked)))

    def _asker_for(self, specification: RunSpecification) -> Asker | None:
        if self._options.vlm is None:
            return None
        from core.runners.mask.asking import Asker

        return Asker(self._options.vlm, specification.seed, lambda words: self._context.progress(self._done, words))

    def _locate(self, video: Path) -> tuple[Point, ...]:
        """Ask the model where the object is."""
        from core.runners.mask.forms import LocateAnswer

        pictures = self._pictures(video, None)
        shown = tuple(picture.frame for picture in pictures)
        prompt = load_prompt(LOCATE)
        assert self._asker is not None  # noqa: S101 - without points a model is asked, or the job was refused
        answer = self._asker.ask(
            prompt, LocateAnswer, pictures, self._instruction, lambda found: found.complaint(shown)
        )
        if not answer.visible:
            raise RunFailed(
                "the vision-language model does not see what the instruction names", "name it better, or give points"
            )
        width, height = self._form.width, self._form.height
        return tuple(sorted(Point(place.frame, place.x * width, place.y * height, 1) for place in answer.points))

    def _follow(self, video: Path) -> list[NDArray[np.uint8]]:
        from core.runners.mask.segment import Tracker

        self._context.progress(0.1, "loading SAM2")
        tracker = Tracker.load(self._options.weights, _device(self._options.device))

        def tell(done: float, words: str) -> None:
            self._context.progress(0.15 + 0.55 * done, words)

        self._done = 0.7
        return tracker.masks(video, self._points, self._frames, self._size, tell)

    def _ask_affected(self, video: Path, masks: list[NDArray[np.uint8]]) -> Analysis:
        """Show the object and ask what else depends on it."""
        from core.runners.mask.forms import AffectedAnswer

        pictures = self._pictures(video, masks)
        shown = tuple(picture.frame for picture in pictures)
        assert self._asker is not None  # noqa: S101 - without an analysis a model is asked, or the job was refused
        answer = self._asker.ask(
            load_prompt(AFFECTED),
            AffectedAnswer,
            pictures,
            self._instruction,
            lambda found: found.complaint(self._grid, shown),
        )
        return answer.analysis(self._instruction, self._grid)

    def _pictures(self, video: Path, masks: list[NDArray[np.uint8]] | None) -> list[Picture]:
        from core.runners.mask.pictures import picture, read_rgb, shown_frames
        from core.runners.mask.segment import unpacked

        shown = shown_frames(self._frames, self._points[0].frame if self._points else 0)
        found = []
        for number, rgb in enumerate(read_rgb(video)):
            if number in shown:
                removed = unpacked(masks[number], self._size) if masks is not None else None
                found.append(picture(number, rgb, self._grid, removed))
        return found

    def _write(self, masks: list[NDArray[np.uint8]]) -> None:
        from core.runners.mask.segment import unpacked
        from core.runners.mask.writing import MaskWriter

        width, height = self._form.width, self._form.height
        with MaskWriter(self._context.folder / QUADMASK, width, height, self._form.fps) as writer:
            for number, packed in enumerate(masks):
                region = self._grid.region(cells_at(number, self._analysis.affected), width, height)
                writer.write(quadmask(unpacked(packed, self._size), region, first=number == 0))
                self._context.progress(0.8 + 0.2 * number / self._frames, f"writing mask {number + 1}")
        self._counts = writer.counts

    def _segmentation_info(self) -> dict[str, object]:
        """Upstream's file; the points' labels are kept."""
        grouped = by_frame(self._points)
        return {
            "total_frames": self._frames,
            "frame_width": self._form.width,
            "frame_height": self._form.height,
            "fps": round(float(self._form.fps), 6),
            "num_points": len(self._points),
            "points_by_frame": {
                str(frame): [[point.x, point.y, point.label] for point in clicks] for frame, clicks in grouped.items()
            },
            "instruction": self._instruction,
            "first_appears_frame": self._points[0].frame,
        }

    def _points_from(self) -> str:
        if self._options.points:
            return "parameter"
        return SEGMENTATION if self._given.points else "vision-language model"

    def _notes(self, asked: Mapping[str, Any] | None) -> list[str]:
        notes = []
        for noun, _ in self._analysis.belongings:
            notes.append(
                f"'{noun}' belongs to the object and may not be in the mask: put a point on it if it goes too."
            )
        for item in self._analysis.affected:
            if not item.cells:
                notes.append(f"'{item.noun}' is affected but no place was named for it: it is not in the mask.")
        if not self._counts[0] + self._counts[63]:
            notes.append("The mask removes nothing.")
        if asked is not None and asked["sent"]["network_egress"]:
            notes.append(f"{len(asked['sent']['frames'])} frames of the clip went to {asked['sent']['host']}.")
        return notes


def _summary(asked: Mapping[str, Any] | None) -> dict[str, object] | None:
    if asked is None:
        return None
    sent = {name: asked["sent"][name] for name in ("host", "network_egress", "requests", "frames", "image_bytes")}
    served = sorted({exchange["served_by"] for exchange in asked["exchanges"] if exchange["served_by"]})
    return {"model": asked["model"], "served_by": served, "prompts": asked["prompts"], **sent}


def _grid(analysis: Analysis | None, form: ClipFormat) -> Grid:
    usual = Grid.over(form.width, form.height)
    if analysis is None:
        return usual
    return Grid(analysis.rows or usual.rows, analysis.columns or usual.columns)


def _video(specification: RunSpecification) -> Path:
    path = specification.inputs.get("video")
    if path is None or not path.is_file():
        raise RunFailed("the runner 'mask' has no video", "submit an asset with a video")
    return path


def _json(path: Path, role: str) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes()) if path.stat().st_size <= LARGEST_JSON else None
    except (OSError, ValueError, RecursionError) as error:
        raise RunFailed(f"{role}.json is not readable as JSON", "give the file as upstream wrote it") from error
    if not isinstance(content, dict):
        raise RunFailed(f"{role}.json does not hold a JSON object", "give the file as upstream wrote it")
    return content


def _device(wanted: str) -> str:
    import torch

    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise RunFailed("this machine has no GPU that PyTorch can use", "run it on a machine with one")
    return "cuda" if there and wanted != "cpu" else "cpu"
