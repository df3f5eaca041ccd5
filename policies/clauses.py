"""The closed grammar of clauses: which operators exist and what each may say.

A clause in YAML is a mapping with one operator and, if wanted, `otherwise`: the plain sentence to tell a
reader when the clause is false. Nothing here evaluates; `operators.py` does.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from policies.digests import plain
from policies.errors import PackError
from policies.scope import expand

PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)*")
NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_TEXT = 600


@dataclass(frozen=True)
class Form:
    """What an operator takes. `sole` is the argument meant when it is given a bare value.

    Exactly one of `one_of` is required, when there are any.
    """

    required: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    sole: str | None = None


FORMS: Mapping[str, Form] = {
    "always": Form({"holds": "flag"}, sole="holds"),
    "all": Form({"of": "clauses"}, sole="of"),
    "any": Form({"of": "clauses"}, sole="of"),
    "not": Form({"of": "clause"}, sole="of"),
    "exists": Form({"path": "path"}, sole="path"),
    "recorded": Form({"path": "path"}, sole="path"),
    "taken": Form({"name": "name"}, sole="name"),
    "eq": Form({"path": "path"}, {"value": "scalar", "other": "path"}, one_of=("value", "other")),
    "in": Form({"path": "path"}, {"values": "scalars", "among": "path"}, one_of=("values", "among")),
    "gte": Form({"path": "path"}, {"value": "number", "other": "path"}, one_of=("value", "other")),
    "lte": Form({"path": "path"}, {"value": "number", "other": "path"}, one_of=("value", "other")),
    "before": Form({"path": "path", "than": "path"}, {"at_least_hours": "number", "at_most_minutes": "number"}),
    "within_window": Form({"path": "path", "from": "path", "to": "path"}),
    "subset": Form({"path": "path"}, {"values": "scalars", "of": "path"}, one_of=("values", "of")),
    "attested_by": Form({"kind": "name"}, {"roles": "scalars"}),
    "paid_at_least": Form(
        {"path": "path"}, {"amount": "number", "currency": "text", "other": "path"}, one_of=("amount", "other")
    ),
    "every": Form({"of": "path", "as": "name", "holds": "clause"}, {"where": "clause"}),
    "some": Form({"of": "path", "as": "name", "holds": "clause"}, {"where": "clause"}),
    "measured": Form(
        {"name": "name"},
        {
            "at_least": "number",
            "at_most": "number",
            "between": "range",
            "conservative": "flag",
            "unit": "text",
        },
        one_of=("at_least", "at_most", "between"),
    ),
}
IMPLIED_PATHS = {"attested_by": ("attestations", "at"), "taken": ("measurements",)}


@dataclass(frozen=True)
class Clause:
    """One operator with its checked arguments; `otherwise` is what to tell a reader when it is false."""

    op: str
    args: Mapping[str, object]
    otherwise: str | None = None

    def text(self, key: str) -> str:
        """Return a textual argument."""
        return cast(str, self.args[key])

    def number(self, key: str) -> float:
        """Return a numeric argument."""
        return cast(float, self.args[key])

    def sub(self, key: str) -> Clause:
        """Return the one clause below `key`."""
        return cast(Clause, self.args[key])

    @property
    def parts(self) -> tuple[Clause, ...]:
        """The clauses directly below, in order."""
        found: list[Clause] = []
        for value in self.args.values():
            if isinstance(value, Clause):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(item for item in value if isinstance(item, Clause))
        return tuple(found)

    def to_json(self) -> dict[str, object]:
        """The clause in its full form, without the sentence for readers: what it decides."""
        return {self.op: {key: _json(value) for key, value in self.args.items()}}


def _json(value: object) -> object:
    if isinstance(value, Clause):
        return value.to_json()
    return [_json(item) for item in value] if isinstance(value, tuple) else plain(value)


def parse_clause(raw: object, where: str, bound: frozenset[str] = frozenset()) -> Clause:
    """Read one clause; a PackError says `where` it stands and what to write instead."""
    if not isinstance(raw, Mapping):
        raise PackError(f"{where} is not a clause; write one operator, such as 'exists: persons.list'.")
    operators = [key for key in raw if key != "otherwise"]
    if len(operators) != 1 or operators[0] not in FORMS:
        named = ", ".join(str(key) for key in operators) or "none"
        raise PackError(f"{where} needs exactly one operator and names {named}; use one of {', '.join(FORMS)}.")
    op = operators[0]
    otherwise = raw.get("otherwise")
    if otherwise is not None:
        otherwise = _text(otherwise, f"{where}.otherwise")
    return Clause(op, _arguments(op, raw[op], f"{where}.{op}", bound), otherwise)


def _arguments(op: str, raw: object, where: str, bound: frozenset[str]) -> dict[str, object]:
    form = FORMS[op]
    if form.sole is not None and not (isinstance(raw, Mapping) and set(raw) == {form.sole}):
        raw = {form.sole: raw}
    kinds = {**form.required, **form.optional}
    if not isinstance(raw, Mapping):
        raise PackError(f"{where} needs {', '.join(form.required)}; write them as a mapping.")
    _check_keys(raw, form, kinds, where)
    if op in ("every", "some"):
        name = _name(raw["as"], f"{where}.as")
        if name in bound:
            raise PackError(f"{where} binds '{name}' a second time; choose another name.")
        inner = bound | {name}
    else:
        inner = bound
    return {key: READERS[kinds[key]](raw[key], f"{where}.{key}", inner) for key in kinds if key in raw}


def _check_keys(raw: Mapping[object, object], form: Form, kinds: Mapping[str, str], where: str) -> None:
    for key in raw:
        if key not in kinds:
            raise PackError(f"{where} has the unknown key {key!r}; use only {', '.join(kinds)}.")
    for key in form.required:
        if key not in raw:
            raise PackError(f"{where} lacks '{key}'; add it.")
    if form.one_of and sum(key in raw for key in form.one_of) != 1:
        raise PackError(f"{where} needs exactly one of {', '.join(form.one_of)}; keep one.")


def _name(raw: object, where: str, _bound: frozenset[str] = frozenset()) -> str:
    if not isinstance(raw, str) or not NAME.fullmatch(raw):
        raise PackError(f"{where} is {raw!r}; write a name of lower-case letters, digits and underscores.")
    return raw


def _path(raw: object, where: str, _bound: frozenset[str]) -> str:
    if not isinstance(raw, str) or not PATH.fullmatch(raw):
        raise PackError(f"{where} is {raw!r}; write the path of a fact, such as 'project.final_deliverable'.")
    return raw


def _text(raw: object, where: str, _bound: frozenset[str] = frozenset()) -> str:
    if not isinstance(raw, str) or not raw.strip() or len(raw) > MAX_TEXT:
        raise PackError(f"{where} is not a sentence; write one of at most {MAX_TEXT} characters.")
    return " ".join(raw.split())


def _flag(raw: object, where: str, _bound: frozenset[str]) -> bool:
    if not isinstance(raw, bool):
        raise PackError(f"{where} is {raw!r}; write true or false.")
    return raw


def _number(raw: object, where: str, _bound: frozenset[str]) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not math.isfinite(raw):
        raise PackError(f"{where} is {raw!r}; write a number.")
    return raw


def _range(raw: object, where: str, bound: frozenset[str]) -> tuple[float, ...]:
    if not isinstance(raw, list) or len(raw) != 2:
        raise PackError(f"{where} is {raw!r}; write the two ends, such as [0.8, 1.2].")
    low, high = (_number(item, where, bound) for item in raw)
    if low > high:
        raise PackError(f"{where} runs backwards; write the lower end first.")
    return (low, high)


def _scalar(raw: object, where: str, _bound: frozenset[str]) -> object:
    value = plain(raw) if not isinstance(raw, bytes) else raw
    if not isinstance(value, str | bool | int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise PackError(f"{where} is {raw!r}; write one word, number, true or false.")
    return value


def _scalars(raw: object, where: str, bound: frozenset[str]) -> tuple[object, ...]:
    if not isinstance(raw, list) or not raw:
        raise PackError(f"{where} is {raw!r}; write a list of at least one value.")
    return tuple(_scalar(item, where, bound) for item in raw)


def _clauses(raw: object, where: str, bound: frozenset[str]) -> tuple[Clause, ...]:
    if not isinstance(raw, list) or not raw:
        raise PackError(f"{where} needs a list of at least one clause; add one.")
    return tuple(parse_clause(item, f"{where}[{index + 1}]", bound) for index, item in enumerate(raw))


READERS: Mapping[str, Callable[[object, str, frozenset[str]], object]] = {
    "clause": parse_clause,
    "clauses": _clauses,
    "flag": _flag,
    "name": _name,
    "number": _number,
    "path": _path,
    "range": _range,
    "scalar": _scalar,
    "scalars": _scalars,
    "text": _text,
}


def paths(clause: Clause, origins: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield every fact path that the clause may read, list entries written `[]`."""
    origins = dict(origins or {})
    if clause.op in ("measured", "taken"):
        yield f"measurements.{clause.text('name')}"
    yield from IMPLIED_PATHS.get(clause.op, ())
    kinds = {**FORMS[clause.op].required, **FORMS[clause.op].optional}
    for key, value in clause.args.items():
        if kinds[key] == "path":
            yield expand(cast(str, value), origins)
    if clause.op in ("every", "some"):
        origins[clause.text("as")] = f"{expand(clause.text('of'), origins)}[]"
    for part in clause.parts:
        yield from paths(part, origins)


def bindings(clause: Clause) -> Iterator[str]:
    """Yield every name that a quantifier in the clause binds."""
    if clause.op in ("every", "some"):
        yield clause.text("as")
    for part in clause.parts:
        yield from bindings(part)
