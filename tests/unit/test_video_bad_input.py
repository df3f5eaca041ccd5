"""Bad input: a sentence that says what to do, or a figure with the reason for its absence; never a crash or a guess."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.video import (
    SIZE,
    Pictures,
    boxed,
    keep_all,
    panning,
    still,
    suite,
    wall,
    write_as,
    write_case,
    write_exact,
)

from evaluators import ClipResult, open_case
from evaluators.base import EvaluatorError
from evaluators.clip import ClipError, probe

FRAMES = 12
WIDTH, HEIGHT = SIZE


def pan(frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Pictures:
    return panning(frames, width, height, [(frame, 0) for frame in range(frames)])


def refusal(call: Callable[..., object], *arguments: object) -> str:
    """The one sentence of a refusal: what is wrong, and after a semicolon what to do."""
    with pytest.raises(EvaluatorError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.endswith(".")
    assert ";" in message, message
    return message


def sound(result: ClipResult) -> ClipResult:
    """Every measurement is a finite value over something, or a reason; and all of it is JSON."""
    for evaluation in (*result.evaluations, result.summary):
        for found in evaluation.measurements:
            if found.value is None:
                assert found.reason
                assert found.interval is None
            else:
                assert found.count > 0, found.measure.name
                for bound in (found.interval.low, found.interval.high) if found.interval else ():
                    assert math.isfinite(bound)
    json.dumps(result.to_json(), allow_nan=False)
    return result


def absent_names(result: ClipResult) -> set[str]:
    return {m.measure.name for e in result.evaluations for m in e.measurements if m.value is None}


# -- odd but measurable -----------------------------------------------------------------------------------------------


MASKS: dict[str, Pictures] = {
    "nothing removed": keep_all(FRAMES),
    "everything removed": np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8),
    "everything affected": np.full((FRAMES, HEIGHT, WIDTH), 127, np.uint8),
    "everything both": np.full((FRAMES, HEIGHT, WIDTH), 63, np.uint8),
    "one pixel": boxed(FRAMES, (40, 30, 41, 31)),
    "the frame's edge": boxed(FRAMES, (0, 0, 20, HEIGHT)),
    "a strip is kept": boxed(FRAMES, (0, 6, WIDTH, HEIGHT)),
    "only the last frame": np.concatenate([keep_all(FRAMES - 1), boxed(1, (20, 20, 60, 50))]),
    "every other frame": np.where(
        np.arange(FRAMES)[:, None, None] % 2, boxed(FRAMES, (20, 20, 60, 50)), keep_all(FRAMES)
    ),
}


@pytest.mark.parametrize("name", MASKS)
def test_any_mask_is_measured_or_explained(tmp_path: Path, name: str) -> None:
    case = write_case(tmp_path, pan(), MASKS[name])
    output = np.clip(pan() + np.random.default_rng(0).normal(0, 9, pan().shape), 0, 255).astype(np.uint8)
    sound(suite(case, write_exact(tmp_path / "o.mp4", output), write_exact(tmp_path / "t.mp4", pan())))


def test_no_object_pixels_leaves_no_removal_to_judge(tmp_path: Path) -> None:
    case = write_case(tmp_path, pan(), keep_all(FRAMES))
    result = sound(suite(case, write_exact(tmp_path / "o.mp4", pan())))
    removal = next(e for e in result.evaluations if e.evaluator == "removal")
    assert {m.value for m in removal.measurements} == {None}
    assert result["removal"].value is None
    assert result["preservation_psnr"].value == 100


def test_a_mask_over_everything_leaves_nothing_to_preserve(tmp_path: Path) -> None:
    case = write_case(tmp_path, pan(), np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8))
    result = sound(suite(case, write_exact(tmp_path / "o.mp4", pan())))
    assert "keeps too little of the picture" in str(result["preservation_psnr"].reason)
    assert result["preservation"].value is None
    assert "too little of it is kept" in str(result["warp_error"].reason)
    assert result["removal_residue"].value == pytest.approx(1)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_very_short_clips(tmp_path: Path, frames: int) -> None:
    case = write_case(tmp_path, pan(frames), boxed(frames, (20, 20, 60, 50)))
    result = sound(suite(case, write_exact(tmp_path / "o.mp4", pan(frames))))
    assert result["preservation_psnr"].value == 100
    assert result["preservation_psnr"].interval is None, "too few frames for an interval"
    assert {"preservation_drift", "colour_drift", "disorder", "echo"} <= absent_names(result)


@pytest.mark.parametrize(("width", "height"), [(16, 16), (2, 2), (97, 33), (640, 8), (10, 200)])
def test_very_small_and_very_flat_clips(tmp_path: Path, width: int, height: int) -> None:
    video = still(4, wall(width, height))
    mask = keep_all(4, width, height)
    mask[:, : height // 2, : width // 2] = 0
    case = write_case(tmp_path, video, mask)
    sound(suite(case, write_exact(tmp_path / "o.mp4", video)))


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_pictures_without_any_content(tmp_path: Path, colour: int) -> None:
    """Nothing to see: no figure may be divided by nothing."""
    flat = np.full((FRAMES, HEIGHT, WIDTH, 3), colour, np.uint8)
    case = write_case(tmp_path, flat, boxed(FRAMES, (20, 20, 60, 50)))
    result = sound(suite(case, write_exact(tmp_path / "o.mp4", flat), write_exact(tmp_path / "t.mp4", flat)))
    assert result["preservation_psnr"].value == 100
    assert {"motion_ratio", "freeze", "ghost", "object_motion"} <= absent_names(result)


def test_an_output_that_is_all_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (FRAMES, HEIGHT, WIDTH, 3)).astype(np.uint8)
    case = write_case(tmp_path, pan(), boxed(FRAMES, (20, 20, 60, 50)))
    result = sound(suite(case, write_exact(tmp_path / "o.mp4", noise), write_exact(tmp_path / "t.mp4", pan())))
    assert result["preservation"].value is not None
    assert result["preservation"].value < 0.3


def test_an_output_far_larger_or_smaller_than_the_input(tmp_path: Path) -> None:
    case = write_case(tmp_path, pan(), boxed(FRAMES, (20, 20, 60, 50)))
    for width, height in ((4, 4), (1000, 20)):
        result = sound(suite(case, write_exact(tmp_path / f"{width}.mp4", still(FRAMES, wall(width, height)))))
        assert any(f"The output is {width}x{height}, the input 96x64" in note for note in result.notes)


def test_lengths_that_differ_are_said_and_never_stretched(tmp_path: Path) -> None:
    """VOID pads a clip of 46 frames to 85: the first 46 are compared, and a reader is told."""
    case = write_case(tmp_path, pan(), boxed(FRAMES, (20, 20, 60, 50)))
    padded = np.concatenate([pan(), pan()[::-1]])
    result = sound(suite(case, write_exact(tmp_path / "o.mp4", padded)))
    assert "The output has 24 frames, the input 12; the first 12 were compared." in result.notes
    assert result["preservation_psnr"].value == 100


def test_a_reference_of_another_length_or_size_is_said(tmp_path: Path) -> None:
    case = write_case(tmp_path, pan(), boxed(FRAMES, (20, 20, 60, 50)))
    output = write_exact(tmp_path / "o.mp4", pan())
    shorter = sound(suite(case, output, write_exact(tmp_path / "short.mp4", pan()[:5])))
    assert "The reference has 5 frames, the input 12; the first 5 were compared." in shorter.notes
    assert shorter["preservation_psnr"].count == 5
    longer = sound(suite(case, output, write_exact(tmp_path / "long.mp4", np.concatenate([pan(), pan()]))))
    assert "The reference has 24 frames, the input 12; the first 12 were compared." in longer.notes
    large = sound(suite(case, output, write_exact(tmp_path / "large.mp4", pan(FRAMES, 192, 128))))
    assert "The reference is 192x128, the input 96x64; both were resized to 96x64 by area." in large.notes


def test_a_reference_without_a_picture_is_refused(tmp_path: Path) -> None:
    case = write_case(tmp_path, pan(), boxed(FRAMES, (20, 20, 60, 50)))
    assert "t.mp4" in refusal(suite, case, case / "input_video.mp4", empty_video(tmp_path / "t.mp4"))
    assert "o.mp4" in refusal(suite, case, empty_video(tmp_path / "o.mp4"))


def empty_video(path: Path) -> Path:
    """A file with a video stream whose packets are all damaged."""
    whole = bytearray(write_exact(path, pan()).read_bytes())
    start = whole.index(b"mdat")
    whole[start + 4 : whole.index(b"moov") - 4] = bytes(whole.index(b"moov") - start - 8)
    path.write_bytes(whole)
    return path


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    width=st.integers(1, 70), height=st.integers(1, 70), frames=st.integers(1, 10), out_frames=st.integers(1, 10),
    values=st.lists(st.sampled_from([0, 63, 127, 255]), min_size=4, max_size=4), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_size_length_and_mask(
    tmp_path_factory: pytest.TempPathFactory,
    width: int,
    height: int,
    frames: int,
    out_frames: int,
    values: list[int],
    seed: int,
) -> None:
    """H.264 in RGB takes any size from 2x2 on; whatever decodes is measured or explained."""
    folder = tmp_path_factory.mktemp("any")
    width, height = max(width, 2), max(height, 2)
    random = np.random.default_rng(seed)
    blocks = random.choice(values, (frames, 4, 4)).astype(np.uint8)
    mask = np.kron(blocks, np.ones((1, -(-height // 4), -(-width // 4)), np.uint8))[:, :height, :width]
    case = write_case(folder, pan(frames, width, height), np.ascontiguousarray(mask))
    sound(suite(case, write_exact(folder / "o.mp4", pan(out_frames, width, height))))


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def case(tmp_path: Path) -> Path:
    return write_case(tmp_path / "case", pan(), boxed(FRAMES, (20, 20, 60, 50)))


def test_missing_files_are_named(tmp_path: Path, case: Path) -> None:
    assert "input_video.mp4" in refusal(open_case, tmp_path)
    assert "does not exist" in refusal(suite, case, tmp_path / "nothing.mp4")
    assert "does not exist" in refusal(suite, case, case / "input_video.mp4", tmp_path / "nothing.mp4")
    (case / "quadmask_0.mp4").unlink()
    assert "no quadmask" in refusal(open_case, case)


@pytest.mark.parametrize("content", [b"", b"not a video", b"\x00" * 4096, b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100])
def test_files_that_are_no_video(case: Path, content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    (case / "o.mp4").write_bytes(content)
    assert "cannot be read as a video" in refusal(suite, case, case / "o.mp4")
    (case / "input_video.mp4").write_bytes(content)
    assert "input_video.mp4 cannot be read" in refusal(open_case, case)


def test_a_truncated_output_is_refused_or_said(case: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An mp4 cut short loses its index; a stream without one still plays as far as it goes, and a reader is told."""
    whole = write_exact(case / "o.mp4", pan()).read_bytes()
    (case / "o.mp4").write_bytes(whole[: len(whole) // 2])
    assert "cannot be read as a video" in refusal(suite, case, case / "o.mp4")
    open_ended = write_as(case / "o.ts", pan(), "libx264", "yuv420p", {"g": "1"}).read_bytes()
    (case / "o.ts").write_bytes(open_ended[: len(open_ended) * 2 // 3])
    result = sound(suite(case, case / "o.ts"))
    assert result.output.frames < FRAMES
    assert any(f"The output has {result.output.frames} frames, the input 12" in note for note in result.notes)


def test_a_folder_in_place_of_a_clip(case: Path, tmp_path: Path) -> None:
    (tmp_path / "o.mp4").mkdir()
    assert "does not exist" in refusal(suite, case, tmp_path / "o.mp4")


def test_a_sound_file_is_no_clip(case: Path, capfd: pytest.CaptureFixture[str]) -> None:
    import av

    with av.open(str(case / "o.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "cannot be read as a video" in refusal(suite, case, case / "o.mp4")


def test_masks_that_cannot_be_used(case: Path) -> None:
    mask = boxed(FRAMES, (20, 20, 60, 50))
    write_exact(case / "quadmask_0.mp4", mask[:7])
    assert "has 7 frames but the video has 12" in refusal(open_case, case)
    write_exact(case / "quadmask_0.mp4", mask[:, :, :80])
    assert "is 80x64 but the video is 96x64" in refusal(open_case, case)
    (case / "quadmask_0.mp4").rename(case / "mask_0.mp4")
    assert "opposite polarity" in refusal(open_case, case)
    write_exact(case / "quadmask_0.mp4", mask)
    write_exact(case / "trimask_quadmask.mp4", keep_all(FRAMES))
    assert "two different quadmasks" in refusal(open_case, case)
    write_exact(case / "trimask_quadmask.mp4", mask)
    assert any("mask_0.mp4 was ignored" in note for note in open_case(case).notes)


def test_a_mask_whose_header_hides_its_length(case: Path) -> None:
    """Headers agree, contents do not: found while decoding, and refused with the true numbers."""
    write_exact(case / "raw.mkv", boxed(FRAMES, (20, 20, 60, 50))[:7])
    (case / "raw.mkv").rename(case / "quadmask_0.mp4")
    assert "has 7 frames but the video has 12" in refusal(suite, case, case / "input_video.mp4")


def test_the_side_by_side_preview_is_no_output(case: Path) -> None:
    write_exact(case / "lime-fg=-1-0001_tuple.mp4", pan())
    assert "side-by-side preview" in refusal(probe, case / "lime-fg=-1-0001_tuple.mp4")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"bg": 3}', '{"prompt": "a wall"}', '"bg"'])
def test_prompts_that_cannot_be_read(case: Path, text: str) -> None:
    (case / "prompt.json").write_text(text, encoding="utf-8")
    assert '"bg"' in refusal(open_case, case)


def test_a_missing_prompt_is_no_matter(case: Path) -> None:
    assert open_case(case).prompt is None
    (case / "prompt.json").write_text(json.dumps({"bg": "a wall"}), encoding="utf-8")
    assert open_case(case).prompt == "a wall"


def test_refusals_are_errors_of_the_package() -> None:
    assert issubclass(ClipError, EvaluatorError)
