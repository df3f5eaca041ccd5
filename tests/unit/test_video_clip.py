"""Reading a case: each stream once, in a bounded window, with the regions and facts that the files really hold."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from support.video import (
    FPS,
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

import evaluators.frames
from evaluators import open_case
from evaluators.clip import ClipError, Size, _describe_pixels, probe
from evaluators.frames import WINDOW, Moment, Playback, band_width

FRAMES = 12


@pytest.fixture
def video() -> Pictures:
    return panning(FRAMES, *SIZE, [(frame, 0) for frame in range(FRAMES)])


def four_values(frames: int, width: int, height: int) -> Pictures:
    """A quadmask with 0, 63 and 127 side by side, off the working grid by odd numbers of pixels."""
    mask = keep_all(frames, width, height)
    mask[:, 41:81, 51:71] = 0
    mask[:, 41:81, 71:90] = 63
    mask[1:, 41:97, 90:125] = 127
    return mask


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(ClipError) as caught:
        call(*arguments)
    return str(caught.value)


def played(case: Path, output: Path, **options: Any) -> list[Moment]:
    return list(Playback(open_case(case, **options), probe(output)))


def test_frames_arrive_as_they_were_written(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    output = write_exact(tmp_path / "o.mp4", video[::-1])
    for index, moment in enumerate(played(case, output)):
        assert moment.index == index
        np.testing.assert_array_equal(moment.input.bgr[..., ::-1], video[index])
        np.testing.assert_array_equal(moment.output.bgr[..., ::-1], video[FRAMES - 1 - index])
        light = video[index] @ (0.299, 0.587, 0.114)
        assert np.abs(moment.input.luma - light).max() <= 1


def test_each_stream_is_decoded_once(tmp_path: Path, video: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    """All measures together open every file once for its pixels and decode each frame once."""
    decoded: Counter[str] = Counter()
    real = evaluators.frames.open_capture

    class Counting:
        def __init__(self, path: Path) -> None:
            self._capture, self._name = real(path), path.name
            decoded[f"{self._name} opened"] += 1

        def retrieve(self) -> Any:
            decoded[self._name] += 1
            return self._capture.retrieve()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._capture, name)

    monkeypatch.setattr(evaluators.frames, "open_capture", Counting)
    case = write_case(tmp_path, video, boxed(FRAMES, (30, 20, 60, 50)))
    suite(case, write_exact(tmp_path / "o.mp4", video), write_exact(tmp_path / "truth.mp4", video))
    names = ("input_video.mp4", "quadmask_0.mp4", "o.mp4", "truth.mp4")
    assert decoded == {**dict.fromkeys(names, FRAMES), **{f"{name} opened": 1 for name in names}}


def test_decoding_waits_for_the_reader(tmp_path: Path) -> None:
    """A slow measure never makes frames pile up, however long the clip is."""
    many = 40
    case = write_case(tmp_path, still(many, wall()), keep_all(many))
    playback = Playback(open_case(case), probe(write_exact(tmp_path / "o.mp4", still(many, wall()))))
    moments = iter(playback)
    next(moments)
    decoders = [thread for thread in threading.enumerate() if thread.name.startswith("decode ")]
    decoders[0].join(timeout=0.2)
    assert len(decoders) == 3
    assert all(thread.is_alive() for thread in decoders)
    for _ in moments:
        # A frame is counted once it is in the queue; one more may be on its way to the reader.
        assert all(facts.frames <= _.index + WINDOW + 2 for facts in playback.facts.values())
    assert not any(thread.is_alive() for thread in decoders)


def test_nothing_keeps_running_after_an_early_end(tmp_path: Path) -> None:
    case = write_case(tmp_path, still(40, wall()), keep_all(40))
    moments = iter(Playback(open_case(case), probe(write_exact(tmp_path / "o.mp4", still(40, wall())))))
    next(moments)
    moments.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode ")]


def test_frames_cannot_be_written_into(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    moment = played(case, write_exact(tmp_path / "o.mp4", video))[0]
    for image in (moment.input.bgr, moment.output.luma, *moment.regions):
        with pytest.raises(ValueError, match="read-only"):
            image[0, 0] = 1


@pytest.mark.parametrize("shrink", [1, 2, 4])
def test_regions_at_the_working_size(tmp_path: Path, shrink: int) -> None:
    """R and A need half a working pixel, K all of it and a band's distance; from block means in NumPy."""
    width, height = 192, 128
    mask = four_values(3, width, height)
    case = write_case(tmp_path, still(3, wall(width, height)), mask)
    output = write_exact(tmp_path / "o.mp4", still(3, wall(width, height)))
    moments = played(case, output, working_limit=(width // shrink, height // shrink))
    assert len(moments) == 3
    for frame, moment in zip(mask, moments, strict=True):
        regions = moment.regions
        np.testing.assert_array_equal(regions.removed, share((frame == 0) | (frame == 63), shrink) >= 0.5)
        np.testing.assert_array_equal(regions.affected, share((frame == 63) | (frame == 127), shrink) >= 0.5)
        whole = share(frame == 255, shrink) == 1
        reach = 2 * band_width(open_case(case, working_limit=(width // shrink, height // shrink)).working) + 1
        kept = ndimage.binary_erosion(whole, np.ones((reach, reach)), border_value=1)
        np.testing.assert_array_equal(regions.kept, kept)


def share(region: np.ndarray, shrink: int) -> np.ndarray:
    height, width = region.shape
    return region.reshape(height // shrink, shrink, width // shrink, shrink).mean(axis=(1, 3))


def test_the_band_grows_with_the_picture() -> None:
    assert [band_width(Size(100, height)) for height in (64, 240, 384)] == [3, 5, 8]


def test_the_mask_is_counted_at_its_own_size(tmp_path: Path) -> None:
    mask = four_values(3, 192, 128)
    case = write_case(tmp_path, still(3, wall(192, 128)), mask)
    playback = Playback(open_case(case, working_limit=(48, 32)), probe(case / "input_video.mp4"))
    list(playback)
    expected = {value: int(np.count_nonzero(mask == value)) for value in (0, 63, 127, 255)}
    assert playback.mask_facts.counts == expected
    assert not playback.mask_facts.affected_at_start


def test_affected_pixels_on_the_first_frame_are_noted_not_refused(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, boxed(FRAMES, (30, 20, 60, 50), 127))
    result = suite(case, write_exact(tmp_path / "o.mp4", video))
    assert any("affected pixels (127) on the first frame" in note for note in result.notes)


@pytest.mark.parametrize("value", [1, 62, 64, 126, 128, 254])
def test_one_grey_level_off_refuses_the_mask(tmp_path: Path, video: Pictures, value: int) -> None:
    mask = keep_all(FRAMES)
    mask[[2, 7], 10:12, 10:15] = value
    case = write_case(tmp_path, video, mask)
    message = refusal(played, case, write_exact(tmp_path / "o.mp4", video))
    assert "20 pixels" in message
    assert "in frames 2, 7;" in message
    assert "losslessly" in message


def test_codec_noise_refuses_the_mask_and_names_every_frame(tmp_path: Path, video: Pictures) -> None:
    mask = four_values(FRAMES, 192, 128)
    case = write_case(tmp_path, still(FRAMES, wall(192, 128)), mask)
    lossy = np.repeat(mask[..., None], 3, axis=3)
    write_as(case / "quadmask_0.mp4", lossy, "libx264", "yuv420p", {"crf": "30"})
    message = refusal(suite, case, case / "input_video.mp4")
    assert "in frames 0, 1, 2, 3, 4, 5, 6, 7 and more;" in message


def test_a_coloured_mask_is_refused(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    tinted = np.repeat(keep_all(FRAMES)[..., None], 3, axis=3)
    tinted[4, :8, :8, 0] = 0
    write_exact(case / "quadmask_0.mp4", tinted)
    assert "64 pixels" in refusal(suite, case, case / "input_video.mp4")


@pytest.mark.parametrize(("frames", "compared"), [(7, 7), (15, 12), (1, 1)])
def test_an_output_of_another_length_is_compared_as_far_as_both_go(
    tmp_path: Path, video: Pictures, frames: int, compared: int
) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    result = suite(case, write_exact(tmp_path / "o.mp4", still(frames, wall())))
    assert f"The output has {frames} frames, the input 12; the first {compared} were compared." in result.notes
    assert (result.case.input.frames, result.output.frames) == (FRAMES, frames)
    assert result["preservation_psnr"].count == compared


def test_an_output_of_another_size_is_resized_by_area_and_noted(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    large = np.repeat(np.repeat(video, 4, axis=1), 4, axis=2)
    # A box filter evens these rows out; a linear one would see the two in the middle only.
    large[:, ::4] -= 6
    for row in (1, 2, 3):
        large[:, row::4] += 2
    result = suite(case, write_exact(tmp_path / "o.mp4", large))
    assert "The output is 384x256, the input 96x64; both were resized to 96x64 by area." in result.notes
    assert result["preservation_psnr"].value == 100


def test_another_shape_is_stretched_and_noted(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    result = suite(case, write_exact(tmp_path / "o.mp4", video[:, :, :80]))
    assert any("80x64, the input 96x64" in note for note in result.notes)


def test_another_frame_rate_is_paired_by_number_and_noted(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    result = suite(case, write_exact(tmp_path / "o.mp4", video, fps=24))
    assert any("24 frames per second, the input at 12" in note for note in result.notes)
    assert result["preservation_psnr"].value == 100


UNEVEN = (0, 1, 2, 5, 6, 7, 8, 12, 13, 14, 15, 16)


def test_a_variable_rate_of_equal_length_is_paired_by_number_and_noted(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    result = suite(case, write_exact(tmp_path / "o.mp4", video, times=UNEVEN))
    assert "The output has a variable frame rate; frames were paired by number." in result.notes
    assert result["preservation_psnr"].value == 100


def test_a_variable_rate_of_another_length_is_not_paired_at_all(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    result = suite(case, write_exact(tmp_path / "o.mp4", video[:10], times=UNEVEN[:10]))
    found = [m for evaluation in result.evaluations for m in evaluation.measurements]
    assert all(m.value is None and "cannot be paired" in str(m.reason) for m in found)
    assert all(m.value is None and m.reason for m in result.summary.measurements)


@pytest.mark.parametrize(("width", "height"), [(97, 65), (33, 47), (96, 63)])
def test_odd_sizes_are_measured_whole(tmp_path: Path, width: int, height: int) -> None:
    video = still(4, wall(width, height))
    case = write_case(tmp_path, video, keep_all(4, width, height))
    result = suite(case, write_exact(tmp_path / "o.mp4", video))
    assert tuple(result.case.working) == (width, height)
    assert result["preservation_psnr"].evidence["kept_pixels_per_frame"] == width * height


def test_the_working_size_keeps_the_aspect_and_never_enlarges(tmp_path: Path) -> None:
    case = write_case(tmp_path, still(1, wall(192, 128)), keep_all(1, 192, 128))
    assert tuple(open_case(case, working_limit=(96, 96)).working) == (96, 64)
    assert tuple(open_case(case, working_limit=(1000, 32)).working) == (48, 32)
    assert tuple(open_case(case).working) == (192, 128)


def test_ten_bits_and_alpha_are_read_at_eight_without_it_and_noted(tmp_path: Path, video: Pictures) -> None:
    case = write_case(tmp_path, video, keep_all(FRAMES))
    alpha = np.concatenate([video, np.full_like(video[..., :1], 90)], axis=3)
    output = write_as(tmp_path / "o.mov", alpha, "prores_ks", "yuva444p10le", source="rgba")
    result = suite(case, output)
    assert result.output.alpha
    assert result.output.bit_depth > 8
    assert any("bits per channel; it was measured at 8" in note for note in result.notes)
    assert "The output has an alpha channel, which was ignored." in result.notes
    assert result["preservation_psnr"].value > 40


PIXELS = [
    ("libx264rgb", "rgb24", "rgb24", "mp4", ("planar-rgb-8bit", 8, False)),
    ("libx264", "yuv420p", "rgb24", "mp4", ("I420", 8, False)),
    ("libx264", "yuv420p10le", "rgb24", "mp4", ("planar-yuv-10bit", 10, False)),
    ("ffv1", "yuva420p", "rgba", "mkv", ("planar-yuva-8bit", 8, True)),
    ("ffv1", "bgra", "rgba", "mkv", ("BGRA", 8, True)),
    ("png", "rgb48be", "rgb24", "mov", ("packed-rgb-16bit", 16, False)),
    ("png", "rgba64be", "rgba", "mov", ("packed-rgba-16bit", 16, True)),
    ("png", "gray16be", "rgb24", "mov", ("planar-grey-16bit", 16, False)),
    ("png", "ya8", "rgba", "mov", ("planar-greya-8bit", 8, True)),
]


@pytest.mark.parametrize(("codec", "pixels", "source", "ending", "expected"), PIXELS)
def test_depth_and_alpha_are_the_files_own(
    tmp_path: Path, codec: str, pixels: str, source: str, ending: str, expected: tuple[str, int, bool]
) -> None:
    pictures = still(2, wall())
    if source == "rgba":
        pictures = np.concatenate([pictures, np.full_like(pictures[..., :1], 90)], axis=3)
    path = tmp_path / f"clip.{ending}"
    info = probe(
        write_as(path, pictures, codec, pixels, {"qp": "0"} if codec.startswith("libx") else None, source=source)
    )
    assert (info.pixel_format, info.bit_depth, info.alpha) == expected
    assert (info.frames, info.width, info.height, info.fps) == (2, *SIZE, FPS)


@given(st.binary(min_size=4, max_size=4))
def test_any_pixel_tag_has_a_name_that_can_be_stored(tag: bytes) -> None:
    name, bits, _alpha = _describe_pixels(tag)
    assert name.isprintable()
    assert name
    assert 8 <= bits <= 16


def test_facts_become_json_without_the_path(tmp_path: Path, video: Pictures) -> None:
    facts = probe(write_exact(tmp_path / "o.mp4", video)).to_json()
    assert facts["path"] == "o.mp4"
    assert str(tmp_path) not in json.dumps(facts)
    assert str(facts["digest"]).startswith("sha256:")
