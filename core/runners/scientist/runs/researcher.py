"""AI-Researcher: `paper.pdf` beside `project/`, with whatever JSON its programs left.

Source: HKUDS/AI-Researcher (its examples, and the places that its agents are told to write to).
"""

from __future__ import annotations

from pathlib import PurePosixPath

from core.runners.scientist.runs.reading import parse_json, shortened
from core.runners.scientist.runs.record import Account, Part, Search
from core.runners.scientist.runs.results import Runs, datasets_of
from core.runners.scientist.runs.tree import Tree, Unreadable

FRAMEWORK = "ai-researcher"
PROJECTS = ("project", "workplace/project")
LAID_OUT = ("model", "data_processing", "training", "testing", "data")
MAIN = "run_training_testing.py"
PAPERS = ("paper.pdf", "paper/*.pdf", "paper/*/*.pdf", "target_sections/*/*.pdf", "*.pdf")
SOURCES = ("*.tex", "paper/*.tex", "paper/*/*.tex", "target_sections/*/*.tex")
INSTANCE = {"source_papers", "instance_id"}
MOST_RESULTS = 500


def signs(tree: Tree) -> list[str]:
    """What tells that a tree is such a run; empty when it is none."""
    project = _project(tree)
    if project is None:
        return []
    found = [f"{project}/{MAIN} is there"] if f"{project}/{MAIN}" in tree else []
    parts = [name for name in LAID_OUT if f"{project}/{name}" in tree.folders()]
    if len(parts) >= 2:
        found.append(f"{project}/ is laid out as {', '.join(parts)}")
    if "paper.pdf" in tree:
        found.append("paper.pdf is there")
    if tree.match("cache*/agents/*.json", "cache*/*/agents/*.json"):
        found.append("agents' caches are there")
    has_code = bool(tree.match(f"{project}/*.py", f"{project}/*/*.py"))
    return found if len(found) >= 2 or ("paper.pdf" in tree and has_code) else []


def read(search: Search) -> Account:
    """Read the whole run; what is missing stands in the account of the search."""
    tree = search.tree
    project = _project(tree) or PROJECTS[0]
    code = search.file("experiment code", f"{project}/{MAIN}", f"{project}/main.py", f"{project}/*.py")
    for name in LAID_OUT[:4]:
        search.file(f"project's {name}", f"{project}/{name}/*", f"{project}/{name}/*/*")
    tex = search.file("manuscript source", *SOURCES)
    search.file("references", "*.bib", "paper/*.bib", "paper/*/*.bib")
    search.file("agents' caches", "cache*/agents/*.json", "cache*/*/agents/*.json")
    runs, raw, idea = _jsons(search)
    figures = tree.match("*.png", f"{project}/*.png", f"{project}/*/*.png", "paper/*.png", "figures/*.png")
    search.found("figures", figures[0]) if figures else search.missing("figures", "no PNG")
    return Account(
        framework=FRAMEWORK,
        manuscripts=tuple(dict.fromkeys(path for pattern in PAPERS for path in tree.match(pattern))),
        runs=runs,
        raw=raw,
        idea=idea,
        tex=tex,
        code=code,
        figures=tuple(figures),
    )


def _project(tree: Tree) -> str | None:
    return next((name for name in PROJECTS if name in tree.folders()), None)


def _jsons(search: Search) -> tuple[Runs, dict[str, object], dict[str, object] | None]:
    """Read every JSON that may hold results: no two of these runs name them alike."""
    runs: Runs = {}
    raw: dict[str, object] = {}
    idea: dict[str, object] | None = None
    candidates = [path for path in search.tree.sizes if path.endswith(".json") and not path.startswith("cache")]
    for path in candidates[:MOST_RESULTS]:
        try:
            content = parse_json(search.load(path))
        except Unreadable as error:
            search.parts.append(Part("a JSON file", "unreadable", path, str(error)))
            continue
        if isinstance(content, dict) and content.keys() >= INSTANCE:
            search.found("research instance", path)
            idea = {str(key): shortened(value) for key, value in content.items()}
        elif datasets := datasets_of(content):
            search.found("numbers in JSON", path)
            runs[str(PurePosixPath(path).with_suffix(""))] = datasets
            raw[path] = shortened(content)
    if len(candidates) > MOST_RESULTS:
        search.notes.append(f"Of {len(candidates)} JSON files the first {MOST_RESULTS} were read.")
    if not runs:
        search.missing("results", "no JSON file with numbers")
    if idea is None:
        search.missing("research instance", "no JSON file with source_papers and instance_id")
    return runs, raw, idea
