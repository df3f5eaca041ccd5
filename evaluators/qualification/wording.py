"""Say in sentences where the measures fail: which corruption is missed, at which dose, and who cries wolf."""

from __future__ import annotations

from collections.abc import Sequence

from evaluators.qualification.corruptions import CORRUPTIONS, Group
from evaluators.qualification.statistics import Figure
from evaluators.qualification.study import FALSE_ALARMS, Row, StudyResult
from evaluators.video.summary import SUMMARIES

NOTICED, BLIND, SURE = 0.8, 0.6, 0.97
"""ROC-AUC from which a measure notices a corruption, below which it is blind to it, and from which it is sure."""
SCORES = tuple(measure.name for measure in SUMMARIES)
OWN_SCORE = {
    Group.TEMPORAL: "temporal",
    Group.REMOVAL: "removal",
    Group.PRESERVATION: "preservation",
    Group.PHYSICS: "physics",
    Group.GRAVITY: "physics",
}
"""The summary score whose business each group of corruptions is; lazy removers are everybody's."""
MANY_ALARMS = 2 * FALSE_ALARMS


def failures(result: StudyResult) -> list[str]:
    """Return one sentence or two for each corruption, worst first, then one for each measure with false alarms."""
    names = list(dict.fromkeys(row.corruption for row in result.rows))
    told = [(_own_auc(result, name), _corruption(result, name)) for name in names]
    return [text for _, text in sorted(told)] + _alarms(result)


def _own_auc(result: StudyResult, name: str) -> float:
    return max((row.auc.value or 0.0 for row in _own_rows(result, name)), default=0.0)


def _own_rows(result: StudyResult, name: str) -> list[Row]:
    own = OWN_SCORE.get(CORRUPTIONS[name].group)
    return [
        row
        for row in result.rows
        if row.corruption == name
        and (row.measure == own if own else row.measure in SCORES)
        and row.auc.value is not None
    ]


def _corruption(result: StudyResult, name: str) -> str:
    rows = [row for row in result.rows if row.corruption == name and row.auc.value is not None]
    title = name.replace("_", " ").capitalize()
    own = max(_own_rows(result, name), key=lambda row: row.auc.value or 0.0, default=None)
    if own is None:
        return f"{title}: no score could be taken."
    sentences = [
        f"{title}: {_verdict(own)} by the score '{own.measure}' (ROC-AUC {shown(own.auc)}){_doses(own, name)}."
    ]
    best = max(rows, key=lambda row: row.auc.value or 0.0)
    if best.measure != own.measure and (best.auc.value or 0.0) > (own.auc.value or 0.0) + 0.02:
        sentences.append(f"The best measure is '{best.measure}' ({shown(best.auc)}).")
    blind = sorted(row.measure for row in rows if (row.auc.value or 0.0) < BLIND)
    if blind:
        sentences.append(f"Blind to it: {', '.join(blind)}.")
    return " ".join(sentences)


def _verdict(row: Row) -> str:
    value = row.auc.value or 0.0
    if value >= SURE:
        return "noticed surely"
    if value >= NOTICED:
        return "noticed, not surely,"
    return "noticed poorly" if value >= BLIND else "not noticed"


def _doses(row: Row, name: str) -> str:
    """Name the doses at which the score does not notice, where it notices others."""
    corruption = CORRUPTIONS[name]
    missed = [
        f"{severity:g}" for severity, value in zip(corruption.severities, row.by_severity, strict=False)
        if value is not None and value < NOTICED
    ]  # fmt: skip
    if not missed or len(row.by_severity) != len(corruption.severities) or (row.auc.value or 0.0) < BLIND:
        return ""
    return f"; missed at {', '.join(missed)} {corruption.unit}".rstrip()


def _alarms(result: StudyResult) -> list[str]:
    loud = [o for o in result.operating if (o.false_alarms.value or 0.0) > MANY_ALARMS]
    loud.sort(key=lambda o: -(o.false_alarms.value or 0.0))
    return [
        f"'{o.measure}' raises false alarms: it calls {shown(o.false_alarms, percent=True)} of good clips of the "
        f"held-out families bad, where {FALSE_ALARMS:.0%} was meant."
        for o in loud
    ]


def shown(figure: Figure, *, percent: bool = False) -> str:
    """Return a figure with its interval."""
    if figure.value is None:
        return "not measured"
    style = ".0%" if percent else ".3f"
    value = format(figure.value, style)
    if figure.low is None or figure.high is None:
        return value
    return f"{value} [{format(figure.low, style)}, {format(figure.high, style)}]"


def missing(rows: Sequence[Row]) -> list[str]:
    """Return the corruptions among rows that no measure notices."""
    noticed = {row.corruption for row in rows if (row.auc.value or 0.0) >= NOTICED}
    return sorted({row.corruption for row in rows} - noticed)
