"""A study's manuscript as an open book, its figures, and its files to save."""

from __future__ import annotations

import streamlit as st

from core.access import Actor
from core.errors import GreenlightError
from core.reading import ReleasePage
from core.reports.manuscript_case import findings_of
from core.reports.study_wording import FILES, file_title
from dashboard import account
from dashboard.components.manuscript import figures, pages, with_marks
from dashboard.components.shown import notice, place
from dashboard.installation import installation
from dashboard.media import link

ORDER = list(FILES)


def show(actor: Actor, page: ReleasePage) -> None:
    """Show two pages side by side, or one large, then the figures and every file that the study left."""
    if "manuscript" in page.files:
        book(page.files["manuscript"].sha256, page.line.id, marked=_marked(page))
    else:
        notice("The study left no manuscript.")
    if page.document.study and page.document.study.flow:
        place("study_flow", flow=page.document.study.flow)
    try:
        with st.spinner("Drawing the figures", show_time=False):
            drawn = figures(page.files)
    except GreenlightError as error:
        notice(str(error))
        return
    place("study_figures", figures=drawn)
    files = sorted(page.files.values(), key=lambda file: ORDER.index(file.role) if file.role in ORDER else len(ORDER))
    place("study_files", files=[(file, file_title(file.role), link(file.sha256, actor.id)) for file in files])


def _marked(page: ReleasePage) -> str | None:
    """The copy with the findings highlighted, unless the reader wants the pages as they are or nothing was found."""
    if page.document.job is None:
        return None
    platform = installation()
    with platform.reading() as session:
        findings = findings_of(session, platform.store, page.document.job.id)
    if not findings or not st.toggle("Highlight what the rules found", value=True, key=f"marks-{page.line.id}"):
        return None
    return with_marks(page.files["manuscript"].sha256, findings)


@st.fragment
def book(sha256: str, key: str, marked: str | None = None, *, single: bool = False) -> None:
    """Show a PDF page by page, `single` pages only where there is no room for two.

    `key` tells apart the books of one view; `marked` is the path of a copy to show.
    """
    if account.current() is None:
        st.rerun()
    try:
        with st.spinner("Drawing the pages", show_time=False):
            _, drawn = pages(sha256, 1, 0, marked)
            if not drawn.count:
                notice(f"The manuscript cannot be shown: {drawn.unseen or 'it has no page'}.")
                return
            left, right = st.columns([0.82, 0.18], vertical_alignment="center")
            large = single or right.toggle("One large page", key=f"large-{key}")
            first = 1
            if drawn.count > 1:
                first = left.slider("Page", 1, drawn.count, key=f"page-{key}")
            shown, _ = pages(sha256, first, 1 if large else 2, marked)
    except GreenlightError as error:
        notice(str(error))
        return
    place("manuscript", shown=shown, count=drawn.count, large=large)
