"""The proving examples of a pack: for each control, facts under which it passes, fails, or cannot be judged.

`fixtures.yaml` holds `base`, facts that all examples share, and `cases`. A case names its control, gate and
expected status, and changes the base: `set` puts values at dotted paths (a number picks a list's entry),
`drop` takes keys away. A pack that extends another one uses that one's cases too, over its own base.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policies.errors import PackError
from policies.pack import FIXTURES_FILE, GATES, PACK_FILE, Pack
from policies.reading import Fields, read_yaml

EXPECTED = ("pass", "fail", "indeterminate", "not_applicable", "error")
CASE_KEYS = frozenset({"control", "expect", "gate", "set", "drop", "why"})


@dataclass(frozen=True)
class Case:
    """One example: `facts` are complete, `why` says what it shows."""

    control: str
    expect: str
    gate: str
    facts: Mapping[str, Any]
    why: str


def load_fixtures(pack: Pack) -> tuple[Case, ...]:
    """Return the examples beside a pack, inherited ones first; PackError when they cannot be used."""
    if pack.folder is None:
        return ()
    raws = list(_chain(pack.folder))
    base: dict[str, Any] = {}
    for raw in raws:
        base = _patched(base, raw.get("base", {}), (), f"{pack.id}/{FIXTURES_FILE}, base")
    cases: list[Case] = []
    for raw in raws:
        fields = Fields(raw, f"{pack.id}/{FIXTURES_FILE}", frozenset({"base", "cases"}))
        cases.extend(_case(item, base, pack, position) for position, item in enumerate(fields.items("cases")))
    return tuple(cases)


def _chain(folder: Path) -> Iterator[Mapping[str, object]]:
    parent = read_yaml(folder / PACK_FILE).get("extends")
    if isinstance(parent, str):
        yield from _chain(folder.parent / parent)
    yield read_yaml(folder / FIXTURES_FILE)


def _case(raw: object, base: Mapping[str, Any], pack: Pack, position: int) -> Case:
    where = f"{pack.id}/{FIXTURES_FILE}, case {position + 1}"
    fields = Fields(raw, where, CASE_KEYS)
    control = fields.text("control")
    if control not in {known.id for known in pack.controls}:
        raise PackError(f"{where} is about {control!r}, which the pack does not have; name one of its controls.")
    drops = fields.texts("drop", ())
    facts = _patched(base, fields.raw.get("set", {}), drops, where)
    why = fields.text("why") if "why" in fields.raw else ""
    return Case(control, fields.choice("expect", EXPECTED), fields.choice("gate", GATES), facts, why)


def _patched(base: Mapping[str, Any], changes: object, drops: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(changes, Mapping):
        raise PackError(f"{where} has no mapping of paths to values; write 'path: value'.")
    facts = copy.deepcopy(dict(base))
    try:
        for path, value in changes.items():
            holder, key = _holder(facts, str(path))
            holder[key] = copy.deepcopy(value)
        for path in drops:
            holder, key = _holder(facts, path)
            del holder[key]
    except (KeyError, IndexError, TypeError, ValueError):
        raise PackError(f"{where} changes {path!r}, whose place does not exist in the base; correct it.") from None
    return facts


def _holder(root: Any, path: str) -> tuple[Any, Any]:
    *parents, last = path.split(".")
    for segment in parents:
        root = root[int(segment)] if isinstance(root, list) else root[segment]
    return root, int(last) if isinstance(root, list) else last


def without(facts: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    """Return the facts with every value at a path (`[]` for all entries of a list) taken away, key included."""
    copied = copy.deepcopy(dict(facts))
    _remove(copied, path.replace("[]", ".[]").split("."))
    return copied


def _remove(root: Any, segments: list[str]) -> None:
    first, *rest = segments
    if first == "[]":
        if isinstance(root, list):
            for entry in root:
                _remove(entry, rest)
    elif isinstance(root, dict) and first in root:
        if not rest or rest == ["[]"]:
            del root[first]
        else:
            _remove(root[first], rest)
