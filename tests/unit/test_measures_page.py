"""docs/measures.md lists what the suite measures, in the suite's own words."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.video import panning, suite, write_case, write_exact

from evaluators import ClipResult, video_evaluators, video_measures
from evaluators.base import Direction, Measure
from evaluators.video.lags import LAGS
from evaluators.video.summary import PARTS

PAGE = Path(__file__).parents[2] / "docs" / "measures.md"


def bound(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def better(measure: Measure) -> str:
    if measure.direction is Direction.TARGET:
        return f"at {bound(measure.target)}"
    return {"higher_is_better": "higher", "lower_is_better": "lower", "diagnostic": "not judged"}[measure.direction]


def start(measure: Measure) -> str:
    """The row up to where the measure looks."""
    low, high = bound(measure.low), bound(measure.high)
    extent = f"{low} to {high}".strip() if low and high else f"from {low}" if low else f"to {high}" if high else "any"
    cells = (f"`{measure.name}`<br>{measure.title}", measure.unit, better(measure), extent, measure.meaning)
    return "".join(f"| {cell.replace('|', chr(92) + '|')} " for cell in cells) + "|"


def end(measure: Measure) -> str:
    """The row after where the measure looks."""
    return f"| {measure.citation.replace('|', chr(92) + '|')} |"


def region(measure: Measure) -> str:
    """What the page says about where the measure looks; the test fails with the row that the page should hold."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"| `{measure.name}`<br>"):
            assert line.startswith(start(measure)), f"docs/measures.md should say: {start(measure)} ... {end(measure)}"
            assert line.endswith(end(measure)), f"docs/measures.md should say: {start(measure)} ... {end(measure)}"
            return line[len(start(measure)) : -len(end(measure))].strip()
    pytest.fail(f"docs/measures.md should hold: {start(measure)} ... {end(measure)}")


@pytest.mark.parametrize("measure", video_measures(), ids=lambda measure: measure.name)
def test_every_measure_is_on_the_page_as_it_is(measure: Measure) -> None:
    assert re.search(r"\b(K|R|A|R's|whole frame|band|parts)\b", region(measure))


def test_the_page_lists_nothing_else_and_in_the_suites_order() -> None:
    listed = re.findall(r"^\| `(\w+)`<br>", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == [measure.name for measure in video_measures()]


def test_every_temporal_measure_says_what_it_makes_of_the_affected_area() -> None:
    temporal = next(evaluator for evaluator in video_evaluators() if evaluator.name == "temporal")
    for measure in temporal.measures:
        assert re.search(r"\bA\b", region(measure)), measure.name


def test_the_page_names_the_region_that_the_figures_name(tmp_path: Path) -> None:
    result = measured(tmp_path)
    said = {
        m.measure: str(m.evidence["region"])
        for e in result.evaluations
        for m in e.measurements
        if "region" in m.evidence
    }
    assert len(said) > 15
    for measure, named in said.items():
        assert region(measure).startswith(named.split(",")[0]), (measure.name, named)


def measured(folder: Path) -> ClipResult:
    frames = 2 * len(LAGS) + 4
    video = panning(frames, 160, 128, [(frame, 0) for frame in range(frames)])
    mask = np.full((frames, 128, 160), 255, np.uint8)
    mask[1:, 40:90, 60:130] = 127
    mask[:, 40:90, 30:70] = 0
    for frame in range(frames):
        video[frame, 50:74, 62 + 2 * frame : 86 + 2 * frame] = 230
    output = write_exact(folder / "o.mp4", video[:, ::-1])
    return suite(write_case(folder / "case", video, mask), output, write_exact(folder / "t.mp4", video))


def test_the_page_shows_the_parts_of_each_summary() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for name, parts in PARTS.items():
        line = next(line for line in text.splitlines() if line.startswith(f"- **{name}**: "))
        assert re.findall(r"`(\w+)`", line) == [part.measure for part in parts]
