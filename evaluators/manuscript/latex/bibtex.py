"""BibTeX entries as references. Fields may be braced, quoted, numbers or @string names joined by #."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evaluators.manuscript.citations import identifiers, year_of
from evaluators.manuscript.document import Place, Reference
from evaluators.manuscript.latex.render import Names, render
from evaluators.manuscript.latex.tokens import tokenise

MOST_ENTRIES = 5_000
_ENTRY = re.compile(r"@\s*(\w+)\s*[{(]", re.ASCII)
_FIELD = re.compile(r"\s*,?\s*([\w:+/-]+)\s*=\s*", re.ASCII)
_WORD = re.compile(r"[^\s,#{}\"()]+")
_MONTHS = {m: m for m in ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")}


@dataclass(frozen=True)
class Entry:
    """One entry with its raw fields, names in lower case. `line` counts from 1 in the text that was parsed."""

    kind: str
    key: str
    fields: Mapping[str, str]
    line: int


def parse_bibtex(text: str) -> tuple[Entry, ...]:
    """The entries of a .bib file in order, repeats included; what cannot be parsed is passed over."""
    entries: list[Entry] = []
    strings: dict[str, str] = dict(_MONTHS)
    line, counted, at = 1, 0, 0
    while (match := _ENTRY.search(text, at)) is not None and len(entries) < MOST_ENTRIES:
        line += text.count("\n", counted, match.start())
        counted = at = match.start()
        kind = match[1].lower()
        at = match.end()
        if kind in {"comment", "preamble"}:
            continue
        key = ""
        if kind != "string":
            comma = text.find(",", at)
            if comma < 0:
                break
            key, at = text[at:comma].strip(), comma + 1
        fields, at = _fields(text, at, strings)
        if kind == "string":
            strings |= fields
        elif key and not re.search(r"[\s{}=]", key):
            entries.append(Entry(kind, key, fields, line))
    return tuple(entries)


def _fields(text: str, at: int, strings: Mapping[str, str]) -> tuple[dict[str, str], int]:
    fields: dict[str, str] = {}
    while (name := _FIELD.match(text, at)) is not None:
        value, at = _value(text, name.end(), strings)
        fields.setdefault(name[1].lower(), value)
    return fields, at


def _value(text: str, at: int, strings: Mapping[str, str]) -> tuple[str, int]:
    parts: list[str] = []
    while at < len(text):
        if text[at] in '{"':
            part, at = _delimited(text, at)
        else:
            word = _WORD.match(text, at)
            if word is None:
                break
            part, at = strings.get(word[0].lower(), word[0]), word.end()
        parts.append(part)
        joined = re.compile(r"\s*#\s*").match(text, at)
        if joined is None:
            break
        at = joined.end()
    return "".join(parts), at


def _delimited(text: str, at: int) -> tuple[str, int]:
    """What stands between braces or quotation marks, and where it ends. A blank line before `@` ends an open one."""
    closes = "}" if text[at] == "{" else '"'
    depth = 0
    for mark in _marks(text, at + 1):
        char = text[mark]
        if char == closes and depth == 0:
            return text[at + 1 : mark], mark + 1
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return text[at + 1 : mark], mark
    return text[at + 1 :], len(text)


def _marks(text: str, at: int) -> Iterator[int]:
    for match in re.compile(r"\\.|[{}\"]", re.DOTALL).finditer(text, at):
        if match[0][0] != "\\":
            yield match.start()


def references_of(text: str, *, place: Place, first_line: int | None = None) -> tuple[Reference, ...]:
    """The references of a .bib file; with `first_line` each has its own line, counted from there."""
    return tuple(_reference(entry, place, first_line) for entry in parse_bibtex(text))


def _reference(entry: Entry, place: Place, first_line: int | None) -> Reference:
    told = {name: _printed(value) for name, value in entry.fields.items()}
    where = next(
        (told[n] for n in ("journal", "booktitle", "journaltitle", "howpublished", "publisher") if told.get(n)), ""
    )
    names = tuple(_name(a) for a in re.split(r"\s+and\s+", told.get("author", "")) if a.strip())
    traces = " ".join(
        entry.fields.get(n, "") for n in ("doi", "eprint", "url", "volume", "journal", "howpublished", "note")
    )
    doi, arxiv, url = identifiers(traces.replace("\\_", "_"))
    if not arxiv and re.fullmatch(r"\d{4}\.\d{4,5}(?:v\d+)?", told.get("eprint", "")):
        arxiv = told["eprint"].partition("v")[0]
    year = year_of(told.get("year", "") or told.get("date", ""))
    title = told.get("title", "").strip()
    text = ". ".join(part for part in (", ".join(names), title, where, told.get("volume", ""), str(year or "")) if part)
    line = None if first_line is None else first_line + entry.line - 1
    given = told.get("url", "") or url
    return Reference(entry.key, text, title, names, year, doi, arxiv, given, where, Place(place.section, None, line))


def _printed(value: str) -> str:
    return render(tokenise(value)[0], Names()).text.strip()


def _name(author: str) -> str:
    return " ".join(author.split())
