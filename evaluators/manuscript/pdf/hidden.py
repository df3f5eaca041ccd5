"""Text that is in the file but not on the page as a reader sees it.

The page is rendered twice, with and without its text: a character that changes no point of the picture does not show,
whether it is white, covered, cut off or painted with nothing. A text layer over a scanned page is no trick and stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluators.manuscript.build import instructs
from evaluators.manuscript.pdf.page import Char, Font, Inside, Page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SMALLEST = 2.0
"""Points; people do not read smaller type."""
_PIXELS = 3_000_000
_SCALE = 1.6
_SEEN = 10
"""Steps of 255 by which a point must change for a character to show."""
_NESTED_WORDS = 6
"""Words from which on unseen text inside a placed picture is told; cropped drawings often hold unseen labels."""


@dataclass(frozen=True)
class Unseen:
    """A run of characters that do not show, and why."""

    text: str
    why: str
    chars: tuple[Char, ...]


@dataclass(frozen=True)
class Shown:
    """The characters of a page that show, those that do not, and whether the page is a scan with a text layer."""

    chars: list[Char]
    unseen: list[Unseen]
    scanned: bool


def part_hidden(inside: Inside, page: Page) -> Shown:
    """Part the page's characters into those that show and those that do not."""
    import numpy as np

    if not page.chars:
        return Shown([], [], False)
    full, bare = _pictures(inside)
    scale = full.shape[1] / max(page.width, 1.0)
    steps = np.maximum(full, bare) - np.minimum(full, bare) >= _SEEN
    changed = steps[:, :, 0] | steps[:, :, 1] | steps[:, :, 2]
    sums = np.zeros((changed.shape[0] + 1, changed.shape[1] + 1), np.int32)
    sums[1:, 1:] = changed.cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    why = [_why(char, page, bare, sums, scale) for char in page.chars]
    inked = [i for i, char in enumerate(page.chars) if not char.text.isspace()]
    unpainted = sum(page.chars[i].mode == 3 or bool(why[i]) for i in inked)
    if _is_scan(page) and unpainted >= 0.8 * len(inked):
        return Shown(page.chars, [], True)
    return _parted(page, why)


def _is_scan(page: Page) -> bool:
    return any(a.width * a.height > 0.6 * page.width * page.height for a in page.images)


def _pictures(inside: Inside) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The page as it is shown, and the same without any text."""
    import pypdfium2.raw as c

    scale = min(_SCALE, (_PIXELS / max(1.0, inside.width * inside.height)) ** 0.5)
    full = _rendered(inside.raw, scale)
    texts = [item for item, kind, _ in inside.objects() if kind == 1]
    for item in texts:
        c.FPDFPageObj_SetIsActive(item, False)
    bare = _rendered(inside.raw, scale)
    for item in texts:
        c.FPDFPageObj_SetIsActive(item, True)
    return full, bare


def _rendered(page: Any, scale: float) -> NDArray[np.uint8]:
    import numpy as np

    picture: NDArray[np.uint8] = np.array(page.render(scale=scale, may_draw_forms=False).to_numpy()[:, :, :3])
    return picture


def _why(char: Char, page: Page, bare: NDArray[np.uint8], sums: NDArray[np.int32], scale: float) -> str:
    """Why a character does not show, or nothing."""
    box = char.box
    if char.text.isspace() or (char.text == "_" and box.height < 1):
        return ""  # an underscore that is drawn as a stroke is no text to switch off
    if box.x1 < 0 or box.y1 < 0 or box.x0 > page.width or box.y0 > page.height:
        return "it stands outside the page"
    if 0 < char.size < SMALLEST:
        return f"its type is {char.size:.1f} points high"
    if box.width <= 0 or box.height <= 0:
        return ""
    height, width = bare.shape[:2]
    x0, x1 = max(0, int(box.x0 * scale)), min(width, int(box.x1 * scale) + 1)
    y0, y1 = max(0, int(box.y0 * scale)), min(height, int(box.y1 * scale) + 1)
    if x1 <= x0 or y1 <= y0:
        return "it stands outside the page"
    ground = bare[(y0 + y1) // 2, (x0 + x1) // 2]
    same = char.mode in {0, 4} and max(abs(int(a) - int(b)) for a, b in zip(ground, char.fill[:3], strict=True)) < _SEEN
    if same and not (sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0]) > 0:
        return "it has the colour of its ground"
    if sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0] > 0:
        return ""
    if char.mode == 3:
        return "it is painted with nothing (rendering mode 3)"
    if char.fill[3] < 8:
        return "it is fully transparent"
    return "something covers it or cuts it off"


def _parted(page: Page, why: Sequence[str]) -> Shown:
    shown: list[Char] = []
    unseen: list[Unseen] = []
    run: list[Char] = []
    reason = ""
    for char, cause in [*zip(page.chars, why, strict=True), (None, "")]:
        blank = char is not None and char.text.isspace()
        if char is not None and run and (cause.split()[:3] == reason.split()[:3] or blank):
            run.append(char)
            continue
        if run:
            _close(run, reason, shown, unseen)
            run, reason = [], ""
        if char is not None and cause:
            run, reason = [char], cause
        elif char is not None:
            shown.append(char)
    return Shown(shown, unseen, False)


def _close(run: Sequence[Char], reason: str, shown: list[Char], unseen: list[Unseen]) -> None:
    """Tell of a run if it holds words; single marks and digits that only hold a place are dropped in silence."""
    from evaluators.manuscript.pdf.lines import segments_of

    pieces = [run.text for run in segments_of(run)] or ["".join(char.text for char in run)]
    text = " ".join(" ".join(pieces).split())
    letters = sum(char.isalpha() for char in text)
    digits = sum(char.isdigit() for char in text)
    tiny = reason.startswith("its type")
    if letters < 3 and digits < 6:
        shown.extend(run if tiny else ())
        return
    if not any(char.upright for char in run) and reason.startswith("something") and not instructs(text):
        return  # a watermark behind a picture
    nested = all(char.nested for char in run)
    words = re.findall(r"[^\W\d_]{2,}", text)
    if (nested or tiny) and len(words) < _NESTED_WORDS and not instructs(text):
        return
    unseen.append(Unseen(text, f"Text does not show on the page: {reason}.", tuple(run)))


_DESCENDS, _SITS, _RISES = frozenset("gpqy"), frozenset("acemnorsuvwxz"), frozenset("bdhkl")
_LEAST_LETTERS = 12
_UNLETTERED = re.compile(
    r"DINGBAT|SYMBOL|WINGDING|WEBDING|ICON|AWESOME|EMOJI|CAPS|SC\d|SMALLC|SCRIPT|CALLIG|CHANCERY", re.IGNORECASE
)


def mismatched_fonts(chars: Sequence[Char]) -> list[tuple[Font, tuple[Char, ...]]]:
    """Fonts whose printed letters cannot be those that are copied: "g" must reach below the line, "o" must not.

    A cheap test of the character maps: the boxes of what is drawn against what each letter looks like in any text face.
    """
    by_font: dict[Font, list[Char]] = defaultdict(list)
    for char in chars:
        if char.upright and char.size > 0 and char.text in _DESCENDS | _SITS | _RISES and char.box.height > 0:
            by_font[char.font].append(char)
    return [
        (font, tuple(letters))
        for font, letters in by_font.items()
        if len(letters) >= _LEAST_LETTERS
        and not font.maths
        and not _UNLETTERED.search(font.name)
        and _contradict(letters)
    ]


def _contradict(letters: Sequence[Char]) -> bool:
    depth = [(c.box.y1 - c.base) / c.size for c in letters]
    rise = [(c.base - c.box.y0) / c.size for c in letters]
    if max(rise) - min(rise) < 0.12 and max(depth) < 0.08:
        return False  # small capitals: all letters are of one height
    wrong = 0
    for char, down, up in zip(letters, depth, rise, strict=True):
        if char.text in _DESCENDS:
            wrong += down < 0.08
        else:
            wrong += down > 0.12 or (char.text in _SITS and up > 0.62) or (char.text in _RISES and up < 0.55)
    kinds = len({c.text for c in letters})
    return kinds >= 5 and wrong > 0.4 * len(letters)
