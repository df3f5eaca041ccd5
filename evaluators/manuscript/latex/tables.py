"""The rows of a tabular: cells over several columns and rows filled in, rules told from content."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from evaluators.manuscript.build import guess_header_rows, make_cell, squared
from evaluators.manuscript.document import Cell, Place
from evaluators.manuscript.latex.columns import PLAIN, Column, columns_of
from evaluators.manuscript.latex.render import Concealed, Names, render
from evaluators.manuscript.latex.tokens import Stream, Token, plain

TABULAR = re.compile(r"tabular[xy]?\*?|tabulary|longtable\*?|supertabular|tblr|longtblr|tabu|longtabu|NiceTabular")
MOST_CELLS = 20_000
MOST_COLUMNS = 200

_RULES = {"toprule", "midrule", "bottomrule", "hline", "Xhline", "specialrule", "hhline", "thickhline", "hdashline"}
_RULES |= {"tabucline", "Hline"}
_PART_RULES = {"cmidrule", "cline", "addlinespace", "cdashline", "arrayrulecolor", "noalign", "Xcline", "cdashlinelr"}
_PART_RULES |= {"morecmidrules", "rowfont", "rowstyle", "SetRow", "pagebreak", "nopagebreak"}
_ARGUMENTS = dict.fromkeys(
    ("Xhline", "hhline", "cmidrule", "cline", "cdashline", "noalign", "arrayrulecolor", "cdashlinelr", "tabucline"), 1
)
_ARGUMENTS |= {"specialrule": 3, "Xcline": 2, "rowfont": 1, "rowstyle": 1, "SetRow": 1}
_HEAD_MARKS = {"endfirsthead", "endhead", "endfoot", "endlastfoot"}


@dataclass
class _Cell:
    tokens: list[Token]
    columns: int = 1
    rows: int = 1
    """Rows that it reaches down; below 0, up."""
    aligned: bool = False
    """Whether it has an alignment of its own instead of its column's."""
    covers: int = 0
    """Empty cells behind it that it covers, which tabularray writes out."""


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
    kinds = columns_of(_specification(name.rstrip("*") if name != "tabular*" else name, stream), names.numbers)
    grid = _grid(stream)
    hidden: list[Concealed] = []
    table: list[list[Cell]] = []
    hanging: dict[int, tuple[int, Cell]] = {}
    for row in grid.rows:
        cells = _row(row, len(table), names, Place(section, None, line), kinds, hanging, hidden)
        if cells:
            table.append(cells)
            _fill_upwards(row, table)
    inner = [rule for rule in grid.rules if 0 < rule < len(table)]
    header = guess_header_rows(table, inner[0] if inner else None)
    return Tabular(squared(table, header, Place(section, None, line)), tuple(hidden))


def _specification(name: str, stream: Stream) -> list[Token]:
    """The columns as they are written, taken with the width and the options in front of them."""
    if name in {"tabularx", "tabulary", "tabular*", "tabu", "longtabu"}:
        if name in {"tabu", "longtabu"}:
            while (token := stream.peek()) is not None and token.kind != "{":
                stream.next()
        else:
            stream.group()
    while stream.option() is not None:
        pass
    return stream.group()


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


def _shows(token: Token) -> bool:
    return token.kind not in {"space", "par"}


def _printed(tokens: Sequence[Token]) -> bool:
    return any(map(_shows, tokens))


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
    stream.option()
    _skip_trim(stream)
    stream.option()
    for _ in range(_ARGUMENTS.get(name, 0)):
        stream.group()


def _skip_trim(stream: Stream) -> None:
    """Drop the trim of \\cmidrule(lr){2-3}, which may have a width: (r{4pt}l)."""
    token = stream.peek()
    if token is None or token.kind != "text" or not token.text.startswith("("):
        return
    for _ in range(12):
        token = stream.peek()
        if token is None or token.kind == "par":
            return
        if token.kind == "{":
            stream.group()
        elif stream.next().text.endswith(")"):
            return


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
    cell.aligned = True
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
    cell.rows = max(-500, min(int(count), 500)) if re.fullmatch(r"-?\d{1,3}", count) else 1
    cell.tokens = stream.group()


def _set_cell(cell: _Cell, stream: Stream) -> None:
    """\\SetCell[r=2,c=3]{c}: the cells that it covers stay in the source, empty."""
    sizes = dict(re.findall(r"\b([rc])\s*=\s*(\d{1,3})", plain(stream.option() or [])))
    stream.group()
    cell.rows, cell.columns = min(int(sizes.get("r", 1)), 500), min(int(sizes.get("c", 1)), MOST_COLUMNS)
    cell.covers, cell.tokens = cell.columns - 1, []


_SPANS = {"multicolumn": _over_columns, "multirow": _over_rows, "SetCell": _set_cell}


def _row(
    row: list[_Cell],
    number: int,
    names: Names,
    start: Place,
    kinds: Sequence[Column],
    hanging: dict[int, tuple[int, Cell]],
    hidden: list[Concealed],
) -> list[Cell]:
    """One row of cells; `hanging` holds per column the cell above that still reaches down."""
    coloured = any(t.kind == "cmd" and t.text in _COLOURS for cell in row for t in cell.tokens)
    cells: list[Cell] = []
    covered = 0
    for written in row:
        if covered and not _printed(written.tokens):
            covered -= 1
            continue
        covered = written.covers
        marked = render(written.tokens, names, backed=coloured)
        hidden += marked.hidden
        place = replace(start, line=next((t.line for t in written.tokens if _shows(t)), start.line))
        kind = kinds[len(cells)] if len(cells) < len(kinds) and not written.aligned else PLAIN
        cell = make_cell(kind.printed(marked.text), number, len(cells), bold=marked.bold, place=place)
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


def _fill_upwards(row: list[_Cell], table: list[list[Cell]]) -> None:
    """Show a cell that reaches up ("\\multirow{-2}") in the empty cells above it, too."""
    column = 0
    for written in row:
        cell = table[-1][column] if column < len(table[-1]) else None
        for above in table[written.rows - 1 if -len(table) < written.rows else 0 : -1] if written.rows < -1 else ():
            if cell is not None and column < len(above) and not above[column].text:
                above[column] = cell
        column += written.columns
