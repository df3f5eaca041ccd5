"""AI-Scientist v1: `run_N/final_info.json` beside `ideas.json`, `notes.txt`, `latex/template.tex` and a PDF.

Sources: SakanaAI/AI-Scientist (`perform_experiments.py`, `perform_writeup.py`, its templates and example papers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from core.runners.scientist.runs.reading import TEXT_BYTES, decode, parse_json, parse_review, peek, shortened
from core.runners.scientist.runs.record import Account, Part, Search
from core.runners.scientist.runs.results import UNNAMED, Metrics, Runs, datasets_of, per_seed
from core.runners.scientist.runs.tree import Tree, Unreadable

FRAMEWORK = "ai-scientist-v1"
RUN = re.compile(r"run_(\d{1,6})(?=[./])")
TOLD = re.compile(r"^#+\s*Run\s+(\d{1,6})\b[:.]?(.*)$", re.MULTILINE | re.IGNORECASE)
TITLE = re.compile(r"^#\s*Title:\s*(.+)$", re.MULTILINE)
SEED_FILE = re.compile(r"final_info_(?:(.+)_)?(?:seed_?)?(\d{1,6})\.json")
BIB_INSIDE = "begin{filecontents"
PICTURES = ("*.png", "plots/*.png", "figures/*.png", "latex/*.png")
LONGEST_STEP = 1_000
MOST_IDEAS, MOST_RUNS = 1_000, 1_000


def signs(tree: Tree) -> list[str]:
    """What tells that a tree is such a run; empty when it is none."""
    strong = [f"{path} holds results" for path in tree.match("run_*/final_info*.json")[:1]]
    for name, fits in (("ideas.json", _is_ideas), ("seed_ideas.json", _is_ideas), ("prompt.json", _is_prompt)):
        if fits(peek(tree, name)):
            strong.append(f"{name} has its form")
    weak = [name for name in ("notes.txt", "experiment.py", "latex/template.tex", "review.txt") if name in tree]
    runs = tree.match("run_*.py", "run_*/*")[:1]
    enough = len(strong) >= 2 or (strong and (weak or runs))
    return [*strong, *(f"{name} is there" for name in weak)] if enough else []


def read(search: Search) -> Account:
    """Read the whole run; what is missing stands in the account of the search."""
    tree = search.tree
    search.json("prompt", "prompt.json", want=(dict,))
    ideas = search.json("ideas", "ideas.json")
    search.json("seed ideas", "seed_ideas.json", want=(list,))
    notes = search.text("notes", "notes.txt")
    code = search.file("experiment code", "experiment.py")
    search.file("plotting code", "plot.py")
    search.file("framework's log", "log.txt", "*_aider.txt")
    runs, raw = _results(search, notes or "")
    tex = search.file("manuscript source", "latex/template.tex", "latex/*.tex")
    _references(search, tex)
    search.found("figures", pictures[0]) if (pictures := tree.match(*PICTURES)) else search.missing("figures", "no PNG")
    idea = _own_idea(search, ideas, notes or "")
    return Account(
        framework=FRAMEWORK,
        manuscripts=_manuscripts(tree, idea),
        runs=runs,
        raw=raw,
        idea=idea,
        tex=tex,
        code=code,
        figures=tuple(pictures),
        reviews=_reviews(search),
        steps=_steps(notes or ""),
        no_error=_no_error(tree),
    )


def _is_ideas(value: object) -> bool:
    items = value if isinstance(value, list) else []
    return any(isinstance(item, dict) and {"Name", "Title", "Experiment"} <= item.keys() for item in items)


def _is_prompt(value: object) -> bool:
    return isinstance(value, dict) and {"system", "task_description"} <= value.keys()


def _numbers_of_runs(tree: Tree, notes: str) -> list[int]:
    """Every run that has a folder or code of its own, or that the notes tell of."""
    named = (RUN.match(path) for path in tree.sizes)
    told = (match for match in TOLD.finditer(notes))
    found = {int(match[1]) for match in (*(name for name in named if name), *told)}
    return sorted(found)[:MOST_RUNS]


def _results(search: Search, notes: str) -> tuple[Runs, dict[str, object]]:
    runs: Runs = {}
    raw: dict[str, object] = {}
    for number in _numbers_of_runs(search.tree, notes):
        name, path = f"run_{number}", f"run_{number}/final_info.json"
        seeds = _seed_files(search.tree, name)
        content = search.json(f"results of {name}", path)
        if content is not None:
            raw[path] = shortened(content)
            runs[name] = datasets_of(content)
        elif seeds:
            search.parts[-1] = Part(f"results of {name}", "found", seeds[0][2])
            search.notes.append(f"{name} has no {path}: its values come from {len(seeds)} files of one seed each.")
            runs[name] = _from_seeds(search, seeds, raw)
    if not runs and not any(part.part.startswith("results") for part in search.parts):
        search.missing("results", "no run_N/final_info.json")
    return {name: datasets for name, datasets in runs.items() if datasets}, raw


def _seed_files(tree: Tree, run: str) -> list[tuple[str, int, str]]:
    """The files of one seed each: data set, seed and path."""
    found = []
    for path in tree.match(f"{run}/final_info_*.json"):
        if match := SEED_FILE.fullmatch(PurePosixPath(path).name):
            found.append((match[1] or UNNAMED, int(match[2]), path))
    return sorted(found)


def _from_seeds(search: Search, files: list[tuple[str, int, str]], raw: dict[str, object]) -> dict[str, Metrics]:
    contents: dict[str, list[object]] = {}
    for dataset, _, path in files:
        try:
            content = parse_json(search.load(path))
        except Unreadable as error:
            search.parts.append(Part("one seed's results", "unreadable", path, str(error)))
            continue
        raw[path] = shortened(content)
        contents.setdefault(dataset, []).append(content)
    return {dataset: metrics for dataset, items in contents.items() if (metrics := per_seed(items))}


def _references(search: Search, tex: str | None) -> None:
    if search.tree.match("latex/references.bib", "latex/*.bib"):
        search.file("references", "latex/references.bib", "latex/*.bib")
        return
    try:
        inside = tex is not None and BIB_INSIDE in decode(search.load(tex, TEXT_BYTES))
    except Unreadable:
        inside = False
    if inside and tex is not None:
        search.found("references", tex)
    else:
        search.missing("references", "no latex/references.bib, and none inside the manuscript's source")


def _own_idea(search: Search, ideas: object, notes: str) -> Mapping[str, Any] | None:
    """Which of the ideas this run follows: the one that its notes or its PDF are named after."""
    items = [item for item in (ideas if isinstance(ideas, list) else [ideas]) if isinstance(item, dict)][:MOST_IDEAS]
    title = match[1].strip() if (match := TITLE.search(notes)) else None
    stems = {PurePosixPath(path).stem.removesuffix("_improved") for path in search.tree.match("*.pdf")}
    for item in items:
        if (title and str(item.get("Title", "")).strip() == title) or item.get("Name") in stems:
            search.found("the run's own idea", "ideas.json")
            return {str(key): shortened(value) for key, value in item.items()}
    search.missing("the run's own idea", f"notes and PDF are named after none of the {len(items)} ideas")
    return None


def _manuscripts(tree: Tree, idea: Mapping[str, Any] | None) -> tuple[str, ...]:
    """An improved version first, then the one named after the idea, then any other."""
    name = str((idea or {}).get("Name"))
    ranks = {f"{name}_improved.pdf": 0, f"{name}.pdf": 1}
    found = tree.match("*.pdf")
    first = sorted(found, key=lambda path: (ranks.get(path, 2 if path.endswith("_improved.pdf") else 3), path))
    return (*first, *tree.match("latex/template.pdf"))


def _reviews(search: Search) -> tuple[Mapping[str, object], ...]:
    names = [name for name in ("review_improved.txt",) if name in search.tree]
    found = []
    for name in ("review.txt", *names):
        content = search.read(f"framework's own review ({name})", (name,), TEXT_BYTES, parse_review)
        if content is not None:
            found.append({"source": name, "content": shortened(content)})
    return tuple(found)


def _steps(notes: str) -> tuple[Mapping[str, object], ...]:
    """What the notes tell of each run; they tell no times."""
    marks = list(islice(TOLD.finditer(notes), MOST_RUNS))
    ends = [mark.start() for mark in marks[1:]] + [len(notes)]
    return tuple(
        {
            "step": f"run_{int(mark[1])}",
            "started_at": None,
            "seconds": None,
            "what": notes[mark.start(2) : end].strip()[:LONGEST_STEP],
        }
        for mark, end in zip(marks, ends, strict=True)
    )


def _no_error(tree: Tree) -> bool | None:
    """False where a run left a traceback; a run without one may still have failed unseen."""
    return False if any(tree.sizes[path] for path in tree.match("run_*/traceback.log")) else None
