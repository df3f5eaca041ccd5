"""Cut a track into stretches of simple motion and fit each: at rest, uniform, or uniformly accelerated.

Positions are in tracking pixels with y down, time is in frames. The cut is the exact minimum of
squared residual / sigma^2 + a price per parameter and stretch, found by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
_PRICE_PER_PARAMETER = 3.5
_PRICE_PER_STRETCH = 6.0
_LEAST_SIGMA, _MOST_SIGMA = 0.3, 1.2
_MODELS = ((0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 1), (2, 2))
"""Degrees of x and y in time; a body in free flight is (1, 2)."""


class Axis(NamedTuple):
    """value = position + speed t + acceleration t^2 / 2, t in frames from the stretch's first frame."""

    position: float
    speed: float
    acceleration: float
    speed_error: float
    acceleration_error: float
    """Standard errors, from the residuals but at least the tracker's own noise."""

    def at(self, t: float) -> float:
        """Return the position `t` frames after the stretch's first frame."""
        return self.position + self.speed * t + self.acceleration * t * t / 2

    def speed_at(self, t: float) -> float:
        """Return the speed in pixels per frame."""
        return self.speed + self.acceleration * t


@dataclass(frozen=True)
class Stretch:
    """One stretch of a track, from frame `start` to frame `end`, both included."""

    start: int
    end: int
    x: Axis
    y: Axis
    residual: float
    """Root mean square distance of the positions from the fit, in pixels."""

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.end - self.start + 1

    @property
    def travel(self) -> float:
        """Distance between the fitted ends."""
        span = self.end - self.start
        return float(np.hypot(self.x.at(span) - self.x.at(0), self.y.at(span) - self.y.at(0)))

    def speeds(self, frame: float) -> tuple[float, float]:
        """Return the fitted (x, y) speed at a frame number, also a little outside the stretch."""
        return self.x.speed_at(frame - self.start), self.y.speed_at(frame - self.start)

    def place(self, frame: float) -> tuple[float, float]:
        """Return the fitted place at a frame number."""
        return self.x.at(frame - self.start), self.y.at(frame - self.start)


def cut(frames: Sequence[int], x: Sequence[float], y: Sequence[float]) -> tuple[Stretch, ...]:
    """Return the stretches of a track in order; a gap in the frame numbers always ends one."""
    times = np.asarray(frames, int)
    if not len(times):
        return ()
    breaks = np.flatnonzero(np.diff(times) > 1) + 1
    stretches: list[Stretch] = []
    for part in np.split(np.arange(len(times)), breaks):
        place = np.stack([np.asarray(x, float)[part], np.asarray(y, float)[part]])
        stretches.extend(_cut_run(int(times[part[0]]), place))
    return tuple(stretches)


def _sigma(place: Column) -> float:
    """Return the tracker's noise from third differences, which ignore accelerated motion."""
    if place.shape[1] < 6:
        return 0.4
    third = np.diff(place, 3, axis=1).ravel() / np.sqrt(20)
    moving = third[np.abs(third) > 1e-9]
    if len(moving) < 4:
        return _LEAST_SIGMA
    return float(np.clip(1.48 * np.median(np.abs(moving)), _LEAST_SIGMA, _MOST_SIGMA))


def _cut_run(first: int, place: Column) -> list[Stretch]:
    count = place.shape[1]
    sigma = _sigma(place)
    price, model = _prices(place, sigma)
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    origin = np.zeros(count + 1, int)
    for end in range(1, count + 1):
        total = best[:end] + price[:end, end - 1]
        origin[end] = int(np.argmin(total))
        best[end] = total[origin[end]]
    stretches = []
    end = count
    while end > 0:
        start = int(origin[end])
        degrees = _MODELS[model[start, end - 1]]
        stretches.append(_fit(first + start, place[:, start:end], degrees, sigma))
        end = start
    return stretches[::-1]


def _prices(place: Column, sigma: float) -> tuple[Column, NDArray[np.int64]]:
    """Return for every stretch (first index, last index) the least price and the model that has it."""
    count = place.shape[1]
    price = np.full((count, count), np.inf)
    model = np.zeros((count, count), np.int64)
    for length in range(1, count + 1):
        windows = np.lib.stride_tricks.sliding_window_view(place, length, axis=1)
        left = np.empty((3, 2, count - length + 1))
        time = np.arange(length) - (length - 1) / 2
        basis = np.linalg.qr(np.stack([time**0, time, time**2], 1))[0]
        centred = windows - windows.mean(axis=2, keepdims=True)
        left[0] = (centred**2).sum(2)
        for degree in (1, 2):
            part = centred @ basis[:, degree] if basis.shape[1] > degree else np.zeros_like(left[0])
            left[degree] = left[degree - 1] - part**2
        options = np.stack(
            [(left[i, 0] + left[j, 1]) / sigma**2 + _PRICE_PER_PARAMETER * (i + j + 2) for i, j in _MODELS]
        )
        starts = np.arange(count - length + 1)
        price[starts, starts + length - 1] = options.min(0) + _PRICE_PER_STRETCH
        model[starts, starts + length - 1] = options.argmin(0)
    return price, model


def _fit(start: int, place: Column, degrees: tuple[int, int], sigma: float) -> Stretch:
    fits = [_fit_axis(values, degree, sigma) for values, degree in zip(place, degrees, strict=True)]
    time = np.arange(place.shape[1])
    square = sum(
        (axis.position + axis.speed * time + axis.acceleration * time**2 / 2 - values) ** 2
        for axis, values in zip(fits, place, strict=True)
    )
    residual = float(np.sqrt(np.mean(square)))
    return Stretch(start, start + place.shape[1] - 1, fits[0], fits[1], residual)


def _fit_axis(values: Column, degree: int, sigma: float) -> Axis:
    count = len(values)
    degree = min(degree, count - 1)
    time = np.arange(count, dtype=float)
    basis = np.stack([time**0, time, time**2 / 2], 1)[:, : degree + 1]
    solved = np.linalg.lstsq(basis, values, rcond=None)[0]
    spare = count - degree - 1
    left = values - basis @ solved
    spread = max(sigma, float(np.sqrt((left**2).sum() / spare)) if spare > 1 else 0.0)
    error = spread * np.sqrt(np.diag(np.linalg.inv(basis.T @ basis)))
    full = np.zeros(3)
    full[: degree + 1] = solved
    errors = np.zeros(3)
    errors[: degree + 1] = error
    return Axis(float(full[0]), float(full[1]), float(full[2]), float(errors[1]), float(errors[2]))
