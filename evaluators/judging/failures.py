"""Why a judge gave no answer, in a sentence; whether asking again may help; and what must not be kept."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_RAW = 4000


@dataclass(frozen=True)
class Failure:
    """One request without a usable answer.

    `passing` means that the same request may succeed; `general` that every other request would fail alike.
    `wait_s` is the pause that the server asked for.
    """

    kind: str
    sentence: str
    passing: bool = False
    general: bool = False
    wait_s: float | None = None


MALFORMED = Failure("malformed", "the judge's answers do not have the required form", passing=True, wait_s=0.0)
REFUSED = Failure("refused", "the judge's model refused to answer")
OVERDUE = Failure("timeout", "the judge did not answer in time", passing=True, general=True)
OUT_OF_TIME = Failure("out_of_time", "the judge's time budget was used up", general=True)


def explain(error: BaseException) -> Failure:
    """Return what an exception of LangChain or of a provider's client means.

    Providers share no exception tree, so it goes by the HTTP status and by the names of the classes.
    """
    names = " ".join(kind.__name__ for kind in type(error).__mro__)
    status = getattr(error, "status_code", None)
    if "Timeout" in names:
        return OVERDUE
    if isinstance(status, int) and status != 200:
        return _by_status(status, error)
    if "Refusal" in names or "ContentFilter" in names:
        return REFUSED
    if "Connection" in names:
        return Failure("unreachable", "the judge's server cannot be reached", passing=True, general=True)
    if isinstance(error, ImportError):
        return Failure("not_installed", "the LangChain package of the judge's provider is not installed", general=True)
    if getattr(error, "response", None) is not None or isinstance(error, ValueError):
        return MALFORMED
    return Failure("error", f"the judge's client failed with {type(error).__name__}", general=True)


def _by_status(status: int, error: BaseException) -> Failure:
    if status == 429:
        sentence = "the judge's server refused further requests for now (HTTP 429)"
        return Failure("rate_limited", sentence, passing=True, general=True, wait_s=_retry_after(error))
    if status in (401, 403):
        return Failure("key", f"the judge's server refused the key (HTTP {status})", general=True)
    if 300 <= status < 400:
        return Failure(
            "redirect", f"the judge's server sends elsewhere (HTTP {status}); give that address", general=True
        )
    if status >= 500 or status == 408:
        return Failure("server", f"the judge's server failed (HTTP {status})", passing=True, general=True)
    return Failure("rejected", f"the judge's server does not take the request (HTTP {status})", general=True)


def _retry_after(error: BaseException) -> float | None:
    """Seconds to wait by the answer's Retry-After header, which holds seconds or a date; None without a usable one."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    text = str(headers.get("retry-after") or "")
    try:
        return max(float(text), 0.0) if text.replace(".", "", 1).isdigit() else _until(parsedate_to_datetime(text))
    except ValueError:
        return None


def _until(moment: datetime) -> float:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def kept(text: str, secret: str | None) -> str:
    """What of a server's words may be kept: without the key, control characters and what no record can hold."""
    if secret:
        text = text.replace(secret, "[key]")
    clean = "".join(c if unicodedata.category(c) not in ("Cc", "Cs") or c in "\n\t" else "\ufffd" for c in text)
    return clean if len(clean) <= LONGEST_RAW else clean[:LONGEST_RAW] + " [cut]"
