"""The dossier as a PDF: equal documents give equal bytes.

`render_pdf` sets every page twice: the first run only counts them, so that each can say "n of N". The header
repeats the record's id and digest on every page, so that a single sheet can be traced to what was signed.
Right-to-left scripts are set in reading order of their code points and unshaped: the HTML rendering is the
copy to read those in.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from core.reports.document import Dossier
from core.reports.front import front_page
from core.reports.sections import sections
from core.reports.typeset import (
    CONTENT_HEIGHT,
    CONTENT_WIDTH,
    HAIRLINE,
    MONO,
    MUTED,
    PAGE_BOTTOM,
    PAGE_MARGIN,
    SANS,
    line,
    register_fonts,
)
from core.reports.wording import clip, inert


def render_pdf(document: Dossier) -> bytes:
    """Return the dossier as an unsealed PDF (A4, fonts embedded, bookmarks, no links, no scripts)."""
    register_fonts()
    total = _build(document, None)[1]
    return _build(document, total)[0]


def _build(document: Dossier, total: int | None) -> tuple[bytes, int]:
    buffer = BytesIO()
    template = _Template(buffer, document, total)
    template.build([*front_page(document), *sections(document)])
    return buffer.getvalue(), template.page


class _Template(BaseDocTemplate):  # type: ignore[misc]
    """A4 pages with the running header and footer, and a bookmark for each section."""

    def __init__(self, buffer: BytesIO, document: Dossier, total: int | None) -> None:
        super().__init__(buffer, pagesize=A4, invariant=1, lang="en", pageCompression=1)
        self.dossier, self.total = document, total
        frame = Frame(
            PAGE_MARGIN, PAGE_BOTTOM, CONTENT_WIDTH, CONTENT_HEIGHT,
            leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
        )  # fmt: skip
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self._furniture))

    def beforeDocument(self) -> None:  # noqa: N802 - ReportLab's name
        """Set what a reader's title bar and document properties show."""
        moment = self.dossier.made_at.strftime("D:%Y%m%d%H%M%S+00'00'")
        canvas = self.canv
        canvas.setDateFormatter(lambda *_: moment)
        canvas.setTitle(clip(inert(self.dossier.title), 200))
        canvas.setSubject(clip(inert(self.dossier.headline), 400))
        canvas.setAuthor("Greenlight")
        canvas.setCreator("Greenlight")
        canvas.setKeywords(f"{inert(self.dossier.id)} sha256:{inert(self.dossier.record_sha256)}")
        canvas.setViewerPreference("DisplayDocTitle", "true")
        canvas.showOutline()

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - ReportLab's name
        """Give each section heading its bookmark."""
        title: Any = getattr(flowable, "bookmark", None)
        if title:
            key = f"section-{title}"
            self.canv.bookmarkHorizontal(key, 0, self.frame._y + 30)
            self.canv.addOutlineEntry(title, key, 0)

    def _furniture(self, canvas: Canvas, _template: BaseDocTemplate) -> None:
        canvas.saveState()
        canvas.setFillColor(MUTED)
        canvas.setStrokeColor(HAIRLINE)
        canvas.setLineWidth(0.5)
        right, top = A4[0] - PAGE_MARGIN, A4[1] - 38
        canvas.setFont(SANS, 6.6)
        canvas.drawString(PAGE_MARGIN, top, line(self.dossier.id, SANS, 6.6, 200))
        canvas.setFont(MONO, 6)
        canvas.drawRightString(right, top, line(f"sha256 {self.dossier.record_sha256}", MONO, 6, 280))
        canvas.line(PAGE_MARGIN, top - 8, right, top - 8)
        canvas.setFont(SANS, 6.6)
        canvas.drawString(PAGE_MARGIN, 32, "Greenlight release dossier")
        canvas.drawRightString(right, 32, f"{canvas.getPageNumber()} of {self.total or '?'}")
        canvas.restoreState()
