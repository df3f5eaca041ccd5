"""Displayed equations: lines that hold formula letters and hardly a word, away from the column's edge."""

from __future__ import annotations

import re
from collections.abc import Sequence

from evaluators.manuscript.document import Box, Equation, Place
from evaluators.manuscript.pdf.lines import Line

_WORD = re.compile(r"[^\W\d_]{4,}")
_NAMES = "with where otherwise subject softmax sigmoid relu argmax argmin concat exp log max min mean norm"
_FUNCTIONS = frozenset(_NAMES.split())
_FIGURES = re.compile(r"[\d\s+\-−–=.,()/|*^]+")
_NUMBER = re.compile(r"\(\s*[A-Z]?\.?\d{1,3}(?:\.\d{1,2})?[a-z]?\s*\)\s*$")


def is_equation(line: Line, body: float) -> bool:
    """Whether a line is (a piece of) a displayed equation."""
    letters = [letter for letter in line.run.letters if not letter.text.isspace()]
    maths = sum(letter.char.font.maths for letter in letters)
    text = line.text
    numbered = _NUMBER.search(text) is not None
    least = 0.8 * body
    plain = "".join(x.text if not x.char.font.maths and x.char.size > least else " " for x in line.run.letters)
    words = [w for w in _WORD.findall(plain) if w.lower() not in _FUNCTIONS and not w.isupper()]
    if words and not (numbered and len(words) <= 2 and maths >= 3):
        return False
    inset = line.area.x0 > line.column[0] + 12 or (numbered and maths > 0)
    if inset and _FIGURES.fullmatch(text):
        return True
    small = line.run.size < 0.8 * body and len(letters) <= 12
    if numbered and len(text.strip()) <= 8 and line.area.x1 > line.column[1] - 12:
        return True
    return inset and (maths >= max(1, 0.12 * len(letters)) or (small and not text.strip().isalpha()))


def group_equations(lines: Sequence[Line], section: str) -> list[Equation]:
    """Neighbouring pieces as one equation each; an equation number ends one."""
    groups: list[list[Line]] = []
    for line in lines:
        last = groups[-1][-1] if groups else None
        if (
            last is not None
            and last.page == line.page
            and -2 <= line.run.base - last.run.base < 2.6 * max(line.run.size, 8)
        ):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [_equation(group, section) for group in groups]


def _equation(group: Sequence[Line], section: str) -> Equation:
    text = " ".join(line.text.strip() for line in group)
    boxes = tuple(Box(line.page, *(round(v, 2) for v in line.area)) for line in group)
    return Equation(text, Place(section, group[0].page, None, boxes))
