"""Results of the manuscript: how well each model predicts, for whom, and what the model is."""

from __future__ import annotations

from typing import Any

from core.runners.scientist.protocol.compose_participants import checks, participants
from core.runners.scientist.protocol.wording import Parts, Teller, digits, number_at
from core.runners.scientist.writing import Block, Figure, Grid, Section, See, fill, para, told, words

COUNTS = {
    "true_positives": "True positives",
    "false_positives": "False positives",
    "false_negatives": "False negatives",
    "true_negatives": "True negatives",
}
SHARES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "positive_predictive_value": "Positive predictive value",
    "negative_predictive_value": "Negative predictive value",
}
DASH: Parts = ("–",)


def results(t: Teller, pictures: dict[str, bytes]) -> tuple[Section, ...]:
    """The results' sections; without performance when the study was stopped."""
    sections = [
        Section("Results", ()),
        Section("Participants", participants(t, pictures), 2),
        Section("Checks for leakage and deviations", checks(t), 2),
    ]
    if t.study.predictions is None:
        stopped = told("No model was fitted, as the stopping rule demands: {why}.", why=t.r.quote("/stopped"))
        return (*sections, Section("The study was stopped", (stopped,), 2))
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


def _performance(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    primary, first = t.protocol.statistics.primary, t.protocol.models[0].name
    lead = told(
        "{measure} of {model} was {estimate}; {table} holds all measures.{repetitions}",
        measure=tuple(words(t.measures[primary].title)),
        model=t.title(first),
        estimate=t.estimate(f"/models/{first}/performance/{primary}", t.decimals(primary)),
        table=See("performance"),
        repetitions=_repetitions(t, first, primary),
    )
    curves: list[Block] = []
    if "roc" in pictures:
        caption = ("Receiver operating characteristic of each model, with the area under its curve.",)
        curves.append(Figure("roc", caption, "figure_roc.png", pictures["roc"], "ROC curves of the models", 0.56))
    if "agreement" in pictures:
        caption = ("Observed against predicted outcome of the primary model; the dotted line is perfect agreement.",)
        picture = pictures["agreement"]
        curves.append(Figure("agreement", caption, "figure_agreement.png", picture, "Observed and predicted", 0.56))
    return lead, _performance_table(t), *_comparisons(t), *curves


def _performance_table(t: Teller) -> Grid:
    head = (("Measure",), *(tuple(words(plan.title)) for plan in t.protocol.models), ("Baseline",))
    note = fill(
        "Estimate (interval of level {level}), on predictions for rows that the model was not fitted on. A dash: "
        "the measure says nothing of a constant prediction.",
        level=t.level(),
    )
    rows = tuple(_measure_row(t, name) for name in t.measures)
    return Grid("performance", ("Performance in rows that the model was not fitted on.",), head, rows, note)


def _measure_row(t: Teller, name: str) -> tuple[Parts, ...]:
    decimals = t.decimals(name)
    cells = [t.estimate(f"/models/{plan.name}/performance/{name}", decimals, bare=True) for plan in t.protocol.models]
    constant = t.measures[name].baseline
    baseline = t.estimate(f"/baseline/performance/{name}", decimals, bare=True) if constant else DASH
    return tuple(words(t.measures[name].title)), *cells, baseline


def _repetitions(t: Teller, name: str, primary: str) -> Parts:
    if t.protocol.validation.repeats == 1:
        return ()
    low, high = (t.r.num(f"/models/{name}/by_repetition/{end}", t.decimals(primary)) for end in ("lowest", "highest"))
    return fill(" Over the repetitions of the division it lay between {low} and {high}.", low=low, high=high)


def _comparisons(t: Teller) -> tuple[Block, ...]:
    compared: Any = t.study.results["comparisons"]
    decimals = t.decimals(t.protocol.statistics.primary)
    return tuple(
        told(
            "Compared with {against}, {model} had a primary measure that differed by {difference}. {verdict}.",
            against=t.title(one["against"]),
            model=t.title(one["model"]),
            difference=t.estimate(f"/comparisons/{number}", decimals),
            verdict=_verdict(one["low"], one["high"]),
        )
        for number, one in enumerate(compared)
    )


def _verdict(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "No interval is available"
    return "The interval includes zero" if low <= 0 <= high else "The interval leaves out zero"


def _calibration(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    first = t.protocol.models[0].name
    place = f"/models/{first}/performance"
    large = "calibration_intercept" if t.protocol.binary else "mean_error"
    lead = told(
        "The calibration slope of {model} was {slope}, where one is ideal and less means predictions that are too "
        "extreme; calibration in the large was {large}, where zero is ideal ({figure}).",
        model=t.title(first),
        slope=t.estimate(f"{place}/calibration_slope", 2),
        large=t.estimate(f"{place}/{large}", t.decimals(large)),
        figure=See("calibration"),
    )
    caption = (
        "Calibration: observed outcome in groups of rows by rising prediction, with intervals for the primary "
        "model; the dotted line is perfect calibration. Below, the distribution of the primary model's predictions.",
    )
    file, picture = "figure_calibration.png", pictures["calibration"]
    return lead, Figure("calibration", caption, file, picture, "Calibration of the models", 0.56)


def _operating(t: Teller) -> tuple[Block, ...]:
    names = [plan.name for plan in t.protocol.models]
    places = [f"/models/{name}/operating_point" for name in names]
    head = (("At the threshold",), *(tuple(words(plan.title)) for plan in t.protocol.models))
    rows: list[tuple[Parts, ...]] = [
        ((title,), *((t.r.num(f"{place}/{key}"),) for place in places)) for key, title in COUNTS.items()
    ]
    rows += [
        ((title,), *(t.estimate(f"{place}/{key}", 3, bare=True) for place in places)) for key, title in SHARES.items()
    ]
    lead = told(
        "At a risk of {threshold}, {model} missed {missed} of {events} events and raised {alarms} ({table}).",
        threshold=t.r.exact(f"{places[0]}/threshold"),
        model=t.title(names[0]),
        missed=t.r.num(f"{places[0]}/false_negatives"),
        events=t.r.num("/outcome/events"),
        alarms=t.count(f"{places[0]}/false_positives", "false alarm", "false alarms"),
        table=See("operating"),
    )
    return lead, Grid("operating", ("Decisions at the pre-specified threshold.",), head, tuple(rows))


def _decision(t: Teller, pictures: dict[str, bytes]) -> tuple[Block, ...]:
    first = t.protocol.models[0].name
    curve: Any = t.r.get(f"/models/{first}/decision_curve")
    everyone: Any = t.r.get("/baseline/treat_all")
    better = sum(one["estimate"] > max(other["estimate"], 0.0) for one, other in zip(curve, everyone, strict=True))
    lead = told(
        "At {where} threshold examined, the net benefit of {model} was above that of counting everybody or nobody "
        "as positive ({figure}, {table}).",
        where="every" if better == len(curve) else "not every" if better else "no",
        model=t.title(first),
        figure=See("decision"),
        table=See("net_benefit"),
    )
    caption = ("Decision curve: net benefit over risk thresholds, against counting everybody or nobody as positive.",)
    figure = Figure("decision", caption, "figure_decision.png", pictures["decision"], "Decision curves", 0.62)
    head = (("Threshold",), tuple(words(t.protocol.models[0].title)), ("Everybody",))
    rows = tuple(
        (
            (t.r.exact(f"/models/{first}/decision_curve/{k}/threshold"),),
            t.estimate(f"/models/{first}/decision_curve/{k}", 3, bare=True),
            t.estimate(f"/baseline/treat_all/{k}", 3, bare=True),
        )
        for k in range(len(curve))
    )
    return lead, figure, Grid("net_benefit", ("Net benefit at each threshold.",), head, rows)


def _subgroups(t: Teller) -> tuple[Block, ...]:
    primary = t.protocol.statistics.primary
    measured = tuple(words(t.measures[primary].title))
    events = [("Events",)] if t.protocol.binary else []
    head = (("Subgroup",), ("Rows",), *events, measured, ("Calibration slope",), ("Observed",), ("Predicted",))
    rows = tuple(_subgroup(t, number, primary) for number in range(len(t.protocol.subgroups)))
    note = ("Of the primary model. Observed and predicted are means. Subgroups were not compared by a test.",)
    return (
        told("Performance in the pre-specified subgroups is in {table}.", table=See("subgroups")),
        Grid("subgroups", ("Performance in subgroups.",), head, rows, note),
    )


def _subgroup(t: Teller, number: int, primary: str) -> tuple[Parts, ...]:
    place = f"/subgroups/{number}"
    decimals = 3 if t.protocol.binary else t.unit
    counts: list[Parts] = [(t.r.num(f"{place}/{key}"),) for key in ("rows", "events") if t.r.known(f"{place}/{key}")]
    measured = [
        t.estimate(f"{place}/performance/{name}", t.decimals(name), bare=True)
        for name in (primary, "calibration_slope")
    ]
    means: list[Parts] = [
        (t.r.num(f"{place}/{key}", decimals),) if t.r.known(f"{place}/{key}") else DASH
        for key in ("observed", "predicted")
    ]
    return t.r.quote(f"{place}/name"), *counts, *measured, *means


def _specification(t: Teller) -> tuple[Block, ...]:
    blocks: list[Block] = [
        told(
            "{title}, fitted on everybody, has these settings: {settings}.",
            title=tuple(words(plan.title)),
            settings=t.settings(plan.name),
        )
        for plan in t.protocol.models
    ]
    first = t.protocol.models[0].name
    if t.r.known(f"/models/{first}/specification/intercept"):
        blocks.append(_coefficients(t, f"/models/{first}/specification"))
    else:
        blocks.append(
            para("The primary model has no formula that could be printed; the program beside it fits it again.")
        )
    return tuple(blocks)


def _coefficients(t: Teller, place: str) -> Grid:
    terms: Any = t.r.get(f"{place}/coefficients")
    rows: list[tuple[Parts, ...]] = [(("Intercept",), (_fine(t, f"{place}/intercept"),))]
    rows += [
        (tuple(words(one["column"])), (_fine(t, f"{place}/coefficients/{k}/value"),)) for k, one in enumerate(terms)
    ]
    scale = "on the scale of log odds" if t.protocol.binary else "in the outcome's unit"
    caption = (f"The primary model fitted on everybody, {scale}, per unit of each predictor.",)
    return Grid("coefficients", caption, (("Term",), ("Coefficient",)), tuple(rows))


def _fine(t: Teller, place: str) -> Any:
    """A coefficient with four digits, so that the formula can be used."""
    value = number_at(t, place) or 0.0
    return t.r.num(place, min(12, digits(value) + 1) if abs(value) >= 1e-4 else 8)
