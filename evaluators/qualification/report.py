"""Write a study down for people and machines: `qualification.json`, `qualification.html` and two plots."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment

from evaluators.qualification.corruptions import CORRUPTIONS, Group
from evaluators.qualification.study import Row, StudyResult
from evaluators.qualification.wording import NOTICED, failures, missing, shown

JSON_NAME, HTML_NAME = "qualification.json", "qualification.html"

COLOURS = 128
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Qualification of the video measures</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem } caption { text-align: left; font-weight: 600 }
th, td { border: 1px solid #bbb; padding: .25rem .5rem; text-align: right }
th:first-child, td:first-child { text-align: left }
td.fails { background: #fbe3e0 } td.works { background: #e3f3e3 } figure { margin: 1rem 0 } img { max-width: 100% }
</style></head><body>
<h1>Qualification of the video measures</h1>
<p>{{ clips }} simulated clips of {{ scenes }} scenes were measured on {{ date }} (study version {{ version }};
{{ machine }}). Thresholds were set on the
families {{ development }}; every figure below comes from the held-out families {{ held_out }}. Brackets hold 95 %
bootstrap intervals over scenes.</p>
<p>Lazy removers (the input copied, frozen, or smeared over) rank below every take of the truth (filmed again, encoded
again, noisy) in {{ last }} of the scenes. Clips are ranked by the lowest of the scores temporal, preservation and
removal. A clip that equals the truth is not counted as spoiled: where nothing moves, a still, a trail, a blur over time
and another order of the frames change nothing, so they are not made there. Perturbed motion leaves the mask, which was
drawn for the true motion, and takes no part in this ranking.</p>
<h2>The failures, in words</h2>
<p>Worst first. ROC-AUC is the chance that a spoiled clip looks worse than a good one: 0.5 is chance, 1 is certain.</p>
<ul>{% for sentence in failures %}<li>{{ sentence }}</li>
{% endfor %}</ul>
{% for group in groups %}
<h2>{{ group.title }}</h2>
<figure><img alt="{{ group.alt }}" src="data:image/png;base64,{{ group.plot }}">
<figcaption>ROC-AUC of each measure (rows) against each corruption (columns); 0.5 is blind.</figcaption></figure>
<table><caption>Measures that notice (ROC-AUC of at least 0.8), best first</caption>
<thead><tr><th scope="col">Corruption</th><th scope="col">Measure</th><th scope="col">ROC-AUC</th>
<th scope="col">Mildest to most severe</th><th scope="col">Kendall's tau</th><th scope="col">Power at threshold</th>
<th scope="col">Absent</th></tr></thead><tbody>
{% for row in group.rows %}<tr><td>{{ row.corruption }}</td><td>{{ row.measure }}</td>
<td class="works">{{ row.auc }}</td><td>{{ row.levels }}</td><td>{{ row.tau }}</td><td>{{ row.power }}</td>
<td>{{ row.absent }}</td></tr>
{% endfor %}</tbody></table>
{% if group.blind %}<p>Corruptions that no measure notices this well: {{ group.blind }}.</p>{% endif %}
<details><summary>Where measures fail: every other pair</summary>
<table><thead><tr><th scope="col">Corruption</th><th scope="col">Measure</th><th scope="col">ROC-AUC</th>
<th scope="col">Kendall's tau</th><th scope="col">Absent</th></tr></thead><tbody>
{% for row in group.failures %}<tr><td>{{ row.corruption }}</td><td>{{ row.measure }}</td>
<td class="fails">{{ row.auc }}</td><td>{{ row.tau }}</td><td>{{ row.absent }}</td></tr>
{% endfor %}</tbody></table></details>
{% endfor %}
<h2>Thresholds and false alarms</h2>
<table><caption>Set so that 5 % of the plausible clips of the development families lie beyond</caption>
<thead><tr><th scope="col">Measure</th><th scope="col">Threshold on badness</th>
<th scope="col">False alarms, held out</th></tr></thead><tbody>
{% for item in operating %}<tr><td>{{ item.measure }}</td><td>{{ item.threshold }}</td><td>{{ item.alarms }}</td></tr>
{% endfor %}</tbody></table>
<p>Badness is the value itself where lower is better, its negative where higher is better, and the distance from the
target (as a logarithm of the ratio where both are positive) otherwise.</p>
</body></html>
"""

_TITLES = {
    Group.PHYSICS: "Motion against physics",
    Group.GRAVITY: "Gravity of another size",
    Group.TEMPORAL: "Temporal faults",
    Group.REMOVAL: "Traces of the removed object",
    Group.PRESERVATION: "Damage to what should be kept",
    Group.BASELINE: "Lazy removers",
}


def write_report(
    result: StudyResult, folder: Path, *, page_name: str = HTML_NAME, json_name: str = JSON_NAME, clips: bool = True
) -> Path:
    """Write the JSON and the HTML page (one file, plots inside) into `folder`; return the page's path.

    Without `clips` the JSON holds the figures only, not each measured clip.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = result.to_json()
    if not clips:
        del content["samples"]
    text = json.dumps(content, indent=1, allow_nan=False)
    (folder / json_name).write_text(text + "\n", encoding="utf-8")
    page = folder / page_name
    page.write_text(render(result), encoding="utf-8")
    return page


def render(result: StudyResult) -> str:
    """Return the report as one HTML page that needs nothing else."""
    scenes = {sample.scene for sample in result.samples}
    # Everything shown is escaped: the page may be opened beside untrusted files.
    template = Environment(autoescape=True).from_string(_PAGE)
    return template.render(
        clips=len(result.samples),
        scenes=len(scenes),
        machine=result.machine,
        date=result.date,
        version=result.version,
        failures=failures(result),
        development=", ".join(result.plan.development),
        held_out=", ".join(result.plan.held_out),
        last=shown(result.baselines_last, percent=True),
        groups=[_group(result, group) for group in _TITLES if _rows(result, group)],
        operating=[
            {"measure": o.measure, "threshold": f"{o.threshold:.4g}", "alarms": shown(o.false_alarms, percent=True)}
            for o in result.operating
        ],
    )


def _rows(result: StudyResult, group: Group) -> list[Row]:
    names = {name for name, corruption in CORRUPTIONS.items() if corruption.group is group}
    return [row for row in result.rows if row.corruption in names]


def _group(result: StudyResult, group: Group) -> dict[str, Any]:
    rows = _rows(result, group)
    good = [row for row in rows if (row.auc.value or 0.0) >= NOTICED]
    good.sort(key=lambda row: (row.corruption, -(row.auc.value or 0.0)))
    rest = [row for row in rows if row not in good]
    return {
        "title": _TITLES[group],
        "alt": f"Heat map of ROC-AUC, {_TITLES[group].lower()}",
        "plot": base64.b64encode(heat_map(rows)).decode("ascii"),
        "rows": [_described(row) for row in good],
        "failures": [_described(row) for row in rest],
        "blind": ", ".join(missing(rows)),
    }


def _described(row: Row) -> dict[str, str]:
    return {
        "corruption": row.corruption,
        "measure": row.measure,
        "auc": shown(row.auc),
        "tau": shown(row.tau),
        "power": shown(row.power, percent=True),
        "absent": f"{row.abstained:.0%}",
        "levels": " ".join("-" if value is None else f"{value:.2f}" for value in row.by_severity),
    }


def heat_map(rows: Sequence[Row]) -> bytes:
    """Return a PNG: ROC-AUC per measure and corruption, grey where nothing was measured."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas
    from PIL import Image

    measures = sorted({row.measure for row in rows})
    corruptions = list(dict.fromkeys(row.corruption for row in rows))
    table = np.full((len(measures), len(corruptions)), np.nan)
    for row in rows:
        if row.auc.value is not None:
            table[measures.index(row.measure), corruptions.index(row.corruption)] = row.auc.value
    figure = Canvas(figsize=(2.8 + 0.8 * len(corruptions), 1.6 + 0.26 * len(measures)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_facecolor("#dddddd")
    image = axes.imshow(table, cmap="RdYlGn", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(corruptions)), corruptions, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(measures)), measures, fontsize=8)
    for (y, x), value in np.ndenumerate(table):
        if np.isfinite(value):
            axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=6)
    figure.colorbar(image, label="ROC-AUC")
    drawn, stream = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    # A palette is a quarter of the size, and the study's page is kept with the documentation.
    Image.open(drawn).convert("RGB").quantize(COLOURS).save(stream, "PNG", optimize=True)
    return stream.getvalue()
