"""Reading a protocol's YAML without trusting it: bounded, no aliases, no repeated keys, no objects, lines remembered.

Only null, true, false, whole numbers, decimals and text exist; `no` and dates are text, as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from core.errors import InputError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 20_000
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,15})\Z")
DECIMAL = re.compile(r"[-+]?([0-9]{1,16}\.[0-9]{0,20}|[0-9]{1,16}(\.[0-9]{0,20})?[eE][-+]?[0-9]{1,2})\Z")
WORDS: dict[str, object] = {"null": None, "~": None, "": None, "true": True, "false": False}
KINDS = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in KINDS)
"""What a plain node resolves to by itself; an object's tag is none of them."""

Path = tuple[str | int, ...]
Lines = dict[Path, int]


class Limited(yaml.SafeLoader):
    """A loader that composes nodes within limits; it constructs no objects."""

    nodes = depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node; aliases, depth and number are refused where they pass the limit."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=mark)
        self.nodes += 1
        self.depth += 1
        if self.depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise yaml.MarkedYAMLError(problem="it nests too deep or holds too much", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read(data: bytes, name: str = "protocol.yaml") -> tuple[dict[str, object], Lines]:
    """Return the mapping in YAML bytes and the line (from 1) of each of its fields; `InputError` for anything else."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name} is larger than {MAX_BYTES // 1024} KiB", "shorten its texts")
    lines: Lines = {}
    try:
        node = Limited(data.decode("utf-8")).get_single_node()
        raw = _plain(node, (), lines) if node is not None else None
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{name} is not valid YAML{line} ({error.problem})", "correct it there") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        what = f"{name} is not valid YAML ({type(error).__name__})"
        raise InputError(what, "save it as plain UTF-8 text") from None
    if not isinstance(raw, dict):
        raise InputError(f"{name} holds no mapping", "write its fields as 'name: value'")
    return raw, lines


def _plain(node: yaml.Node, path: Path, lines: Lines) -> object:
    lines[path] = node.start_mark.line + 1
    if node.tag not in TAGS:
        raise yaml.MarkedYAMLError(problem=f"the tag {node.tag} is not allowed", problem_mark=node.start_mark)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, number), lines) for number, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - the third and last kind of node
    return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: Lines) -> dict[str, object]:
    found: dict[str, object] = {}
    for key_node, value in node.value:
        key: Hashable = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str) or key in found or key == "<<":
            problem = f"the key {key!r} is repeated or not a plain word"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key_node.start_mark)
        found[key] = _plain(value, (*path, key), lines)
    return found


def _scalar(node: yaml.ScalarNode) -> object:
    text = str(node.value)
    if node.style is not None:
        return text
    if text in WORDS:
        return WORDS[text]
    if INTEGER.match(text):
        return int(text)
    return float(text) if DECIMAL.match(text) else text
