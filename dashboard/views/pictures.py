"""The clips side by side, and every frame as input, mask, output and difference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from core.access import Actor
from core.errors import GreenlightError
from core.reading import ReleasePage
from dashboard import account
from dashboard.components.frames import frame_of
from dashboard.components.shown import notice, place, plain
from dashboard.media import link

CLIPS = ("video", "output")
MOST_WORST = 6
TOGETHER = Path(__file__).parent.parent / "together.js"


def show(actor: Actor, page: ReleasePage) -> None:
    """Show the clips, then one frame that the reader chooses."""
    clips = [(page.clips[role], link(page.clips[role].sha256, actor.id)) for role in CLIPS if role in page.clips]
    place("clips", clips=clips, asset=page.document.asset)
    if len(clips) > 1:
        # The script is a file of this package and holds nothing that came from outside.
        st.html(f"<script>{TOGETHER.read_text(encoding='utf-8')}</script>", unsafe_allow_javascript=True)
    if "output" in page.clips and page.document.asset.frames:
        _frames(page, page.document.asset.frames)


def worst_frames(page: ReleasePage) -> Iterator[tuple[int, str]]:
    """Yield the worst frame of each judged measure that has one, with the measure's title; failures first."""
    seen: set[int] = set()
    judged = [row for row in page.document.measurements if row.threshold is not None]
    for row in sorted(judged or page.document.measurements, key=lambda one: one.meets is not False):
        if row.curve and row.curve.worst and row.curve.worst[0] not in seen and len(seen) < MOST_WORST:
            seen.add(row.curve.worst[0])
            yield row.curve.worst[0], row.title


@st.fragment
def _frames(page: ReleasePage, frames: int) -> None:
    if account.current() is None:
        st.rerun()
    key = f"frame-{page.line.id}"
    worst = list(worst_frames(page))
    if key not in st.session_state:
        st.session_state[key] = worst[0][0] if worst else frames // 2
    place("frames_head")
    with st.container(horizontal=True, gap="small", key="worst-frames"):
        for number, title in worst:
            st.button(
                f"{plain(title)}: frame {number}",
                key=f"worst-{number}",
                on_click=_go_to,
                args=(key, number),
                type="secondary",
            )
    left, right = st.columns([0.82, 0.18], vertical_alignment="center")
    left.slider("Frame", 0, frames - 1, key=key)
    large = right.toggle("Large pictures", key="large-pictures")
    number = int(st.session_state[key])
    try:
        with st.spinner("Decoding the frame", show_time=False):
            row = frame_of(page, number)
    except GreenlightError as error:
        notice(str(error))
        return
    if row is None:
        notice(f"Frame {number} cannot be shown: the clips do not hold it.")
        return
    place("frame", large=large, row=row, titles=[title for frame, title in worst if frame == number])


def _go_to(key: str, number: int) -> None:
    st.session_state[key] = number
