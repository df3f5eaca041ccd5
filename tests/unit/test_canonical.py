"""One value, one digest: canonical JSON as RFC 8785 gives it, ids, moments and digests of files."""

from __future__ import annotations

import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.canonical import CHUNK, canonical_json, digest, file_sha256, jsonable, new_id, now, sha256, timestamp
from core.errors import InputError

SAFE = 2**53 - 1
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(-SAFE, SAFE) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_example_of_rfc_8785_is_written_byte_for_byte():
    # Section 3.2.2 and 3.2.4.
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical_json(value).decode() == expected


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        # RFC 8785, appendix B.
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("3ff3333333333334", "1.2000000000000002"),
    ],
)
def test_numbers_are_written_as_the_rfc_s_appendix_says(bits: str, written: str):
    number = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert canonical_json(number).decode() == written


def test_names_are_sorted_by_utf_16_units():
    # Section 3.2.3: the emoji sorts before U+FB33, which by code point it would not.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = json.loads(canonical_json(dict.fromkeys(names, 0)), object_pairs_hook=lambda pairs: [n for n, _ in pairs])
    assert written == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(JSON)
@settings(deadline=None)
def test_what_is_written_reads_back_and_is_written_the_same(value: Any):
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(-SAFE, SAFE), max_size=6), st.randoms())
@settings(deadline=None)
def test_the_order_of_names_changes_no_digest(value: dict[str, int], random: Any):
    items = list(value.items())
    random.shuffle(items)
    assert digest(dict(items)) == digest(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, object(), {1, 2}, "\udcff"])
def test_what_json_cannot_hold_is_refused_in_a_sentence(value: object):
    with pytest.raises(InputError, match="cannot be stored as JSON"):
        canonical_json({"value": value})


def test_moments_and_paths_are_written_as_text():
    moment = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert jsonable({"at": moment, "files": (Path("a/b"),)}) == {"at": "2026-07-01T10:00:00.000000Z", "files": ["a/b"]}


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))
@settings(deadline=None)
def test_moments_sort_as_they_are_written(moment: datetime):
    text = timestamp(moment)
    assert datetime.fromisoformat(text) == moment
    assert len(text) == len("2026-07-01T10:00:00.000000Z")


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        timestamp(datetime(2026, 7, 1))


def test_now_is_utc():
    assert now().utcoffset() == timedelta(0)


def test_ids_are_unique_tell_their_kind_and_are_safe_in_a_path():
    ids = {new_id("job") for _ in range(500)}
    assert len(ids) == 500
    assert all(one.startswith("job_") and one.replace("_", "").isalnum() and one == one.lower() for one in ids)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_file_s_digest_is_that_of_its_bytes(tmp_path: Path, size: int):
    data = bytes(range(256)) * (size // 256) + b"\x07" * (size % 256)
    (tmp_path / "file").write_bytes(data)
    assert file_sha256(tmp_path / "file") == sha256(data) == hashlib.sha256(data).hexdigest()
