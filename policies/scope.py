"""Reading the facts: paths, bound names, and the difference between *none* and *not known*.

A missing key or a null is not known. Two readings need more: a record that carries the key with null
(`revoked_at: null`) says that the event did not happen, while a record without the key says nothing.
`Reading.null` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policies.errors import OperandError

LABEL_KEYS = ("name_shown", "by_name", "name", "subject", "kind", "id", "by")


@dataclass(frozen=True)
class Reading:
    """What stands at a path. `known` is false when nothing does; `null` when its record says none."""

    path: str
    value: object
    known: bool
    null: bool = False


def lookup(root: object, segments: tuple[str, ...], path: str) -> Reading:
    """Follow keys from `root`; OperandError where a key is asked of something that is not a record."""
    current, held = root, True
    for segment in segments:
        if current is None:
            return Reading(path, None, known=False)
        if not isinstance(current, Mapping):
            raise OperandError(f"{path} cannot be read because what holds '{segment}' is not a record")
        held = segment in current
        current = current.get(segment)
    return Reading(path, current, known=current is not None, null=held and current is None)


@dataclass(frozen=True)
class Scope:
    """The facts plus the names that quantifiers have bound, each with the path of the list it walks."""

    facts: Mapping[str, object]
    bound: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def read(self, path: str) -> Reading:
        """Read a dotted path, from a bound name if it starts with one, else from the facts."""
        segments = tuple(path.split("."))
        canonical = expand(path, self.origins)
        if segments[0] in self.bound:
            return lookup(self.bound[segments[0]], segments[1:], canonical)
        return lookup(self.facts, segments, canonical)

    def entries(self, path: str) -> tuple[object, ...] | None:
        """Read a list; None when it is not known, OperandError when it is not a list."""
        reading = self.read(path)
        if not reading.known:
            return None
        if not isinstance(reading.value, list | tuple):
            raise OperandError(f"{reading.path} is not a list")
        return tuple(reading.value)

    def bind(self, name: str, value: object, path: str) -> Scope:
        """Return the scope in which `name` is one entry of the list at `path`."""
        origin = f"{expand(path, self.origins)}[]"
        return Scope(self.facts, {**self.bound, name: value}, {**self.origins, name: origin})


def expand(path: str, origins: Mapping[str, str]) -> str:
    """Write a path that starts with a bound name as a path into the facts: `persons.list[].union`."""
    first, dot, rest = path.partition(".")
    return f"{origins[first]}{dot}{rest}" if first in origins else path


def label(entry: object, position: int) -> str:
    """Name an entry of a list for a reader: its shown name or id, else its place."""
    if isinstance(entry, Mapping):
        for key in LABEL_KEYS:
            value = entry.get(key)
            if isinstance(value, str) and value.strip():
                return " ".join(value.split())
    return f"entry {position + 1}"


def collect(root: object, path: str) -> Iterator[object]:
    """Yield every value at a path with `[]`, in order; what is missing yields nothing."""
    head, marker, rest = path.partition("[]")
    current = root
    for segment in filter(None, head.strip(".").split(".")):
        if not isinstance(current, Mapping) or current.get(segment) is None:
            return
        current = current[segment]
    if not marker:
        yield current
    elif isinstance(current, list | tuple):
        for entry in current:
            yield from collect(entry, rest)
