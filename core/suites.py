"""Suites of benchmarks as people write them: YAML, read within limits, with each case's protocol complete.

    schema: greenlight.suite/1
    name: smoke
    model: study-protocol@1
    modes: [reproduction, innovation, exploration]
    changes: {validation: {outer_folds: 2, inner_folds: 2}}
    tasks:
      - name: malignancy
        cases:
          - {name: all features, protocol: breast-cancer.yaml}
          - {name: two features, protocol: "example:breast-cancer", changes: {predictors: [mean radius, mean texture]}}

A protocol is a file beside the suite, or `example:NAME` of those that come with Greenlight. `changes` replace fields of
the protocol, mappings field by field: the suite's first, then the case's.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.canonical import canonical_json, file_sha256
from core.errors import InputError

EXAMPLE = "example:"
MOST_CELLS = 1000
Mode = Literal["reproduction", "innovation", "exploration"]
Line = Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True, pattern=r"^[^\n\r/\\]*$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Case(_Strict):
    name: Line
    protocol: str
    data: str | None = None
    changes: dict[str, object] = {}


class _Task(_Strict):
    name: Line
    cases: tuple[_Case, ...] = Field(min_length=1, max_length=200)


class _File(_Strict):
    schema_: Literal["greenlight.suite/1"] = Field(alias="schema")
    name: Line
    model: str
    runner: str = "protocol"
    seed: Annotated[int, Field(ge=0)] = 0
    parameters: dict[str, object] = {}
    modes: tuple[Mode, ...] = Field(default=("reproduction",), min_length=1)
    changes: dict[str, object] = {}
    tasks: tuple[_Task, ...] = Field(min_length=1, max_length=100)


@dataclass(frozen=True)
class Planned:
    """One case of a task: its whole protocol (YAML, as JSON), the modality of its data, and its data file if any."""

    task: str
    case: str
    protocol: bytes
    protocol_sha256: str
    modality: str
    data: Path | None
    data_sha256: str | None

    def to_json(self) -> dict[str, object]:
        """What decides the case's result."""
        return {
            "task": self.task,
            "case": self.case,
            "modality": self.modality,
            "protocol_sha256": self.protocol_sha256,
            "data_sha256": self.data_sha256,
        }


@dataclass(frozen=True)
class Suite:
    """A suite with every protocol read and checked."""

    name: str
    model: str
    runner: str
    seed: int
    parameters: Mapping[str, object]
    modes: tuple[str, ...]
    cases: tuple[Planned, ...]


def read_suite(path: Path) -> Suite:
    """Read a suite file and the protocols that it names; `InputError` says which field of which file is wrong."""
    from core.runners.scientist.protocol.reading import read

    if not path.is_file():
        raise InputError(f"there is no suite {path}", "check the path")
    raw, _lines = read(path.read_bytes(), path.name)
    try:
        suite = _File.model_validate_json(json.dumps(raw))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the suite"
        raise InputError(f"{path.name}: {field}: {first['msg']}", "correct the suite") from None
    cases = tuple(_planned(suite, path.parent))
    names = [(one.task, one.case) for one in cases]
    if len(set(names)) != len(names) or len(set(suite.modes)) != len(suite.modes):
        raise InputError(f"{path.name} names a case or a mode twice", "give each its own name")
    if len(cases) * len(suite.modes) > MOST_CELLS:
        raise InputError(f"{path.name} has more than {MOST_CELLS} cells", "split the suite in two")
    return Suite(suite.name, suite.model, suite.runner, suite.seed, suite.parameters, suite.modes, cases)


def _planned(suite: _File, folder: Path) -> Iterator[Planned]:
    from core.runners.scientist.protocol.schema import parse_protocol, read_protocol

    for task in suite.tasks:
        for case in task.cases:
            raw = read_protocol(_protocol(case.protocol, folder)).raw
            content = canonical_json(_changed(_changed(raw, suite.changes), case.changes))
            # JSON is YAML, so that what was changed is read like what was written.
            read = parse_protocol(content, f"{task.name}, {case.name}")
            data = folder / case.data if case.data else None
            if data is not None and not data.is_file():
                raise InputError(f"there is no data file {data}", "check the path")
            yield Planned(
                task.name,
                case.name,
                content,
                read.sha256,
                read.protocol.card.modality,
                data,
                file_sha256(data) if data else None,
            )


def _protocol(named: str, folder: Path) -> Path:
    if not named.startswith(EXAMPLE):
        return folder / named
    from core.runners.scientist import protocol

    examples = Path(protocol.__file__).parent / "examples"
    known = sorted(path.stem for path in examples.glob("*.yaml"))
    name = named.removeprefix(EXAMPLE)
    if name not in known:
        raise InputError(f"there is no example protocol '{name[:40]}'", f"use one of {', '.join(known)}")
    return examples / f"{name}.yaml"


def _changed(content: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """The content with fields replaced, mappings field by field."""
    result = copy.deepcopy(dict(content))
    for name, value in changes.items():
        old = result.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        result[name] = _changed(old, value) if both else value  # type: ignore[arg-type]
    return result
