"""Clips whose mask is still to be made, and masks that a person or a mask job made.

A mask is never changed: another one is a new asset of the same clip, with its author, where it came from and how many
pixels it changes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor, Permission
from core.canonical import digest, new_id
from core.errors import Conflict, InputError
from core.lookup import asset_files, find
from core.media import CheckedMask, check_mask, check_unmasked_folder, difference
from core.platform import Platform, Work
from core.registry import clean_name, clean_text, store_asset
from core.tables import Asset, AssetFile, Job, Output, Project

QUADMASK, MASK_NAME = "quadmask", "quadmask_0.mp4"


def create_unmasked_clip(
    platform: Platform, actor: Actor, *, project: str, folder: Path, name: str | None = None
) -> Asset:
    """Take in a clip and its prompt without a mask, for a mask job or a person to make one. Raises `MediaRejected`."""
    actor.require(Permission.ASSET_REGISTER)
    name = clean_name(name or folder.resolve().name, "asset")
    with platform.reading() as session:
        owner = find(session, Project, project)
        _require_free(session, owner.id, name)
    checked = check_unmasked_folder(folder, platform.settings)
    info = checked.video_info
    facts = {
        "frames": info.frames,
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "codec": info.codec,
        "prompt": checked.prompt,
        "mask": None,
    }
    with platform.work(actor) as work:
        return store_asset(work, owner, name, {"video": checked.video, "prompt": checked.prompt_file}, facts, [])


def correct_mask(platform: Platform, actor: Actor, *, asset: str, quadmask: Path, name: str, note: str) -> Asset:
    """Take in a mask that a person made or edited for a clip, as a new asset; `note` is the author's own words.

    The values are checked as at ingest: `MediaRejected` says how many pixels are off. A mask that changes no pixel of
    the asset's own is an `InputError`.
    """
    actor.require(Permission.ASSET_REGISTER)
    name, note = clean_name(name, "asset"), clean_text(note, "author's note")
    with platform.reading() as session:
        parent = find(session, Asset, asset)
        _require_free(session, parent.project_id, name)
        files = asset_files(session, parent)
    checked = _check(platform, parent, quadmask)
    changed = _changed(platform, files.get(QUADMASK), quadmask)
    if changed == 0:
        raise InputError(f"the mask changes no pixel of '{parent.name}'", "use that asset as it is")
    return _derive(platform, actor, parent, name, quadmask, checked, {"origin": "hand", "note": note}, changed)


def take_mask(platform: Platform, actor: Actor, *, job: str, name: str, note: str = "") -> Asset:
    """Take the mask that a mask job made, as a new asset of the job's clip; whoever takes it answers for it."""
    actor.require(Permission.ASSET_REGISTER)
    name = clean_name(name, "asset")
    with platform.reading() as session:
        row = find(session, Job, job)
        output = session.scalar(sa.select(Output).where(Output.job_id == row.id, Output.role == QUADMASK))
        if output is None:
            raise Conflict(f"the job {row.id} made no quadmask", "name a mask job that has succeeded")
        parent = session.get_one(Asset, row.asset_id)
        _require_free(session, parent.project_id, name)
        files = asset_files(session, parent)
    said = {"origin": "job", "job": row.id, "note": clean_text(note, "note") if note.strip() else ""}
    with tempfile.TemporaryDirectory() as folder:
        quadmask = platform.store.fetch(output.sha256, Path(folder) / MASK_NAME)
        checked = _check(platform, parent, quadmask)
        changed = _changed(platform, files.get(QUADMASK), quadmask)
        return _derive(platform, actor, parent, name, quadmask, checked, said, changed)


def _check(platform: Platform, parent: Asset, quadmask: Path) -> CheckedMask:
    size = int(parent.facts["width"]), int(parent.facts["height"])
    return check_mask(quadmask, int(parent.facts["frames"]), size, platform.settings)


def _changed(platform: Platform, former: AssetFile | None, quadmask: Path) -> float | None:
    """Share of all pixels that the new mask changes, or None where there was no mask."""
    if former is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        before = platform.store.fetch(former.sha256, Path(folder) / MASK_NAME)
        return difference(before, quadmask, platform.settings, grey=True).share


def _derive(
    platform: Platform,
    actor: Actor,
    parent: Asset,
    name: str,
    quadmask: Path,
    checked: CheckedMask,
    said: Mapping[str, object],
    changed: float | None,
) -> Asset:
    mask = {
        "shares": {str(value): share for value, share in checked.shares.items()},
        "exact": True,
        "author": actor.id,
        "author_name": actor.name,
        **said,
        "parent": parent.id,
        "parent_digest": parent.digest,
        "changed_share": changed,
    }
    with platform.work(actor) as work:
        files = {role: (row.name, row.sha256) for role, row in asset_files(work.session, parent).items()}
        files[QUADMASK] = (MASK_NAME, work.keep(quadmask, "video/mp4").sha256)
        row = work.add(
            Asset(
                id=new_id("ast"),
                project_id=parent.project_id,
                name=name,
                kind=parent.kind,
                digest=digest({role: sha256 for role, (_, sha256) in files.items()}),
                facts={**parent.facts, "mask": mask},
                notes=list(checked.warnings),
                created_by=actor.id,
                created_at=work.at,
            )
        )
        _add_files(work, row, files)
        work.record("asset.mask_made", row.id, digest=row.digest, parent=parent.id, changed_share=changed)
        return row


def _add_files(work: Work, asset: Asset, files: Mapping[str, tuple[str, str]]) -> None:
    for role, (name, sha256) in files.items():
        work.add(AssetFile(asset_id=asset.id, role=role, name=name, sha256=sha256))


def _require_free(session: Session, project: str, name: str) -> None:
    if session.scalar(sa.select(Asset.id).where(Asset.project_id == project, Asset.name == name)):
        raise Conflict(f"the project has an asset '{name}' already", "give another name")
