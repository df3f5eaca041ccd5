"""AI-Scientist v2: `idea.json`, `logs/N-run/*_summary.json` and `stage_*/journal.json`, token counts, reflections.

Sources: SakanaAI/AI-Scientist-v2 (`launch_scientist_bfts.py`, `treesearch/log_summarization.py`,
`utils/token_tracker.py`) and runs that people published.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from core.runners.scientist.runs.reading import TEXT_BYTES, number, parse_review, peek, shortened
from core.runners.scientist.runs.record import Account, Cost, Search
from core.runners.scientist.runs.results import UNNAMED, Metrics, Runs, single
from core.runners.scientist.runs.tree import Tree, shown

FRAMEWORK = "ai-scientist-v2"
STAGES = ("draft", "baseline", "research", "ablation")
LOGS = ("logs/*/", "*-run/")
BEST = "best node"
PICTURES = ("figures/*.png",)
MOST_CALLS, MOST_STEPS, LONGEST_STEP = 20_000, 1_000, 1_000
Node = Mapping[str, Any]
TRAILING = re.compile(r"(?:reflection[_.]?|_)(\d{1,6})\.pdf$")


def signs(tree: Tree) -> list[str]:
    """What tells that a tree is such a run; empty when it is none."""
    strong = [f"{path} is there" for path in tree.match(*_summaries(), *_journals())[:1]]
    idea = peek(tree, "idea.json")
    if isinstance(idea, dict) and "Name" in idea and idea.keys() & {"Experiments", "Short Hypothesis", "Abstract"}:
        strong.append("idea.json has its form")
    if _is_tokens(peek(tree, "token_tracker.json")):
        strong.append("token_tracker.json has its form")
    weak = [name for name in ("bfts_config.yaml", "idea.md", "auto_plot_aggregator.py") if name in tree]
    if "experiment_results" in tree.folders():
        weak.append("experiment_results")
    enough = len(strong) >= 2 or (strong and weak)
    return [*strong, *(f"{name} is there" for name in weak)] if enough else []


def read(search: Search) -> Account:
    """Read the whole run; what is missing stands in the account of the search."""
    tree = search.tree
    idea = search.json("idea", "idea.json", want=(dict,))
    search.file("search configuration", "bfts_config.yaml")
    summaries = {
        stage: search.json(f"{stage} summary", *(f"{logs}{stage}_summary.json" for logs in LOGS)) for stage in STAGES
    }
    searches = sorted(
        {path.split("/")[1] for path in tree.match(*(f"logs/*/{stage}_summary.json" for stage in STAGES))}
    )
    if len(searches) > 1:
        search.notes.append(f"The run holds {len(searches)} searches; the first, {shown(searches[0])}, was read.")
    journals = {path: _journal(search, path) for path in tree.match(*_journals())}
    runs, raw = _results(search, summaries, journals)
    tex = search.file("manuscript source", "latex/template.tex", "latex/*.tex")
    search.file("references", "latex/references.bib", "latex/*.bib", "cached_citations.bib")
    search.found("figures", pictures[0]) if (pictures := tree.match(*PICTURES)) else search.missing("figures", "no PNG")
    search.file("experiment results", *(f"{logs}experiment_results/*/*" for logs in LOGS), "experiment_results/*/*")
    tokens = search.json("token counts", "token_tracker.json", want=(dict,))
    return Account(
        framework=FRAMEWORK,
        manuscripts=_manuscripts(tree),
        runs=runs,
        raw=raw,
        idea={str(key): shortened(value) for key, value in idea.items()} if isinstance(idea, dict) else None,
        tex=tex,
        code=search.file("best experiment's code", *_best_code(summaries)),
        figures=tuple(pictures),
        reviews=_reviews(search),
        steps=_steps(journals),
        calls=_calls(search),
        cost=_cost(search, tokens),
        no_error=_no_error(journals),
    )


def _summaries() -> list[str]:
    return [f"{logs}{stage}_summary.json" for logs in LOGS for stage in STAGES]


def _journals() -> list[str]:
    return [f"{logs}stage_*/journal.json" for logs in LOGS]


def _is_tokens(value: object) -> bool:
    entries = value.values() if isinstance(value, dict) else ()
    return any(isinstance(entry, dict) and isinstance(entry.get("tokens"), dict) for entry in entries)


def _results(
    search: Search, summaries: Mapping[str, object], journals: Mapping[str, list[Node]]
) -> tuple[Runs, dict[str, object]]:
    """The metrics of each stage's best node and of its repetitions; of the journals where no summary was written."""
    raw = {f"{stage}_summary": shortened(_without_texts(content)) for stage, content in summaries.items() if content}
    runs = {name: metrics for name, node in _nodes(summaries) if (metrics := node_metrics(node))}
    if not runs:
        for path, nodes in journals.items():
            sound = [node for node in nodes if not node.get("is_buggy")]
            names = [f"{PurePosixPath(path).parent.name}/{node.get('id')}" for node in sound]
            runs |= {name: node_metrics(node) for name, node in zip(names, sound, strict=True) if node_metrics(node)}
            raw[path] = [shortened({"id": node.get("id"), "metric": node.get("metric")}) for node in sound]
        if runs:
            search.notes.append("No summary holds a metric: the values are those of the search's own journals.")
    if not runs:
        search.missing("results", "no metric in a summary or a journal")
    return runs, raw


def _nodes(summaries: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every node of the summaries with a name; a draft's summary has key results instead."""
    for stage, content in summaries.items():
        if isinstance(content, list):
            for position, node in enumerate(content):
                if isinstance(node, dict):
                    yield f"{stage}/{node.get('ablation_name') or position}", node
        elif isinstance(content, dict):
            yield stage, {"key_results": content.get("Key_numerical_results")}
            for key, inner in content.items():
                for position, node in enumerate(inner if isinstance(inner, list) else [inner]):
                    if isinstance(node, dict) and "metric" in node:
                        several = f" {position}" if isinstance(inner, list) else ""
                        yield f"{stage}/{key}{several}", node


def node_metrics(node: Mapping[str, Any]) -> dict[str, Metrics]:
    """A node's metrics by data set: the form with names and final values, the older single value, or key results."""
    found: dict[str, Metrics] = {}
    metric = node.get("metric")
    value = metric.get("value") if isinstance(metric, dict) else metric
    named = value.get("metric_names") if isinstance(value, dict) else None
    for entry in named if isinstance(named, list) else ():
        if isinstance(entry, dict):
            _add_entry(found, entry)
    if not found and (one := number(value)) is not None:
        name = metric.get("name") if isinstance(metric, dict) else None
        found[UNNAMED] = {str(name or "metric"): single(one)}
    key_results = node.get("key_results")
    for entry in key_results if isinstance(key_results, list) else ():
        one = number(entry.get("result")) if isinstance(entry, dict) else None
        if one is not None:
            found.setdefault(UNNAMED, {})[str(entry.get("description") or "result")[:200]] = single(one)
    return found


def _add_entry(found: dict[str, Metrics], entry: Mapping[str, Any]) -> None:
    name = str(entry.get("metric_name") or "metric")
    data = entry.get("data")
    for item in data if isinstance(data, list) else ():
        if isinstance(item, dict):
            metrics = found.setdefault(str(item.get("dataset_name") or UNNAMED), {})
            for key, ending in (("final_value", ""), ("best_value", " (best)")):
                if (value := number(item.get(key))) is not None:
                    metrics[f"{name}{ending}"] = single(value)


def _without_texts(content: object) -> object:
    """A summary less the programs and pictures' descriptions that fill it."""
    dropped = {"code", "plot_code", "plot_plan", "plot_analyses", "plot_paths", "vlm_feedback_summary"}
    if isinstance(content, dict):
        return {key: _without_texts(value) for key, value in content.items() if key not in dropped}
    return [_without_texts(item) for item in content] if isinstance(content, list) else content


def _journal(search: Search, path: str) -> list[Node]:
    """All nodes of a stage's search, sound and broken."""
    content = search.json("journal", path, want=(dict,))
    nodes = content.get("nodes") if isinstance(content, dict) else None
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []


def _best_code(summaries: Mapping[str, object]) -> list[str]:
    """Where the code of the best node lies, the latest stage first."""
    found = []
    for stage in ("research", "baseline"):
        summary = summaries.get(stage)
        node = summary.get(BEST) if isinstance(summary, dict) else None
        place = str(node.get("exp_results_dir") or "") if isinstance(node, dict) else ""
        if re.fullmatch(r"[\w./-]+", place):
            found += [f"logs/*/{place}/experiment_code.py", f"{place}/experiment_code.py"]
    return [*found, "logs/*/experiment_results/*/experiment_code.py"]


def _manuscripts(tree: Tree) -> tuple[str, ...]:
    """As upstream chooses what it reviews: a final reflection, then the highest number, then any other."""

    def rank(path: str) -> tuple[bool, bool, int, str]:
        last = TRAILING.search(path)
        return ("final" not in path, "reflection" not in path, -int(last[1]) if last else 1, path)

    return (*sorted(tree.match("*.pdf"), key=rank), *tree.match("latex/template.pdf"))


def _reviews(search: Search) -> tuple[Mapping[str, object], ...]:
    found = []
    for name in ("review_text.txt", "review_img_cap_ref.json"):
        content = search.read(f"framework's own review ({name})", (name,), TEXT_BYTES, parse_review)
        if content is not None:
            found.append({"source": name, "content": shortened(content)})
    return tuple(found)


def _steps(journals: Mapping[str, list[Node]]) -> tuple[Mapping[str, object], ...]:
    """What the search tried, node by node, in its own words."""
    found = []
    for path, nodes in journals.items():
        for node in nodes[:MOST_STEPS]:
            ended = f"failed with {node['exc_type']}: " if node.get("exc_type") else ""
            found.append(
                {
                    "step": f"{PurePosixPath(path).parent.name}/{node.get('step')}",
                    "started_at": _moment(number(node.get("ctime"))),
                    "seconds": number(node.get("exec_time")),
                    "what": f"{ended}{node.get('analysis') or node.get('plan') or ''}"[:LONGEST_STEP],
                }
            )
    return tuple(found)


def _moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as an ISO time; None for what is no moment of this age."""
    if seconds is None or not 0 < seconds < 1e10:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _no_error(journals: Mapping[str, list[Node]]) -> bool | None:
    """False where every node of the search broke; a search with sound nodes may still have failed unseen."""
    nodes = [node for found in journals.values() for node in found]
    return False if nodes and all(node.get("is_buggy") is True for node in nodes) else None


def _calls(search: Search) -> tuple[Mapping[str, object], ...]:
    """Every recorded question to a model: who was asked and when, the texts by their digests alone."""
    content = search.json("model calls", "token_tracker_interactions.json", want=(dict,))
    found: list[Mapping[str, object]] = []
    for model, calls in content.items() if isinstance(content, dict) else ():
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict) and len(found) < MOST_CALLS:
                found.append(
                    {
                        "model": str(model),
                        "at": call.get("timestamp") if isinstance(call.get("timestamp"), str | int | float) else None,
                        "prompt_sha256": _digest(call.get("prompt")),
                        "answer_sha256": _digest(call.get("response")),
                    }
                )
    return tuple(found)


def _digest(text: object) -> str | None:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if isinstance(text, str) else None


def _cost(search: Search, tokens: object) -> Cost:
    """Tokens and dollars over all models. Upstream writes 0.0 where it knows no price: that is no cost."""
    entries = [
        (str(model), entry, entry["tokens"])
        for model, entry in (tokens.items() if isinstance(tokens, dict) else ())
        if isinstance(entry, dict) and isinstance(entry.get("tokens"), dict)
    ]
    if not entries:
        return Cost()
    asked = sum(int(number(count.get("prompt")) or 0) for _, _, count in entries)
    answered = sum(int(number(count.get("completion")) or 0) for _, _, count in entries)
    prices = [number(entry.get("cost (USD)")) for _, entry, _ in entries]
    unpriced = [model for (model, _, _), price in zip(entries, prices, strict=True) if not price]
    if unpriced:
        search.notes.append(f"The run tells no cost: it knew no price of {shown(', '.join(unpriced), 200)}.")
    return Cost(asked, answered, None if unpriced else sum(price or 0.0 for price in prices))
