"""The lock of an environment: which Python, on which system, with exactly which distributions; and how two differ.

A lock is plain JSON: `{"schema", "python", "implementation", "system", "libc", "distributions": [{"name", "version",
"record_sha256"}]}`. A distribution's RECORD lists every file that it installed with its hash, so the hash of RECORD
stands for them all; it is null where there is none.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, distributions
from typing import Any

SCHEMA = "greenlight.environment/1"
ENTRIES = "distributions"


@dataclass(frozen=True)
class LockRow:
    """One line of a comparison; None where one lock does not have it."""

    name: str
    original: str | None
    rerun: str | None

    @property
    def equal(self) -> bool:
        """Whether both locks say the same."""
        return self.original == self.rerun

    def to_json(self) -> dict[str, Any]:
        """The row as JSON, with `equal`."""
        return {**asdict(self), "equal": self.equal}


def lock() -> dict[str, Any]:
    """The lock of the environment in use, the same each time while nothing is installed."""
    found: dict[str, dict[str, Any]] = {}
    for distribution in distributions():
        entry = _entry(distribution)
        if entry:
            found.setdefault(entry["name"], entry)
    return {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.machine()}",
        "libc": " ".join(platform.libc_ver()).strip(),
        "distributions": [found[name] for name in sorted(found)],
    }


def compare_locks(original: Mapping[str, Any], rerun: Mapping[str, Any]) -> list[LockRow]:
    """Both locks line by line: the machine's, then every distribution's; the name says when only the files differ.

    Distributions may also be a plain table of versions by name.
    """
    names = [name for name in {**original, **rerun} if name not in (ENTRIES, "schema")]
    rows = [LockRow(name, _text(original.get(name)), _text(rerun.get(name))) for name in names]
    return rows + list(_distributions(_by_name(original), _by_name(rerun)))


def _distributions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[LockRow]:
    for name in sorted(before.keys() | after.keys()):
        left, right = before.get(name, {}), after.get(name, {})
        versions = LockRow(name, _text(left.get("version")), _text(right.get("version")))
        records = LockRow(f"{name} (files)", _text(left.get("record_sha256")), _text(right.get("record_sha256")))
        yield records if versions.equal and not records.equal else versions


def _by_name(record: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    entries = record.get(ENTRIES)
    if isinstance(entries, Mapping):
        return {str(name): {"version": version} for name, version in entries.items()}
    return {str(one.get("name")): one for one in entries or [] if isinstance(one, Mapping)}


def _entry(distribution: Distribution) -> dict[str, Any] | None:
    """None for a folder that looks like a distribution and is none."""
    name, version = distribution.metadata["Name"], distribution.metadata["Version"]
    if not name:
        return None
    record = distribution.read_text("RECORD")
    return {
        "name": re.sub(r"[-_.]+", "-", name).lower(),
        "version": version,
        "record_sha256": hashlib.sha256(record.encode()).hexdigest() if record else None,
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
