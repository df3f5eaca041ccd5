"""Measurements in words and figures, and their curves over the frames."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.access import Actor
from core.reading import ReleasePage
from core.reports.document import MeasurementRow
from core.reports.wording import curve_in_words
from dashboard.components.curves import chart
from dashboard.components.shown import place


def show(_actor: Actor, page: ReleasePage) -> None:
    """Show what a rule judged, with its curves, those outside their limit first; the rest folded away."""
    judged = sorted((row for row in page.document.measurements if row.threshold is not None), key=_order)
    others = [row for row in page.document.measurements if row.threshold is None]
    place("measurements", judged=judged, others=others)
    if not any(row.curve for row in page.document.measurements):
        return
    place("curves_head")
    _curves(judged or others)
    if judged and any(row.curve for row in others):
        with st.expander("Curves of the measures that no rule judges"):
            _curves(others)


def _curves(rows: Sequence[MeasurementRow]) -> None:
    """Draw the curves, two to a line."""
    drawn = [(row, drawing) for row in rows if (drawing := chart(row)) is not None]
    for index in range(0, len(drawn), 2):
        for column, (row, drawing) in zip(st.columns(2, gap="medium"), drawn[index : index + 2], strict=False):
            with column:
                place("curve", row=row)
                st.vega_lite_chart(spec=drawing, key=f"curve-{row.name}", alt=f"{row.title}. {curve_in_words(row)}")


def _order(row: MeasurementRow) -> tuple[bool, bool]:
    return (row.meets is not False, row.value is None)
