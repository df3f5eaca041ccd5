"""The closed forms that a vision-language model must fill; nothing that it says counts unless it fits one.

Lengths and ranges are checked after the answer: the JSON schemas of some servers know no limits.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from core.runners.mask.analysis import Affected, Analysis
from core.runners.mask.grid import Grid

MOST_AFFECTED, MOST_BELONGINGS, MOST_POINTS = 8, 3, 6
LONGEST = 500


class Form(BaseModel):
    """Nothing beyond the named fields, and no guessing at types."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="after")
    def _short(self) -> Form:
        if any(isinstance(value, str) and len(value) > LONGEST for value in self.__dict__.values()):
            raise ValueError(f"a text is longer than {LONGEST} characters")
        return self


class GridCell(Form):
    """One cell."""

    row: int
    col: int


class Localization(Form):
    """The cells of a thing on one frame."""

    frame: int
    grid_regions: list[GridCell]


class Belonging(Form):
    """What goes with the object."""

    noun: str
    why: str


class AffectedObject(Form):
    """What would be different without the object."""

    noun: str
    category: Literal["physical", "visual_artifact"]
    why: str
    will_move: bool
    movement_description: str
    first_appears_frame: int
    grid_localizations: list[Localization]


class AffectedAnswer(Form):
    """The answer to the question `affected`, in upstream's schema."""

    edit_instruction: str
    integral_belongings: list[Belonging]
    affected_objects: list[AffectedObject]
    scene_description: str
    confidence: float

    def complaint(self, grid: Grid, frames: tuple[int, ...]) -> str | None:
        """What cannot be right about the answer for the shown frames, or None."""
        if not 0 <= self.confidence <= 1:
            return "the confidence is not between 0 and 1"
        if len(self.affected_objects) > MOST_AFFECTED or len(self.integral_belongings) > MOST_BELONGINGS:
            return "more things are named than were asked for"
        places = [place for item in self.affected_objects for place in item.grid_localizations]
        if any(place.frame not in frames for place in places):
            return "a frame is named that was not shown"
        cells = [cell for place in places for cell in place.grid_regions]
        if any(not (0 <= cell.row < grid.rows and 0 <= cell.col < grid.columns) for cell in cells):
            return "a cell is named that is outside the grid"
        return None

    def analysis(self, instruction: str, grid: Grid) -> Analysis:
        """The answer in the common form; the instruction is the one that was given, whatever the model repeats."""
        return Analysis(
            "greenlight",
            instruction,
            tuple((item.noun, item.why) for item in self.integral_belongings),
            tuple(_affected(item) for item in self.affected_objects),
            self.scene_description,
            self.confidence,
            grid.rows,
            grid.columns,
        )


class Place(Form):
    """A place inside the object, in shares of the picture's width and height."""

    frame: int
    x: float
    y: float


class LocateAnswer(Form):
    """The answer to the question `locate`."""

    visible: bool
    noun: str
    points: list[Place]

    def complaint(self, frames: tuple[int, ...]) -> str | None:
        """What cannot be right about the answer for the shown frames, or None."""
        if not self.visible:
            return None
        if not 1 <= len(self.points) <= MOST_POINTS:
            return "the number of points is not what was asked for"
        if any(point.frame not in frames for point in self.points):
            return "a frame is named that was not shown"
        if any(not (0 <= point.x < 1 and 0 <= point.y < 1) for point in self.points):
            return "a point is outside the picture"
        return None


def _affected(item: AffectedObject) -> Affected:
    cells: dict[int, frozenset[tuple[int, int]]] = {}
    for place in item.grid_localizations:
        named = frozenset((cell.row, cell.col) for cell in place.grid_regions)
        cells[place.frame] = cells.get(place.frame, frozenset()) | named
    first = min([item.first_appears_frame, *cells]) if cells else item.first_appears_frame
    return Affected(
        item.noun,
        item.category,
        item.why,
        item.will_move,
        item.movement_description,
        first,
        {frame: cells[frame] for frame in sorted(cells) if cells[frame]},
    )
