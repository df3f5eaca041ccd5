"""Measurements in words and figures, and their curves over the frames."""

from __future__ import annotations

import streamlit as st

from core.access import Actor
from core.reading import ReleasePage
from core.reports.document import MeasurementRow
from core.reports.wording import curve_in_words
from dashboard.components.curves import chart
from dashboard.components.shown import place


def show(_actor: Actor, page: ReleasePage) -> None:
    """Show what was measured: judged measures first, then the rest; then the curves, two to a line."""
    rows = sorted(page.document.measurements, key=_order)
    place("measurements", rows=rows)
    drawn = [(row, drawing) for row in rows if (drawing := chart(row)) is not None]
    if not drawn:
        return
    place("curves_head")
    for index in range(0, len(drawn), 2):
        for column, (row, drawing) in zip(st.columns(2, gap="medium"), drawn[index : index + 2], strict=False):
            with column:
                place("curve", row=row)
                st.vega_lite_chart(spec=drawing, key=f"curve-{row.name}", alt=f"{row.title}. {curve_in_words(row)}")


def _order(row: MeasurementRow) -> tuple[bool, bool, bool]:
    return (row.meets is not False, row.threshold is None, row.value is None)
