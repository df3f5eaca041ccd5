"""Captions: lines that begin with "Table 2:" or "Figure 3." and what belongs to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaluators.manuscript.pdf.lines import Line
from evaluators.manuscript.pdf.page import Area, Page

_LABEL = re.compile(
    r"(?P<kind>(?:Extended Data |Supplementary |Suppl\. )?"
    r"(?:Tables?|TABLE|Tab\.|Figures?|FIGURE|Figs?\.|FIG\.|Algorithm|ALGORITHM|Listing|Scheme))"
    r"\s*(?P<number>[A-Z]{0,2}\.?\d+(?:\.\d+)?[a-z]?|[IVXL]+)(?P<mark>\s*[.:|–—]|\s*$|\s+(?=[A-Z(]))"
)
_KINDS = {"tab": "Table", "fig": "Figure", "alg": "Algorithm", "lis": "Algorithm", "sch": "Figure"}


@dataclass(frozen=True, eq=False)
class Caption:
    """A caption as lines; `label` as a reader cites it, `text` without the label."""

    kind: str
    label: str
    lines: tuple[Line, ...]
    mark: int
    """Letters of the first line that are the label with its mark."""

    @property
    def area(self) -> Area:
        """Around all its lines."""
        area = self.lines[0].area
        for line in self.lines[1:]:
            area = area.joined(line.area)
        return area


def find_captions(page: Page, lines: Sequence[Line]) -> list[Caption]:
    """The captions of a page in reading order."""
    found: list[Caption] = []
    taken = -1
    for index, line in enumerate(lines):
        match = _LABEL.match(line.text)
        if index <= taken or match is None or not _is_caption(line, match):
            continue
        body = _body(page, lines, index)
        taken = index + len(body) - 1
        kind = next(name for mark, name in _KINDS.items() if mark in match["kind"].lower())
        number = match["number"]
        prefix = match["kind"].split()[0] + " " if match["kind"].startswith(("Extended", "Suppl")) else ""
        prefix = prefix.replace("Extended ", "Extended Data ")
        found.append(Caption(kind, f"{prefix}{kind} {number}", tuple(body), match.end()))
    return found


def _is_caption(line: Line, match: re.Match[str]) -> bool:
    """A label with a mark, or set apart by its font: "Table 2 shows" opens a sentence."""
    if match["mark"].strip():
        return True
    if not match["mark"]:
        return len(line.text) <= 16  # "TABLE II" on a line of its own
    label = [letter.char.font for letter in line.run.letters[: match.end("number")] if letter.text.isalnum()]
    rest = [letter.char.font for letter in line.run.letters[match.end() :] if letter.text.isalnum()]
    return bool(rest) and (all(font.bold for font in label) and not line.text[match.end() :].startswith("shows"))


def _body(page: Page, lines: Sequence[Line], start: int) -> list[Line]:
    body = [lines[start]]
    pitch = 0.0
    for line in lines[start + 1 : start + 40]:
        last = body[-1]
        step = line.run.base - last.run.base
        titled = len(body) == 1 and len(last.text) <= 16 and 0 < step <= 2.5 * last.run.size
        if not titled and not 0 < step <= max(1.3 * last.run.size, 1.08 * pitch, 1.08 * _pitch(lines)):
            break
        if abs(line.run.size - last.run.size) > 0.6 and len(body) > 1:
            break
        if line.column != last.column and abs(line.area.x0 - last.area.x0) > 0.5 * page.width:
            break
        if _LABEL.match(line.text) or _ruled_between(page, last, line):
            break
        pitch = step
        body.append(line)
    return body


def _pitch(lines: Sequence[Line]) -> float:
    """The usual distance of baselines of a page."""
    steps = sorted(round(b.run.base - a.run.base, 1) for a, b in pairwise(lines))
    steps = [step for step in steps if 4 < step < 40]
    return max(set(steps), key=steps.count) if steps else 12.0


def _ruled_between(page: Page, above: Line, below: Line) -> bool:
    y0, y1 = above.run.base - 1, below.area.y1
    inside = (r for r in page.rules if y0 <= r.y0 and r.y1 <= y1 - 1 and r.width > 40)
    return any(r.x0 < below.area.x1 and below.area.x0 < r.x1 for r in inside)
