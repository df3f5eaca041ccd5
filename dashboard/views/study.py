"""What a study was and found: question, protocol, results, data, checks, traced numbers, people, models and cost."""

from __future__ import annotations

from core.access import Actor
from core.reading import ReleasePage
from core.reports import study_wording
from dashboard.components.shown import notice, place


def show(_actor: Actor, page: ReleasePage) -> None:
    """Show the study's facts in the order in which a clinical lead asks for them."""
    if page.document.study is None:
        notice("This is no study.")
        return
    place("study", study=page.document.study, say=study_wording)
