"""Hostile and broken media are refused in a sentence, within the limits, and never opened in the parent."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.media import FPS, small_folder, write_flat

from core.errors import MediaRejected
from core.media import check_void_folder, probe, shown
from core.settings import Settings
from evaluators.qualification.encoding import write_video

SETTINGS = Settings()


def refusal(call, *arguments) -> str:
    with pytest.raises(MediaRejected) as caught:
        call(*arguments)
    assert caught.value.next_step
    return str(caught.value)


def test_a_good_folder_is_described(tmp_path: Path) -> None:
    found = check_void_folder(small_folder(tmp_path / "case"), SETTINGS)
    assert (found.video_info.frames, found.video_info.width, found.video_info.height) == (6, 64, 48)
    assert found.video_info.fps == FPS
    assert not found.video_info.has_audio
    assert found.shares == pytest.approx({0: 100 / 3072, 63: 0, 127: 0, 255: 2972 / 3072})
    assert (found.prompt, found.warnings) == ("a wall", ())


def test_both_mask_names_are_read(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "case")
    (folder / "quadmask_0.mp4").rename(folder / "trimask_quadmask.mp4")
    assert check_void_folder(folder, SETTINGS).mask.name == "trimask_quadmask.mp4"
    (folder / "quadmask_0.mp4").write_bytes(b"x")
    assert "keep the mask" in refusal(check_void_folder, folder, SETTINGS)


def test_an_affected_region_on_the_first_frame_is_warned_of(tmp_path: Path) -> None:
    found = check_void_folder(small_folder(tmp_path / "case", value=127), SETTINGS)
    assert any("frame 0" in warning for warning in found.warnings)
    assert any("removes nothing" in warning for warning in found.warnings)


@pytest.mark.parametrize("value", [1, 64, 128, 254])
def test_one_grey_level_off_is_refused_with_its_count(tmp_path: Path, value: int) -> None:
    message = refusal(check_void_folder, small_folder(tmp_path / "case", value=value), SETTINGS)
    assert "600 pixels" in message
    assert "losslessly" in message


def test_a_coloured_mask_is_refused(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "case")
    mask = np.full((6, 48, 64, 3), 255, np.uint8)
    mask[:, 10:20, 10:20] = (255, 0, 0)
    write_video(mask, folder / "quadmask_0.mp4", FPS, lossless=True)
    assert "not 0, 63, 127 or 255" in refusal(check_void_folder, folder, SETTINGS)


def test_another_length_or_size_is_refused(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "length", mask_frames=5)
    assert "5 frames but the video has 6" in refusal(check_void_folder, folder, SETTINGS)
    folder = small_folder(tmp_path / "size")
    write_video(np.full((6, 48, 32), 255, np.uint8), folder / "quadmask_0.mp4", FPS, lossless=True)
    assert "32x48" in refusal(check_void_folder, folder, SETTINGS)


def test_the_opposite_polarity_is_refused_by_name(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "case")
    (folder / "quadmask_0.mp4").rename(folder / "mask_ball.mp4")
    assert "opposite polarity" in refusal(check_void_folder, folder, SETTINGS)


@pytest.mark.parametrize("name", ["input_video.mp4", "quadmask_0.mp4", "prompt.json"])
def test_a_missing_or_empty_member_is_refused(tmp_path: Path, name: str) -> None:
    folder = small_folder(tmp_path / "case")
    (folder / name).write_bytes(b"")
    assert "is empty" in refusal(check_void_folder, folder, SETTINGS)
    (folder / name).unlink()
    assert "has no" in refusal(check_void_folder, folder, SETTINGS)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    video = np.random.default_rng(0).integers(0, 255, (24, 96, 128, 3)).astype(np.uint8)
    whole = write_video(video, tmp_path / "whole.mp4", FPS).read_bytes()
    (tmp_path / "half.mp4").write_bytes(whole[: len(whole) // 2])
    refusal(probe, tmp_path / "half.mp4", SETTINGS)


def test_a_clip_whose_end_is_missing_behind_a_whole_header_is_refused(tmp_path: Path) -> None:
    import av

    path = tmp_path / "stream.mp4"
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        random = np.random.default_rng(0)
        for _ in range(24):
            picture = random.integers(0, 255, (96, 128, 3)).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    message = refusal(probe, path, SETTINGS)
    assert "cut short" in message or "not a readable video" in message


@pytest.mark.parametrize(
    "content",
    [
        b"not a video at all" * 100,
        b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"\x00\x00\x00\x18ftypmp42" + bytes(1000),
    ],
    ids=["text", "playlist", "concat", "header only"],
)
def test_what_is_no_video_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    assert "not a readable video" in refusal(probe, path, SETTINGS)


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "wide.mp4", 2048, 2048, 2)
    assert "2048x2048" in refusal(probe, path, replace(SETTINGS, max_pixels=1 << 20))


def test_too_many_frames_are_refused(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "long.mp4", 64, 64, 40)
    assert "40 frames where 30" in refusal(probe, path, replace(SETTINGS, max_frames=30))
    hidden = write_flat(tmp_path / "long.mkv", 64, 64, 40)
    assert "more than the 30 frames" in refusal(probe, hidden, replace(SETTINGS, max_frames=30))


def test_a_long_bomb_runs_into_the_time_limit(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "bomb.mp4", 3840, 2160, 60)
    assert path.stat().st_size < 1 << 20
    assert "to decode" in refusal(probe, path, replace(SETTINGS, probe_seconds=0.05))


def test_a_small_memory_limit_ends_the_child_not_the_parent(tmp_path: Path) -> None:
    path = write_flat(tmp_path / "big.mp4", 3840, 2160, 4)
    refusal(probe, path, replace(SETTINGS, probe_memory=130 << 20))


def test_a_file_over_the_size_limit_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    assert "bytes where" in refusal(probe, path, replace(SETTINGS, max_media_bytes=1 << 20))


@pytest.mark.parametrize("name", ["-i.mp4", "concat:a|b.mp4", "http:x.mp4", "pipe:0", "100%d.mp4"])
def test_a_name_is_never_an_option_or_an_address(tmp_path: Path, name: str) -> None:
    path = write_flat(tmp_path / "clip.mp4", 64, 64, 3).rename(tmp_path / name)
    assert probe(path, SETTINGS).frames == 3


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "case")
    outside = small_folder(tmp_path / "other")
    for name in ("input_video.mp4", "quadmask_0.mp4", "prompt.json"):
        (folder / name).rename(folder / "kept")
        (folder / name).symlink_to(outside / name)
        assert "link out of its folder" in refusal(check_void_folder, folder, SETTINGS)
        (folder / name).unlink()
        (folder / "kept").rename(folder / name)


def test_pipes_folders_and_dangling_links_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    for name in ("pipe.mp4", "folder.mp4", "loop.mp4", "absent.mp4"):
        refusal(probe, tmp_path / name, SETTINGS)


def test_control_characters_do_not_reach_the_message(tmp_path: Path) -> None:
    message = refusal(probe, tmp_path / "a\x1b[31m\u202egpj.mp4", SETTINGS)
    assert "\x1b" not in message
    assert "\u202e" not in message
    assert shown("x" * 1000).endswith("…")


@pytest.mark.parametrize(
    "prompt",
    [[], {"bg": 3}, {"bg": "  "}, {"background": "x"}, {"bg": "x" * 5000}, {"bg": "a\x00b"}],
    ids=["list", "number", "blank", "other key", "long", "control"],
)
def test_a_prompt_that_is_not_text_is_refused(tmp_path: Path, prompt: object) -> None:
    folder = small_folder(tmp_path / "case")
    (folder / "prompt.json").write_text(json.dumps(prompt), encoding="utf-8")
    refusal(check_void_folder, folder, SETTINGS)


def test_a_deep_or_huge_prompt_is_refused(tmp_path: Path) -> None:
    folder = small_folder(tmp_path / "case")
    (folder / "prompt.json").write_text("[" * 60_000, encoding="utf-8")
    assert "not readable as JSON" in refusal(check_void_folder, folder, SETTINGS)
    (folder / "prompt.json").write_text(" " * (1 << 20), encoding="utf-8")
    assert "bytes where" in refusal(check_void_folder, folder, SETTINGS)


def test_the_real_samples_are_exact(samples: Path) -> None:
    found = check_void_folder(samples / "void" / "BigBen", SETTINGS)
    assert (found.video_info.frames, found.mask.name) == (50, "trimask_quadmask.mp4")
    assert {value: round(100 * share, 2) for value, share in found.shares.items()} == {
        0: 1.94,
        63: 0,
        127: 3.1,
        255: 94.96,
    }
    assert len(found.warnings) == 1
