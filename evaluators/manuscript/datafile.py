"""YAML files of this package and of its users, read without trust: small, plain, no alias, no repeated key."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from evaluators.base import EvaluatorError

MOST_BYTES = 256 * 1024
MOST_DEPTH = 30
Model = TypeVar("Model", bound="Plain")


class Plain(BaseModel):
    """The base of everything that is read from a file: closed, strict, immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True)
class Digest:
    """A file's name without its ending, and the digest (`sha256:<hex>`) of its bytes."""

    name: str
    digest: str


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses aliases (they can unfold without bound), repeated keys and deep nesting."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise _refused("aliases are not allowed", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise _refused(f"it nests deeper than {MOST_DEPTH} levels", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None or name in seen or name == "<<":
                raise _refused(f"the key {name!r} is repeated or no plain word", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def read(data: bytes, name: str, form: type[Model]) -> tuple[Model, Digest]:
    """Return the checked content of a YAML file and its digest; EvaluatorError names the place of what is wrong."""
    if len(data) > MOST_BYTES:
        raise EvaluatorError(f"{name} is larger than {MOST_BYTES >> 10} KiB; give a smaller file.")
    try:
        raw = yaml.load(data.decode("utf-8"), Loader=_StrictLoader)  # noqa: S506 - a SafeLoader made stricter
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise EvaluatorError(f"{name} is not valid YAML{line} ({error.problem}); correct it there.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise EvaluatorError(f"{name} is no YAML ({type(error).__name__}); save it as plain UTF-8 text.") from None
    try:
        content = form.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        said = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
        raise EvaluatorError(f"{name}: {place}: {said}; correct it there.") from None
    return content, Digest(name.rsplit(".", 1)[0], "sha256:" + hashlib.sha256(data).hexdigest())
