"""Tell the bodies of a frame from its background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from evaluators.video.stills import Image, Mask, Still, distance, soft

_CONTACT = 4
"""Tracking pixels under a body within which what it rests on begins."""


@dataclass(frozen=True)
class Blob:
    """A connected foreground body in one frame; lengths in tracking pixels, y down."""

    frame: int
    x: float
    y: float
    area: float
    left: float
    top: float
    width: float
    height: float
    colour: tuple[float, float, float]
    at_border: bool
    """Whether the picture's border, or that of what is judged, cuts the body."""
    shape: Mask = field(repr=False, compare=False)
    """The body's pixels in its box, (height, width)."""


def _bodies(picture: Image, background: Image, threshold: float, lit: Mask | None = None) -> Mask:
    """Return where a picture differs from the background by more than a shadow, or where `lit` than any light."""
    body = distance(picture, background) > threshold
    if not body.any():
        return body
    own, other = picture[body].astype(np.float32), background[body].astype(np.float32)
    ratio = own.sum(1) / np.maximum(other.sum(1), 1)
    tint = np.abs(own - ratio[:, None] * other).max(1) / np.maximum(ratio, 1)
    shade = (ratio < 1.02) & (ratio > 0.35)
    if lit is not None:
        shade |= lit[body]
    body[body] = (tint > 0.75 * threshold) | ~shade
    return body


def foreground(
    still: Still, output: Image, background: Image, known: Mask, valid: Mask, threshold: float
) -> tuple[Mask, Mask]:
    """Return the bodies of one frame, and what moves in K as it does in the input and is not judged.

    Bodies are, in R and A, what differs from the background; elsewhere it must also differ from the input.
    """
    smooth = soft(still.input)
    against_input = distance(output, smooth) > threshold
    named = still.removed | still.affected
    # Where the mask keeps the picture a body's shadow may come or go, and no more than that.
    changed = _bodies(output, background, threshold, lit=~named)
    # A guessed background is rough, so only what differs plainly from it counts.
    changed &= known | (distance(output, background) > 2 * threshold)
    judged = named | against_input
    return clean(changed & valid & judged), clean(changed & valid & ~judged)


def clean(mask: Mask) -> Mask:
    """Return the mask without specks and pinholes."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return np.asarray(closed > 0, bool)


def find_blobs(
    frame: int, mask: Mask, picture: Image, background: Image, valid: Mask, threshold: float, beside: Mask | None = None
) -> list[Blob]:
    """Return the connected bodies of a frame; specks and faint stains are left out.

    `valid` is where the frame shows anything, `beside` what goes on outside the judged region: a body that meets
    it, as a thing in a hand does, is cut there. A body stands out from the background by twice the threshold on
    average; less may be a fill that is not quite the background's colour.
    """
    if not mask.any():
        return []
    least = max(20.0, 0.0004 * mask.size)
    contrast = distance(picture, background)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    edge = ~cv2.erode(valid.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0).astype(bool)
    if beside is not None and beside.any():
        edge |= cv2.dilate(beside.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    found = []
    for label in range(1, count):
        left, top, width, height, area = (int(v) for v in stats[label])
        box = (slice(top, top + height), slice(left, left + width))
        own = labels[box] == label
        if area < least or contrast[box][own].mean() < 2 * threshold:
            continue
        b, g, r = (float(c) for c in picture[box][own].mean(0))
        border = bool((edge[box] & own).any())
        x, y = (float(v) for v in centres[label])
        found.append(Blob(frame, x, y, float(area), left, top, width, height, (b, g, r), border, own))
    return found


def first_bodies(stills: Sequence[Still], background: Image, known: Mask, threshold: float) -> tuple[Mask, Mask]:
    """Return the bodies that the input shows where the mask first says affected, and the removed region there."""
    for still in stills:
        if still.affected.any():
            return _input_body(still, background, known, threshold), still.removed
    nothing = np.zeros(stills[0].removed.shape, bool)
    return nothing, nothing


def whole_bodies(mask: Mask, picture: Image, background: Image, valid: Mask, threshold: float) -> Mask:
    """Return the bodies of which `mask` shows at least half, out to where they end."""
    everything = clean(_bodies(picture, background, threshold) & valid)
    count, labels = cv2.connectedComponents(everything.astype(np.uint8))
    total = np.bincount(labels.ravel(), minlength=count)
    shown = np.bincount(labels[mask], minlength=count)
    whole = shown >= 0.5 * np.maximum(total, 1)
    whole[0] = False
    return np.asarray(whole[labels], bool)


def input_bodies(
    stills: Sequence[Still], valid: Sequence[Mask], background: Image, known: Mask, threshold: float
) -> list[list[Blob]]:
    """Return the bodies of the input's affected region per frame, until one of them meets the removed object.

    Until then the removal changes nothing about them. Frames without a body in that region are empty.
    """
    found: list[list[Blob]] = []
    for index, still in enumerate(stills):
        mask = _input_body(still, background, known, threshold)
        if touch(mask, still.removed):
            break
        found.append(find_blobs(index, mask, still.input, background, valid[index], threshold))
    return found


def _input_body(still: Still, background: Image, known: Mask, threshold: float) -> Mask:
    smooth = soft(still.input)
    body = still.affected & ~still.removed & _bodies(smooth, background, threshold)
    body &= known | (distance(smooth, background) > 2 * threshold)
    return np.asarray(cv2.morphologyEx(body.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)) > 0, bool)


def carried_by(body: Mask, removed: Mask) -> Mask:
    """Return the bodies of which most of the underside lies on the removed object."""
    count, labels = cv2.connectedComponents(body.astype(np.uint8))
    carried = np.zeros_like(body)
    for label in range(1, count):
        own = labels == label
        columns = np.flatnonzero(own.any(0))
        under = own.shape[0] - own[::-1, columns].argmax(0)
        below = under[:, None] + np.arange(_CONTACT)
        inside = below < own.shape[0]
        on_it = removed[np.minimum(below, own.shape[0] - 1), columns[:, None]] & inside
        if len(columns) >= _CONTACT and on_it.any(1).mean() > 0.5:
            carried |= own
    return carried


def replaced(stills: Sequence[Still], output: Sequence[Image], threshold: float) -> bool:
    """Return whether the output shows something else than the input where the removed object is."""
    shares = []
    for still, out in list(zip(stills, output, strict=True))[:: max(1, len(stills) // 8)]:
        if still.removed.any():
            shares.append(float((distance(out, soft(still.input)) > threshold)[still.removed].mean()))
    return bool(shares) and float(np.median(shares)) > 0.3


def overlap(one: Blob, two: Blob) -> float:
    """Return the intersection over union of two bodies laid centre on centre."""
    rows = 2 * int(max(one.height, two.height)) + 2
    columns = 2 * int(max(one.width, two.width)) + 2
    laid = []
    for blob in (one, two):
        plane = np.zeros((rows, columns), bool)
        top, left = round(rows / 2 - (blob.y - blob.top)), round(columns / 2 - (blob.x - blob.left))
        plane[top : top + blob.shape.shape[0], left : left + blob.shape.shape[1]] = blob.shape
        laid.append(plane)
    return float((laid[0] & laid[1]).sum() / (laid[0] | laid[1]).sum())


def touch(body: Mask, removed: Mask) -> bool:
    """Return whether a body lies against the removed object."""
    near = cv2.dilate(body.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return int((near & removed).sum()) >= 4


def unanswered(stills: Sequence[Still], masks: Sequence[Mask], background: Image, threshold: float) -> float | None:
    """Return how much of the affected region that the input's own bodies do not explain stays empty, in [0, 1]."""
    kernel = np.ones((9, 9), np.uint8)
    expected = met = 0
    start = next((i for i, still in enumerate(stills) if still.affected.any()), len(stills))
    for still, mask in list(zip(stills, masks, strict=True))[start + 4 :]:
        smooth = soft(still.input)
        own = cv2.dilate((distance(smooth, background) > threshold).astype(np.uint8), kernel) > 0
        free = still.affected & ~still.removed & ~own
        overlap = still.affected & still.removed
        area = int(free.sum()) + int(overlap.sum())
        if area >= 40:
            expected += 1
            met += bool(((free | overlap) & mask).sum() >= 0.1 * area)
    return 1 - met / expected if expected >= 4 else None
