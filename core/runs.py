"""Studies made elsewhere as assets: a run's folder or its zip, packed so that equal runs have equal digests, or a PDF.

Each is read by a job of the runner `run-ingest`, like any other job.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from core.access import Actor, Permission
from core.errors import Conflict, InputError, MediaRejected
from core.jobs.submission import JobRequest, Submission, submit
from core.lookup import find, find_version
from core.platform import Platform
from core.registry import clean_name, store_asset
from core.runners.scientist.runs.detect import Found, recognise
from core.runners.scientist.runs.pdf import HEAD, require_head
from core.runners.scientist.runs.tree import Tree, Unreadable, folder_tree, pack, shown, zip_tree
from core.tables import Asset, Project

KIND, RUNNER = "run", "run-ingest"
ARCHIVE, MANUSCRIPT = "archive", "manuscript"
ARCHIVE_NAME = "run.zip"
ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06")


def create_run(platform: Platform, actor: Actor, *, project: str, source: Path, name: str | None = None) -> Asset:
    """Take in a run made elsewhere: its folder, a zip of it, or its manuscript alone as a PDF.

    Nothing in it is executed. `MediaRejected` says which limit it breaks, or what was looked for when it is of no
    known kind.
    """
    actor.require(Permission.ASSET_REGISTER)
    full = source.resolve()
    name = clean_name(name or (full.name if full.is_dir() else full.stem), "asset")
    with platform.reading() as session:
        owner = find(session, Project, project)
        if session.scalar(sa.select(Asset.id).where(Asset.project_id == owner.id, Asset.name == name)):
            raise Conflict(f"the project has an asset '{name}' already", "give another name with --name")
    # The long reading runs before the transaction, so that nobody waits for it.
    with tempfile.TemporaryDirectory() as folder:
        files, facts, notes = _taken(source, Path(folder))
        with platform.work(actor) as work:
            return store_asset(work, owner, name, files, facts, notes, kind=KIND)


def ingest_run(
    platform: Platform,
    actor: Actor,
    *,
    project: str,
    source: Path,
    model: str,
    name: str | None = None,
    manuscript: str | None = None,
    purpose: str = "release",
    provenance: Mapping[str, object] | None = None,
) -> tuple[Asset, Submission]:
    """Take in a run and submit the job that reads it; the gate may refuse the job, the asset stays.

    `model` (model@version) stands for whoever made the run; `manuscript` names the PDF of the run that is its
    manuscript, where several could be.
    """
    actor.require(Permission.JOB_SUBMIT)
    with platform.reading() as session:
        version = find_version(session, model).id
    asset = create_run(platform, actor, project=project, source=source, name=name)
    request = JobRequest(
        asset=asset.id,
        version=version,
        runner=RUNNER,
        purpose=purpose,
        ai_use={"kind": "NONE"},
        parameters={"manuscript": manuscript} if manuscript else {},
        provenance=provenance,
        origin="vendor",
    )
    with platform.work(actor) as work:
        return asset, submit(work, request)


def _taken(source: Path, folder: Path) -> tuple[dict[str, Path], dict[str, object], list[str]]:
    """The asset's files by role, its facts and notes."""
    if source.is_file() and _is_pdf(source):
        facts: dict[str, object] = {"framework": None, "files": 1, "bytes": source.stat().st_size}
        return {MANUSCRIPT: source}, facts, []
    with _tree(source) as whole:
        found = recognise(whole)
        tree = whole.below(found.start)
        pack(tree, folder / ARCHIVE_NAME)
    return {ARCHIVE: folder / ARCHIVE_NAME}, _facts(found, tree), _notes(found, tree)


def _facts(found: Found, tree: Tree) -> dict[str, object]:
    return {
        "framework": found.framework,
        "recognised_by": list(found.signs),
        "files": len(tree.sizes),
        "bytes": tree.total,
    }


def _notes(found: Found, tree: Tree) -> list[str]:
    notes = [f"The run begins in its folder '{shown(found.start)}'."] if found.start else []
    reasons: dict[str, int] = {}
    for why in tree.left_out.values():
        reasons[why] = reasons.get(why, 0) + 1
    if not any(path.endswith(".pdf") for path in tree.sizes):
        notes.append("It holds no PDF: its job will fail, because there is no manuscript to judge.")
    return [*notes, *(f"Left out: {count} of the run's entries ({why})." for why, count in sorted(reasons.items()))]


@contextmanager
def _tree(source: Path) -> Iterator[Tree]:
    if source.is_dir():
        yield folder_tree(source)
    elif source.is_file() and _begins(source, ZIP_HEADS):
        with zip_tree(source) as tree:
            yield tree
    elif source.exists():
        raise MediaRejected(
            f"{shown(source.name)} is no run by its content", "give a run's folder, a zip of it, or a PDF"
        )
    else:
        raise InputError(f"there is no {shown(source)}", "check the path")


def _is_pdf(source: Path) -> bool:
    """Whether it is a PDF by its content; one that breaks a limit is refused here."""
    try:
        require_head(source)
    except Unreadable as error:
        if _begins(source, (HEAD,)) or source.suffix.lower() == ".pdf":
            raise MediaRejected(f"{shown(source.name)} cannot be taken in: {error}", "give a plain PDF") from error
        return False
    return True


def _begins(source: Path, heads: tuple[bytes, ...]) -> bool:
    with source.open("rb") as stream:
        return stream.read(8).startswith(heads)
