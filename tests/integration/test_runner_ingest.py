"""Outputs made elsewhere: kept byte for byte, compared, and their origin kept as declared."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.media import quiet, write_flat

from core.errors import NotFound, RunFailed
from core.runners.base import RunContext, RunSpecification
from core.runners.ingest import IngestRunner, declared
from core.runners.registry import runner, runner_names

ORIGIN = {
    "vendor": "Acme",
    "model": "Eraser",
    "version": "2",
    "date": "2026-01-31",
    "tool": "web",
    "parameters": {"s": 1},
}


def ingest(tmp_path: Path, output: Path, original: Path | None = None, provenance: object = ORIGIN):
    folder = tmp_path / "run"
    folder.mkdir(exist_ok=True)
    inputs = {"output": output} | ({"video": original} if original else {})
    specification = RunSpecification("ingest", inputs, {"provenance": provenance})
    return IngestRunner().run(specification, RunContext(folder, quiet))


def test_the_file_is_kept_byte_for_byte_with_its_declared_origin(tmp_path: Path) -> None:
    clip = write_flat(tmp_path / "clip.mp4", 64, 48, 5)
    manifest = ingest(tmp_path, clip, clip)
    assert manifest.outputs[0].path.read_bytes() == clip.read_bytes()
    assert manifest.facts["declared_provenance"] == ORIGIN
    assert manifest.facts["frames"] == 5
    assert manifest.notes == ()


def test_another_length_and_size_are_said(tmp_path: Path) -> None:
    original = write_flat(tmp_path / "original.mp4", 64, 48, 5)
    manifest = ingest(tmp_path, write_flat(tmp_path / "clip.mkv", 96, 72, 8), original)
    assert "96x72" in manifest.notes[0]
    assert "8 frames; the input has 5" in manifest.notes[1]
    assert manifest.outputs[0].media_type == "video/x-matroska"


def test_a_side_by_side_is_refused_by_name_and_by_shape(tmp_path: Path) -> None:
    original = write_flat(tmp_path / "original.mp4", 64, 48, 5)
    wide = write_flat(tmp_path / "wide.mp4", 192, 48, 5)
    with pytest.raises(RunFailed, match="3 times as wide"):
        ingest(tmp_path, wide, original)
    with pytest.raises(RunFailed, match="side-by-side"):
        ingest(tmp_path, Path(shutil.copy(original, tmp_path / "ball_tuple.mp4")), original)


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        (None, "not declared"),
        ({"vendor": "Acme"}, "names no model"),
        ({**ORIGIN, "vendor": " "}, "names no vendor"),
        ({**ORIGIN, "date": "yesterday"}, "no date"),
        ({**ORIGIN, "colour": "red"}, "unknown entry"),
        ({**ORIGIN, "tool": "x" * 501}, "longer than"),
    ],
)
def test_an_incomplete_origin_is_refused(tmp_path: Path, provenance: object, reason: str) -> None:
    with pytest.raises(RunFailed, match=reason):
        ingest(tmp_path, write_flat(tmp_path / "clip.mp4", 64, 48, 5), provenance=provenance)


def test_what_is_no_clip_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"x" * 1000)
    for output in (broken, tmp_path / "absent.mp4"):
        with pytest.raises(RunFailed):
            ingest(tmp_path, output)
    assert list((tmp_path / "run").iterdir()) == []


def test_runners_are_found_by_name() -> None:
    assert {"plate", "ingest", "command"} <= set(runner_names())
    assert runner("plate").name == "plate"
    with pytest.raises(NotFound, match="plate"):
        runner("no-such-runner")


@pytest.mark.parametrize(
    "price", [{"amount": -1, "currency": "EUR"}, {"amount": 5}, "5 EUR", {"amount": True, "currency": "EUR"}]
)
def test_a_price_that_cannot_be_read_is_refused(price: object) -> None:
    with pytest.raises(RunFailed, match="price"):
        declared({"vendor": "unknown", "model": "unknown", "price": price})


def test_a_declared_price_is_kept() -> None:
    origin = {"vendor": "unknown", "model": "unknown", "price": {"amount": 12.5, "currency": "EUR"}}
    assert declared(origin)["price"] == {"amount": 12.5, "currency": "EUR"}
