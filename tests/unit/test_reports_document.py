"""The dossier's model: what it derives, and that it is the same however it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_example import AT, RECORD, example

from core.canonical import canonical_json
from core.reports import wording
from core.reports.document import SCHEMA, Curve, MeasurementRow, Status


def test_json_is_canonical_names_its_schema_and_holds_no_picture() -> None:
    plain = example().to_json()
    assert plain["schema"] == SCHEMA
    assert plain["made_at"] == "2026-11-03T14:22:05.000000Z"
    picture = plain["frames"][0]["pictures"][0]  # type: ignore[index]
    assert len(picture["sha256"]) == 64
    assert "data" not in picture
    assert canonical_json(plain) == canonical_json(example.__wrapped__().to_json())


def test_the_digest_follows_every_change() -> None:
    document = example()
    first = document.frames[0].pictures[0]
    other = replace(document.frames[0], pictures=(replace(first, data=first.data + b"x"),))
    changed = [
        replace(document, headline="Approved for release."),
        replace(document, persons=None),
        replace(document, persons=()),
        replace(document, frames=(other, *document.frames[1:])),
    ]
    assert len({document.sha256, *(one.sha256 for one in changed)}) == 5


def test_blocking_verdicts_and_tally_come_from_the_packs() -> None:
    document = example()
    assert [row.control for row in document.blocking] == ["UN-12", "P11-h", "UN-13"]
    assert document.tally()[Status.PASS] == 2
    assert sum(document.tally().values()) == 7


def test_what_fails_keeps_a_gate_closed_before_what_is_missing() -> None:
    document = example()
    turned = tuple(replace(pack, verdicts=pack.verdicts[::-1]) for pack in document.packs[::-1])
    told = [row.status for row in replace(document, packs=turned).blocking]
    assert told[0] is Status.FAIL
    assert told == sorted(told, key=(Status.FAIL, Status.ERROR, Status.INDETERMINATE).index)


@pytest.mark.parametrize(("value", "reason"), [(None, None), (1.0, "too short")])
def test_a_measurement_is_a_value_or_a_reason(value: float | None, reason: str | None) -> None:
    with pytest.raises(ValueError, match="reason for its absence"):
        MeasurementRow("m", "M", "", "lower_is_better", "Meaning.", value, reason)


def test_a_curve_needs_a_value_or_none_for_each_frame() -> None:
    with pytest.raises(ValueError, match="for each frame"):
        Curve((1, 2), (0.5,))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (40.625, "40.62"),
        (0.97, "0.97"),
        (1234567.0, "1,234,567"),
        (-0.5, "-0.5"),
        (3e-7, "3.00e-07"),
        (5.0, "5"),
    ],
)
def test_numbers_are_written_for_people(value: float, words: str) -> None:
    assert wording.number(value) == words


def test_moments_are_written_in_utc_with_their_zone() -> None:
    assert wording.moment(AT) == "2026-11-03 14:22:05 UTC"
    assert wording.moment(None) == "not recorded"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("bell\x07", "bell[U+0007]"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("nul\x00", "nul[U+0000]"),
        ("half\ud800", "half[U+D800]"),
        ("tab\tline\r\nbreak", "tab line\nbreak"),
        ("Zoë 山田 עדה", "Zoë 山田 עדה"),
    ],
)
def test_text_is_made_inert_and_stays_legible(raw: str, shown: str) -> None:
    assert wording.inert(raw) == shown


def test_urgent_verdicts_come_first() -> None:
    order = [row.control for row in wording.by_urgency(example().packs[0].verdicts)]
    assert order == ["UN-12", "UN-13", "UN-01", "UN-07"]


def test_a_signature_for_another_record_is_called_out() -> None:
    row = example().signatures[0]
    assert wording.signature_match(row, RECORD).startswith("Signs the record")
    assert wording.signature_match(row, "0" * 64).startswith("WARNING")
