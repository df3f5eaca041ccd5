"""Studies: take in a protocol with its data, have it approved before it runs, and show how it stands.

An approval is sealed with the installation's key and binds the digest of all the study's files. It is given with the
password anew, by somebody else than who brought the study in.
"""

from __future__ import annotations

import base64
import binascii
import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from core.access import Actor, Permission, Role
from core.canonical import canonical_json, new_id, timestamp
from core.errors import Conflict, Denied, InputError, NotFound, TamperingFound
from core.identity import Proof
from core.keys import VerifyingKey
from core.lookup import approval_of, asset_files, find
from core.platform import Platform, Work
from core.registry import clean_name, clean_text, store_asset
from core.reviews.seeing import refuse_blind
from core.tables import Asset, Project, ProtocolApproval

if TYPE_CHECKING:
    from core.runners.scientist.protocol.schema import Protocol, ReadProtocol

KIND = "study"
PROTOCOL, DATA = "protocol.yaml", "data.csv"
SCHEMA = "greenlight.protocol-approval/1"
HEADER_BYTES = 1 << 16


def create_study(
    platform: Platform, actor: Actor, *, project: str, path: Path, data: Path | None = None, name: str | None = None
) -> Asset:
    """Take in a study: a protocol file, or a folder with `protocol.yaml` and, where its data are its own, `data.csv`.

    `data` is a data file that lies elsewhere. `InputError` names the field of the protocol that cannot be used.
    """
    from core.runners.scientist.protocol.schema import read_protocol

    actor.require(Permission.ASSET_REGISTER)
    protocol_file, data_file = _files(path, data)
    read = read_protocol(protocol_file)
    _check_data(platform, read.protocol, data_file)
    with platform.work(actor) as work:
        owner = find(work.session, Project, project)
        named = clean_name(name or read.protocol.id, "asset")
        if work.session.scalar(sa.select(Asset.id).where(Asset.project_id == owner.id, Asset.name == named)):
            raise Conflict(f"the project has an asset '{named}' already", "give another name with --name")
        files = {"protocol": protocol_file, **({"data": data_file} if data_file else {})}
        return store_asset(work, owner, named, files, protocol_facts(read), [], kind=KIND)


def approve(work: Work, proof: Proof, asset: str, statement: str) -> ProtocolApproval:
    """Approve a study's protocol before it runs: as a clinical lead who did not bring it in, with a fresh password."""
    work.require(Permission.PROTOCOL_APPROVE)
    proof.require_fresh(work.at)
    if proof.actor.id != work.actor.id:
        raise Denied("the password belongs to somebody else", "approve with your own")
    row = study_of(work.session, asset)
    if row.created_by == work.actor.id:
        raise Denied("whoever brought a study in cannot approve it", "ask another clinical lead")
    if (known := approval_of(work.session, row)) is not None:
        raise Conflict(f"{known.printed_name} has approved this study already", "nothing is left to approve")
    approval = ProtocolApproval(
        id=new_id("apr"),
        asset_id=row.id,
        asset_sha256=row.digest,
        protocol_sha256=str(row.facts["protocol_sha256"]),
        statement=clean_text(statement, "statement (what you checked)"),
        approved_by=work.actor.id,
        printed_name=work.actor.name,
        role=Role.CLINICAL_LEAD,
        authenticated_at=proof.at,
        approved_at=work.at,
        key_id=work.key.public.key_id,
        signature="",
    )
    approval.signature = base64.b64encode(work.key.sign(_sealed(approval))).decode()
    work.add(approval)
    work.record("study.approved", row.id, approval=approval.id, protocol_sha256=approval.protocol_sha256)
    return approval


def check_approval(row: ProtocolApproval, asset: Asset, key: VerifyingKey) -> None:
    """Raise `TamperingFound` unless the seal is this installation's and covers this study's files."""
    try:
        sealed = key.verifies(base64.b64decode(row.signature, validate=True), _sealed(row))
    except binascii.Error:
        sealed = False
    if not sealed or row.key_id != key.key_id or (row.asset_id, row.asset_sha256) != (asset.id, asset.digest):
        raise TamperingFound(
            f"the approval {row.id} does not belong to the study '{asset.name}'", "run 'greenlight audit verify'"
        )


def study_of(session: Session, asset: str) -> Asset:
    """Return an asset that is a study with a protocol."""
    row = find(session, Asset, asset)
    if row.kind != KIND:
        raise InputError(
            f"the asset '{row.name}' is no study but a {row.kind}", "name a study; see 'greenlight study list'"
        )
    return row


def study_record(platform: Platform, actor: Actor, asset: str) -> dict[str, Any]:
    """Everything about one study: its facts, its files, and whether its protocol is approved, the seal checked.

    `Denied` for somebody who still owes a blind review of what came of it.
    """
    with platform.reading() as session:
        row = study_of(session, asset)
        refuse_blind(session, actor, row.id)
        files = {role: item.sha256 for role, item in asset_files(session, row).items()}
        approval = approval_of(session, row)
        if approval is not None:
            check_approval(approval, row, platform.key.public)
    return {
        "id": row.id,
        "name": row.name,
        "digest": row.digest,
        **row.facts,
        "files": files,
        "approved_by": approval.printed_name if approval else None,
        "approved_at": approval.approved_at if approval else None,
        "approval_statement": approval.statement if approval else None,
    }


def protocol_facts(read: ReadProtocol) -> dict[str, object]:
    """What the registry says of a protocol: the facts of its asset, which policies judge before it runs."""
    from core.runners.scientist.protocol.cards import card_facts

    protocol = read.protocol
    return {
        "protocol_sha256": read.sha256,
        "protocol": protocol.id,
        "title": protocol.title,
        "mode": protocol.mode,
        "question": protocol.question,
        "context_of_use": protocol.context_of_use,
        "ethics": protocol.ethics,
        "outcome": {"column": protocol.outcome.column, "kind": protocol.outcome.kind, "title": protocol.outcome.title},
        "predictors": len(protocol.predictors),
        "models": [model.title for model in protocol.models],
        "datasets": [card_facts(card) for card in protocol.datasets],
    }


def _files(path: Path, data: Path | None) -> tuple[Path, Path | None]:
    """The protocol's file and that of its data, if there is one."""
    folder = path.is_dir()
    protocol = path / PROTOCOL if folder else path
    if not protocol.is_file():
        raise NotFound(f"there is no protocol at {protocol}", f"name a folder with {PROTOCOL}, or the file")
    if data is None and folder and (path / DATA).is_file():
        data = path / DATA
    if data is not None and not data.is_file():
        raise NotFound(f"there is no data file {data}", "check the path")
    return protocol, data


def _check_data(platform: Platform, protocol: Protocol, data: Path | None) -> None:
    """Refuse data that the protocol does not speak of, and columns that it names and the data lack.

    The rows are read by the run, in a process with limits.
    """
    needed = any(card.source == "file" for card in protocol.datasets)
    if needed != (data is not None):
        what = "needs a data file" if needed else "brings no data of its own, so a data file would not be read"
        raise InputError(f"the protocol {what}", f"{'add' if needed else 'remove'} {DATA}")
    if data is None:
        return
    if data.stat().st_size > platform.settings.max_media_bytes:
        raise InputError(f"{data.name} is larger than the limit", "raise GREENLIGHT_MAX_MEDIA_BYTES if that is right")
    lacking = sorted({protocol.outcome.column, *protocol.predictors} - _header(data))
    if lacking:
        raise InputError(f"{data.name} lacks the columns {', '.join(lacking[:5])}", "correct the protocol or the data")


def _header(data: Path) -> set[str]:
    with data.open("rb") as stream:
        line = stream.readline(HEADER_BYTES)
    try:
        return {name.strip() for name in next(csv.reader([line.decode("utf-8-sig").rstrip("\r\n")]), [])}
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{data.name} does not start with a line of column names", "save it as UTF-8 CSV") from error


def _sealed(row: ProtocolApproval) -> bytes:
    """The canonical bytes that an approval's seal covers: everything but the seal."""
    content: Mapping[str, object] = {
        "schema": SCHEMA,
        "id": row.id,
        "asset": row.asset_id,
        "asset_sha256": row.asset_sha256,
        "protocol_sha256": row.protocol_sha256,
        "statement": row.statement,
        "approved_by": row.approved_by,
        "printed_name": row.printed_name,
        "role": str(row.role),
        "authenticated_at": timestamp(row.authenticated_at),
        "approved_at": timestamp(row.approved_at),
    }
    return canonical_json(content)
