"""The dossier as one self-contained HTML file: the accessible copy, with the same facts as the PDF.

No script, no link, no outside file: a content security policy in the file itself forbids all of them.
Jinja escapes everything, and every value passes `inert`, so direction marks and control characters are seen
rather than obeyed.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.reports import manuscript_wording, study_wording, wording
from core.reports.curves import curve_svg
from core.reports.document import Dossier, MeasurementRow
from core.reports.figures import MASK_CLASSES
from core.reports.picture import Picture


def render_html(document: Dossier) -> str:
    """Return the dossier as one HTML file; equal documents give equal text."""
    return (
        _environment()
        .get_template("dossier.html")
        .render(
            dossier=document,
            tone=wording.OUTCOME_TONES[document.outcome],
            mask_classes=MASK_CLASSES,
            status_tones=wording.STATUS_TONES,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("core.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        words=wording,
        say=study_wording,
        tell=manuscript_wording,
        curve_uri=_curve_uri,
        directions=wording.DIRECTIONS,
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _safe(value: object) -> object:
    return value if isinstance(value, Markup) else wording.inert(value)


def _data_uri(picture: Picture) -> Markup:
    kind = picture.media_type if picture.media_type in ("image/png", "image/jpeg") else "image/png"
    return Markup(f"data:{kind};base64,{b64encode(picture.data).decode()}")  # noqa: S704 - base64 only


def _curve_uri(row: MeasurementRow) -> Markup | None:
    drawn = curve_svg(row)
    if drawn is None:
        return None
    return Markup(f"data:image/svg+xml;base64,{b64encode(drawn).decode()}")  # noqa: S704 - base64 only
