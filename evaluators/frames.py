"""Decode each stream of a case once, in its own thread, and serve aligned frames at the working size.

At most `WINDOW` working-size frames of a stream wait at any time, so memory does not grow with the clip's length
and no full-size frame outlives its resizing. Colour is OpenCV's 8-bit BGR, which both sides of a comparison share.

How pixels are resized: `INTER_AREA` for every video (a box filter when it shrinks, linear when it enlarges).
How masks are resized: by the share of a working pixel that a region covers. A mixed pixel on an object's rim
holds light of both sides, so *keep* needs full cover, while *removed* and *affected* need half: what counts as
untouched is never contaminated, and the rest of the rim belongs to no region.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.clip import MASK_VALUES, Case, ClipError, ClipInfo, Size, open_capture, require_equal_length

Image = NDArray[np.uint8]
WINDOW = 4


class Frame(NamedTuple):
    """One frame at the working size: BGR (h, w, 3) uint8 and its Rec. 601 luma (h, w) uint8."""

    bgr: Image
    luma: Image


class Regions(NamedTuple):
    """The quadmask's regions at the working size, each (h, w) uint8, 1 inside and 0 outside.

    `removed` is R = {0, 63}, `affected` is A = {63, 127}, `kept` is K = {255} less a band around the rest.
    """

    removed: Image
    affected: Image
    kept: Image


@dataclass(frozen=True)
class Moment:
    """What every stream shows at one frame number."""

    index: int
    input: Frame
    output: Frame
    regions: Regions
    reference: Frame | None = None


@dataclass
class StreamFacts:
    """What decoding found out about one stream; complete once the stream has ended."""

    info: ClipInfo
    frames: int = 0
    ended: bool = False
    times: list[float] = field(default_factory=list)

    @property
    def variable_rate(self) -> bool:
        """Whether frame times are uneven by more than a quarter of the usual step."""
        steps = np.diff(self.times)
        if len(steps) < 2:
            return False
        usual = float(np.median(steps))
        return usual > 0 and bool(np.any(np.abs(steps - usual) > usual / 4))


@dataclass
class MaskFacts:
    """Pixel counts of the quadmask at its own size, summed over frames."""

    counts: dict[int, int] = field(default_factory=lambda: dict.fromkeys(MASK_VALUES, 0))
    off_frames: dict[int, int] = field(default_factory=dict)
    """Frame number -> pixels of another value than 0, 63, 127 and 255."""
    affected_at_start: bool = False

    def require_exact(self, name: str) -> None:
        """Raise ClipError when any pixel has another value than the quadmask's four."""
        if self.off_frames:
            pixels = sum(self.off_frames.values())
            shown = ", ".join(map(str, list(self.off_frames)[:8]))
            more = " and more" if len(self.off_frames) > 8 else ""
            raise ClipError(
                f"{name} has {pixels} pixels that are not 0, 63, 127 or 255, in frames {shown}{more}; "
                "export the mask losslessly (h264, yuv444p, qp 0)."
            )


def band_width(size: Size) -> int:
    """Pixels around the mask that belong to no region: 1/48 of the working height, at least 3."""
    return max(3, round(size.height / 48))


class Playback:
    """Iterate the aligned moments of a case and one output, and of a reference where there is one.

    Ends with the shortest of input, output and reference; then `facts` holds the true lengths of the streams
    that ended. Raises ClipError in the iteration for an inexact mask or a mask of another length.
    """

    def __init__(self, case: Case, output: ClipInfo, reference: ClipInfo | None = None) -> None:
        self.case = case
        self.mask_facts = MaskFacts()
        self.facts: dict[str, StreamFacts] = {
            "input": StreamFacts(case.input),
            "mask": StreamFacts(case.mask),
            "output": StreamFacts(output),
        }
        if reference is not None:
            self.facts["reference"] = StreamFacts(reference)

    def __iter__(self) -> Iterator[Moment]:
        size = self.case.working
        readers = {
            name: _Reader(facts, self._mask_converter() if name == "mask" else _video_converter(size))
            for name, facts in self.facts.items()
        }
        try:
            yield from self._align(readers)
        finally:
            for reader in readers.values():
                reader.stop()

    def _align(self, readers: dict[str, _Reader]) -> Iterator[Moment]:
        index = 0
        others = [name for name in readers if name not in ("input", "mask")]
        compared = True
        while True:
            video, mask = readers["input"].take(), readers["mask"].take()
            if (video is None) != (mask is None):
                readers["input"].drain()
                readers["mask"].drain()
                facts = self.facts
                require_equal_length(facts["input"].frames, facts["mask"].frames, facts["mask"].info.path.name)
            if self.mask_facts.off_frames:
                self._refuse_inexact(readers["mask"])
            if compared:
                shown = {name: readers[name].take() for name in others}
            compared = compared and all(frame is not None for frame in shown.values())
            if video is None:
                break
            if compared:
                yield Moment(index, video, shown["output"], mask, shown.get("reference"))
            index += 1
        for name in others:
            readers[name].drain()

    def _refuse_inexact(self, mask: _Reader) -> None:
        """Look at the remaining frames too, so that the refusal names them all."""
        while mask.take() is not None:
            pass
        self.mask_facts.require_exact(self.facts["mask"].info.path.name)

    def _mask_converter(self) -> Callable[[Image, int], Regions]:
        size, facts = self.case.working, self.mask_facts
        kernel = np.ones((2 * band_width(size) + 1,) * 2, np.uint8)

        def cover(grey: Image, values: Sequence[int], least: int) -> Image:
            table = np.zeros(256, np.uint8)
            table[list(values)] = 255
            share = _fitted(cv2.LUT(grey, table), size)
            return np.asarray(cv2.threshold(share, least - 1, 1, cv2.THRESH_BINARY)[1], np.uint8)

        def convert(raw: Image, index: int) -> Regions:
            grey = _count_values(raw, index, facts)
            removed, affected = cover(grey, (0, 63), 128), cover(grey, (63, 127), 128)
            kept = cv2.erode(cover(grey, (255,), 255), kernel)
            return Regions(_frozen(removed), _frozen(affected), _frozen(kept))

        return convert


def _fitted(image: Any, size: Size) -> Any:
    same = (image.shape[1], image.shape[0]) == size
    return image if same else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _video_converter(size: Size) -> Callable[[Image, int], Frame]:
    def convert(raw: Image, _index: int) -> Frame:
        bgr = _fitted(raw, size)
        return Frame(_frozen(bgr), _frozen(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)))

    return convert


def _frozen(image: Any) -> Image:
    """Frames are shared between threads and measures, so nobody may write into them."""
    image.flags.writeable = False
    return image  # type: ignore[no-any-return]


def _count_values(raw: Image, index: int, facts: MaskFacts) -> Image:
    """Note how many pixels have which value, and return the values."""
    blue, green, red = cv2.split(raw)
    counts = cv2.calcHist([green], [0], None, [256], [0, 256]).ravel().astype(np.int64)
    exact = {value: int(counts[value]) for value in MASK_VALUES}
    off = int(counts.sum()) - sum(exact.values())
    if cv2.norm(green, blue, cv2.NORM_INF) or cv2.norm(green, red, cv2.NORM_INF):
        off = max(off, int(np.count_nonzero((green != blue) | (green != red))))
    if off:
        facts.off_frames[index] = off
    for value, count in exact.items():
        facts.counts[value] += count
    if index == 0:
        facts.affected_at_start = exact[127] > 0
    return np.asarray(green, np.uint8)


class _Reader:
    """Decode one file in a thread into a bounded queue of converted frames."""

    def __init__(self, facts: StreamFacts, convert: Callable[[Image, int], Any]) -> None:
        self._facts, self._convert = facts, convert
        self._queue: queue.Queue[Any] = queue.Queue(WINDOW)
        self._stopped = threading.Event()
        self._skipping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"decode {facts.info.path.name}")
        self._thread.start()

    def take(self) -> Any:
        """Return the next converted frame, or None at (and after) the end; re-raises a decoding failure."""
        if self._facts.ended and self._queue.empty():
            return None
        item = self._queue.get()
        if isinstance(item, BaseException):
            raise item
        return item

    def drain(self) -> None:
        """Decode to the end for the true length, throwing the frames away."""
        self._skipping.set()
        while self.take() is not None:
            pass

    def stop(self) -> None:
        """End the thread and release the file."""
        self._stopped.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.02)
            except queue.Empty:
                continue

    def _run(self) -> None:
        try:
            self._decode()
        except Exception as problem:
            self._put(problem)
        else:
            self._put(None)

    def _decode(self) -> None:
        capture = open_capture(self._facts.info.path)
        try:
            while not self._stopped.is_set():
                if not capture.grab():
                    break
                if not self._skipping.is_set():
                    ok, raw = capture.retrieve()
                    if not ok:
                        break
                    self._put(self._convert(raw, self._facts.frames))
                self._facts.times.append(capture.get(cv2.CAP_PROP_POS_MSEC))
                self._facts.frames += 1
        finally:
            capture.release()

    def _put(self, item: Any) -> None:
        if item is None:
            self._facts.ended = True
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return
