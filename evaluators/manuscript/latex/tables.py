"""The rows of a tabular: cells over several columns and rows filled in, rules told from content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from evaluators.manuscript.build import guess_header_rows, make_cell, squared
from evaluators.manuscript.document import Cell, Place
from evaluators.manuscript.latex.render import Concealed, Names, render
from evaluators.manuscript.latex.tokens import Stream, Token, plain

TABULAR = re.compile(r"tabular[xy]?\*?|tabulary|longtable\*?|supertabular|tblr|longtblr|tabu|longtabu|NiceTabular")
MOST_CELLS = 20_000
MOST_COLUMNS = 200

_RULES = {"toprule", "midrule", "bottomrule", "hline", "Xhline", "specialrule", "hhline", "thickhline", "hdashline"}
_PART_RULES = {"cmidrule", "cline", "addlinespace", "cdashline", "arrayrulecolor", "noalign"}
_ARGUMENTS = {"Xhline": 1, "specialrule": 3, "hhline": 1, "cmidrule": 1, "cline": 1, "cdashline": 1, "noalign": 1}
_ARGUMENTS |= {"arrayrulecolor": 1}
_HEAD_MARKS = {"endfirsthead", "endhead", "endfoot", "endlastfoot"}


@dataclass
class _Cell:
    tokens: list[Token]
    columns: int = 1
    rows: int = 1


@dataclass
class _Grid:
    """The rows as they are written, and where rules and the head of a long table stand among them."""

    rows: list[list[_Cell]] = field(default_factory=list)
    rules: list[int] = field(default_factory=list)
    first_head: int = -1


@dataclass(frozen=True)
class Tabular:
    """The cells of a tabular and what is hidden in them."""

    cells: tuple[tuple[Cell, ...], ...]
    hidden: tuple[Concealed, ...]


def read_tabular(name: str, body: Sequence[Token], names: Names, section: str, line: int) -> Tabular:
    """The table in the tokens behind `\\begin{name}`."""
    stream = Stream(body)
    _skip_specification(name.rstrip("*") if name != "tabular*" else name, stream)
    grid = _grid(stream)
    hidden: list[Concealed] = []
    table: list[list[Cell]] = []
    hanging: dict[int, tuple[int, Cell]] = {}
    for row in grid.rows:
        cells = _row(row, len(table), names, section, line, hanging, hidden)
        if cells:
            table.append(cells)
    inner = [rule for rule in grid.rules if 0 < rule < len(table)]
    header = guess_header_rows(table, inner[0] if inner else None)
    return Tabular(squared(table, header, Place(section, None, line)), tuple(hidden))


def _skip_specification(name: str, stream: Stream) -> None:
    if name in {"tabularx", "tabulary", "tabular*", "tabu", "longtabu"}:
        if name in {"tabu", "longtabu"}:
            while (token := stream.peek()) is not None and token.kind != "{":
                stream.next()
        else:
            stream.group()
    while stream.option() is not None:
        pass
    stream.group()


def _grid(stream: Stream) -> _Grid:
    grid = _Grid()
    row: list[_Cell] = []
    cell: list[Token] = []
    depth = cells = 0
    while stream and cells < MOST_CELLS:
        token = stream.next()
        if depth == 0 and token.kind == "cmd" and token.text in _RULES | _PART_RULES | _HEAD_MARKS:
            _rule(token.text, stream, grid, bool(row or _printed(cell)))
        elif depth == 0 and (token.kind == "&" or _ends_row(token)):
            row.append(_cell(cell))
            cell = []
            cells += 1
            if token.kind != "&":
                _end_row(grid, row, stream)
                row = []
        else:
            depth += _opens(token)
            cell.append(token)
    if row or _printed(cell):
        grid.rows.append([*row, _cell(cell)])
    return grid


def _opens(token: Token) -> int:
    if token.kind == "{" or (token.kind == "cmd" and token.text == "begin"):
        return 1
    return -1 if token.kind == "}" or (token.kind == "cmd" and token.text == "end") else 0


def _ends_row(token: Token) -> bool:
    return token.kind == "cmd" and token.text in {"\\", "tabularnewline", "cr"}


def _printed(tokens: Sequence[Token]) -> bool:
    return any(token.kind not in {"space", "par"} for token in tokens)


def _end_row(grid: _Grid, row: list[_Cell], stream: Stream) -> None:
    following = stream.peek()
    if following is not None and following.text[:1] == "*" and following.kind == "text":
        stream.next()
    if (token := stream.peek()) is not None and token.kind == "[":
        stream.option()
    if len(row) > 1 or _printed(row[0].tokens):
        grid.rows.append(list(row))


def _rule(name: str, stream: Stream, grid: _Grid, in_row: bool) -> None:
    at = len(grid.rows) + in_row
    if name in _RULES:
        grid.rules.append(at)
    elif name == "endfirsthead":
        grid.first_head = at
    elif name in _HEAD_MARKS:
        # The head (or foot) of the further pages repeats what was read, or says "continued".
        if name != "endhead" or grid.first_head >= 0:
            keep = max(grid.first_head, 0) if name == "endhead" else grid.rules[-1] if grid.rules else at
            del grid.rows[keep:]
        grid.rules = [rule for rule in grid.rules if rule <= len(grid.rows)] + [len(grid.rows)]
    while (token := stream.peek()) is not None and token.kind == "text" and token.text.startswith("("):
        stream.next()  # the trim of \cmidrule(lr){2-3}
    stream.option()
    for _ in range(_ARGUMENTS.get(name, 0)):
        stream.group()


def _cell(tokens: list[Token]) -> _Cell:
    """A cell with the columns and rows that it spans; spans may be nested in either order."""
    made = _Cell(tokens)
    for _ in range(3):
        stream = Stream(made.tokens)
        lead: list[Token] = []
        while (token := stream.peek()) is not None and not (token.kind == "cmd" and token.text in _SPANS):
            if token.kind not in {"space", "par"} and not (token.kind == "cmd" and token.text in _COLOURS):
                return made
            lead.append(stream.next())
            if lead[-1].kind == "cmd":
                lead.pop()
                stream.option()
                stream.group()
        if not stream:
            return made
        _SPANS[stream.next().text](made, stream)
        made.tokens = [*lead, *made.tokens, *_rest(stream)]
    return made


_COLOURS = {"cellcolor", "rowcolor", "columncolor"}


def _rest(stream: Stream) -> list[Token]:
    rest = []
    while stream:
        rest.append(stream.next())
    return rest


def _over_columns(cell: _Cell, stream: Stream) -> None:
    count = plain(stream.group())
    stream.group()
    cell.columns = min(int(count), MOST_COLUMNS) if re.fullmatch(r"\d{1,3}", count) else 1
    cell.tokens = stream.group()


def _over_rows(cell: _Cell, stream: Stream) -> None:
    while stream.option() is not None:
        pass
    count = plain(stream.group())
    while stream.option() is not None:
        pass
    stream.group()
    while stream.option() is not None:
        pass
    cell.rows = min(abs(int(count)), 500) if re.fullmatch(r"-?\d{1,3}", count) else 1
    cell.tokens = stream.group()


_SPANS = {"multicolumn": _over_columns, "multirow": _over_rows}


def _row(
    row: list[_Cell],
    number: int,
    names: Names,
    section: str,
    line: int,
    hanging: dict[int, tuple[int, Cell]],
    hidden: list[Concealed],
) -> list[Cell]:
    """One row of cells; `hanging` holds per column the cell above that still reaches down."""
    coloured = any(t.kind == "cmd" and t.text in _COLOURS for cell in row for t in cell.tokens)
    cells: list[Cell] = []
    for written in row:
        marked = render(written.tokens, names, backed=coloured)
        hidden += marked.hidden
        at = next((t.line for t in written.tokens if t.kind not in {"space", "par"}), line)
        place = Place(section, None, at)
        cell = make_cell(marked.text, number, len(cells), bold=marked.bold, place=place)
        for _ in range(min(written.columns, MOST_COLUMNS - len(cells))):
            column = len(cells)
            left, above = hanging.pop(column, (0, cell))
            shown = above if left and not cell.text else cell
            if left > 1 and not cell.text:
                hanging[column] = (left - 1, above)
            elif written.rows > 1 and cell.text:
                hanging[column] = (written.rows - 1, cell)
            cells.append(shown)
    return cells if any(cell.text for cell in cells) else []
