"""Fill a study's part of the dossier from the facts that were judged and the outputs that were frozen with them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from core.artifacts import ArtifactStore
from core.errors import GreenlightError
from core.reports import study as st
from core.reports.picture import Picture
from core.reports.study_pages import draw_figures, draw_pages
from core.reports.study_results import flow_sentences, result_groups
from core.reports.study_wording import CRITERIA, figure_alt, figure_caption

FILE_BYTES = 32 << 20
SHOWN_PAGES, PAGE_WIDTH = 12, 420
SHOWN_FIGURES, FIGURE_WIDTH = 8, 760
MOST_UNTRACED, MOST_LISTED = 40, 60
FIRST_FIGURES = ("flow", "roc", "agreement", "calibration", "decision")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "statsmodels", "torch")
Facts = Mapping[str, Any]


def study_of(store: ArtifactStore, evidence: Facts) -> st.Study | None:
    """Return what the frozen evidence says of a study, without pictures; None for a clip."""
    facts = evidence["facts"]
    told = facts.get("study")
    if not isinstance(told, Mapping):
        return None
    files = _Files(store, evidence["outputs"])
    results, provenance = files.json("results"), files.json("provenance")
    asset, ethics, numbers = facts["asset"], told.get("ethics") or {}, told.get("numbers") or {}
    checks, deviations, cards = told.get("leakage"), told.get("deviations"), facts.get("datasets")
    return st.Study(
        backend=str(told.get("backend")),
        mode=told.get("mode"),
        framework=told.get("framework"),
        title=asset.get("title"),
        question=asset.get("question"),
        context_of_use=asset.get("context_of_use"),
        protocol_sha256=told.get("protocol_sha256"),
        approval=_approval(facts.get("approval"), told.get("protocol_sha256")),
        cards=None if cards is None else tuple(_card(card) for card in cards[:MOST_LISTED]),
        flow=flow_sentences(results),
        results=result_groups(results),
        checks=None if checks is None else tuple(_check(check) for check in checks),
        deviations=None if deviations is None else tuple(_deviation(one) for one in deviations[:MOST_LISTED]),
        success=tuple((name, told["success"].get(name)) for name in CRITERIA if told.get("success")),
        ethics=st.Ethics(str(ethics.get("status")), ethics.get("by"), tuple(map(str, ethics.get("notes") or ()))),
        determinations=tuple(_determinations(facts)),
        decisions=tuple(_decisions(facts)),
        other_runs=len(facts.get("other_runs") or ()),
        numbers=numbers.get("total"),
        traced=numbers.get("traced"),
        untraced=tuple(_untraced(provenance)),
        asked=tuple(_asked(files.lines("calls"))),
        cost=_cost(told.get("cost") or {}),
        environment=tuple(_environment(files.json("environment"))),
        missing=(*map(str, (told.get("missing") or ())[:MOST_LISTED]), *files.unread),
    )


def with_pictures(study: st.Study, store: ArtifactStore, evidence: Facts, folder: Path) -> st.Study:
    """Return the study with the first pages of its manuscript and its figures; says why where there are none."""
    from dataclasses import replace

    outputs: Mapping[str, str] = evidence["outputs"]
    if "manuscript" not in outputs:
        return replace(study, figures=figures_of(store, outputs, folder), unseen="the study left no manuscript")
    paper = store.fetch(outputs["manuscript"], folder / "manuscript.pdf")
    drawn = draw_pages(paper, range(SHOWN_PAGES), PAGE_WIDTH)
    pages = tuple(
        Picture(data, f"Page {number}", f"Page {number} of the manuscript, reduced")
        for number, data in enumerate(drawn.pictures, 1)
        if data
    )
    return replace(
        study,
        figures=figures_of(store, outputs, folder),
        pages=pages,
        page_count=drawn.count,
        unseen=drawn.unseen or (None if pages else "none of its pages can be drawn"),
    )


def figures_of(store: ArtifactStore, outputs: Mapping[str, str], folder: Path) -> tuple[Picture, ...]:
    """Return a study's figures, drawn anew: the flow of participants first, then the main ones."""
    names = sorted(
        (role.removeprefix("figure_") for role in outputs if role.startswith("figure_")),
        key=lambda name: (FIRST_FIGURES.index(name) if name in FIRST_FIGURES else len(FIRST_FIGURES), name),
    )[:SHOWN_FIGURES]
    paths = [store.fetch(outputs[f"figure_{name}"], folder / f"figure-{number}") for number, name in enumerate(names)]
    drawn = draw_figures(paths, FIGURE_WIDTH)
    return tuple(
        Picture(data, figure_caption(name), figure_alt(name))
        for name, data in zip(names, drawn.pictures, strict=False)
        if data
    )


class _Files:
    """Outputs of a study, read within limits; what cannot be read is named in `unread`."""

    def __init__(self, store: ArtifactStore, outputs: Mapping[str, str]) -> None:
        self._store, self._outputs = store, outputs
        self.unread: list[str] = []

    def json(self, role: str) -> Any:
        """A JSON output; None where there is none or it cannot be read."""
        return self._parsed(role, json.loads)

    def lines(self, role: str) -> list[Any]:
        """The JSON objects of a file with one on each line."""
        found = self._parsed(role, lambda data: [json.loads(line) for line in data.splitlines() if line.strip()])
        return found if isinstance(found, list) else []

    def _parsed(self, role: str, parse: Any) -> Any:
        if role not in self._outputs:
            return None
        try:
            with self._store.open(self._outputs[role]) as stream:
                data = stream.read(FILE_BYTES + 1)
            if len(data) > FILE_BYTES:
                self.unread.append(f"{role}: larger than {FILE_BYTES >> 20} MiB, so it is not shown here")
                return None
            return parse(data)
        except (ValueError, RecursionError):
            self.unread.append(f"{role}: cannot be read as JSON")
        except GreenlightError as error:
            self.unread.append(f"{role}: {error.what}")
        return None


def _approval(found: Facts | None, run: str | None) -> st.Approval | None:
    if found is None:
        return None
    covers = None if run is None else found["protocol_sha256"] == run
    return st.Approval(found["by_name"], _words(found["role"]), _moment(found["at"]), found["statement"], covers)


def _card(card: Facts) -> st.Card:
    known: dict[str, Any] = {name: card.get(name) for name in st.Card.__dataclass_fields__ if name != "not_recorded"}
    return st.Card(**known, not_recorded=tuple(map(str, card.get("not_recorded") or ())))


def _check(check: Facts) -> st.Check:
    return st.Check(_words(check.get("check")), str(check.get("status")), str(check.get("detail") or ""))


def _deviation(one: Facts) -> st.Deviation:
    return st.Deviation(str(one.get("what")), str(one.get("why")))


def _determinations(facts: Facts) -> Iterator[st.Determination]:
    for row in facts.get("attestations") or ():
        yield st.Determination(
            _words(row["kind"]), row["statement"], row["by_name"], _words(row["role"]), _moment(row["at"])
        )


def _decisions(facts: Facts) -> Iterator[st.Decision]:
    for row in facts.get("decisions") or ():
        at = _moment(row["at"]) if row.get("at") else None
        role = _words(row["role"]) if row.get("role") else None
        yield st.Decision(_words(row["gate"]), row.get("decision"), row.get("by_name"), role, at)


def _untraced(provenance: Any) -> Iterator[st.Untraced]:
    rows = provenance.get("untraced") if isinstance(provenance, Mapping) else None
    for row in (rows if isinstance(rows, list) else [])[:MOST_UNTRACED]:
        if isinstance(row, Mapping):
            place = row.get("where") if isinstance(row.get("where"), Mapping) else {}
            told = [str(place["section"])] if place and place.get("section") else []
            told += [f"paragraph {place['paragraph']}"] if place and place.get("paragraph") is not None else []
            yield st.Untraced(str(row.get("text")), ", ".join(told) or "place not recorded")


def _asked(lines: list[Any]) -> Iterator[st.Asked]:
    """Sum the calls up by role and model; a sum over calls of which one does not say is not known."""
    calls: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        if isinstance(line, Mapping):
            key = (str(line.get("role") or "not recorded"), str(line.get("model") or "not recorded"))
            calls.setdefault(key, []).append(line)
    for (role, model), made in list(calls.items())[:MOST_LISTED]:
        tokens_in, tokens_out, usd, seconds = (
            _sum(call.get(name) for call in made) for name in ("tokens_in", "tokens_out", "usd", "seconds")
        )
        yield st.Asked(role, model, len(made), _whole(tokens_in), _whole(tokens_out), usd, seconds)


def _cost(cost: Facts) -> st.Cost:
    return st.Cost(cost.get("tokens_in"), cost.get("tokens_out"), cost.get("usd"), cost.get("seconds"))


def _sum(values: Iterator[object]) -> float | None:
    found = list(values)
    known = [one for one in found if isinstance(one, int | float) and not isinstance(one, bool)]
    return float(sum(known)) if len(known) == len(found) else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _environment(record: Any) -> Iterator[tuple[str, str]]:
    """Python, the system, and the libraries that compute; the file names everything else."""
    if not isinstance(record, Mapping):
        return
    yield "Python", str(record.get("python") or "not recorded")
    yield "System", str(record.get("system") or record.get("platform") or "not recorded")
    entries = record.get("distributions") or record.get("packages") or {}
    versions = (
        {str(name).lower(): version for name, version in entries.items()}
        if isinstance(entries, Mapping)
        else {str(one.get("name")): one.get("version") for one in entries if isinstance(one, Mapping)}
    )
    named = [name for name in LIBRARIES if name in versions]
    yield from ((name, str(versions[name])) for name in named)
    if len(versions) > len(named):
        yield "Others", f"{len(versions) - len(named)} more distributions, each named with its version in environment"


def _words(value: object) -> str:
    return str(value).replace("_", " ")


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
