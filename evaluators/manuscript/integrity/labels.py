"""What the text calls run 3 against the run whose numbers stand in the table."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from evaluators.manuscript.document import Manuscript, Sentence
from evaluators.manuscript.findings import Check, Finding, Inputs, Rule, Severity
from evaluators.manuscript.integrity.facts import loose
from evaluators.manuscript.integrity.printed import Printed, printed_numbers
from evaluators.manuscript.integrity.prose import around
from evaluators.manuscript.integrity.tracing import Tracer
from evaluators.manuscript.logged import RunLog

FEWEST = 4
"""Numbers of a name that must be found in runs before its run is judged."""
OWN_SHARE, OTHER_SHARE = 0.25, 0.8
"""At most this share of them may lie in the run that the text names, and at least this in one other."""
_FOLDER = re.compile(r"run[_ -]?0*(\d+)", re.IGNORECASE)


class Called(NamedTuple):
    """A name that the text gives a run: "Wide network (Run 3)"."""

    name: str
    run: int
    sentence: Sentence
    start: int
    end: int


class Share(NamedTuple):
    """How many numbers under a name were `found` in runs, in which, and the run that has them if it is not its own."""

    called: Called
    found: int
    runs: dict[int, int]
    other: int | None


def examine(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    """Count, for each name that the text gives a run, in which runs the numbers of its rows were logged."""
    if inputs.run is None:
        return rule.not_checked("no run was given")
    folders = _folders(inputs.run)
    if len(folders) < 2:
        return rule.not_checked("the run has no numbered folders")
    numbers: dict[str, list[Printed]] = defaultdict(list)
    for printed in printed_numbers(manuscript):
        if printed.spot is not None and printed.of is None:
            for name in _names(manuscript, printed):
                numbers[name].append(printed)
    called = [one for one in names_of_runs(manuscript, tuple(numbers)) if one.run in folders]
    if not called:
        return rule.not_checked("the text gives no row of a table the number of a run")
    tracer = Tracer(inputs.run)
    shares = [share for one in called if (share := _share(one, numbers[one.name], tracer)) is not None]
    wrong = [share for share in shares if share.other is not None]
    if len(shares) == len(wrong) > 1 and len({share.called.run - (share.other or 0) for share in wrong}) == 1:
        return rule.checked(len(shares), [], f"{len(called)} names of runs, counted from another first run")
    sure = len(shares) > len(wrong)
    return rule.checked(len(called), [_finding(rule, share, sure) for share in wrong], f"{len(called)} names of runs")


def names_of_runs(manuscript: Manuscript, names: Sequence[str]) -> Iterator[Called]:
    """For each of the names the run that the text gives it, where it always gives the same one."""
    captions = manuscript.captions
    for name in names:
        pattern = re.compile(loose(name) + r"\s*\(run[\s_~]*(\d+)\)", re.IGNORECASE)
        told = [
            Called(name, int(match[1]), sentence, match.start(), match.end())
            for sentence in chain(manuscript.sentences(), captions)
            for match in pattern.finditer(sentence.text)
        ]
        if len({one.run for one in told}) == 1:
            yield told[0]


def _names(manuscript: Manuscript, printed: Printed) -> tuple[str, ...]:
    """The texts that name the row of a table's number, each by itself."""
    spot = printed.spot
    if spot is None:
        return ()
    row = manuscript.tables[spot.table].cells[spot.row]
    return tuple(dict.fromkeys(cell.text.strip() for cell in row if re.match(r"\s*[^\W\d_]{2}", cell.text)))


def _folders(run: RunLog) -> frozenset[int]:
    found = (_FOLDER.fullmatch(one.file.split("/")[0]) for one in run.numbers)
    return frozenset(int(match[1]) for match in found if match)


def _share(called: Called, numbers: Sequence[Printed], tracer: Tracer) -> Share | None:
    """In which runs the numbers were logged under their names; None where too few were."""
    runs: dict[int, int] = defaultdict(int)
    found = 0
    for printed in numbers:
        trace = tracer.by_name(printed.number, printed.around)
        pointers = trace.pointers if trace is not None and trace.form == "logged value" else ()
        hits = {int(match[1]) for p in pointers if (match := _FOLDER.fullmatch(p.split("/")[0]))}
        found += bool(hits)
        for run in hits:
            runs[run] += 1
    if found < FEWEST:
        return None
    best = max((run for run in runs if run != called.run), key=lambda run: runs[run], default=None)
    clear = best is not None and runs[called.run] <= OWN_SHARE * found and runs[best] >= OTHER_SHARE * found
    return Share(called, found, dict(runs), best if clear else None)


def _finding(rule: Rule, share: Share, sure: bool) -> Finding:
    """`sure` says that another name of the paper has the numbers of its own run."""
    called, other = share.called, share.other or 0
    own = share.runs.get(called.run, 0)
    message = (
        f'The text calls "{called.name}" run {called.run}, but {share.runs[other]} of its {share.found} numbers in the '
        f"tables are those of run {other}, and {own} those of run {called.run}."
    )
    evidence = {"name": called.name, "called": called.run, "found_in": share.runs, "numbers": share.found}
    severity, confidence = (Severity.HIGH, 0.85) if sure else (Severity.MEDIUM, 0.6)
    quote = around(called.sentence.text, called.start, called.end)
    expected = f"the numbers of run {called.run}, or the name of run {other}"
    return Finding(rule.name, severity, message, called.sentence.place, quote, expected, confidence, evidence)


RULES = (
    Rule(
        "run-labels",
        "Rows against the run that they are called",
        "1",
        "Provenance of reported results",
        "Where the text says that a row is run 3, its numbers must be those that run 3 logged.",
        examine,
    ),
)
