"""A pack that is not exactly right is refused with its file, its control and what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from policies import PackError, builtin_ids, builtin_in_force, load_builtin
from policies.loading import load, loads
from policies.reading import MAX_BYTES

PACK = """
id: example
version: "1"
title: An example
short_title: example pack
status: house rules
governs: example
in_force_by: at
definitions:
  tested: {eq: {path: job.tested, value: true}}
controls:
  - id: EX-1
    version: "1"
    title: Tested
    gates: [release]
    severity: block
    plain_text: The job was tested
    passes_when: {defined: tested}
    evidence: [job.tested]
    fails_text: "it was not tested, says {job.tested}"
    next_step: Test it.
    citations:
      - {instrument: House rules, pinpoint: first rule, status: house rule, confidence: verified, verified_on: 2026-11}
"""


def test_the_example_is_valid() -> None:
    pack = loads(PACK)
    assert pack["EX-1"].blocking
    assert pack["EX-1"].passes_when.to_json() == {"eq": {"path": "job.tested", "value": True}}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("severity: block", "severity: fatal", "use one of: block; major"),
        ("severity: block", "severity: block\n    colour: red", "unknown key 'colour'"),
        ("gates: [release]", "gates: [publish]", "'publish'"),
        ("gates: [release]", "gates: release", "list of texts"),
        ('version: "1"\n    title', "version: 1\n    title", "quotation marks"),
        ("{defined: tested}", "{eval: print}", "exactly one operator"),
        ("{defined: tested}", "{defined: trusted}", "those that exist: tested"),
        ("{defined: tested}", "{eq: {path: job.tested}}", "exactly one of value, other"),
        ("{defined: tested}", "{eq: {path: job.tested, value: yes, other: a.b}}", "exactly one of"),
        ("{defined: tested}", "{exists: ../secret}", "path of a fact"),
        ("{defined: tested}", "{all: []}", "at least one clause"),
        ("{defined: tested}", "{measured: {name: m, between: [2, 1]}}", "backwards"),
        ("{defined: tested}", "{measured: {name: m, at_least: .nan}}", "write a number"),
        ("{defined: tested}", "{exists: a, recorded: b}", "exactly one operator"),
        ("{job.tested}", "{job.secret}", "names {job.secret}"),
        ("confidence: verified, verified_on: 2026-11", "confidence: verified", "say when it was read"),
        ("verified_on: 2026-11", "verified_on: lately", "a day or a month"),
        ("status: house rules", "status: signed by counsel", "signed_by"),
        ("in_force_by: at", "in_force_by: at\neffective_from: 2027-01-01\neffective_to: 2026-01-01", "ends before"),
        ("in_force_by: at", "in_force_by: at\neffective_from: soon", "write a date"),
        ("fails_text:", "fails_text_:", "unknown key"),
        ("    next_step: Test it.\n", "", "lacks 'next_step'"),
        ("citations:\n      - {", "citations:\n      - {page: 3, ", "unknown key 'page'"),
        ("id: example", "id: ../../etc", "lower-case letters"),
        ("definitions:\n", "definitions:\n  other: {not: {defined: tested}}\n", "write it out"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, says: str) -> None:
    assert old in PACK
    with pytest.raises(PackError) as caught:
        loads(PACK.replace(old, new, 1), "example.yaml")
    message = str(caught.value)
    assert says in message
    assert message.startswith("example.yaml")
    assert message.endswith(".")
    assert "\n" not in message


def test_a_control_is_named_once() -> None:
    control = PACK[PACK.index("  - id: EX-1") :]
    with pytest.raises(PackError, match="EX-1 twice"):
        loads(PACK + control)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "id: one\nid: two",
        "<<: {id: one}",
        "- a list",
        "",
        "id: !!python/object/apply:os.system [echo]",
        "a: " + "[" * 200 + "]" * 200,
        "a: {" * 3000,
        "id: \x00",
        "id: '" + "x" * MAX_BYTES + "'",
    ],
)
def test_hostile_yaml_is_refused(text: str) -> None:
    with pytest.raises(PackError):
        loads(text)


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="cannot be read"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackError, match="UTF-8"):
        load(tmp_path / "bytes.yaml")


def test_packs_cannot_extend_each_other_in_a_circle(tmp_path: Path) -> None:
    for name, parent in (("one", "two"), ("two", "one")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "pack.yaml").write_text(PACK.replace("id: example", f"id: {name}\nextends: {parent}", 1))
    with pytest.raises(PackError, match="circle"):
        load(tmp_path / "one" / "pack.yaml")


def test_an_unknown_pack_names_those_that_exist() -> None:
    with pytest.raises(PackError) as caught:
        load_builtin("sag-aftra")
    assert all(pack_id in str(caught.value) for pack_id in builtin_ids())


def test_the_digest_names_the_content() -> None:
    assert loads(PACK).digest == loads(PACK).digest
    assert loads(PACK).digest == loads("# a comment\n" + PACK).digest
    for old, new in (("Test it.", "Test it twice."), ("value: true", "value: false"), ("first rule", "second rule")):
        assert loads(PACK.replace(old, new, 1)).digest != loads(PACK).digest


def test_the_terms_of_the_day_are_chosen() -> None:
    assert builtin_in_force("sag-aftra-tv", date(2026, 6, 30)).id == "sag-aftra-tv-2023"
    assert builtin_in_force("sag-aftra-tv", date(2026, 7, 1)).id == "sag-aftra-tv-2026"
    with pytest.raises(PackError, match="sag-aftra-tv-2026 from 2026-07-01 to 2030-06-30"):
        builtin_in_force("sag-aftra-tv", date(2030, 7, 1))
    with pytest.raises(PackError, match="no pack"):
        builtin_in_force("wga", date(2026, 7, 1))


def test_a_later_agreement_continues_the_earlier_one() -> None:
    earlier, later = load_builtin("sag-aftra-tv-2023"), load_builtin("sag-aftra-tv-2026")
    assert later["UN-12"] == earlier["UN-12"]
    assert later["UN-05"].version == "2"
    assert {control.id for control in later.controls} - {control.id for control in earlier.controls} == {"UN-17"}
