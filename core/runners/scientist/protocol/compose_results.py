"""Results of the manuscript: who was analysed, how well each model predicts, for whom."""

from __future__ import annotations

from typing import Any

from core.runners.scientist.protocol.wording import Parts, Teller, digits
from core.runners.scientist.writing import Block, Figure, Grid, Paragraph, Section, See, para, words

CHECKS = {
    "patient_overlap": "Patients on both sides",
    "duplicates": "Equal rows on both sides",
    "target_leakage": "Predictor that tells the outcome",
    "scaling_before_split": "Scaled before the split",
    "preparation": "Preparation inside the folds",
    "time": "Predictors after the outcome",
}
STATES = {"pass": "passed", "fail": "failed", "not_checked": "not checked"}
SHARES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "positive_predictive_value": "Positive predictive value",
    "negative_predictive_value": "Negative predictive value",
}


def results(t: Teller, pictures: dict[str, bytes]) -> tuple[Section, ...]:
    """The results' sections; without performance when the study was stopped."""
    sections = [
        Section("Results", ()),
        Section("Participants", _participants(t, pictures), 2),
        Section("Checks for leakage and deviations", _checks(t), 2),
    ]
    if t.study.predictions is None:
        return (*sections, Section("The study was stopped", (_stopped(t),), 2))
    sections.append(Section("Performance", _performance(t, pictures), 2))
    sections.append(Section("Calibration", _calibration(t, pictures), 2))
    if t.protocol.binary:
        sections.append(Section("Decisions at the pre-specified threshold", _operating(t), 2))
    if "decision" in pictures:
        sections.append(Section("Decision curve", _decision(t, pictures), 2))
    if t.protocol.subgroups:
        sections.append(Section("Subgroups", _subgroups(t), 2))
    sections.append(Section("Model specification", _specification(t), 2))
    return tuple(sections)


def _stopped(t: Teller) -> Paragraph:
    return para("No model was fitted, as the stopping rule demands: ", *t.r.quote("/stopped"), ".")


def _participants(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    if t.protocol.binary:
        what: Parts = (
            "The event was recorded in ", t.r.num("/outcome/events"), " rows (", t.r.percent("/outcome/share", 1),
            " %).",
        )  # fmt: skip
    else:
        what = (
            "The outcome has a mean of ", t.r.num("/outcome/mean", t.unit), " and a standard deviation of ",
            t.r.num("/outcome/sd", t.unit), ".",
        )  # fmt: skip
    gaps: Parts = (
        ("No value of a predictor is missing.",)
        if t.r.num("/missing/values").value == 0
        else (
            *t.count("/missing/values", "value", "values"), " of ",
            *t.count("/missing/predictors", "predictor", "predictors"), " are missing, in ",
            *t.count("/missing/rows", "row", "rows"), ".",
        )
    )  # fmt: skip
    first = para(
        "Of ", *t.count("/flow/assessed", "row", "rows"), " assessed, ", t.r.num("/flow/analysed"), " of ",
        *t.count("/flow/patients", "patient", "patients"), " were analysed (", See("flow"), "). ", *what, " ", *gaps,
        " ", See("participants"), " describes them.",
    )  # fmt: skip
    flow = Figure("flow", _flow_caption(t), "figure_flow.png", pictures["flow"], "Flow of participants", 0.72)
    return first, flow, _participant_table(t)


def _flow_caption(t: Teller) -> Parts:
    parts: Parts = ("Flow of participants. ",)
    steps: Any = t.study.results["flow"]
    for number, step in enumerate(steps["excluded"]):
        if step["rows"]:
            place = f"/flow/excluded/{number}"
            parts = (*parts, t.r.num(f"{place}/rows"), " left out: ", *t.r.quote(f"{place}/reason"), ". ")
    return parts if len(parts) > 1 else (*parts, "Nobody was left out.")


def _participant_table(t: Teller) -> Grid:
    groups = [("all", "All")]
    if t.protocol.binary:
        groups += [("event", "Event"), ("other", "No event")]
    listed: Any = t.study.results["participants"]
    some_missing = any(one["missing"] for one in listed)
    rows = []
    for number, one in enumerate(listed):
        place = f"/participants/{number}"
        missing: tuple[Parts, ...] = ((t.r.num(f"{place}/missing"),),) if some_missing else ()
        unit = f", {one['unit']}" if one["unit"] else ""
        name = (*words(one["name"] + unit),)
        if "groups" in one:
            decimals = _decimals(one["groups"]["all"])
            cells = [_quartiles(t, f"{place}/groups/{key}", decimals) for key, _ in groups]
            rows.append((name, *cells, *missing))
            continue
        for k, level in enumerate(one["levels"]):
            cells = [_counted(t, f"{place}/levels/{k}/{key}") for key, _ in groups]
            rows.append(((*name, ": ", *words(level["level"])), *cells, *missing))
    head = (("Predictor",), *((title,) for _, title in groups), *((("Missing",),) if some_missing else ()))
    note = ("Median (first to third quartile), or count (per cent of those with a value).",)
    return Grid("participants", ("Characteristics of the rows analysed.",), head, tuple(rows), note)


def _decimals(spread: Any) -> int:
    """Decimals that show three digits of the third quartile."""
    return digits(max((abs(spread[key]) for key in ("q1", "median", "q3") if spread[key] is not None), default=0.0))


def _quartiles(t: Teller, place: str, decimals: int) -> Parts:
    if not t.r.known(f"{place}/median"):
        return ("no value",)
    median, q1, q3 = (t.r.num(f"{place}/{key}", decimals) for key in ("median", "q1", "q3"))
    return median, " (", q1, " to ", q3, ")"


def _counted(t: Teller, place: str) -> Parts:
    if not t.r.known(f"{place}/share"):
        return ("no value",)
    return t.r.num(f"{place}/count"), " (", t.r.percent(f"{place}/share", 1), " %)"


def _checks(t: Teller) -> tuple[Block, ...]:
    rows = tuple(
        ((CHECKS[check.check],), (STATES[check.status],), t.r.quote(f"/leakage/{number}/detail"))
        for number, check in enumerate(t.study.leakage)
    )
    blocks: list[Block] = []
    if rows:
        head = (("Check",), ("Result",), ("Evidence",))
        blocks.append(Grid("leakage", ("Checks for leakage.",), head, rows, (), (3, 1.4, 6), 3))
    if not t.study.deviations:
        return *blocks, para("There was no deviation from the protocol.")
    for number in range(len(t.study.deviations)):
        place = f"/deviations/{number}"
        what, why = t.r.quote(f"{place}/what"), t.r.quote(f"{place}/why")
        blocks.append(para("Deviation from the protocol: ", *what, "; ", *why, "."))
    return tuple(blocks)


def _performance(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    names = [plan.name for plan in t.protocol.models]
    primary = t.protocol.statistics.primary
    first = names[0]
    title = words(t.measures[primary].title)
    told = para(
        *title, " of ", *t.title(first), " was ",
        *t.estimate(f"/models/{first}/performance/{primary}", t.decimals(primary)), "; ", See("performance"),
        " holds all measures.", *_repetitions(t, first, primary),
    )  # fmt: skip
    head = (("Measure",), *(tuple(words(plan.title)) for plan in t.protocol.models), ("Baseline",))
    rows = tuple(_measure_row(t, name, names) for name in t.measures)
    note = ("Estimate (interval of level ", *t.level(), "), on predictions for rows that the model was not fitted "
    "on. A "
            "dash: the measure says nothing of a constant prediction.")  # fmt: skip
    table = Grid("performance", ("Performance in rows that the model was not fitted on.",), head, rows, note)
    roc: tuple[Block, ...] = ()
    if "roc" in pictures:
        caption = ("Receiver operating characteristic of each model, with the area under its curve.",)
        roc = (Figure("roc", caption, "figure_roc.png", pictures["roc"], "ROC curves of the models", 0.6),)
    if "agreement" in pictures:
        caption = ("Observed against predicted outcome of the primary model; the dotted line is perfect agreement.",)
        roc = (
            Figure("agreement", caption, "figure_agreement.png", pictures["agreement"], "Observed and predicted", 0.6),
        )
    return told, table, *_comparisons(t), *roc


def _measure_row(t: Teller, name: str, models: list[str]) -> tuple[Parts, ...]:
    decimals = t.decimals(name)
    cells = [t.estimate(f"/models/{model}/performance/{name}", decimals, bare=True) for model in models]
    place = f"/baseline/performance/{name}"
    baseline = t.estimate(place, decimals, bare=True) if t.measures[name].baseline else ("–",)
    return tuple(words(t.measures[name].title)), *cells, baseline


def _repetitions(t: Teller, name: str, primary: str) -> Parts:
    if t.protocol.validation.repeats < 2:
        return ()
    low, high = (t.r.num(f"/models/{name}/by_repetition/{end}", t.decimals(primary)) for end in ("lowest", "highest"))
    return " Over the repetitions of the division it lay between ", low, " and ", high, "."


def _comparisons(t: Teller) -> tuple[Block, ...]:
    compared: Any = t.study.results["comparisons"]
    blocks: list[Block] = []
    decimals = t.decimals(t.protocol.statistics.primary)
    for number, one in enumerate(compared):
        place = f"/comparisons/{number}"
        if one["low"] is None:
            verdict = "No interval is available"
        elif one["low"] <= 0 <= one["high"]:
            verdict = "The interval includes no difference"
        else:
            verdict = "The interval excludes no difference"
        blocks.append(
            para(
                "Compared with ", *t.title(one["against"]), ", ", *t.title(one["model"]), " had a primary measure that "
                "differed by ", *t.estimate(place, decimals), f". {verdict}.",
            )
        )  # fmt: skip
    return tuple(blocks)


def _calibration(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    first = t.protocol.models[0].name
    place = f"/models/{first}/performance"
    large = "calibration_intercept" if t.protocol.binary else "mean_error"
    told = para(
        "Of ", *t.title(first), ", the calibration slope was ", *t.estimate(f"{place}/calibration_slope", 2),
        ", where one is ideal and less means predictions that are too extreme; calibration in the large was ",
        *t.estimate(f"{place}/{large}", t.decimals(large)), ", where zero is ideal (", See("calibration"), ").",
    )  # fmt: skip
    caption = (
        "Calibration: observed outcome in groups of rows by rising prediction, with intervals for the primary model; "
        "the "
        "dotted line is perfect calibration. Below, the distribution of the primary model's predictions.",
    )
    figure = Figure(
        "calibration", caption, "figure_calibration.png", pictures["calibration"], "Calibration of the models", 0.6
    )
    return told, figure


def _operating(t: Teller) -> tuple[Block, ...]:
    names = [plan.name for plan in t.protocol.models]
    head = (("At the threshold",), *(tuple(words(plan.title)) for plan in t.protocol.models))
    counts = [("true_positives", "True positives"), ("false_positives", "False positives"),
              ("false_negatives", "False negatives"), ("true_negatives", "True negatives")]  # fmt: skip
    rows: list[tuple[Parts, ...]] = [
        ((title,), *((t.r.num(f"/models/{name}/operating_point/{key}"),) for name in names)) for key, title in counts
    ]
    rows += [
        ((title,), *(t.estimate(f"/models/{name}/operating_point/{key}", 3, bare=True) for name in names))
        for key, title in SHARES.items()
    ]
    place = f"/models/{names[0]}/operating_point"
    told = para(
        "At a risk of ", t.r.exact(f"{place}/threshold"), ", ", *t.title(names[0]), " missed ",
        t.r.num(f"{place}/false_negatives"), " of ", t.r.num("/outcome/events"), " events and raised ",
        t.r.num(f"{place}/false_positives"), " false alarms (", See("operating"), ").",
    )  # fmt: skip
    caption = ("Decisions at the pre-specified threshold.",)
    return told, Grid("operating", caption, head, tuple(rows))


def _decision(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    first = t.protocol.models[0].name
    curve: Any = t.study.results["models"][first]["decision_curve"]  # type: ignore[index]
    everyone: Any = t.study.results["baseline"]["treat_all"]  # type: ignore[index]
    better = sum(one["estimate"] > max(other["estimate"], 0.0) for one, other in zip(curve, everyone, strict=True))
    where = "every" if better == len(curve) else ("no" if better == 0 else "not every")
    caption = ("Decision curve: net benefit over risk thresholds, against counting everybody or nobody as positive.",)
    figure = Figure("decision", caption, "figure_decision.png", pictures["decision"], "Decision curves", 0.66)
    head = (("Threshold",), tuple(t.title(first)), ("Everybody",))
    rows = tuple(
        (
            (t.r.exact(f"/models/{first}/decision_curve/{k}/threshold"),),
            t.estimate(f"/models/{first}/decision_curve/{k}", 3, bare=True),
            t.estimate(f"/baseline/treat_all/{k}", 3, bare=True),
        )
        for k in range(len(curve))
    )
    table = Grid("net_benefit", ("Net benefit at each threshold.",), head, rows)
    told = para(
        "At ", where, " threshold examined, the net benefit of ", *t.title(first), " was above that of counting "
        "everybody "
        "or nobody as positive (", See("decision"), ", ", See("net_benefit"), ").",
    )  # fmt: skip
    return told, figure, table


def _subgroups(t: Teller) -> tuple[Block, ...]:
    found: Any = t.study.results["subgroups"]
    primary = t.protocol.statistics.primary
    titles = [("Subgroup",), ("Rows",), *([("Events",)] if t.protocol.binary else [])]
    head = (*titles, tuple(words(t.measures[primary].title)), ("Calibration slope",), ("Observed",), ("Predicted",))
    rows = tuple(_subgroup(t, number, primary) for number in range(len(found)))
    note = ("Of the primary model. Observed and predicted are means. Subgroups were not compared by a test.",)
    return (
        para("Performance in the pre-specified subgroups is in ", See("subgroups"), "."),
        Grid("subgroups", ("Performance in subgroups.",), head, rows, note),
    )


def _subgroup(t: Teller, number: int, primary: str) -> tuple[Parts, ...]:
    place = f"/subgroups/{number}"
    decimals = 3 if t.protocol.binary else t.unit
    counts: list[Parts] = [(t.r.num(f"{place}/rows"),)]
    counts += [(t.r.num(f"{place}/events"),)] if t.protocol.binary else []
    means: list[Parts] = [
        (t.r.num(f"{place}/{key}", decimals),) if t.r.known(f"{place}/{key}") else ("–",)
        for key in ("observed", "predicted")
    ]
    measured = [
        t.estimate(f"{place}/performance/{name}", t.decimals(name), bare=True)
        for name in (primary, "calibration_slope")
    ]
    return tuple(t.r.quote(f"{place}/name")), *counts, *measured, *means


def _specification(t: Teller) -> tuple[Block, ...]:
    blocks: list[Block] = []
    for plan in t.protocol.models:
        blocks.append(
            para(*words(plan.title), ", fitted on everybody, has these settings: ", *t.settings(plan.name), ".")
        )
    first = t.protocol.models[0].name
    place = f"/models/{first}/specification"
    if t.r.known(f"{place}/intercept"):
        listed: Any = t.r.get(f"{place}/coefficients")
        rows = [
            (tuple(words(one["column"])), (t.r.num(f"{place}/coefficients/{k}/value", _fine(one["value"])),))
            for k, one in enumerate(listed)
        ]
        intercept: tuple[Parts, Parts] = (("Intercept",), (t.r.num(f"{place}/intercept", 4),))
        scale = "on the scale of log odds" if t.protocol.binary else "in the outcome's unit"
        caption = (f"The primary model fitted on everybody, {scale}, per unit of each predictor.",)
        blocks.append(Grid("coefficients", caption, (("Term",), ("Coefficient",)), (intercept, *rows)))
    return tuple(blocks)


def _fine(value: float) -> int:
    return min(12, digits(value) + 1) if abs(value) >= 1e-4 else 8
