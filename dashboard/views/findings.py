"""A manuscript's findings by severity with the quoted line, its traced numbers, checklists, and what reviewers said."""

from __future__ import annotations

from core.access import Actor
from core.reading import ReleasePage
from core.reports import manuscript_wording
from dashboard.components.shown import notice, place
from dashboard.views import reviewers


def show(actor: Actor, page: ReleasePage) -> None:
    """Show what the rules found, what they could not check, and the reviews without names."""
    if page.document.manuscript is None:
        notice("This is no manuscript.")
        return
    place("findings", page=page.document.manuscript, tell=manuscript_wording)
    place("reviewed", page=page.document.manuscript, tell=manuscript_wording)
    reviewers.show(actor, page.line.id)
