"""What a removal affects, in one form, whoever says it: a model now, or a file of upstream's in either schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.errors import RunFailed

Cell = tuple[int, int]
"""Row and column from the top left, from 0."""
MOST_OBJECTS, LONGEST_TEXT, MOST_CELLS_A_SIDE = 50, 2000, 128
CATEGORIES = ("physical", "visual_artifact")


@dataclass(frozen=True)
class Affected:
    """One thing that the removal changes, and the cells that it takes at the frames that were named."""

    noun: str
    category: str
    why: str
    will_move: bool
    movement: str
    first_frame: int
    cells: Mapping[int, frozenset[Cell]]


@dataclass(frozen=True)
class Analysis:
    """Everything said about one removal. `rows` and `columns` are None where the file does not name its grid."""

    schema: str
    """`greenlight`, `upstream` or `upstream_older`."""
    instruction: str
    belongings: tuple[tuple[str, str], ...]
    """(noun, why) of what goes with the object."""
    affected: tuple[Affected, ...]
    scene: str
    confidence: float | None
    rows: int | None = None
    columns: int | None = None

    def to_json(self, rows: int, columns: int) -> dict[str, object]:
        """Return `vlm_analysis.json` in upstream's newer schema, with the grid that its cells are counted in."""
        return {
            "edit_instruction": self.instruction,
            "integral_belongings": [{"noun": noun, "why": why} for noun, why in self.belongings],
            "affected_objects": [_affected_json(item) for item in self.affected],
            "scene_description": self.scene,
            "confidence": self.confidence,
            "grid_rows": rows,
            "grid_cols": columns,
        }


def read_analysis(record: Mapping[str, object]) -> Analysis:
    """Read upstream's `vlm_analysis.json`: the newer schema (`affected_objects`) or the older one
    (`primary_subject`, `affected_subjects`, `grid_rows`, `grid_cols`). Raises `RunFailed` for anything else.
    """
    older = "affected_subjects" in record or "primary_subject" in record
    if not older and "affected_objects" not in record:
        raise RunFailed(
            "vlm_analysis.json names neither affected_objects nor affected_subjects", "give the file of upstream's"
        )
    items = _list(record.get("affected_subjects" if older else "affected_objects"), "affected objects")
    belongings = _list(record.get("integral_belongings"), "integral belongings")
    return Analysis(
        "upstream_older" if older else "upstream",
        _text(record.get("edit_instruction") or record.get("instruction") or _noun(record.get("primary_subject"))),
        tuple((_noun(item), _text(_table(item).get("why"))) for item in belongings),
        tuple(_affected(item) for item in items),
        _text(record.get("scene_description")),
        _confidence(record.get("confidence")),
        _side(record.get("grid_rows")),
        _side(record.get("grid_cols")),
    )


def require_inside(analysis: Analysis, rows: int, columns: int, frames: int) -> None:
    """Raise `RunFailed` for a cell outside the grid or a frame outside the clip."""
    for item in analysis.affected:
        for frame, cells in item.cells.items():
            if not 0 <= frame < frames:
                raise RunFailed(
                    f"the analysis places '{item.noun}' on frame {frame}, but the clip has {frames} frames",
                    "give the analysis of this clip",
                )
            for row, column in cells:
                if not (0 <= row < rows and 0 <= column < columns):
                    raise RunFailed(
                        f"the analysis places '{item.noun}' in row {row}, column {column} of a {rows}x{columns} grid",
                        "name the grid of the analysis in grid_rows and grid_cols",
                    )


def _affected(item: object) -> Affected:
    entry = _table(item)
    first = _whole(entry.get("first_appears_frame") or 0)
    category = str(entry.get("category") or entry.get("type") or "physical")
    return Affected(
        _noun(item),
        category if category in CATEGORIES else "physical",
        _text(entry.get("why") or entry.get("reason")),
        entry.get("will_move") is True,
        _text(entry.get("movement_description")),
        first,
        _cells(entry, first),
    )


def _cells(entry: Mapping[str, Any], first: int) -> dict[int, frozenset[Cell]]:
    """Cells by frame: those listed, those that a box covers along its path, and where it should have stayed."""
    found: dict[int, set[Cell]] = {}
    listed = [*_list(entry.get("grid_localizations"), "places")]
    if "grid_regions" in entry:
        listed.append({"frame": first, "grid_regions": entry["grid_regions"]})
    for place in map(_table, listed):
        regions = _list(place.get("grid_regions") or place.get("cells"), "grid regions")
        found.setdefault(_whole(place.get("frame") or 0), set()).update(map(_cell, regions))
    size = _size(entry.get("object_size_grids"))
    for step in map(_table, _list(entry.get("trajectory_path"), "path")):
        centre = _whole(step.get("grid_row")), _whole(step.get("grid_col"))
        found.setdefault(_whole(step.get("frame") or 0), set()).update(_box(centre, size))
    if entry.get("original_position_grid") is not None:
        found.setdefault(first, set()).update(_box(_cell(entry["original_position_grid"]), size))
    return {frame: frozenset(cells) for frame, cells in sorted(found.items()) if cells}


def _box(centre: Cell, size: Cell) -> set[Cell]:
    top, left = centre[0] - (size[0] - 1) // 2, centre[1] - (size[1] - 1) // 2
    rows = range(max(0, top), top + size[0])
    return {(row, column) for row in rows for column in range(max(0, left), left + size[1])}


def _cell(item: object) -> Cell:
    if isinstance(item, list) and len(item) == 2:
        return _whole(item[0]), _whole(item[1])
    entry = _table(item)
    return _whole(entry.get("row")), _whole(entry.get("col", entry.get("column")))


def _size(item: object) -> Cell:
    if item is None:
        return 1, 1
    rows, columns = _whole(_table(item).get("rows")), _whole(_table(item).get("cols"))
    if not (1 <= rows <= MOST_CELLS_A_SIDE and 1 <= columns <= MOST_CELLS_A_SIDE):
        raise _unreadable("object_size_grids")
    return rows, columns


def _affected_json(item: Affected) -> dict[str, object]:
    return {
        "noun": item.noun,
        "category": item.category,
        "why": item.why,
        "will_move": item.will_move,
        "movement_description": item.movement,
        "first_appears_frame": item.first_frame,
        "grid_localizations": [
            {"frame": frame, "grid_regions": [{"row": row, "col": column} for row, column in sorted(cells)]}
            for frame, cells in item.cells.items()
        ],
    }


def _noun(item: object) -> str:
    entry: Mapping[str, Any] = item if isinstance(item, Mapping) else {"noun": item or ""}
    return _text(entry.get("noun") or entry.get("name") or entry.get("subject"))


def _text(value: object) -> str:
    return str(value or "").strip()[:LONGEST_TEXT]


def _confidence(value: object) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if usable and isinstance(value, int | float) else None


def _side(value: object) -> int | None:
    if value is None:
        return None
    side = _whole(value)
    if not 1 <= side <= MOST_CELLS_A_SIDE:
        raise _unreadable("grid_rows or grid_cols")
    return side


def _whole(value: object) -> int:
    """A whole number; a centre between two cells, such as 6.5, counts to the first."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1 << 31:
        raise _unreadable(f"'{str(value)[:40]}'")
    return int(value)


def _table(item: object) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise _unreadable(f"'{str(item)[:40]}'")
    return item


def _list(value: object, what: str) -> Sequence[Any]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MOST_OBJECTS * MOST_CELLS_A_SIDE:
        raise _unreadable(f"its list of {what}")
    return value


def _unreadable(what: str) -> RunFailed:
    return RunFailed(f"vlm_analysis.json cannot be read: {what} is not of upstream's form", "correct the file")
