"""Is what should stay the same still the same? Output against input on K, the pixels the quadmask keeps.

Both clips are resized by one kernel to the working size, and every figure is an average over valid pixels only:
multiplying by the mask and averaging the whole frame would flatter the output by 10 log10(1 / area).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluators.base import Direction, Evaluation, Interval, Measure, Measurement, absent
from evaluators.clip import Case
from evaluators.flow import Image
from evaluators.frames import Moment, band_width
from evaluators.video.channels import largest_channel
from evaluators.video.intervals import block_bootstrap, mean_interval, series, theil_sen
from evaluators.video.plate import Small
from evaluators.video.step import Outcome, Step, VideoOptions

VERSION = "2"
HOUSE = "this package's definition"
LEAST_PIXELS = 200
TOP_DB = 100.0
WINDOW, SIGMA, STRIP = 11, 1.5, 96
PATCH = 5
"""Side of the patches that `stray_change` averages over, in quarter-size pixels."""

PSNR = Measure(
    "preservation_psnr", "Fidelity of kept pixels (PSNR)", "dB", Direction.HIGHER, 0, TOP_DB,
    "10 log10(255^2 / MSE), MSE pooled over valid pixels, channels and frames; identical clips read 100 dB", VERSION,
    "How closely the kept area matches the input, pixel by pixel.",
)  # fmt: skip
SSIM = Measure(
    "preservation_ssim", "Structure of kept pixels (SSIM)", "index", Direction.HIGHER, -1, 1,
    "Wang et al., IEEE TIP 2004; RGB mean, Gaussian window 11x11, sigma 1.5, K1 .01, K2 .03, reflected border", VERSION,
    "How well structure and contrast of the kept area match the input.",
)  # fmt: skip
DRIFT = Measure(
    "preservation_drift", "Fidelity lost over the clip", "dB", Direction.LOWER, None, None,
    f"Theil-Sen slope of the PSNR per frame times the clip's length; {HOUSE}", VERSION,
    "How much worse the kept area matches at the end of the clip than at its start.",
)  # fmt: skip
COLOUR_DRIFT = Measure(
    "colour_drift", "Colour drift over the clip", "grey levels", Direction.LOWER, 0, 255,
    f"largest RGB channel of |mean difference in the last quarter - in the first quarter|; {HOUSE}", VERSION,
    "How far the kept area's colour moves away from the input's in the course of the clip.",
)  # fmt: skip
SEAM = Measure(
    "seam", "Seam around the mask", "ratio", Direction.LOWER, 0, None,
    f"luma gradient across the mask's rim over the mean gradient on both sides; {HOUSE}", VERSION,
    "1 is no seam; above it, the mask's outline shows as an edge in the output.",
)  # fmt: skip
SPILL = Measure(
    "spill", "Change spilling over the mask", "grey levels", Direction.LOWER, 0, 255,
    f"mean |output - input| in the band just outside the mask, less that of K; {HOUSE}", VERSION,
    "How much more the picture changed right beside the mask than in the rest of the kept area.",
)  # fmt: skip
STRAY = Measure(
    "stray_change", "Largest patch of change in kept pixels", "grey levels", Direction.LOWER, 0, 255,
    f"99.9th percentile in K of |mean of output - input in {4 * PATCH} pixel patches|, median over frames; {HOUSE}",
    VERSION, "Whether something appeared, stayed or went away where the picture should be as before.",
)  # fmt: skip
MEASURES = (PSNR, SSIM, DRIFT, COLOUR_DRIFT, SEAM, SPILL, STRAY)
NOTHING_KEPT = "the mask keeps too little of the picture to compare (under 200 pixels in every frame)"


class Fidelity(NamedTuple):
    """What one frame shows; None where its region is too small."""

    frame: int
    pixels: int
    squared_error: float | None
    """Mean over K's pixels and channels, grey levels squared."""
    colour: tuple[float, float, float] | None
    """Mean of output - input over K, BGR."""
    ssim: float | None
    seam: tuple[float, float] | None
    """Mean gradient on the mask's rim, and beside it."""
    spill: float | None
    stray: float | None = None


class Preservation:
    """Evaluator of the kept pixels."""

    name = "preservation"
    version = VERSION
    measures = MEASURES

    def watch(self, case: Case, options: VideoOptions) -> PreservationWatcher:
        """Return a fresh watcher for one clip."""
        return PreservationWatcher(case, options)


class PreservationWatcher:
    """Collects one `Fidelity` per frame."""

    def __init__(self, case: Case, options: VideoOptions) -> None:
        self._seed, self._band = options.seed, band_width(case.working)
        self._frames: list[Fidelity] = []

    def observe(self, step: Step) -> Fidelity:
        """Compare one output frame with its input frame."""
        return observe_frame(step.current, self._band)._replace(stray=stray_change(step.small))

    def absorb(self, _step: Step, observation: Fidelity) -> None:
        """Keep the frame's figures."""
        self._frames.append(observation)

    def conclude(self, outcome: Outcome) -> Evaluation:
        """Return the measurements of the clip."""
        frames = self._frames
        measurements = (_psnr(frames, self._seed), _ssim(frames, self._seed), *_drifts(frames),
                        _seam(frames, self._seed), _spill(frames, self._seed), _stray(frames, self._seed))  # fmt: skip
        parameters = {
            "working_size": list(outcome.case.working),
            "resize": "area",
            "band": self._band,
            "ssim_window": f"Gaussian {WINDOW}x{WINDOW}, sigma {SIGMA}",
            "colour": "8-bit RGB",
        }
        return Evaluation(Preservation.name, VERSION, measurements, parameters=parameters)


def observe_frame(moment: Moment, band: int) -> Fidelity:
    """Compare one output frame with its input frame on K and around the mask."""
    kept, output, source = moment.regions.kept, moment.output, moment.input
    pixels = cv2.countNonZero(kept)
    error = colour = similarity = None
    if pixels >= LEAST_PIXELS:
        error = cv2.norm(output.bgr, source.bgr, cv2.NORM_L2SQR, kept) / (3 * pixels)
        colour = _colour_gap(output.bgr, source.bgr, kept)
        if min(kept.shape) >= WINDOW:
            similarity = mean_ssim(output.bgr, source.bgr, kept)
    seam = _seam_gradients(output.luma, moment.regions.removed, band)
    return Fidelity(moment.index, pixels, error, colour, similarity, seam, _spill_at(moment, band, pixels))


def _colour_gap(output: Image, source: Image, kept: Image) -> tuple[float, float, float]:
    blue, green, red = (
        (cv2.norm(one, cv2.NORM_L1, kept) - cv2.norm(other, cv2.NORM_L1, kept)) / cv2.countNonZero(kept)
        for one, other in zip(cv2.split(output), cv2.split(source), strict=True)
    )
    return blue, green, red


def ssim_map(first: Image, second: Image) -> NDArray[np.float32]:
    """Return SSIM pixel by pixel and channel by channel for uint8 images (Wang et al. 2004; see `SSIM`)."""
    result = np.empty(first.shape, np.float32)
    for rows, channel, similarity in _similarities(first, second):
        result[rows, :, channel] = similarity
    return result


def mean_ssim(first: Image, second: Image, region: Image) -> float:
    """Return the mean of `ssim_map` over a region's pixels and the channels; the region must not be empty."""
    window = _around(region, WINDOW // 2)
    region = np.ascontiguousarray(region[window])
    # The L1 norm is OpenCV's fastest masked sum; SSIM + 1 is never negative.
    total = 0.0
    for rows, _, similarity in _similarities(first[window], second[window]):
        total += cv2.norm(similarity + 1, cv2.NORM_L1, region[rows])
    return float(total / (first.shape[2] * cv2.countNonZero(region)) - 1)


def _similarities(first: Image, second: Image) -> Iterator[tuple[slice, int, NDArray[np.float32]]]:
    """Yield strips of rows that fit the processor's cache: which rows, which channel, their SSIM."""
    height, reach = len(first), WINDOW // 2
    for channel, (x, y) in enumerate(zip(cv2.split(first), cv2.split(second), strict=True)):
        for top in range(0, height, STRIP):
            rows = slice(top, min(top + STRIP, height))
            low, high = max(top - reach, 0), min(rows.stop + reach, height)
            yield rows, channel, _ssim_plane(x[low:high], y[low:high])[top - low : rows.stop - low]


def _ssim_plane(first: cv2.typing.MatLike, second: cv2.typing.MatLike) -> NDArray[np.float32]:
    """Return the SSIM of one channel.

    Made from the sum s and the difference d of the images: 4 xy = s^2 - d^2 and 2 (x^2 + y^2) = s^2 + d^2, so four
    filters do instead of five.
    """
    c1, c2 = 2 * (0.01 * 255) ** 2, 2 * (0.03 * 255) ** 2
    total, gap = cv2.add(first, second, dtype=cv2.CV_32F), cv2.subtract(first, second, dtype=cv2.CV_32F)
    mean_total, mean_gap = _blur(total), _blur(gap)
    spread_total, spread_gap = _blur(total * total), _blur(gap * gap)
    mean_total *= mean_total
    mean_gap *= mean_gap
    spread_total -= mean_total
    spread_gap -= mean_gap
    mean_total += c1
    spread_total += c2
    above: NDArray[np.float32] = mean_total - mean_gap
    above *= np.subtract(spread_total, spread_gap, out=total)
    mean_total += mean_gap
    spread_total += spread_gap
    mean_total *= spread_total
    above /= mean_total
    return above


def _blur(image: cv2.typing.MatLike) -> NDArray[np.float32]:
    blurred = cv2.GaussianBlur(image, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)


def decibel(squared_error: float) -> float:
    """Return the PSNR of a mean squared error in grey levels squared, 100 dB at most."""
    return min(10 * math.log10(255**2 / squared_error), TOP_DB) if squared_error > 0 else TOP_DB


def _seam_gradients(luma: Image, removed: Image, band: int) -> tuple[float, float] | None:
    """Mean gradient length on the mask's rim (2 pixels wide), and in the bands on both sides of it."""
    if cv2.countNonZero(removed) < LEAST_PIXELS:
        return None
    window, inner = _around(removed, band + 3), _inner(*removed.shape)
    removed = np.ascontiguousarray(removed[window])
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    wide = np.ones((2 * band + 1,) * 2, np.uint8)
    grown, shrunk = cast(Image, cv2.dilate(removed, cross)), cast(Image, cv2.erode(removed, cross))
    near = cast(Image, cv2.dilate(removed, wide)) - cast(Image, cv2.erode(removed, wide))
    around = cast(Image, cv2.dilate(grown, cross)) - cast(Image, cv2.erode(shrunk, cross))
    rim, beside = (grown - shrunk) & inner[window], near & (1 - around) & inner[window]
    if min(cv2.countNonZero(rim), cv2.countNonZero(beside)) < 30:
        return None
    across, down = (cv2.Sobel(luma[window], cv2.CV_32F, *order, ksize=1, scale=0.5) for order in ((1, 0), (0, 1)))
    # Not cv2.magnitude: its last bit depends on where the arrays lie in memory, and equal clips must read alike.
    gradient = np.sqrt(np.square(across) + np.square(down))
    return cv2.mean(gradient, rim)[0], cv2.mean(gradient, beside)[0]


def _around(region: Image, margin: int) -> tuple[slice, slice]:
    """The window of a region with a margin, as far as the frame goes."""
    x, y, width, height = cv2.boundingRect(region)
    return slice(max(y - margin, 0), y + height + margin), slice(max(x - margin, 0), x + width + margin)


def _inner(height: int, width: int) -> Image:
    """Leave out the frame's own border, where a cut object has no rim."""
    inner = np.zeros((height, width), np.uint8)
    inner[2:-2, 2:-2] = 1
    return inner


def _spill_at(moment: Moment, band: int, pixels: int) -> float | None:
    regions = moment.regions
    masked = regions.removed | regions.affected
    wide = cast(Image, cv2.dilate(masked, np.ones((2 * band + 1,) * 2, np.uint8)))
    beside = wide & (1 - cast(Image, cv2.dilate(masked, np.ones((5, 5), np.uint8))))
    count = cv2.countNonZero(beside)
    if pixels < LEAST_PIXELS or count < 30:
        return None
    near = cv2.norm(moment.output.bgr, moment.input.bgr, cv2.NORM_L1, beside) / (3 * count)
    far = cv2.norm(moment.output.bgr, moment.input.bgr, cv2.NORM_L1, regions.kept) / (3 * pixels)
    return float(near - far)


def stray_change(small: Small) -> float | None:
    """Return how much the most changed patches of K differ in a quarter-size frame, or None where K is too small."""
    kept = cv2.erode(small.kept, np.ones((PATCH, PATCH), np.uint8)) > 0
    if np.count_nonzero(kept) < LEAST_PIXELS:
        return None
    gap = cv2.blur(np.subtract(small.output, small.input, dtype=np.float32), (PATCH, PATCH))
    return float(np.percentile(largest_channel(np.abs(gap))[kept], 99.9))


def _psnr(frames: Sequence[Fidelity], seed: int) -> Measurement:
    taken = [f for f in frames if f.squared_error is not None]
    if not taken:
        return absent(PSNR, NOTHING_KEPT)
    columns = np.array([[f.squared_error * f.pixels, f.pixels] for f in taken if f.squared_error is not None])
    pooled = columns.sum(axis=0)
    levels: list[float | None] = [None if f.squared_error is None else decibel(f.squared_error) for f in frames]

    def statistic(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        errors = rows[..., 0].sum(axis=1) / rows[..., 1].sum(axis=1)
        levels: NDArray[np.float64] = np.minimum(10 * np.log10(255**2 / np.maximum(errors, 1e-300)), TOP_DB)
        return levels

    return Measurement(
        PSNR,
        decibel(float(pooled[0] / pooled[1])),
        interval=block_bootstrap(columns, statistic, seed),
        count=len(taken),
        series=series([f.frame for f in frames], levels, PSNR.direction),
        evidence={"kept_pixels_per_frame": float(pooled[1] / len(taken)), "region": "K"},
    )


def _ssim(frames: Sequence[Fidelity], seed: int) -> Measurement:
    return _mean(SSIM, frames, [f.ssim for f in frames], NOTHING_KEPT, seed, region="K")


def _spill(frames: Sequence[Fidelity], seed: int) -> Measurement:
    values = [None if f.spill is None else max(f.spill, 0.0) for f in frames]
    return _mean(SPILL, frames, values, "there is no mask, or nothing kept, to compare its surroundings with", seed)


def _seam(frames: Sequence[Fidelity], seed: int) -> Measurement:
    taken = [f for f in frames if f.seam is not None]
    if not taken:
        return absent(SEAM, "the removed object has no outline in the picture (none, too small, or all of it)")
    columns = np.array([f.seam for f in taken]) + 0.5
    values: list[float | None] = [float(rim / beside) for rim, beside in columns]
    totals = columns.sum(axis=0)
    interval = block_bootstrap(columns, lambda rows: rows[..., 0].sum(1) / rows[..., 1].sum(1), seed)
    return Measurement(
        SEAM,
        float(totals[0] / totals[1]),
        interval=interval,
        count=len(taken),
        series=series([f.frame for f in taken], values, SEAM.direction),
        evidence={"floor": "0.5 grey levels per pixel, added to both gradients"},
    )


def _stray(frames: Sequence[Fidelity], seed: int) -> Measurement:
    values = [f.stray for f in frames]
    present = np.array([value for value in values if value is not None])
    if not len(present):
        return absent(STRAY, "the mask keeps too little of the picture for patches of it to be compared")
    return Measurement(
        STRAY,
        float(np.median(present)),
        interval=block_bootstrap(present[:, None], lambda rows: np.median(rows[..., 0], axis=1), seed),
        count=len(present),
        series=series([f.frame for f in frames], values, STRAY.direction),
        evidence={"region": "K"},
    )


def _drifts(frames: Sequence[Fidelity]) -> tuple[Measurement, Measurement]:
    taken = [f for f in frames if f.squared_error is not None]
    if len(taken) < 8:
        reason = f"only {len(taken)} frames can be compared; a trend needs eight"
        return absent(DRIFT, reason), absent(COLOUR_DRIFT, reason)
    levels = np.array([decibel(f.squared_error) for f in taken if f.squared_error is not None])
    times = np.array([f.frame for f in taken], float)
    low, middle, high = theil_sen(times, levels)
    span = float(times[-1] - times[0])
    drift = Measurement(
        DRIFT,
        -middle * span,
        interval=Interval(-high * span, -low * span, 0.95, "Sen's interval of the Theil-Sen slope"),
        count=len(taken),
        evidence={"psnr_first_quarter": float(levels[: len(levels) // 4].mean()),
                  "psnr_last_quarter": float(levels[-(len(levels) // 4) :].mean())},
    )  # fmt: skip
    return drift, _colour_drift(taken)


def _colour_drift(taken: Sequence[Fidelity]) -> Measurement:
    colours = np.array([f.colour for f in taken])
    quarter = max(len(colours) // 4, 1)
    moved = colours[-quarter:].mean(axis=0) - colours[:quarter].mean(axis=0)
    return Measurement(
        COLOUR_DRIFT,
        float(np.abs(moved).max()),
        count=len(taken),
        series=series([f.frame for f in taken], [float(v) for v in np.abs(colours).max(axis=1)], Direction.LOWER),
        evidence={"moved_rgb": [float(v) for v in moved[::-1]]},
    )


def _mean(
    measure: Measure,
    frames: Sequence[Fidelity],
    values: Sequence[float | None],
    missing: str,
    seed: int,
    **evidence: object,
) -> Measurement:
    present = [value for value in values if value is not None]
    if not present:
        return absent(measure, missing)
    return Measurement(
        measure,
        float(np.mean(present)),
        interval=mean_interval(present, seed),
        count=len(present),
        series=series([f.frame for f in frames], values, measure.direction),
        evidence=evidence,
    )
