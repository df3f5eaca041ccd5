"""What a study's results file says, as rows to show: nothing is computed, each row names where its number stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.reports.study import Result, ResultGroup
from core.runners.scientist.protocol.measures import BINARY, CONTINUOUS

PROTOCOL, ELSEWHERE = "greenlight.study-results/1", "greenlight.run-results/1"
MOST_ROWS, MOST_OF_A_RUN, MOST_RUNS, DEEPEST = 16, 6, 8, 12
TITLES = {name: measure.title for name, measure in (*BINARY.items(), *CONTINUOUS.items())} | {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}
OPERATING = ("sensitivity", "specificity")


def result_groups(results: object) -> tuple[ResultGroup, ...]:
    """The results that answer the study's question, by the schema that the file names; else every number in it."""
    if not isinstance(results, Mapping):
        return ()
    readers = {PROTOCOL: _protocol, ELSEWHERE: _elsewhere}
    return tuple(readers.get(str(results.get("schema")), _recorded)(results))


def flow_sentences(results: object) -> tuple[str, ...]:
    """The way of the participants through the study; empty where the results do not tell."""
    flow = results.get("flow") if isinstance(results, Mapping) else None
    if not isinstance(flow, Mapping) or not isinstance(flow.get("assessed"), int):
        return ()
    told = [f"{flow['assessed']:,} rows were assessed."]
    told += [f"{row['rows']:,} were left out: {row['reason']}." for row in _tables(flow.get("excluded")) if _left(row)]
    if isinstance(flow.get("analysed"), int):
        patients = f" of {flow['patients']:,} patients" if isinstance(flow.get("patients"), int) else ""
        told.append(f"{flow['analysed']:,} rows{patients} were analysed.")
    return tuple(told)


def _left(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("rows"), int) and row["rows"] > 0 and "reason" in row


def _protocol(results: Mapping[str, Any]) -> Iterator[ResultGroup]:
    """The primary measure of every model, how models differ, the operating point, and the subgroups."""
    settings = _table(results.get("settings"))
    primary, models = str(settings.get("primary")), _table(results.get("models"))
    rows = [
        _estimate(_table(_table(_table(model).get("performance")).get(primary)), _titled(model, name), primary, pointer)
        for name, model in models.items()
        for pointer in [f"/models/{name}/performance/{primary}"]
    ]
    baseline = _table(_table(_table(results.get("baseline")).get("performance")).get(primary))
    if baseline:
        place = f"/baseline/performance/{primary}"
        rows.append(_estimate(baseline, "The same prediction for everybody", primary, place))
    yield from _group(f"Primary measure: {_measure(primary)}", rows)
    yield from _group("How the models differ", list(_comparisons(results, models)))
    yield from _group(_threshold(settings), list(_operating(models)))
    yield from _group("Subgroups", list(_subgroups(results, models, primary)))


def _comparisons(results: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[Result]:
    for number, row in enumerate(_tables(results.get("comparisons"))):
        one, other = (_titled(models.get(str(row.get(key))), row.get(key)) for key in ("model", "against"))
        name = str(row.get("measure"))
        yield _estimate(row, f"{one} less {other[:1].lower()}{other[1:]}", name, f"/comparisons/{number}")


def _operating(models: Mapping[str, Any]) -> Iterator[Result]:
    for name, model in models.items():
        point = _table(_table(model).get("operating_point"))
        for measure in OPERATING:
            if found := _table(point.get(measure)):
                yield _estimate(found, _titled(model, name), measure, f"/models/{name}/operating_point/{measure}")


def _threshold(settings: Mapping[str, Any]) -> str:
    share = settings.get("threshold")
    return f"Where a risk of {share:g} or more counts as positive" if _number(share) else "At the operating point"


def _subgroups(results: Mapping[str, Any], models: Mapping[str, Any], primary: str) -> Iterator[Result]:
    for number, row in enumerate(_tables(results.get("subgroups"))):
        found = _table(_table(row.get("performance")).get(primary))
        model = row.get("model")
        of = f" ({_titled(models.get(model), model)})" if model else ""
        reason = row.get("reason") or "it was not computed for this subgroup"
        content = found or {"n": row.get("rows"), "reason": reason}
        yield _estimate(content, f"{row.get('name')}{of}", primary, f"/subgroups/{number}/performance/{primary}")


def _estimate(found: Mapping[str, Any], what: str, measure: str, pointer: str) -> Result:
    value, low, high = (_float(found.get(key)) for key in ("estimate", "low", "high"))
    level, method = found.get("level"), found.get("method")
    how = f"{level:.0%} {method}" if _number(level) and method else None
    count = found.get("n")
    return Result(
        what=what,
        measure=_measure(measure),
        value=value,
        pointer=pointer,
        low=low,
        high=high,
        how=how if low is not None else None,
        count=count if isinstance(count, int) else None,
        reason=None if value is not None else str(found.get("reason") or "not recorded"),
    )


def _elsewhere(results: Mapping[str, Any]) -> Iterator[ResultGroup]:
    """The first numbers of each run that a study made elsewhere records."""
    for run, datasets in list(_table(results.get("runs")).items())[:MOST_RUNS]:
        rows = [
            _seeded(_table(found), str(dataset), str(metric), f"/runs/{run}/{dataset}/{metric}")
            for dataset, metrics in _table(datasets).items()
            for metric, found in _table(metrics).items()
        ]
        yield from _group(f"Recorded by the run: {run}", rows, MOST_OF_A_RUN)


def _seeded(found: Mapping[str, Any], dataset: str, metric: str, pointer: str) -> Result:
    """A mean with its standard error; or the only value that was recorded."""
    mean, error = _float(found.get("mean")), _float(found.get("stderr"))
    seeds = [_float(one) for one in found.get("seeds") or [] if isinstance(found.get("seeds"), list)]
    told = ["mean"] if mean is not None else []
    told += [f"standard error {error:.3g}"] if error is not None else []
    told += [f"{len(seeds)} values"] if len(seeds) > 1 else []
    value = mean if mean is not None else seeds[0] if len(seeds) == 1 else None
    reason = None if value is not None else "a mean was not recorded; the single values are in the results"
    return Result(dataset, _measure(metric), value, pointer, how=", ".join(told) or None, reason=reason)


def _recorded(results: Mapping[str, Any]) -> Iterator[ResultGroup]:
    """Every number of a results file without a known form, in its order; estimates with their intervals."""
    yield from _group("Recorded results", list(_walk(results, "", 0)))


def _walk(value: object, pointer: str, depth: int) -> Iterator[Result]:
    if depth > DEEPEST:
        return
    name = pointer.rpartition("/")[2]
    if isinstance(value, Mapping) and _number(value.get("estimate")):
        yield _estimate(value, _spoken(pointer), name, pointer)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{pointer}/{_escaped(key)}", depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _walk(inner, f"{pointer}/{number}", depth + 1)
    elif _number(value):
        yield Result(_spoken(pointer), _measure(name), _float(value), pointer)


def _group(title: str, rows: Sequence[Result], most: int = MOST_ROWS) -> Iterator[ResultGroup]:
    if rows:
        yield ResultGroup(title, tuple(rows[:most]), max(0, len(rows) - most))


def _spoken(pointer: str) -> str:
    """The tables above a number, as words."""
    return " / ".join(pointer.split("/")[1:-1]).replace("_", " ") or "the study"


def _escaped(key: object) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _titled(model: object, name: object) -> str:
    return str(_table(model).get("title") or name)


def _measure(name: str) -> str:
    return TITLES.get(name, name.replace("_", " "))


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: object) -> float | None:
    """A finite number, or None; whole numbers too large for a float are none that a report could show."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
