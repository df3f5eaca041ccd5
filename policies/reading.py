"""Reading a pack's YAML without trusting it: bounded, no aliases, no repeated keys, no objects."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from policies.errors import PackError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 40


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases (they can unfold without bound), repeated keys and deep nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=self._mark())
        self.depth += 1
        if self.depth > MAX_DEPTH:
            problem = f"it nests deeper than {MAX_DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self._mark())
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _mark(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _value in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key in seen or key == "<<":
                problem = f"the key {key!r} is repeated or not a plain word"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Mapping[str, object]:
    """Return the mapping in a YAML file; PackError for anything that is not a small, plain one."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise PackError(f"{path.name} cannot be read ({error.strerror}); check that the file is there.") from None
    if size > MAX_BYTES:
        raise PackError(f"{path.name} is larger than {MAX_BYTES // 1024} KiB; split the pack in two.")
    return parse_yaml(data, path.name)


def parse_yaml(data: bytes, name: str) -> Mapping[str, object]:
    """Return the mapping in YAML bytes; `name` is the file's name for the error."""
    if len(data) > MAX_BYTES:
        raise PackError(f"{name} is larger than {MAX_BYTES // 1024} KiB; split the pack in two.")
    try:
        raw = yaml.load(data.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader made stricter
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise PackError(f"{name} is not valid YAML{line} ({error.problem}); correct it there.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise PackError(f"{name} is not valid YAML ({type(error).__name__}); save it as plain UTF-8 text.") from None
    if not isinstance(raw, dict):
        raise PackError(f"{name} does not hold a mapping; start it with 'id:'.")
    return raw


class Fields:
    """Typed, closed access to one mapping of a pack; each error names the file and the control."""

    def __init__(self, raw: object, where: str, allowed: frozenset[str]) -> None:
        if not isinstance(raw, Mapping):
            raise PackError(f"{where} is not a mapping; write its fields as 'name: value'.")
        for key in raw:
            if key not in allowed:
                raise PackError(f"{where} has the unknown key {key!r}; use only {', '.join(sorted(allowed))}.")
        self.raw, self.where = raw, where

    def get(self, key: str) -> object:
        """Return a required field."""
        if self.raw.get(key) is None:
            raise PackError(f"{self.where} lacks '{key}'; add it.")
        return self.raw[key]

    def text(self, key: str) -> str:
        """Return a required text on one line."""
        value = self.get(key)
        if not isinstance(value, str) or not value.strip() or len(value) > 1000:
            raise PackError(f"{self.where} has {value!r} as '{key}'; write a text of at most 1000 characters.")
        return " ".join(value.split())

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of distinct texts; required and not empty unless there is a default."""
        if default is not None and key not in self.raw:
            return default
        value = self.get(key)
        if not isinstance(value, list) or any(not isinstance(item, str) or not item.strip() for item in value):
            raise PackError(f"{self.where} has {value!r} as '{key}'; write a list of texts.")
        if len(set(value)) != len(value) or (not value and default is None):
            raise PackError(f"{self.where} has an empty or repeating list as '{key}'; name each entry once.")
        return tuple(value)

    def choice(self, key: str, options: tuple[str, ...]) -> str:
        """Return a text out of a closed list."""
        value = self.get(key)
        if not isinstance(value, str) or value not in options:
            raise PackError(f"{self.where} has {value!r} as '{key}'; use one of: {'; '.join(options)}.")
        return value

    def flag(self, key: str) -> bool | None:
        """Return an optional true or false."""
        value = self.raw.get(key)
        if value is not None and not isinstance(value, bool):
            raise PackError(f"{self.where} has {value!r} as '{key}'; write true or false.")
        return value

    def day(self, key: str) -> date | None:
        """Return an optional date."""
        value = self.raw.get(key)
        if value is not None and (not isinstance(value, date) or isinstance(value, datetime)):
            raise PackError(f"{self.where} has {value!r} as '{key}'; write a date such as 2026-07-01.")
        return value

    def items(self, key: str) -> list[object]:
        """Return a required list of at least one entry."""
        value = self.get(key)
        if not isinstance(value, list) or not value:
            raise PackError(f"{self.where} has no list as '{key}'; write at least one entry.")
        return value
