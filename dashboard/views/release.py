"""One release: the decision, what blocks it, who signs, and the evidence in tabs."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.access import Actor
from core.errors import GreenlightError
from core.lookup import find
from core.reading import ReleasePage, release_page
from core.reports.wording import by_urgency
from core.reviews.seeing import refuse_blind
from core.tables import Job, Release
from dashboard.appearance import state_tone
from dashboard.components.shown import notice, place
from dashboard.installation import installation
from dashboard.views import findings, manuscript, measures, pictures, proof, signing, study

Tab = tuple[str, Callable[[Actor, ReleasePage], None]]


def show(actor: Actor, release: str) -> None:
    """Show one release, or one sentence why it cannot be shown."""
    st.button("← All releases", key="back", type="tertiary", on_click=_back)
    try:
        with installation().reading() as session:
            refuse_blind(session, actor, session.get_one(Job, find(session, Release, release).job_id).asset_id)
            page = release_page(session, installation().store, release)
    except GreenlightError as error:
        notice(str(error))
        return
    _decision(actor, page)
    shown = tabs(page)
    for tab, (_, fill) in zip(st.tabs([title for title, _ in shown]), shown, strict=True):
        with tab:
            fill(actor, page)


def tabs(page: ReleasePage) -> list[Tab]:
    """What there is to look at: a study has a manuscript and its own facts where a clip has pictures and persons."""
    measured: Tab = ("Measurements", measures.show)
    verdicts: Tab = ("Policy verdicts", _verdicts)
    persons: Tab = ("Persons and consents", _persons)
    record: Tab = ("Record and proof", proof.show)
    if not page.files:
        return [("Pictures", pictures.show), measured, verdicts, persons, record]
    more = [measured] if page.document.measurements else []
    more += [verdicts, *([persons] if page.document.persons is not None else []), record]
    found: list[Tab] = [("Findings and reviews", findings.show)] if page.document.manuscript else []
    return [("Manuscript", manuscript.show), ("Study", study.show), *found, *more]


def _decision(actor: Actor, page: ReleasePage) -> None:
    left, right = st.columns([0.64, 0.36], gap="large")
    with left:
        place("decision", page=page, line=page.line, document=page.document, tone=state_tone(page.line.state))
    with right:
        signing.show(actor, page)


def _verdicts(_actor: Actor, page: ReleasePage) -> None:
    place("verdicts", packs=list(zip(page.document.packs, page.traces, strict=True)), by_urgency=by_urgency)


def _persons(_actor: Actor, page: ReleasePage) -> None:
    place("persons", persons=page.document.persons)


def _back() -> None:
    st.query_params.pop("release", None)
