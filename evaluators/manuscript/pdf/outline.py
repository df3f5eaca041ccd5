"""The lines of all pages as title, abstract, sections and reference list."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from evaluators.manuscript.document import Equation
from evaluators.manuscript.pdf.equations import group_equations, is_equation
from evaluators.manuscript.pdf.headings import REFERENCES, Heading, Headings, title_of
from evaluators.manuscript.pdf.layout import Layout
from evaluators.manuscript.pdf.lines import Letter, Line, Run
from evaluators.manuscript.pdf.page import Area, Page

_ABSTRACT = re.compile(r"(?:Abstract|ABSTRACT|Summary)\s?[—–.:-]+\s?")
_KEYWORDS = re.compile(r"(?:Key\s?words?|KEYWORDS?|Index Terms)(?: and phrases)?\s?[—–.:-]")
_AFTER_REFERENCES = re.compile(r"[A-Z](?:\.\d)*\.?\s+\S|Append|APPEND|Suppl|SUPPL|Acknow|Author|Data|Checklist")
_ABSTRACT_WORDS = 40


@dataclass
class Part:
    """A section before its lines are put together; `heading` is the line with its title."""

    title: str
    level: int
    heading: Line | None
    lines: list[Line] = field(default_factory=list)
    equations: list[Equation] = field(default_factory=list)
    footnotes: list[Line] = field(default_factory=list)
    after_equation: set[int] = field(default_factory=set)
    """The lines (by their identity) that follow an equation which was taken out."""


@dataclass
class Outline:
    """The paper in parts. What stands between title and abstract (names, addresses) is left out."""

    title: str
    parts: list[Part]
    references: list[Line]

    def section_at(self, page: Page, area: Area) -> str:
        """The title of the section that a place of a page falls into, read column by column."""
        middle = page.width / 2
        at = (page.number, area.x0 > middle, area.y0)
        found = ""
        for part in self.parts:
            first = part.heading or (part.lines[0] if part.lines else None)
            if first is not None and (first.page, first.column[0] > middle, first.run.base) <= at:
                found = part.title
        return found


def outline_of(layouts: Sequence[Layout], part_footnotes: Callable[[Layout, float], None]) -> Outline:
    """Part all lines at their headings; footnotes go to the section of their page."""
    headings = Headings([line for layout in layouts for line in layout.lines])
    for layout in layouts:
        part_footnotes(layout, headings.body)
    lines = [line for layout in layouts for line in layout.lines]
    title, start = title_of(lines, headings.body)
    parts, references = _parted(lines, start, headings)
    parts = _with_abstract(parts)
    for part in parts:
        _take_equations(part, headings.body)
    _place_footnotes(parts, layouts)
    return Outline(title, parts, references)


def _parted(lines: Sequence[Line], start: int, headings: Headings) -> tuple[list[Part], list[Line]]:
    parts = [Part("", 1, None)]
    references: list[Line] = []
    in_references = False
    at = start
    while at < len(lines):
        line = lines[at]
        heading = _run_in(line) or headings.read(lines, at)
        if heading is not None and in_references and not _ends_references(heading, line):
            heading = None
        if heading is not None and REFERENCES.fullmatch(heading.title):
            in_references = True
        elif heading is not None:
            in_references = False
            parts.append(Part(_named(heading.title), heading.level, line))
            if heading.lines == 0:
                match = _ABSTRACT.match(line.text) or _KEYWORDS.match(line.text)
                parts[-1].lines.append(_behind(line, match.end() if match else 0))
        elif in_references:
            references.append(line)
        else:
            parts[-1].lines.append(line)
        at += max(1, heading.lines) if heading else 1
    return parts, references


def _named(title: str) -> str:
    plain = " ".join(title.split())
    return "Abstract" if plain.lower() == "abstract" else plain


def _run_in(line: Line) -> Heading | None:
    """ "Abstract—We ..." opens its section on the line itself."""
    if (match := _ABSTRACT.match(line.text)) and len(line.text) > match.end() + 5:
        return Heading("Abstract", 1, 0)
    if (match := _KEYWORDS.match(line.text)) and len(line.text) > match.end():
        return Heading("Keywords", 1, 0)
    return None


def _behind(line: Line, skip: int) -> Line:
    letters: tuple[Letter, ...] = line.run.letters[skip:] or line.run.letters
    return Line(Run(letters), line.page, line.column)


def _ends_references(heading: Heading, line: Line) -> bool:
    """Whether a heading ends the reference list: an entry in bold or with a number does not."""
    text = line.text.strip()
    if heading.lines == 0:
        return False
    if _AFTER_REFERENCES.match(text):
        return True
    entry = re.match(r"[\[\d]", text) is not None
    return not entry and (line.run.largest > 1.15 * line.run.size or (line.run.bold > 0.9 and len(text) < 60))


def _with_abstract(parts: list[Part]) -> list[Part]:
    """Leave out what stands before the abstract; where none is named, long text before the first heading is it."""
    front, rest = parts[0], parts[1:]
    names = [part.title for part in rest]
    if "Abstract" in names:
        return rest[names.index("Abstract") :] if names.index("Abstract") < 4 else rest
    words = sum(len(line.text.split()) for line in front.lines)
    if not rest:
        return [Part("", 1, None, front.lines)]
    if words >= _ABSTRACT_WORDS:
        wide = [line for line in front.lines if len(line.text.split()) >= 6]
        return [Part("Abstract", 1, None, wide), *rest]
    return rest


def _take_equations(part: Part, body: float) -> None:
    pieces = [line for line in part.lines if is_equation(line, body)]
    chosen = set(map(id, pieces))
    part.after_equation = {id(b) for a, b in pairwise(part.lines) if id(a) in chosen and id(b) not in chosen}
    part.equations = group_equations(pieces, part.title)
    part.lines = [line for line in part.lines if id(line) not in chosen]


def _place_footnotes(parts: Sequence[Part], layouts: Sequence[Layout]) -> None:
    for layout in layouts:
        if not layout.footnotes:
            continue
        on_page = [p for p in parts if any(line.page == layout.page.number for line in p.lines)]
        if on_page:
            on_page[-1].footnotes += layout.footnotes
