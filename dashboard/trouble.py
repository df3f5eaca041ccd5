"""Trouble in a page: a sentence for the reader, the trace for the log."""

from __future__ import annotations

import logging

from core.errors import GreenlightError

LOG = logging.getLogger("greenlight.dashboard")


def report(error: Exception) -> bool:
    """Show one sentence instead of a trace; what no page foresaw goes to the log in full."""
    from dashboard.components.shown import notice

    if isinstance(error, GreenlightError):
        notice(str(error))
    else:
        LOG.error("a page failed", exc_info=error)
        notice("This page could not be shown; nothing was changed. The server's log says why; load the page again.")
    return True
