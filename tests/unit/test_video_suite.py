"""The whole suite over one output: one pass, one flow per input, every figure described, every absence explained."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.requirements import PROJECT
from support.video import Pictures, boxed, panning, suite, write_case, write_exact

import evaluators
from evaluators import ClipResult, FlowCache, VideoOptions, evaluate_clip, video_evaluators, video_measures
from evaluators.base import Direction, Evaluation, Measure, Measurement, absent
from evaluators.flow import DisFlow
from evaluators.video.physics_watch import Physics
from evaluators.video.preservation import Preservation
from evaluators.video.summary import PARTS, SUMMARIES, part_score, summarise
from evaluators.video.temporal import Temporal

FRAMES, WIDTH, HEIGHT = 20, 128, 96


def clip() -> Pictures:
    return panning(FRAMES, WIDTH, HEIGHT, [(frame, 0) for frame in range(FRAMES)])


def mask() -> Pictures:
    made = boxed(FRAMES, (30, 30, 60, 70), 0, (WIDTH, HEIGHT))
    made[1:, 30:70, 60:90] = 127
    return made


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_case(tmp_path_factory.mktemp("case"), clip(), mask())


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("outputs")
    noisy = np.clip(clip() + np.random.default_rng(0).normal(0, 12, clip().shape), 0, 255).astype(np.uint8)
    return {
        "copy": write_exact(folder / "copy.mp4", clip()),
        "noisy": write_exact(folder / "noisy.mp4", noisy),
        "frozen": write_exact(folder / "frozen.mp4", np.repeat(clip()[:1], FRAMES, axis=0)),
    }


@pytest.fixture(scope="module")
def results(case: Path, outputs: dict[str, Path]) -> dict[str, ClipResult]:
    return {name: suite(case, path, outputs["copy"]) for name, path in outputs.items()}


def test_three_lines_are_enough(case: Path, outputs: dict[str, Path]) -> None:
    """The package's own words, run in a process that knows nothing else."""
    assert evaluators.__doc__ is not None
    lines = evaluators.__doc__.split("\n\n")[1].splitlines()
    assert len(lines) == 3
    script = "\n".join(lines).replace("clips/lime", str(case)).replace("outputs/lime.mp4", str(outputs["copy"]))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, check=True)
    residue, removal = map(float, done.stdout.split())
    assert residue == pytest.approx(1)
    assert removal < 0.2


def test_importing_the_package_costs_nothing() -> None:
    script = "import sys, evaluators; print([m for m in ('cv2', 'numpy', 'torch', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        evaluators.nothing  # noqa: B018


def test_every_public_name_is_there() -> None:
    assert all(getattr(evaluators, name) is not None for name in evaluators.__all__)


@pytest.mark.parametrize("name", ["copy", "noisy", "frozen"])
def test_json_holds_a_value_or_a_reason_for_every_measure(results: dict[str, ClipResult], name: str) -> None:
    document = json.loads(json.dumps(results[name].to_json(), allow_nan=False))
    rows = [m for e in (*document["evaluations"], document["summary"]) for m in e["measurements"]]
    assert [row["measure"]["name"] for row in rows] == [measure.name for measure in video_measures()]
    for row in rows:
        described = row["measure"]
        assert all(described[key] for key in ("title", "unit", "direction", "citation", "version", "meaning"))
        assert (row["value"] is None) != (row["reason"] is None)
        if row["value"] is None:
            assert (row["interval"], row["count"]) == (None, 0)
            continue
        assert row["count"] > 0
        assert described["low"] is None or row["value"] >= described["low"] - 1e-9
        assert described["high"] is None or row["value"] <= described["high"] + 1e-9
    assert document["input"]["digest"] != document["mask"]["digest"]
    assert document["working_size"] == [WIDTH, HEIGHT]


def test_intervals_have_a_level_and_a_method(results: dict[str, ClipResult]) -> None:
    found = [m for e in results["noisy"].evaluations for m in e.measurements if m.interval is not None]
    assert len(found) > 15
    for measurement in found:
        interval = measurement.interval
        assert interval is not None
        assert interval.low <= interval.high
        assert interval.level == 0.95
        assert interval.method


def test_every_figure_of_a_mean_or_ratio_has_an_interval(results: dict[str, ClipResult]) -> None:
    """What the count of frames cannot vary, or a picture of the whole clip, is listed here by name."""
    without = {
        "colour_drift", "reference_s_iou", "reference_ws_iou", "reference_physics_iq", "stalls", "reference_departure",
        *(m.name for m in SUMMARIES),
    }  # fmt: skip
    lacking = {
        m.measure.name
        for e in results["noisy"].evaluations
        for m in e.measurements
        if m.value is not None and m.interval is None and not m.measure.name.startswith("physics_")
    }
    assert lacking <= without


@pytest.mark.parametrize("name", ["copy", "noisy", "frozen"])
def test_summaries_lie_between_0_and_1_and_name_their_weakest_part(results: dict[str, ClipResult], name: str) -> None:
    for found in results[name].summary.measurements:
        if found.value is None:
            assert found.reason
            continue
        assert 0 <= found.value <= 1
        parts = found.evidence["parts"]
        assert isinstance(parts, dict)
        # One visible fault spoils a shot: no summary is better than its weakest part.
        assert found.value <= min(parts.values()) == parts[found.evidence["weakest"]]
        assert set(parts) | set(found.evidence["missing"]) <= {part.measure for part in PARTS[found.measure.name]}


def test_trivial_outputs_fail_where_they_should(results: dict[str, ClipResult]) -> None:
    """A copy removes nothing; a still does not live; noise does not preserve."""

    def score(name: str, summary: str) -> float:
        found = results[name][summary].value
        assert found is not None
        return found

    assert score("copy", "removal") < 0.2
    assert score("copy", "preservation") > 0.99
    assert score("frozen", "temporal") < 0.1
    assert score("noisy", "preservation") < score("copy", "preservation")


@given(st.data())
def test_a_part_score_falls_with_its_distance(data: st.DataObject) -> None:
    part = data.draw(st.sampled_from([p for parts in PARTS.values() for p in parts]))
    one, two = (data.draw(st.floats(0, 100)) for _ in range(2))
    nearer, farther = sorted((one, two), key=part.distance)
    assert 0 <= part_score(part, farther) <= part_score(part, nearer) <= 1


def test_every_part_of_a_summary_is_a_measure() -> None:
    known = {measure.name for measure in video_measures()}
    assert all(part.measure in known for parts in PARTS.values() for part in parts)
    assert set(PARTS) == {measure.name for measure in SUMMARIES}


def test_a_summary_of_nothing_is_absent_with_a_reason() -> None:
    for found in summarise([]).measurements:
        assert found.value is None
        assert "was measured" in str(found.reason)


def test_measures_are_described_once_and_soundly() -> None:
    names = [measure.name for measure in video_measures()]
    assert len(set(names)) == len(names)
    for measure in video_measures():
        assert (measure.direction is Direction.TARGET) == (measure.target is not None)
        assert measure.low is None or measure.high is None or measure.low < measure.high
        assert measure.meaning.endswith(".")
    assert [m.name for e in video_evaluators() for m in e.measures] == names[: -len(SUMMARIES)]


MEASURE = Measure("m", "M", "u", Direction.LOWER, 0, None, "c", "1", "Meaning.")


@pytest.mark.parametrize(
    ("value", "reason"), [(None, None), (1.0, "both"), (math.nan, None), (math.inf, None), (-math.inf, None)]
)
def test_a_measurement_is_a_finite_value_or_a_reason(value: float | None, reason: str | None) -> None:
    with pytest.raises(ValueError, match=r"^m: "):
        Measurement(MEASURE, value, reason=reason)
    assert absent(MEASURE, "why", pixels=3).to_json()["evidence"] == {"pixels": 3}


def test_unknown_names_are_no_measurement(results: dict[str, ClipResult]) -> None:
    with pytest.raises(KeyError):
        results["copy"]["nothing"]
    with pytest.raises(KeyError):
        results["copy"].summary["nothing"]


# -- one flow for one input -------------------------------------------------------------------------------------------


@pytest.fixture
def flows_computed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows by one for each optical flow that is really computed."""
    computed: list[int] = []
    real: Callable[..., Any] = DisFlow.__call__

    def counted(self: DisFlow, first: np.ndarray, second: np.ndarray) -> Any:
        computed.append(1)
        return real(self, first, second)

    monkeypatch.setattr(DisFlow, "__call__", counted)
    return computed


TEMPORAL = (Temporal(),)


def test_the_inputs_flow_is_computed_once_for_all_candidates(
    case: Path, outputs: dict[str, Path], flows_computed: list[int]
) -> None:
    """Both ways on the input for the first candidate, then one flow of the output per pair and candidate."""
    cache, pairs = FlowCache(), FRAMES - 1
    first = suite(case, outputs["noisy"], flows=cache, evaluators=TEMPORAL)
    assert len(flows_computed) == 3 * pairs
    again = suite(case, outputs["frozen"], flows=cache, evaluators=TEMPORAL)
    assert len(flows_computed) == 4 * pairs
    assert cache.hits == pairs
    assert suite(case, outputs["noisy"], flows=cache, evaluators=TEMPORAL).to_json() == first.to_json()
    assert suite(case, outputs["frozen"], evaluators=TEMPORAL).to_json() == again.to_json()


def test_the_cache_goes_by_the_inputs_digest_not_by_its_name(
    tmp_path: Path, case: Path, outputs: dict[str, Path], flows_computed: list[int]
) -> None:
    cache, pairs = FlowCache(), FRAMES - 1
    suite(case, outputs["noisy"], flows=cache, evaluators=TEMPORAL)
    twin = write_case(tmp_path / "twin", clip(), mask())
    suite(twin, outputs["noisy"], flows=cache, evaluators=TEMPORAL)
    assert cache.hits == pairs
    other = write_case(tmp_path / "other", clip()[:, ::-1], mask())
    suite(other, outputs["noisy"], flows=cache, evaluators=TEMPORAL)
    assert cache.hits == pairs


def test_several_measures_share_each_flow(case: Path, outputs: dict[str, Path], flows_computed: list[int]) -> None:
    suite(case, outputs["noisy"])
    assert len(flows_computed) <= 3 * (FRAMES - 1) + FRAMES  # tracking may add one of its own per frame


# -- how it is run ----------------------------------------------------------------------------------------------------


def test_the_figures_do_not_depend_on_the_number_of_threads(case: Path, outputs: dict[str, Path]) -> None:
    one, four = (
        evaluate_clip(case, outputs["noisy"], outputs["copy"], options=VideoOptions(lpips=False, threads=threads))
        for threads in (1, 4)
    )
    assert one.to_json() == four.to_json()


def test_progress_ends_at_one_and_never_goes_back(case: Path, outputs: dict[str, Path]) -> None:
    seen: list[tuple[float, str]] = []
    evaluate_clip(
        case, outputs["copy"], evaluators=(Preservation(),), progress=lambda done, message: seen.append((done, message))
    )
    shares = [done for done, _ in seen]
    assert shares == sorted(shares)
    assert seen[0][1] == f"frame 1 of {FRAMES}"
    assert seen[-1] == (1.0, f"{FRAMES} frames measured")


def test_parameters_say_how_it_was_measured(results: dict[str, ClipResult]) -> None:
    found = {e.evaluator: e for e in results["copy"].evaluations}
    assert found["temporal"].parameters["flow"] == "OpenCV DIS, preset fast"
    assert found["preservation"].parameters["resize"] == "area"
    sizes = [e.parameters["working_size"] for e in found.values() if "working_size" in e.parameters]
    assert sizes == [[WIDTH, HEIGHT]] * len(sizes)
    assert len(sizes) >= 3


def test_evaluators_can_be_chosen_and_added(case: Path, outputs: dict[str, Path]) -> None:
    class Counter:
        name, version, measures = "counter", "1", (MEASURE,)

        def watch(self, _case: object, _options: object) -> Counter:
            self.frames: list[int] = []
            return self

        def observe(self, step: Any) -> int:
            return int(step.index)

        def absorb(self, _step: object, observation: int) -> None:
            self.frames.append(observation)

        def conclude(self, _outcome: object) -> Evaluation:
            return Evaluation("counter", "1", (Measurement(MEASURE, float(len(self.frames)), count=1),))

    counter = Counter()
    result = suite(case, outputs["copy"], evaluators=(counter, Physics()))
    assert result["m"].value == FRAMES
    assert counter.frames == list(range(FRAMES))
    assert [e.evaluator for e in result.evaluations] == ["counter", "physics"]
    with pytest.raises(KeyError):
        result["preservation_psnr"]
