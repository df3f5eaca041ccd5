"""The record: model, asset, job and evidence; the audit log's proof, verified on demand; the sealed dossier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from core.access import Actor
from core.audit.verify import AuditReport
from core.canonical import now
from core.errors import GreenlightError
from core.reading import ReleasePage, verify_release
from core.reports.dossier import make_dossier
from dashboard import account
from dashboard.components.shown import notice, place
from dashboard.installation import installation
from dashboard.media import link


@dataclass(frozen=True)
class Verification:
    """What a verification found, and when."""

    report: AuditReport
    at: datetime


def show(actor: Actor, page: ReleasePage) -> None:
    """Show the dossier first, then the proof, then what the record consists of."""
    _dossier(actor, page)
    _audit(page)
    place("record", page=page, document=page.document)


def _dossier(actor: Actor, page: ReleasePage) -> None:
    files = [(one, link(one.pdf_sha256, actor.id), link(one.html_sha256, actor.id)) for one in page.dossiers]
    place("dossiers", files=files)
    if st.button("Make the sealed dossier now", key="make-dossier"):
        try:
            with st.spinner("Verifying the record, drawing and sealing the dossier"):
                make_dossier(installation(), actor, page.line.id)
        except GreenlightError as error:
            notice(str(error))
            return
        st.session_state[account.MESSAGE] = "The dossier is made; it stands under Record and proof."
        st.rerun()


def _audit(page: ReleasePage) -> None:
    key = f"verification-{page.line.id}"
    place("audit", page=page)
    if st.button("Verify now", key="verify"):
        try:
            with st.spinner("Recomputing the log and reading every artifact of this case"):
                st.session_state[key] = Verification(verify_release(installation(), page.line.id), now())
        except GreenlightError as error:
            notice(str(error))
            return
    if found := st.session_state.get(key):
        place("verification", found=found)
