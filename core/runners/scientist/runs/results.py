"""Recorded numbers in one form: run -> data set -> metric -> mean, standard error and the value of each seed.

Only what was recorded: a mean that nobody wrote down stays None, even where the seeds would give it. A single value
without statistics stands under `seeds`. Nested metrics are named by their path (`scores/consistency`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.runners.scientist.runs.reading import numbers

Metrics = dict[str, dict[str, Any]]
Runs = dict[str, dict[str, Metrics]]
UNNAMED, VALUE = "(unnamed)", "value"
MEANS, STDERRS, SEEDS = ("means", "mean"), ("stderrs", "stderr"), ("final_info_dict", "final_info_list")
STATISTICS = frozenset({*MEANS, *STDERRS, *SEEDS})


def datasets_of(content: object) -> dict[str, Metrics]:
    """The metrics in a `final_info.json` of whatever shape, by data set; those without one are `(unnamed)`."""
    if isinstance(content, list):
        return _kept({UNNAMED: _seeds(content)})
    if not isinstance(content, Mapping):
        return {}
    if _is_block(content):
        return _kept({UNNAMED: _block(content)})
    found: dict[str, Metrics] = {}
    loose = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            found[str(name)] = _block(value) if _is_block(value) else _seeds([value])
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            found[str(name)] = _seeds(value)
        else:
            loose[name] = value
    return _kept({**found, UNNAMED: _per_seed(loose)} if loose else found)


def per_seed(contents: Iterable[object]) -> Metrics:
    """The metrics of files that hold one seed each, in their order."""
    return _seeds(list(contents))


def single(value: float) -> dict[str, Any]:
    """One recorded value, of which it is not told whether it is a mean."""
    return {"mean": None, "stderr": None, "seeds": [value]}


def count(runs: Runs) -> int:
    """How many metrics of how many data sets and runs there are."""
    return sum(len(metrics) for datasets in runs.values() for metrics in datasets.values())


def _is_block(content: Mapping[str, object]) -> bool:
    return any(isinstance(content.get(key), Mapping | list) for key in STATISTICS)


def _kept(found: dict[str, Metrics]) -> dict[str, Metrics]:
    return {name: metrics for name, metrics in found.items() if metrics}


def _block(content: Mapping[str, Any]) -> Metrics:
    """Join means, standard errors and seeds of one data set under the metrics' own names."""
    found: Metrics = {}
    for key in SEEDS:
        value = content.get(key)
        found.update(_seeds(value) if isinstance(value, list) else _per_seed(value or {}))
    for keys, endings, place in ((MEANS, ("_mean",), "mean"), (STDERRS, ("_stderr",), "stderr")):
        for key in keys:
            for name, value in numbers(content.get(key)):
                metric = found.setdefault(_bare(name, endings), _empty())
                metric[place] = value
    return found


def _bare(name: str, endings: tuple[str, ...]) -> str:
    """A metric's own name: frameworks write `loss_mean` and `loss_stderr` for one `loss`; nested names stay."""
    head, slash, tail = name.partition("/")
    for ending in endings:
        head = head.removesuffix(ending) or head
    return f"{head}{slash}{tail}"


def _per_seed(content: Mapping[str, object]) -> Metrics:
    """Metrics whose values are lists over seeds (or single values, or tables of such)."""
    found: Metrics = {}
    for name, value in content.items() if isinstance(content, Mapping) else ():
        if isinstance(value, list):
            inner = _seeds(value)
            found.update({str(name) if key == VALUE else f"{name}/{key}": metric for key, metric in inner.items()})
        else:
            found.update({f"{name}/{key}" if key else str(name): single(one) for key, one in numbers(value)})
    return found


def _seeds(items: list[Any]) -> Metrics:
    """Metrics of a list with one table per seed; a seed that lacks a metric is None in its place."""
    tables = [dict(numbers(item)) for item in items]
    names = dict.fromkeys(name for table in tables for name in table)
    return {
        name or VALUE: {"mean": None, "stderr": None, "seeds": [table.get(name) for table in tables]} for name in names
    }


def _empty() -> dict[str, Any]:
    return {"mean": None, "stderr": None, "seeds": []}
