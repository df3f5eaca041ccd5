"""One picture shown twice: whole, turned, mirrored or as a part of another.

A perceptual hash (the signs of the lowest cosine frequencies, after Zauner 2010) finds candidates; a pair counts only
if the pictures also agree in detail, since two charts of one style share their coarse look.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from evaluators.manuscript.document import Figure, Manuscript
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity

if TYPE_CHECKING:
    import numpy as np

    Grey = np.ndarray[Any, Any]

MOST_FIGURES, MOST_BYTES, MOST_PIXELS = 60, 24 << 20, 40_000_000
HASHED, KEPT, FINE = 32, 8, 96
"""Sides in pixels of the picture that is hashed, of the frequencies kept, and of the picture compared in detail."""
NEAR = 10
"""Of 63 signs, how many may differ between two copies of one picture."""
SAME, SAME_PART = 0.97, 0.95
"""Correlation in detail from which two pictures, or a picture and a part, are one."""
SAME_INK = 0.9
"""Share of the drawn points that two charts must have in common, where most of the picture is paper."""
FLAT = 6.0
"""Standard deviation of grey levels below which a picture shows too little to compare."""
COARSE, EXACT, SMALLEST_PART = 96, 192, 24
"""Sides in pixels at which a part is first looked for and then confirmed, and of the smallest part at the first."""
HEIGHTS = tuple(0.30 + 0.025 * k for k in range(27))
"""Heights of a part as shares of the whole that are tried."""
MOST_SEARCHED = 16
"""Pictures among which parts are looked for."""
TURNS = ("turned by 90 degrees", "turned by 180 degrees", "turned by 270 degrees")
MIRRORED = ("mirrored", *(f"mirrored and {turn}" for turn in TURNS))


@dataclass(frozen=True)
class Picture:
    """A figure in grey levels 0..255, cut to what is drawn."""

    figure: Figure
    grey: Grey

    @property
    def drawn(self) -> bool:
        """Whether it is a chart: mostly one light paper."""
        return float((self.grey > 235).mean()) > 0.6


def open_picture(figure: Figure) -> Picture | None:
    """The figure's picture; None where there is none, it breaks a limit, or it shows next to nothing."""
    import numpy as np
    from PIL import Image

    if figure.image is None or len(figure.image) > MOST_BYTES:
        return None
    try:
        with Image.open(io.BytesIO(figure.image)) as image:
            if image.width * image.height > MOST_PIXELS or min(image.size) < 16:
                return None
            image.draft("L", (1024, 1024))
            flat = Image.new("RGBA", image.size, "white")
            flat.alpha_composite(image.convert("RGBA"))
            grey = flat.convert("L")
            grey.thumbnail((768, 768))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    cut = _trimmed(np.asarray(grey, np.float32))
    return Picture(figure, cut) if min(cut.shape) >= 16 and cut.std() >= FLAT else None


def _trimmed(grey: Grey) -> Grey:
    """Without the empty margin, so that two copies with other margins meet."""
    import numpy as np

    edge = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    inked = np.abs(grey - edge) > 12
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    if not len(rows) or not len(columns):
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def sized(grey: Grey, side: int) -> Grey:
    """The picture as a square of `side` pixels, each the mean of what it covers."""
    import numpy as np
    from PIL import Image

    image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32)


def perceptual_hash(grey: Grey) -> Grey:
    """63 signs of the lowest frequencies against their median, the mean brightness left out."""
    import numpy as np
    from scipy.fft import dctn

    low = dctn(sized(grey, HASHED), norm="ortho")[:KEPT, :KEPT].ravel()[1:]
    return np.asarray(low > np.median(low))


def _correlation(one: Grey, other: Grey) -> float:
    import numpy as np

    a, b = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 0 else 0.0


def _common_ink(one: Grey, other: Grey) -> float:
    """Of the drawn points of each picture the share that the other has within one pixel; the smaller of the two."""
    from scipy.ndimage import binary_dilation

    side = 192
    inks = [sized(grey, side) < 200 for grey in (one, other)]
    shares = [
        float((ink & binary_dilation(beside, iterations=1)).sum() / max(1, ink.sum()))
        for ink, beside in ((inks[0], inks[1]), (inks[1], inks[0]))
    ]
    return min(shares)


def _agree(one: Picture, other: Picture, turned: Grey) -> float:
    """How alike two pictures are in detail, 0 where they are not one."""
    alike = _correlation(sized(one.grey, FINE), sized(turned, FINE))
    if alike < SAME:
        return 0.0
    if (one.drawn or other.drawn) and _common_ink(one.grey, turned) < SAME_INK:
        return 0.0
    return alike


def _variants(grey: Grey) -> list[tuple[str, Grey]]:
    import numpy as np

    mirrored = np.fliplr(grey)
    turned = [(name, np.rot90(grey, k + 1)) for k, name in enumerate(TURNS)]
    return [("", grey), *turned, *((name, np.rot90(mirrored, k)) for k, name in enumerate(MIRRORED))]


def same_picture(one: Picture, other: Picture) -> tuple[str, float] | None:
    """How `other` shows the picture of `one` ("" for as it is) and how alike they are; None where it does not."""
    mine = perceptual_hash(one.grey)
    ratio = one.grey.shape[1] / one.grey.shape[0]
    for how, grey in _variants(other.grey):
        shape = grey.shape[1] / grey.shape[0]
        if not 0.8 < ratio / shape < 1.25 or int((mine != perceptual_hash(grey)).sum()) > NEAR:
            continue
        alike = _agree(one, other, grey)
        if alike:
            return how, alike
    return None


def part_of(small: Picture, large: Picture) -> float:
    """How well `small` fits somewhere inside `large`, 0 where it does not. Charts are not looked for in charts."""
    if small.drawn or large.drawn:
        return 0.0
    coarse = _bounded(large.grey, COARSE)
    fits = [(_fit(small.grey, coarse, height), height) for height in HEIGHTS]
    fit, height = max(fits)
    if fit < SAME_PART - 0.1:
        return 0.0
    exact = _bounded(large.grey, EXACT)
    best = max(_fit(small.grey, exact, height + step / 200) for step in range(-4, 5))
    return best if best >= SAME_PART else 0.0


def _bounded(grey: Grey, side: int) -> Grey:
    factor = min(1.0, side / max(grey.shape))
    return _resized(grey, max(1, round(grey.shape[0] * factor)), max(1, round(grey.shape[1] * factor)))


def _resized(grey: Grey, height: int, width: int) -> Grey:
    import numpy as np
    from PIL import Image

    image = Image.fromarray(grey.clip(0, 255).astype(np.uint8))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float64)


def _fit(piece: Grey, whole: Grey, share: float) -> float:
    """The highest correlation of a piece, as high as a share of the whole, over all places; 0 where it has no room."""
    import numpy as np
    from scipy.signal import fftconvolve

    height = round(share * whole.shape[0])
    width = round(height * piece.shape[1] / piece.shape[0])
    if min(height, width) < SMALLEST_PART or height > whole.shape[0] or width > whole.shape[1]:
        return 0.0
    small = _resized(piece, height, width)
    centred = small - small.mean()
    energy = float((centred * centred).sum())
    sums, squares = _box_sums(whole, height, width), _box_sums(whole * whole, height, width)
    variance = np.maximum(squares - sums * sums / small.size, 0)
    flat = variance < FLAT * FLAT * small.size
    products = fftconvolve(whole, centred[::-1, ::-1], "valid")
    return float(np.where(flat, 0.0, products / np.sqrt(np.maximum(variance, 1e-9) * max(energy, 1e-9))).max())


def _box_sums(values: Grey, height: int, width: int) -> Grey:
    """The sum over every box of a size."""
    import numpy as np

    total = np.pad(values, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return np.asarray(
        total[height:, width:] - total[:-height, width:] - total[height:, :-width] + total[:-height, :-width]
    )


def _repeated(rule: Rule, manuscript: Manuscript, _: Inputs) -> Check:
    opened = [open_picture(figure) for figure in manuscript.figures[:MOST_FIGURES]]
    pictures = [picture for picture in opened if picture is not None]
    if len(pictures) < 2:
        had = f"{len(pictures)} of its {len(manuscript.figures)} figures" if manuscript.figures else "none"
        return rule.not_checked(f"two pictures are needed to compare, and the paper gave {had}")
    searched = {id(picture) for picture in [p for p in pictures if not p.drawn][:MOST_SEARCHED]}
    found = []
    for one, other in combinations(pictures, 2):
        finding = _whole(rule, one, other)
        if finding is None and {id(one), id(other)} <= searched:
            finding = _part(rule, one, other) or _part(rule, other, one)
        found += [finding] if finding else []
    looked = len(pictures)
    return rule.checked(looked, found, f"compared {looked} of {len(manuscript.figures)} figures with each other")


def _whole(rule: Rule, one: Picture, other: Picture) -> Finding | None:
    same = same_picture(one, other)
    if same is None:
        return None
    how, alike = same
    names = _name(one.figure), _name(other.figure)
    severity = Severity.LOW if how else Severity.MEDIUM
    message = f"{names[1]} shows the same picture as {names[0]}{f', {how}' if how else ''}."
    return _finding(rule, severity, message, other.figure, 0.6 if how else 0.9, names, how, alike)


def _part(rule: Rule, small: Picture, large: Picture) -> Finding | None:
    fit = part_of(small, large)
    if not fit:
        return None
    names = _name(large.figure), _name(small.figure)
    message = f"{names[1]} looks like a part of {names[0]}."
    return _finding(rule, Severity.LOW, message, small.figure, 0.5, names, "a part", fit)


def _name(figure: Figure) -> str:
    return figure.label or "A figure without a number"


def _finding(
    rule: Rule,
    severity: Severity,
    message: str,
    figure: Figure,
    sure: float,
    names: tuple[str, str],
    how: str,
    alike: float,
) -> Finding:
    evidence = {"figures": list(names), "how": how or "as it is", "likeness": round(alike, 4)}
    quote = figure.caption[:200].strip() or figure.label
    return Finding(rule.name, severity, message, figure.place, quote, "", sure, evidence)


RULES = (
    Rule(
        "repeated-figures",
        "No picture is shown twice",
        "1",
        "Bik, Casadevall and Fang 2016, doi:10.1128/mBio.00809-16",
        "A picture that stands for two different results is shown twice, perhaps turned, mirrored or cut.",
        _repeated,
    ),
)
