"""The lines of a reference list as entries: by number in brackets, by number, by hanging indent, or by space."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from evaluators.manuscript.citations import parse_reference, surname
from evaluators.manuscript.document import Place, Reference
from evaluators.manuscript.pdf.flow import Flow, Vocabulary
from evaluators.manuscript.pdf.lines import Line

SECTION = "References"
_BRACKETED = re.compile(r"\s*\[(?P<key>\d{1,4}|[A-Za-z][\w+*. -]{1,24}\d{2}[a-z]?)\]\s*")
_NUMBERED = re.compile(r"\s*(?P<key>\d{1,3})[.)]?\s+(?=\S)")


def read_references(lines: Sequence[Line], words: Vocabulary) -> list[Reference]:
    """The entries in order. A list without numbers has keys like "Ho et al., 2020"."""
    for pattern in (_BRACKETED, _NUMBERED):
        starts = _numbered_starts(lines, pattern)
        if len(starts) >= 2 or (starts and len(lines) < 6):
            return _entries(lines, starts, pattern, words)
    return _named(_entries(lines, _indented_starts(lines), None, words))


def _numbered_starts(lines: Sequence[Line], pattern: re.Pattern[str]) -> list[int]:
    """The lines that begin with the next number: a year or a page at the head of a line is not the next one."""
    starts: list[int] = []
    expected: int | None = None
    for index, line in enumerate(lines):
        match = pattern.match(line.text)
        if match is None:
            continue
        key = match["key"]
        if not key.isdigit():
            starts.append(index)
        elif expected is None or expected <= int(key) <= expected + 2:
            if expected is None and pattern is _NUMBERED and int(key) != 1:
                continue
            starts.append(index)
            expected = int(key) + 1
    return starts


def _indented_starts(lines: Sequence[Line]) -> list[int]:
    lefts: dict[tuple[int, tuple[float, float]], float] = {}
    for line in lines:
        column = (line.page, line.column)
        lefts[column] = min(lefts.get(column, line.area.x0), line.area.x0)
    hangs = sum(line.area.x0 > lefts[(line.page, line.column)] + 4 for line in lines)
    if hangs >= 0.15 * len(lines):
        return [i for i, line in enumerate(lines) if line.area.x0 <= lefts[(line.page, line.column)] + 4]
    steps = [b.run.base - a.run.base for a, b in pairwise(lines)]
    usual = Counter(round(s, 0) for s in steps if s > 0).most_common(1)
    pitch = usual[0][0] if usual else 12.0
    return [0, *(i + 1 for i, step in enumerate(steps) if step > 1.25 * pitch or step < 0)] if lines else []


def _entries(
    lines: Sequence[Line], starts: Sequence[int], pattern: re.Pattern[str] | None, words: Vocabulary
) -> list[Reference]:
    entries: list[Reference] = []
    for at, start in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else len(lines)
        match = pattern.match(lines[start].text) if pattern else None
        flow = Flow()
        for index in range(start, end):
            flow.add(lines[index], words, skip=match.end() if match and index == start else 0)
        place = Place(SECTION, lines[start].page, None, flow.boxes(0, len(flow.text)))
        entries.append(parse_reference(match["key"] if match else "", flow.text, place))
    return entries


def _named(entries: Sequence[Reference]) -> list[Reference]:
    named: list[Reference] = []
    used: Counter[str] = Counter()
    for entry in entries:
        single = len(entry.authors) == 1 and len(entry.authors[0].split()) > 3
        first = (
            entry.authors[0] if single else surname(entry.authors[0]) if entry.authors else entry.text[:30].strip(" .,")
        )
        others = (
            ""
            if len(entry.authors) < 2
            else f" and {surname(entry.authors[1])}"
            if len(entry.authors) == 2
            else " et al."
        )
        lettered = re.search(rf"\b{entry.year}([a-z])\b", entry.text) if entry.year else None
        key = f"{first}{others}, {entry.year or 'n.d.'}{lettered[1] if lettered else ''}"
        used[key] += 1
        named.append(replace(entry, key=key if used[key] == 1 else f"{key} ({used[key]})"))
    return named
