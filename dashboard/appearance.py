"""How the dashboard looks: Streamlit's theme and the style sheet, in the colours of the dossier."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.reports.wording import AMBER, BLUE, GREEN, GREY, PLUM, RUST, Tone

STYLE = Path(__file__).with_name("style.css")
INK, LINE, PANEL, PAPER = "#161D26", "#D9DFE6", "#F4F6F8", "#FFFFFF"

THEME: Mapping[str, object] = {
    "theme.base": "light",
    "theme.primaryColor": BLUE,
    "theme.backgroundColor": PAPER,
    "theme.secondaryBackgroundColor": PANEL,
    "theme.textColor": INK,
    "theme.linkColor": BLUE,
    "theme.borderColor": LINE,
    "theme.showWidgetBorder": True,
    "theme.baseRadius": "6px",
    "theme.baseFontSize": 16,
}

STATE_TONES: Mapping[str, Tone] = {
    "candidate": Tone("Waits for signatures", "…", BLUE, "#E5EDF8"),
    "approved": Tone("Approved", "✓", GREEN, "#E3F3EC"),
    "refused": Tone("Refused by the rules", "✗", RUST, "#FBE9E0"),
    "declined": Tone("Declined", "✗", RUST, "#FBE9E0"),
    "suspended": Tone("Suspended", "!", PLUM, "#F5E8F3"),
    "revoked": Tone("Revoked", "✗", PLUM, "#F5E8F3"),
}
JOB_TONES: Mapping[str, Tone] = {
    "queued": Tone("Waiting", "…", GREY, "#EDF0F3"),
    "waiting": Tone("Waits for a person", "?", BLUE, "#E5EDF8"),
    "running": Tone("Running", "▶", BLUE, "#E5EDF8"),
    "failed": Tone("Failed", "✗", RUST, "#FBE9E0"),
    "lost": Tone("Contact lost", "!", AMBER, "#FDF1D6"),
    "refused": Tone("Not allowed to run", "✗", RUST, "#FBE9E0"),
}


def state_tone(state: str) -> Tone:
    """How a release's state is marked; a state without a mark of its own is shown by its name."""
    return STATE_TONES.get(state, Tone(state.capitalize(), "?", AMBER, "#FDF1D6"))
