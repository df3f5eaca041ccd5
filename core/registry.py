"""Projects, models with versions and lineage, and assets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa

from core.access import Actor, Permission
from core.canonical import digest, file_sha256, new_id
from core.errors import Conflict, InputError, NotFound
from core.lookup import find, find_version
from core.platform import Platform, Work
from core.tables import Asset, AssetFile, LineageLink, Model, ModelVersion, Project
from policies import PackError, load_builtin

if TYPE_CHECKING:
    from core.media import VoidFolder

PROJECT_KINDS = ("production", "study")
ORIGINS = ("in_house", "vendor", "builtin")
RELATIONS = ("base", "adapter")
TOOL_FACTS = ("stores_production_data", "trains_on_production_data", "enterprise_secured")
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".pdf": "application/pdf",
}
TEXT_LIMIT = 10_000
SCALE_BYTES = 1 << 16
SAFETENSORS_LIMIT = 100 << 20
"""Longest header that a safetensors file may declare (the format's own limit)."""


def create_project(
    work: Work,
    *,
    name: str,
    kind: str,
    agreements: Sequence[str],
    jurisdictions: Sequence[str] = (),
    final_deliverable: bool | None = None,
    first_photography: str | None = None,
    tools: Mapping[str, bool | None] | None = None,
    strikes: Sequence[Mapping[str, str | None]] | None = None,
) -> Project:
    """Add a production or a study. Every agreement must be a pack that exists.

    `tools` holds what is known of the tools in use: stores_production_data, trains_on_production_data,
    enterprise_secured; a missing entry is unknown, not false.
    `strikes` are the strike windows `{union, starts_at, ends_at}`; None means that nobody has looked.
    """
    work.require(Permission.PROJECT_MANAGE)
    _choice(kind, PROJECT_KINDS, "kind of project")
    for pack in agreements:
        _check_pack(pack)
    for tool in tools or {}:
        _choice(tool, TOOL_FACTS, "fact about tools")
    project = Project(
        id=new_id("prj"),
        name=clean_name(name, "project"),
        kind=kind,
        agreements=list(agreements),
        jurisdictions=[clean_name(jurisdiction, "jurisdiction", 40) for jurisdiction in jurisdictions],
        final_deliverable=final_deliverable,
        first_photography=None if first_photography is None else _day(first_photography),
        tools=dict(tools or {}),
        strikes=None if strikes is None else [dict(strike) for strike in strikes],
        created_by=work.actor.id,
        created_at=work.at,
    )
    _unique(work, Project, project.name)
    work.add(project)
    work.record("project.created", project.id, agreements=project.agreements)
    return project


def create_model(work: Work, *, name: str, origin: str, description: str = "") -> Model:
    """Add a model of the house, of a vendor, or built in."""
    work.require(Permission.MODEL_REGISTER)
    _choice(origin, ORIGINS, "origin")
    model = Model(
        id=new_id("mdl"),
        name=clean_name(name, "model"),
        origin=origin,
        description=clean_text(description, "description") if description.strip() else "",
        created_by=work.actor.id,
        created_at=work.at,
    )
    _unique(work, Model, model.name)
    work.add(model)
    work.record("model.created", model.id, origin=origin)
    return model


def create_version(
    work: Work,
    *,
    model: str,
    version: str,
    licence: str,
    weights: Sequence[Path] = (),
    parents: Mapping[str, Literal["base", "adapter"]] | None = None,
    licence_cleared: bool | None = None,
    network_egress: bool | None = None,
    card: Mapping[str, object] | None = None,
) -> ModelVersion:
    """Add a version of a model: its weights (safetensors only, by content), licence and what it was made from.

    `parents` maps `model@version` to the relation. A version without weights (a classical method, a vendor's
    service) is named by the digest of its record.
    """
    work.require(Permission.MODEL_REGISTER)
    if licence_cleared is not None:
        work.require(Permission.MODEL_CLEAR)
    owner = find(work.session, Model, model)
    files = [{"name": path.name, "sha256": weights_sha256(path), "size": path.stat().st_size} for path in weights]
    row = ModelVersion(
        id=new_id("ver"),
        model_id=owner.id,
        version=clean_name(version, "version"),
        digest=digest(files or {"model": owner.name, "version": version, "card": dict(card or {})}),
        licence=clean_name(licence, "licence"),
        licence_cleared=licence_cleared,
        weights_format="safetensors" if files else "none",
        weights=files,
        network_egress=network_egress,
        card=dict(card or {}),
        created_by=work.actor.id,
        created_at=work.at,
    )
    same = sa.select(ModelVersion).where(ModelVersion.model_id == owner.id, ModelVersion.version == row.version)
    if work.session.scalar(same):
        raise Conflict(f"{owner.name}@{row.version} exists", "choose another version; a version never changes")
    work.add(row)
    for name, relation in (parents or {}).items():
        _choice(relation, RELATIONS, "relation")
        work.add(LineageLink(version_id=row.id, parent_id=find_version(work.session, name).id, relation=relation))
    work.record("model.version_created", row.id, digest=row.digest, licence=row.licence)
    return row


def clear_licence(work: Work, *, version: str, cleared: bool) -> ModelVersion:
    """Record the legal decision on a version's licence."""
    work.require(Permission.MODEL_CLEAR)
    row = find_version(work.session, version)
    row.licence_cleared = cleared
    work.record("model.licence_decided", row.id, row, cleared=cleared)
    return row


def weights_sha256(path: Path) -> str:
    """Digest a weight file after checking by content that it is safetensors; a pickle is refused."""
    if not path.is_file():
        raise NotFound(f"there is no weight file {path}", "check the path")
    try:
        usable = _is_safetensors(path)
        digested = file_sha256(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})", "check its rights") from error
    if not usable:
        raise InputError(
            f"{path.name} is not a safetensors file, and files that can run code when loaded are refused",
            "convert the weights to safetensors",
        )
    return digested


def _is_safetensors(path: Path) -> bool:
    """Whether a file is a length, a JSON table of that length, and data."""
    most = min(SAFETENSORS_LIMIT, path.stat().st_size - 8)
    with path.open("rb") as stream:
        size = int.from_bytes(stream.read(8), "little")
        head = stream.read(size) if 2 <= size <= most else b""
    try:
        return head[:1] == b"{" and isinstance(json.loads(head), dict)
    except (ValueError, RecursionError):
        return False


def create_clip(platform: Platform, actor: Actor, *, project: str, folder: Path, name: str | None = None) -> Asset:
    """Take in a VOID-format folder: probed within limits, exact mask values, equal frame counts.

    A `scale.json` beside the clip (metres per pixel at the object) is kept with it. Raises `MediaRejected`.
    """
    from core.media import check_void_folder

    actor.require(Permission.ASSET_REGISTER)
    name = clean_name(name or folder.resolve().name, "asset")
    with platform.reading() as session:
        owner = find(session, Project, project)
        if session.scalar(sa.select(Asset.id).where(Asset.project_id == owner.id, Asset.name == name)):
            raise Conflict(f"the project has an asset '{name}' already", "give another name with --name")
    # The long check runs before the transaction, so that nobody waits for it.
    checked = check_void_folder(folder, platform.settings)
    files = {"video": checked.video, "quadmask": checked.mask, "prompt": checked.prompt_file, **_scale(folder)}
    with platform.work(actor) as work:
        return store_asset(work, owner, name, files, _clip_facts(checked), list(checked.warnings))


def _scale(folder: Path) -> dict[str, Path]:
    scale = folder / "scale.json"
    usable = scale.is_file() and not scale.is_symlink() and scale.stat().st_size <= SCALE_BYTES
    return {"scale": scale} if usable else {}


def _clip_facts(checked: VoidFolder) -> dict[str, object]:
    info = checked.video_info
    return {
        "frames": info.frames,
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "codec": info.codec,
        "prompt": checked.prompt,
        "mask": {"shares": {str(value): share for value, share in checked.shares.items()}, "exact": True},
    }


def store_asset(
    work: Work,
    owner: Project,
    name: str,
    files: Mapping[str, Path],
    facts: Mapping[str, object],
    notes: list[str],
    kind: str = "clip",
) -> Asset:
    """Keep an asset's files and add it with an audit event; the caller has checked all of it."""
    kept = {role: work.keep(path, _media_type(path)) for role, path in files.items()}
    asset = work.add(
        Asset(
            id=new_id("ast"),
            project_id=owner.id,
            name=name,
            kind=kind,
            digest=digest({role: artifact.sha256 for role, artifact in kept.items()}),
            facts=dict(facts),
            notes=notes,
            created_by=work.actor.id,
            created_at=work.at,
        )
    )
    for role, artifact in kept.items():
        work.add(AssetFile(asset_id=asset.id, role=role, name=files[role].name, sha256=artifact.sha256))
    work.record("asset.created", asset.id, digest=asset.digest)
    return asset


def clean_name(name: str, what: str, most: int = 200) -> str:
    """Return a usable name, or `InputError`: 1 to `most` printable characters, no path separators."""
    name = name.strip()
    if not name or len(name) > most or not name.isprintable() or "/" in name or "\\" in name:
        raise InputError(f"'{name[:40]}' cannot name a {what}", f"use 1 to {most} printable characters without slashes")
    return name


def clean_text(text: str, what: str) -> str:
    """Return a usable text, or `InputError`: 1 to 10,000 printable characters and line breaks."""
    text = text.strip()
    if not 0 < len(text) <= TEXT_LIMIT or not text.replace("\n", " ").replace("\t", " ").isprintable():
        raise InputError(f"the {what} must be 1 to {TEXT_LIMIT:,} printable characters", "write it anew")
    return text


def _check_pack(pack: str) -> None:
    try:
        load_builtin(pack)
    except PackError as error:
        raise NotFound(*_two_parts(str(error))) from error


def _two_parts(text: str) -> tuple[str, str]:
    what, _, next_step = text.partition("; ")
    return what, next_step or "see 'greenlight policy list'"


def _day(text: str) -> str:
    """Return a date as YYYY-MM-DD, or `InputError`."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InputError(f"'{text[:40]}' is no date", "write it as YYYY-MM-DD") from error


def _unique(work: Work, model: type[Project] | type[Model], name: str) -> None:
    if work.session.scalar(sa.select(model.id).where(model.name == name)):
        raise Conflict(f"the {model.__name__.lower()} '{name}' exists", "choose another name")


def _choice(value: str, allowed: tuple[str, ...], what: str) -> None:
    if value not in allowed:
        raise InputError(f"'{value[:40]}' is no {what}", f"use {' or '.join(allowed)}")


def _media_type(path: Path) -> str:
    return MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
