"""`/healthz`: whether this process can do its work, for load balancers and people on call."""

from __future__ import annotations

from importlib.metadata import version

from starlette.requests import Request
from starlette.responses import JSONResponse

from core.database import is_current
from core.errors import GreenlightError
from dashboard.installation import installation


def healthz(_request: Request) -> JSONResponse:
    """Answer 200 when the database answers and has this version's tables, else 503; never more than that."""
    try:
        reachable, current = True, is_current(installation().database)
    except GreenlightError:
        reachable, current = False, False
    body = {
        "status": "ok" if reachable and current else "unavailable",
        "database": "reachable" if reachable else "unreachable",
        "schema": "current" if current else "not current",
        "version": version("greenlight"),
    }
    return JSONResponse(body, 200 if reachable and current else 503, headers={"Cache-Control": "no-store"})
