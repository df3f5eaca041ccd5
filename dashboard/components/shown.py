"""Fragments of a page: templates that escape every value, and Streamlit's own text where no template is needed.

Streamlit reads Markdown in most of its texts, and names, reasons and prompts come from outside. So they reach a
page through here only: escaped for HTML, with control and direction characters made visible.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache

import streamlit as st
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.reports import wording
from core.reports.figures import MASK_CLASSES
from core.reports.picture import Picture
from core.reports.wording import AMBER, BLUE, GREEN, RUST, Tone
from dashboard.appearance import JOB_TONES, state_tone

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|:$~^&])")
PROBLEM = Tone("Problem", "!", RUST, "#FBE9E0")
DONE = Tone("Done", "✓", GREEN, "#E3F3EC")
NOTE = Tone("Note", "i", BLUE, "#E5EDF8")
CAUTION = Tone("Take care", "!", AMBER, "#FDF1D6")


def place(template: str, **values: object) -> None:
    """Render one of the package's templates into the page; one that has nothing to say leaves no trace."""
    if content := rendered(template, **values).strip():
        st.html(content)


def rendered(template: str, **values: object) -> str:
    """Return a template as HTML; every value in it is escaped."""
    return _environment().get_template(f"{template}.html").render(**values)


def notice(text: str, tone: Tone = PROBLEM) -> None:
    """Tell the reader one thing, marked by a word, an icon and a colour."""
    place("notice", text=text[:1].upper() + text[1:], tone=tone)


def plain(text: object) -> str:
    """Return outside text for a label that Streamlit reads as Markdown, so that it is shown as it is."""
    return MARKDOWN.sub(r"\\\1", wording.inert(text).replace("\n", " "))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        words=wording, mask_classes=MASK_CLASSES, state_tone=state_tone, job_tones=JOB_TONES, DONE=DONE, PROBLEM=PROBLEM
    )
    environment.filters["data_uri"] = _data_uri
    return environment


def _safe(value: object) -> object:
    return value if isinstance(value, Markup) else wording.inert(value)


def _data_uri(picture: Picture) -> Markup:
    kind = picture.media_type if picture.media_type in ("image/png", "image/jpeg") else "image/png"
    return Markup(f"data:{kind};base64,{b64encode(picture.data).decode()}")  # noqa: S704 - base64 only
