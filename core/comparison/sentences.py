"""A comparison in plain sentences, for somebody who decides and does not compute."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from core.comparison.costs import Cost, CostSummary
from core.comparison.records import Comparison, Question
from evaluators.base import Direction, Measure
from evaluators.comparison import Paired, Verdict, assets_needed

LEAST_SHOWN = 0.0001


def sentences_of(comparison: Comparison) -> tuple[str, ...]:
    """Say what was found: what was compared, each pair's summary scores, the other measures, the cost."""
    labels = [one.label for one in comparison.candidates]
    found = [f"{_listed(labels)} were set side by side over {_counted(len(comparison.rows), 'asset')}."]
    for pair in combinations(labels, 2):
        found += _summaries(comparison, *pair)
        found += _details(comparison, *pair)
    found += [_cost(label, comparison.costs[label]) for label in labels]
    return tuple(found)


def notes_of(comparison: Comparison) -> tuple[str, ...]:
    """Say what limits the comparison: assets left out, mixed currencies, licences, too few assets."""
    return tuple(_notes(comparison))


def verdict_words(pair: Paired, first: str, second: str) -> str:
    """The verdict in a few words, such as `A better`; `first` and `second` name the two."""
    return {
        Verdict.FIRST: f"{first} better",
        Verdict.SECOND: f"{second} better",
        Verdict.CANNOT_TELL: "cannot tell",
        Verdict.NOT_JUDGED: "not judged",
    }[pair.verdict]


def better_side(measure: Measure) -> str:
    """Which way a measure is better, in a few words."""
    if measure.direction is Direction.TARGET:
        return f"nearest {measure.target or 0.0:g}"
    return {Direction.HIGHER: "higher", Direction.LOWER: "lower"}.get(measure.direction, "shown to explain")


def interval_words(pair: Paired) -> str:
    """The interval of the mean difference, or a dash."""
    return "—" if pair.interval is None else f"{signed(pair.interval.low)} to {signed(pair.interval.high)}"


def cost_words(cost: Cost | CostSummary) -> str:
    """What something cost, or that it is not known."""
    return "not known" if cost.amount is None or cost.currency is None else money(cost.amount, cost.currency)


def money(amount: float, currency: str) -> str:
    """An amount with its currency: cents where they say enough, else three significant digits."""
    if amount == 0 or amount >= 1:
        return f"{amount:,.2f} {currency}"
    return f"{amount:.3g} {currency}" if amount >= LEAST_SHOWN else f"under {LEAST_SHOWN} {currency}"


def figure(value: float | None) -> str:
    """A number with four significant digits, or a dash."""
    return "—" if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    """A difference with its sign and three significant digits, or a dash."""
    if value is None:
        return "—"
    return f"{value:+.3g}" if value else "0"


def _summaries(comparison: Comparison, first: str, second: str) -> Iterator[str]:
    pairs = [(question, _of(question, first, second)) for question in comparison.questions if question.summary]
    undecided = [question.measure for question, pair in pairs if pair.verdict is Verdict.CANNOT_TELL]
    for question, pair in pairs:
        if pair.verdict in (Verdict.FIRST, Verdict.SECOND) and pair.interval and pair.difference is not None:
            best, other = (first, second) if pair.verdict is Verdict.FIRST else (second, first)
            turn = 1 if pair.verdict is Verdict.FIRST else -1
            low, high = sorted((turn * pair.interval.low, turn * pair.interval.high))
            wins = pair.wins if pair.verdict is Verdict.FIRST else pair.losses
            yield (
                f"{question.measure.capitalize()}: {best} is better than {other} on {wins} of {len(pair.assets)} "
                f"assets, by {turn * pair.difference:.3g} on average ({low:.3g} to {high:.3g})."
            )
    if undecided:
        yield f"On {_listed(undecided)} nobody can tell {first} and {second} apart by these figures."


def _details(comparison: Comparison, first: str, second: str) -> Iterator[str]:
    pairs = [_of(question, first, second) for question in comparison.questions if not question.summary]
    judged = [pair for pair in pairs if pair.verdict is not Verdict.NOT_JUDGED]
    if not judged:
        return
    wins = {name: [one.measure.name for one in judged if one.verdict is name] for name in Verdict}
    parts = [
        f"{label} is better on {len(wins[verdict])} ({', '.join(wins[verdict])})"
        for label, verdict in ((first, Verdict.FIRST), (second, Verdict.SECOND))
        if wins[verdict]
    ]
    parts.append(f"on {len(wins[Verdict.CANNOT_TELL])} nobody can tell")
    yield f"Of {_counted(len(judged), 'single measure')}, {'; '.join(parts)} ({first} against {second})."


def _cost(label: str, cost: CostSummary) -> str:
    if cost.amount is None:
        return f"What {label} costs per asset is not known: {cost.reason}."
    share = "" if cost.count == cost.total else f", known for {cost.count} of {cost.total}"
    return f"{label} costs {cost_words(cost)} per asset ({cost.basis}{share})."


def _notes(comparison: Comparison) -> Iterator[str]:
    assets = {len(pair.assets) for question in comparison.questions if question.summary for pair in question.pairs}
    tested = [p for q in comparison.questions if q.summary for p in q.pairs if p.p_value is not None]
    needed = assets_needed(len(tested), comparison.options.alpha)
    if assets and max(assets) < needed:
        yield (
            f"With {needed} or more assets a clean sweep would be beyond chance; "
            f"there are {max(assets)}, so no winner can be named on the summary scores."
        )
    currencies = {cost.currency for cost in comparison.costs.values() if cost.currency}
    if len(currencies) > 1:
        yield f"The costs are in {_listed(sorted(currencies))} and no exchange rate is on record: do not compare them."
    for one in comparison.candidates:
        if one.licence_cleared is not True:
            state = "not cleared" if one.licence_cleared is False else "not decided on"
            yield f"The licence of {one.label} ({one.licence}) is {state}; being better does not make it releasable."
    for gap in comparison.excluded:
        yield f"{gap.asset} was left out: {gap.reason}."
    yield from _gaps(comparison)


def _gaps(comparison: Comparison) -> Iterator[str]:
    """Each missing value once, with all the measures that lack it for the same reason."""
    measures: dict[tuple[str, str, str], list[str]] = {}
    for question in comparison.questions:
        for gap in (gap for pair in question.pairs for gap in pair.left_out):
            lacking = measures.setdefault((gap.asset, gap.candidate, gap.reason), [])
            if question.measure not in lacking:
                lacking.append(question.measure)
    for (asset, candidate, reason), lacking in measures.items():
        yield f"{asset} does not count for {_listed(lacking)}, as {candidate} has no value there: {reason}."


def _of(question: Question, first: str, second: str) -> Paired:
    return next(pair for pair in question.pairs if (pair.first, pair.second) == (first, second))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
