"""`run-ingest`: a study made elsewhere, as a job with its artifacts.

Inputs: `archive`, the packed run folder, or `manuscript`, a lone PDF. Nothing in them is executed. The parameter
`manuscript` names the PDF of the run that is its manuscript, where several could be.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from core.errors import RunFailed
from core.runners.base import Manifest, Needs, RunContext, RunSpecification
from core.runners.scientist.runs.detect import read_account, recognise
from core.runners.scientist.runs.facts import study_facts
from core.runners.scientist.runs.outputs import Writer
from core.runners.scientist.runs.pdf import PdfFacts, probe_pdf
from core.runners.scientist.runs.record import Account, Part, Search
from core.runners.scientist.runs.tree import Tree, Unreadable, shown, zip_tree

MANUSCRIPT = "manuscript.pdf"
MOST_TRIED = 6


class RunIngestRunner:
    """Take in a study made elsewhere."""

    name = "run-ingest"
    version = "1"
    produces = "manuscript"
    needs = Needs(memory=1 << 30)

    def run(self, specification: RunSpecification, context: RunContext) -> Manifest:
        """Write the manuscript, the normalised results and the record of what was found and what was missing.

        `RunFailed` where there is no readable manuscript; `MediaRejected` where the run breaks a limit or is of no
        known kind.
        """
        if archive := specification.inputs.get("archive"):
            wanted = specification.parameters.get("manuscript")
            return _from_run(archive, str(wanted) if wanted else None, context)
        if paper := specification.inputs.get("manuscript"):
            return _from_paper(paper, context)
        raise RunFailed("there is no run to take in", "give its packed folder as 'archive' or a PDF as 'manuscript'")


def _from_run(archive: Path, wanted: str | None, context: RunContext) -> Manifest:
    with zip_tree(archive) as whole:
        kind = recognise(whole)
        context.progress(0.1, f"reading a run of {kind.framework}")
        tree = whole.below(kind.start)
        search = Search(tree)
        account = read_account(search, kind.framework)
        context.progress(0.4, "looking at the manuscript")
        pdf = _manuscript(search, account, wanted, context.folder / MANUSCRIPT)
        writer = Writer(context, tree)
        writer.add("manuscript", context.folder / MANUSCRIPT, "application/pdf")
        writer.account(account)
        context.progress(0.6, "taking digests of all files")
        writer.record(kind, search, pdf)
    return writer.manifest(study_facts(account, search, kind, tree, pdf), search.notes)


def _from_paper(paper: Path, context: RunContext) -> Manifest:
    """Take in a manuscript of which nothing else is known."""
    try:
        pdf = probe_pdf(paper)
    except Unreadable as error:
        raise RunFailed(f"the manuscript cannot be read: {error}", "export it as a plain PDF") from error
    shutil.copyfile(paper, context.folder / MANUSCRIPT)
    tree = Tree({MANUSCRIPT: paper.stat().st_size}, lambda _: paper.open("rb"))
    search = Search(tree)
    search.found("manuscript", MANUSCRIPT)
    for part in ("results", "experiment code", "idea", "framework's own review", "log"):
        search.missing(part, "a lone PDF was given")
    account = Account(None, (MANUSCRIPT,), {}, {})
    writer = Writer(context, tree)
    writer.add("manuscript", context.folder / MANUSCRIPT, "application/pdf")
    writer.record(None, search, pdf)
    return writer.manifest(study_facts(account, search, None, tree, pdf), search.notes)


def _manuscript(search: Search, account: Account, wanted: str | None, target: Path) -> PdfFacts:
    """Copy the first readable PDF among those that may be the manuscript; `RunFailed` tells what was looked at."""
    if wanted is not None and wanted not in search.tree:
        raise RunFailed(f"the run holds no '{shown(wanted)}'", "name a PDF by its path inside the run")
    refused: list[Part] = []
    for path in ((wanted,) if wanted else account.manuscripts)[:MOST_TRIED]:
        try:
            _copy(search.tree, path, target)
            pdf = probe_pdf(target)
        except Unreadable as error:
            refused.append(Part("manuscript", "unreadable", path, str(error)))
            continue
        search.parts += [*refused, Part("manuscript", "found", path)]
        _say_others(search, account, path)
        return pdf
    target.unlink(missing_ok=True)
    told = "; ".join(f"{shown(part.path)}: {part.reason}" for part in refused[:3]) or "it holds no PDF"
    raise RunFailed(
        f"the run of {account.framework} has no readable manuscript ({told})", "add the manuscript's PDF to the run"
    )


def _say_others(search: Search, account: Account, chosen: str) -> None:
    others = [shown(path) for path in account.manuscripts if path != chosen]
    if others:
        search.notes.append(f"The manuscript is {shown(chosen)}; the run also holds {', '.join(others[:4])}.")


def _copy(tree: Tree, path: str, target: Path) -> None:
    with target.open("wb") as out:
        for piece in tree.pieces(path):
            out.write(piece)
