"""Who was analysed, and which checks the data passed."""

from __future__ import annotations

from typing import Any

from core.runners.scientist.protocol.wording import Parts, Teller, digits
from core.runners.scientist.writing import Block, Figure, Grid, See, fill, para, told, words

CHECKS = {
    "patient_overlap": "Patients on both sides",
    "duplicates": "Equal rows on both sides",
    "target_leakage": "Predictor that tells the outcome",
    "scaling_before_split": "Scaled before the split",
    "preparation": "Preparation inside the folds",
    "time": "Predictors after the outcome",
}
STATES = {"pass": "passed", "fail": "failed", "not_checked": "not checked"}
NOTHING: Parts = ("no value",)


def participants(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    """The flow and the characteristics of who was analysed."""
    lead = told(
        "Of {assessed} assessed, {analysed} were analysed, of {patients} ({flow}). {outcome} {gaps} {table} describes "
        "them.",
        assessed=t.count("/flow/assessed", "row", "rows"),
        analysed=t.r.num("/flow/analysed"),
        patients=t.count("/flow/patients", "patient", "patients"),
        flow=See("flow"),
        outcome=_outcome(t),
        gaps=_gaps(t),
        table=See("participants"),
    )
    flow = Figure("flow", _flow_caption(t), "figure_flow.png", pictures["flow"], "Flow of participants", 0.66)
    return lead, flow, _table(t)


def _outcome(t: Teller) -> Parts:
    if t.protocol.binary:
        events, share = t.r.num("/outcome/events"), t.r.percent("/outcome/share", 1)
        return fill("The event was recorded in {events} rows ({share} %).", events=events, share=share)
    mean, spread = (t.r.num(f"/outcome/{key}", t.unit) for key in ("mean", "sd"))
    return fill("The outcome has a mean of {mean} and a standard deviation of {spread}.", mean=mean, spread=spread)


def _gaps(t: Teller) -> Parts:
    if t.r.num("/missing/values").value == 0:
        return ("No value of a predictor is missing.",)
    return fill(
        "Missing are {values} of {predictors}, in {rows}.",
        values=t.count("/missing/values", "value", "values"),
        predictors=t.count("/missing/predictors", "predictor", "predictors"),
        rows=t.count("/missing/rows", "row", "rows"),
    )


def _flow_caption(t: Teller) -> Parts:
    steps: Any = t.r.get("/flow/excluded")
    places = [f"/flow/excluded/{number}" for number, step in enumerate(steps) if step["rows"]]
    if not places:
        return ("Flow of participants. Nobody was left out.",)
    left = [
        fill(" {rows} left out: {reason}.", rows=t.r.num(f"{place}/rows"), reason=t.r.quote(f"{place}/reason"))
        for place in places
    ]
    return ("Flow of participants.", *(part for parts in left for part in parts))


def _table(t: Teller) -> Grid:
    groups = {"all": "All"} | ({"event": "Event", "other": "No event"} if t.protocol.binary else {})
    found: Any = t.r.get("/participants")
    gaps = any(one["missing"] for one in found)
    rows: list[tuple[Parts, ...]] = []
    for number, one in enumerate(found):
        place = f"/participants/{number}"
        missing: list[Parts] = [(t.r.num(f"{place}/missing"),)] if gaps else []
        rows += [(*cells, *missing) for cells in _cells(t, one, place, list(groups))]
    head: list[Parts] = [("Predictor",), *((title,) for title in groups.values()), *([("Missing",)] if gaps else [])]
    note = ("Median (first to third quartile), or count (per cent of those with a value).",)
    return Grid("participants", ("Characteristics of the rows analysed.",), tuple(head), tuple(rows), note)


def _cells(t: Teller, one: Any, place: str, groups: list[str]) -> list[tuple[Parts, ...]]:
    """A numeric predictor as one row, a categorical one as a row for each level."""
    title = f" ({one['title']})" if one["title"] else ""
    unit = f", {one['unit']}" if one["unit"] else ""
    name = tuple(words(one["name"] + title + unit))
    if "groups" in one:
        decimals = _decimals(one["groups"]["all"])
        return [(name, *(_quartiles(t, f"{place}/groups/{key}", decimals) for key in groups))]
    return [
        ((*name, ": ", *words(level["level"])), *(_counted(t, f"{place}/levels/{k}/{key}") for key in groups))
        for k, level in enumerate(one["levels"])
    ]


def _decimals(spread: Any) -> int:
    """Decimals that show three digits of the largest quartile."""
    return digits(max((abs(spread[key]) for key in ("q1", "median", "q3") if spread[key] is not None), default=0.0))


def _quartiles(t: Teller, place: str, decimals: int) -> Parts:
    if not t.r.known(f"{place}/median"):
        return NOTHING
    median, q1, q3 = (t.r.num(f"{place}/{key}", decimals) for key in ("median", "q1", "q3"))
    return median, " (", q1, " to ", q3, ")"


def _counted(t: Teller, place: str) -> Parts:
    if not t.r.known(f"{place}/share"):
        return NOTHING
    return t.r.num(f"{place}/count"), " (", t.r.percent(f"{place}/share", 1), " %)"


def checks(t: Teller) -> tuple[Block, ...]:
    """The leakage checks as a table, and every deviation from the protocol."""
    rows = tuple(
        ((CHECKS[check.check],), (STATES[check.status],), t.r.quote(f"/leakage/{number}/detail"))
        for number, check in enumerate(t.study.leakage)
    )
    head = (("Check",), ("Result",), ("Evidence",))
    table = [Grid("leakage", ("Checks for leakage.",), head, rows, (), (3, 1.4, 6), 3)] if rows else []
    deviations = [
        told(
            "Deviation from the protocol: {what}; {why}.",
            what=t.r.quote(f"/deviations/{number}/what"),
            why=t.r.quote(f"/deviations/{number}/why"),
        )
        for number in range(len(t.study.deviations))
    ]
    return *table, *(deviations or [para("There was no deviation from the protocol.")])
