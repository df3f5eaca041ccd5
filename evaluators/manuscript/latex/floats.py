"""What a floating table or figure holds: captions, tabulars, names of pictures, and text of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from evaluators.manuscript.build import arrows_of
from evaluators.manuscript.document import Figure, Place, Table
from evaluators.manuscript.latex.quantities import options
from evaluators.manuscript.latex.render import Concealed, Marked, Names, render
from evaluators.manuscript.latex.tables import TABULAR, Tabular, read_tabular
from evaluators.manuscript.latex.tokens import Stream, Token, plain


@dataclass
class Float:
    """The parts of a float. `figures` have the names of their pictures beside them."""

    captions: list[Marked] = field(default_factory=list)
    numbered: int = 0
    """How many captions have a number of their own."""
    tables: list[Table] = field(default_factory=list)
    figures: list[tuple[Figure, tuple[str, ...]]] = field(default_factory=list)
    hidden: list[Concealed] = field(default_factory=list)
    text: list[Token] = field(default_factory=list)


@dataclass
class _Parts:
    kind: str
    captions: list[tuple[Marked, int, str]] = field(default_factory=list)
    """Caption, how many tabulars stood before it, and its label."""
    panels: list[Marked] = field(default_factory=list)
    """The captions of the panels of a figure."""
    tabulars: list[tuple[Tabular, int]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    notes: list[Token] = field(default_factory=list)


def read_float(content: Sequence[Token], kind: str, names: Names, section: str, line: int) -> Float:
    """The float in the tokens of its environment; `kind` is "Table" or "Figure"."""
    parts = _Parts(kind)
    _collect(Stream(content), parts, names, section)
    made = Float(text=parts.notes)
    made.numbered = len(parts.captions)
    made.captions = [*parts.panels, *(marked for marked, _, _ in parts.captions)]
    for index, (tabular, at) in enumerate(parts.tabulars):
        made.hidden += tabular.hidden
        if tabular.cells:
            made.tables.append(_table(tabular, index, parts, names, Place(section, None, at)))
    if kind == "Figure" and (parts.pictures or not parts.tabulars):
        caption, label, at = _caption(parts, 0, line)
        key = _key("Figure", parts, names)
        figure = Figure(label or _numbered(key, names), caption, Place(section, None, at), None, key)
        made.figures.append((figure, tuple(parts.pictures)))
    return made


def _collect(stream: Stream, parts: _Parts, names: Names, section: str) -> None:
    noting = in_panel = False
    while stream:
        token = stream.next()
        if token.kind != "cmd":
            if noting:
                parts.notes.append(token)
            continue
        if token.text in {"caption", "caption*", "captionof"}:
            _take_caption(token, stream, parts, names)
            if in_panel and parts.captions:
                parts.panels.append(parts.captions.pop()[0])
        elif token.text == "includegraphics":
            while stream.option() is not None:
                pass
            parts.pictures.append(plain(stream.group()).strip('{}" '))
        elif token.text == "label":
            _take_label(plain(stream.group()), parts, names)
        elif token.text == "sisetup":
            names = replace(names, numbers={**names.numbers, **options(plain(stream.group()))})
        elif token.text in {"begin", "end"}:
            name = plain(stream.group())
            if token.text == "begin" and TABULAR.fullmatch(name):
                _take_tabular(name, stream, parts, names, section, token.line)
            elif name == "subfigure":
                in_panel = token.text == "begin"
            elif name.rstrip("*") == "tablenotes":
                noting = token.text == "begin"
        elif noting:
            parts.notes.append(token)


def _take_caption(token: Token, stream: Stream, parts: _Parts, names: Names) -> None:
    if token.text == "captionof":
        stream.group()
    stream.option()
    parts.captions.append((render(stream.group(), names), len(parts.tabulars), ""))
    if parts.captions[-1][0].lines == ():
        parts.captions.pop()


def _take_label(key: str, parts: _Parts, names: Names) -> None:
    parts.keys.append(key)
    if parts.captions and not parts.captions[-1][2]:
        marked, before, _ = parts.captions[-1]
        parts.captions[-1] = (marked, before, _numbered(key, names))


def _take_tabular(name: str, stream: Stream, parts: _Parts, names: Names, section: str, line: int) -> None:
    content = stream.environment(name)
    if name.rstrip("*") in {"longtable", "longtblr"}:
        content = _without_caption(content, parts, names)
    parts.tabulars.append((read_tabular(name, content, names, section, line), line))


def _without_caption(content: Sequence[Token], parts: _Parts, names: Names) -> list[Token]:
    """A long table has its caption among the rows; it is taken out of them, with the row end behind it."""
    stream, kept = Stream(content), []
    while stream:
        token = stream.next()
        if token.kind == "cmd" and token.text in {"caption", "caption*"}:
            _take_caption(token, stream, parts, names)
        elif token.kind == "cmd" and token.text == "label":
            _take_label(plain(stream.group()), parts, names)
        else:
            kept.append(token)
    return kept


def _table(tabular: Tabular, index: int, parts: _Parts, names: Names, place: Place) -> Table:
    caption, label, _ = _caption(parts, index, place.line or 0)
    key = _key("Table", parts, names)
    return Table(label or _numbered(key, names), caption, tabular.cells, place, arrows_of(tabular.cells), key)


def _caption(parts: _Parts, index: int, line: int) -> tuple[str, str, int]:
    """The caption of the tabular (or figure) number `index`: its own when there are as many, else the only one."""
    if not parts.captions:
        return "", "", line
    marked, _, label = parts.captions[min(index, len(parts.captions) - 1)]
    return marked.text, label, marked.line(0) or line


def _key(kind: str, parts: _Parts, names: Names) -> str:
    """The label of the float itself, not of one of its panels."""
    told = ((key, *names.labels.get(key, ("", ""))) for key in parts.keys)
    return next((key for key, named, number in told if named == kind and not number[-1:].isalpha()), "")


def _numbered(key: str, names: Names) -> str:
    kind, number = names.labels.get(key, ("", ""))
    return f"{kind} {number}".strip()
