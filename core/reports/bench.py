"""A benchmark's results as one self-contained HTML file: no script, no link, no outside file."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from core.bench_results import CRITERIA, Results
from core.reports import wording
from core.reports.wording import AMBER, GREEN, GREY, RUST, Tone, inert

TONES = {
    True: Tone("Success", "✓", GREEN, "#E3F3EC"),
    False: Tone("No success", "✗", RUST, "#FBE9E0"),
    None: Tone("Not known", "?", AMBER, "#FDF1D6"),
}
NOT_ENDED = Tone("Not ended", "–", GREY, "#EDF0F3")


def render_bench(results: Results) -> str:
    """Return the report as HTML; equal results give equal text."""
    return (
        _environment()
        .get_template("bench.html")
        .render(results=results, criteria=CRITERIA, tones=TONES, not_ended=NOT_ENDED, words=wording)
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("core.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else inert(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
