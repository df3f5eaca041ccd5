"""The study's figures as PNG bytes: the same results give the same bytes. Colours are Okabe and Ito's, and lines
differ in dash as well."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from core.runners.scientist.protocol.metrics import Array
from core.runners.scientist.protocol.study import Study

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))
GREY, INK = "#7A8490", "#161D26"
DPI = 170
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def figures(study: Study) -> dict[str, bytes]:
    """The figures by name: `flow` always; `roc`, `calibration` and `decision`, or `calibration` and `agreement`."""
    from matplotlib import rc_context

    with rc_context(STYLE):
        found = {"flow": _flow(study.results["flow"])}
        if study.predictions is not None:
            found |= _binary(study) if study.plan.protocol.binary else _continuous(study)
    return found


def _binary(study: Study) -> dict[str, bytes]:
    found = {"roc": _roc(study), "calibration": _calibration(study)}
    return found | ({"decision": _decision(study)} if study.plan.protocol.statistics.decision_thresholds else {})


def _continuous(study: Study) -> dict[str, bytes]:
    return {"calibration": _calibration(study), "agreement": _agreement(study)}


def _panel(width: float = 4.6, height: float = 4.0) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _png(figure: Any) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _models(study: Study) -> list[tuple[str, Mapping[str, Any], Any, Any]]:
    models = study.results["models"]
    assert isinstance(models, dict)  # noqa: S101 - written by core.runners.scientist.protocol.performance
    return [
        (name, model, colour, dash)
        for (name, model), colour, dash in zip(models.items(), COLOURS, DASHES, strict=False)
    ]


def _flow(flow: Any) -> bytes:
    """Boxes from who was assessed to who is analysed, with what was left out beside them."""
    steps = [step for step in flow["excluded"] if step["rows"]]
    figure, axes = _panel(5.6, 1.5 + 0.75 * len(steps))
    axes.axis("off")
    height = len(steps) + 1.6
    axes.set_xlim(0, 10)
    axes.set_ylim(-0.5, height)
    box = {"boxstyle": "round,pad=0.5", "facecolor": "#F4F6F8", "edgecolor": GREY, "linewidth": 0.8}
    top, bottom = height - 0.4, 0.1
    axes.plot([2.6, 2.6], [bottom, top], color=GREY, linewidth=0.9, zorder=0)
    axes.text(2.6, top, f"Assessed\n{flow['assessed']} rows", ha="center", va="center", bbox=box)
    for number, step in enumerate(steps):
        y = top - 1.0 - number
        axes.annotate(
            "", (4.4, y), (2.6, y), arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.9}, zorder=0
        )
        words = textwrap.fill(f"{step['rows']} left out: {step['reason']}", 48)
        axes.text(4.6, y, words, ha="left", va="center", bbox=box)
    last = f"Analysed\n{flow['analysed']} rows of {flow['patients']} patients"
    axes.text(2.6, bottom, last, ha="center", va="center", bbox=box)
    return _png(figure)


def _roc(study: Study) -> bytes:
    assert study.predictions is not None  # noqa: S101 - the caller has looked
    figure, axes = _panel()
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
    for name, model, colour, dash in _models(study):
        x, y = roc_points(study.cohort.y, study.predictions.values[name][0])
        area = model["performance"]["roc_auc"]["estimate"]
        axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.5, label=f"{model['title']} ({area:.3f})")
    axes.set(xlabel="1 - specificity", ylabel="Sensitivity", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    axes.legend(loc="lower right", title="Area under the curve", title_fontsize=8)
    return _png(figure)


def roc_points(y: Array, p: Array) -> tuple[Array, Array]:
    """False and true positive rates at every distinct risk, from (0, 0) to (1, 1)."""
    order = np.argsort(-p, kind="stable")
    last = np.flatnonzero(np.diff(p[order], append=np.inf))
    true, false = np.cumsum(y[order])[last], np.cumsum(1 - y[order])[last]
    return np.concatenate([[0.0], false / false[-1]]), np.concatenate([[0.0], true / true[-1]])


def _calibration(study: Study) -> bytes:
    """Observed against predicted in groups, the primary model's with intervals, above its predictions' histogram."""
    from matplotlib.figure import Figure

    assert study.predictions is not None  # noqa: S101 - the caller has looked
    figure = Figure(figsize=(4.6, 4.8), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 1]})
    first = study.predictions.values[study.plan.protocol.models[0].name][0]
    ends = [float(first.min()), float(first.max())]
    if study.plan.protocol.binary:
        ends = [0.0, 1.0]
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
    for number, (_name, model, colour, dash) in enumerate(_models(study)):
        curve = [one for one in model["calibration_curve"] if one["observed"]["estimate"] is not None]
        x, y = [one["predicted"] for one in curve], [one["observed"]["estimate"] for one in curve]
        axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.2, marker="o", markersize=3.5, label=model["title"])
        if number == 0:
            whole = [one for one in curve if one["observed"]["low"] is not None]
            lows, highs = ([one["observed"][end] for one in whole] for end in ("low", "high"))
            axes.vlines([one["predicted"] for one in whole], lows, highs, color=colour, linewidth=0.9)
    axes.set_ylabel("Observed share" if study.plan.protocol.binary else "Observed mean")
    axes.legend(loc="upper left")
    below.hist(first, bins=30, range=(ends[0], ends[1]), color=COLOURS[0])
    what = "risk" if study.plan.protocol.binary else "value"
    below.set(xlabel=f"Predicted {what}", ylabel="Rows")
    return _png(figure)


def _decision(study: Study) -> bytes:
    figure, axes = _panel(5.0, 3.6)
    for _name, model, colour, dash in _models(study):
        x, y = _curve(model["decision_curve"])
        axes.plot(x, y, color=colour, linestyle=dash, linewidth=1.5, label=model["title"])
    baseline: Any = study.results["baseline"]
    x, y = _curve(baseline["treat_all"])
    axes.plot(x, y, color=INK, linewidth=1.0, linestyle=(0, (1, 1)), label="Everybody counts as positive")
    axes.axhline(0, color=GREY, linewidth=1.0, label="Nobody counts as positive")
    axes.set(xlabel="Risk threshold", ylabel="Net benefit")
    outcome: Any = study.results["outcome"]
    axes.set_ylim(-0.05, outcome["share"] * 1.1)
    axes.legend(loc="lower left")
    return _png(figure)


def _curve(points: list[Mapping[str, float]]) -> tuple[list[float], list[float]]:
    return [one["threshold"] for one in points], [one["estimate"] for one in points]


def _agreement(study: Study) -> bytes:
    assert study.predictions is not None  # noqa: S101 - the caller has looked
    figure, axes = _panel()
    plan = study.plan.protocol.models[0]
    p, y = study.predictions.values[plan.name][0], study.cohort.y
    ends = [float(min(p.min(), y.min())), float(max(p.max(), y.max()))]
    axes.plot(ends, ends, color=GREY, linewidth=0.8, linestyle=":")
    axes.scatter(p, y, s=9, color=COLOURS[0], alpha=0.55, linewidths=0)
    axes.set(xlabel=f"Predicted by {plan.title.lower()}", ylabel="Observed")
    return _png(figure)
