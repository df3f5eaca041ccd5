"""A `Manuscript` as JSON and back, for the way out of the child process that reads it."""

from __future__ import annotations

import base64
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from evaluators.manuscript.document import Box, Manuscript


def to_json(manuscript: Manuscript) -> dict[str, Any]:
    """The manuscript as plain JSON values; pictures in base64, empty fields left out."""
    plain: dict[str, Any] = _plain(manuscript)
    return plain


def from_json(data: Mapping[str, Any]) -> Manuscript:
    """The manuscript that `to_json` wrote."""
    made: Manuscript = _made(Manuscript, data)
    return made


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        told = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: _plain(item) for name, item in told if item not in (None, "", (), False)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def _made(kind: Any, value: Any) -> Any:
    """The value of the annotated type `kind`; what was left out is the type's empty value."""
    if get_origin(kind) in {Union, types.UnionType}:
        if value is None:
            return None
        kind = next(part for part in get_args(kind) if part is not type(None))
    if kind is Box:
        return Box(*value)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{n: _made(t, value[n]) if n in value else _empty(t) for n, t in _hints(kind).items()})
    if get_origin(kind) is tuple:
        return tuple(_made(get_args(kind)[0], item) for item in value)
    return base64.b64decode(value) if kind is bytes else kind(value) if kind in {float, int} else value


def _empty(kind: Any) -> Any:
    if get_origin(kind) in {Union, types.UnionType}:
        return None
    if get_origin(kind) is tuple:
        return ()
    return {str: "", bool: False, int: 0, float: 0.0}.get(kind)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
