"""`ingest`: an output made elsewhere, by any vendor or model, with declared provenance.

The file is kept byte for byte. What is declared is kept as declared, never as proven.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunOutput, RunSpecification
from core.runners.frames import ClipFormat, clip_format, count_frames

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".avi": "video/x-msvideo",
}
REQUIRED, OPTIONAL = ("vendor", "model"), ("version", "date", "tool", "parameters", "price")
LONGEST = 500
PANELS = (2, 3, 4)


class IngestRunner:
    """Take in a finished clip."""

    name = "ingest"
    version = "1"
    needs = Needs(memory=1 << 30)

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Copy the input `output` as `video`.

        The parameter `provenance` declares `vendor` and `model`, and optionally `version`, `date` (ISO 8601),
        `tool` and `parameters`. With an input `video` the two clips' size, length and rate are compared.
        """
        provenance = declared(specification.parameters.get("provenance"))
        source = specification.inputs.get("output")
        if source is None or not source.is_file() or not source.stat().st_size:
            raise RunFailed("there is no output to ingest", "give the finished clip as the input 'output'")
        refuse_tuple(source.name)
        form = clip_format(source)
        context.progress(0.1, "reading the clip")
        frames = count_frames(source, lambda done: context.progress(0.1 + 0.7 * done, "reading the clip"))
        original = specification.inputs.get("video")
        notes = compare(form, frames, original, context) if original else ()
        target = context.folder / f"output{_suffix(source)}"
        shutil.copyfile(source, target)
        context.progress(1.0, "copied")
        facts = {"frames": frames, "width": form.width, "height": form.height, "fps": round(float(form.fps), 6)}
        output = RunOutput("video", target, MEDIA_TYPES[_suffix(source)])
        return Manifest((output,), {**facts, "declared_provenance": provenance}, notes)


def declared(provenance: object) -> dict[str, object]:
    """Check a declaration of origin; raises `RunFailed` for a missing, unknown or overlong entry."""
    if not isinstance(provenance, Mapping):
        raise RunFailed("the output's origin is not declared", f"declare at least {' and '.join(REQUIRED)}")
    unknown = set(map(str, provenance)) - {*REQUIRED, *OPTIONAL}
    if unknown:
        raise RunFailed(
            f"the declared origin has the unknown entry '{min(unknown)[:80]}'", f"use {', '.join(REQUIRED + OPTIONAL)}"
        )
    for name in REQUIRED:
        if not str(provenance.get(name) or "").strip():
            raise RunFailed(f"the declared origin names no {name}", f"declare the {name}, or 'unknown' if nobody knows")
    for name in ("vendor", "model", "version", "tool"):
        if len(str(provenance.get(name) or "")) > LONGEST:
            raise RunFailed(f"the declared {name} is longer than {LONGEST} characters", "shorten it")
    _require_date(provenance.get("date"))
    _require_price(provenance.get("price"))
    return dict(provenance)


def _require_date(value: object) -> None:
    if value is None:
        return
    try:
        date.fromisoformat(str(value)[:10])
    except ValueError:
        raise RunFailed(f"the declared date '{str(value)[:40]}' is no date", "write it as YYYY-MM-DD") from None


def _require_price(value: object) -> None:
    if value is None:
        return
    amount, currency = (value.get("amount"), value.get("currency")) if isinstance(value, Mapping) else (None, None)
    counted = isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount < float("inf")
    if not counted or not (isinstance(currency, str) and re.fullmatch("[A-Z]{3}", currency)):
        raise RunFailed("the declared price cannot be read", 'write it as {"amount": 12.5, "currency": "EUR"}')


def refuse_tuple(name: str) -> None:
    """Raise `RunFailed` for a side-by-side preview, by its name."""
    if Path(name).stem.endswith("_tuple"):
        raise RunFailed(f"{name} is a side-by-side preview of input, mask and output", "ingest the output clip itself")


def compare(form: ClipFormat, frames: int, original: Path, context: RunContext) -> tuple[str, ...]:
    """Say how a clip differs from the one that it was made from; a side-by-side one is refused."""
    base = clip_format(original)
    ratio = (form.width / form.height) / (base.width / base.height)
    if any(abs(ratio / panels - 1) < 0.01 for panels in PANELS):
        raise RunFailed(
            f"the output is {form.width}x{form.height}, {round(ratio)} times as wide as its input, like a preview",
            "ingest the output clip itself",
        )
    length = count_frames(original, lambda done: context.progress(0.8 + 0.15 * done, "reading the input"))
    notes = []
    if (form.width, form.height) != (base.width, base.height):
        notes.append(f"The output is {form.width}x{form.height}; the input is {base.width}x{base.height}.")
    if frames != length:
        notes.append(f"The output has {frames} frames; the input has {length}.")
    if form.fps != base.fps:
        notes.append(f"The output runs at {float(form.fps):g} frames per second; the input at {float(base.fps):g}.")
    return tuple(notes)


def _suffix(path: Path) -> str:
    """The file's own suffix where it is a known one; a clip stored without its name is taken as MP4."""
    suffix = path.suffix.lower()
    return suffix if suffix in MEDIA_TYPES else ".mp4"
