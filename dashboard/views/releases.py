"""The releases and their state, and the jobs under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.access import Actor
from core.reading import JobLine, ReleaseLine, job_list, release_list
from core.reviews import closed_releases
from dashboard import account
from dashboard.appearance import state_tone
from dashboard.components.shown import place
from dashboard.installation import installation
from dashboard.views import review, tasks

ALL = "all"
YOURS = "yours"
BUSY_S, IDLE_S = 2, 15


def show(actor: Actor) -> None:
    """Show every release as a card, those that wait for the reader first."""
    with installation().reading() as session:
        lines = release_list(session)
        closed = closed_releases(session, actor)
        jobs = job_list(session)
    place("heading", title="Releases", text="What was put up for release, and how it stands.")
    review.show_queue(actor)
    tasks.show(actor)
    if not lines:
        place("empty", text="Nothing has been put up for release yet.", command="greenlight release propose JOB")
    else:
        _cards(_chosen([line for line in lines if line.id not in closed], actor), actor)
        for release in sorted(closed):
            _closed(release)
    _jobs(jobs)


def asks(line: ReleaseLine, actor: Actor) -> bool:
    """Whether the next signature is one that the reader's roles can give."""
    return line.next_slot is not None and line.next_slot.role in {str(role).replace("_", " ") for role in actor.roles}


def _chosen(lines: Sequence[ReleaseLine], actor: Actor) -> list[ReleaseLine]:
    counts = Counter(line.state for line in lines)
    yours = sum(asks(line, actor) for line in lines)
    labels = {ALL: f"All ({len(lines)})"}
    if yours:
        labels[YOURS] = f"For you to sign ({yours})"
    labels |= {state: f"{state_tone(state).icon} {state_tone(state).word} ({count})" for state, count in counts.items()}
    chosen = st.pills("Show", list(labels), format_func=labels.__getitem__, default=ALL, key="states") or ALL
    found = [line for line in lines if chosen == ALL or line.state == chosen or (chosen == YOURS and asks(line, actor))]
    return sorted(found, key=lambda line: not asks(line, actor))


def _cards(lines: Sequence[ReleaseLine], actor: Actor) -> None:
    for line in lines:
        with st.container(border=True, key=f"card-{line.id}"):
            left, right = st.columns([0.88, 0.12], vertical_alignment="center")
            with left:
                place("release_card", line=line, tone=state_tone(line.state), yours=asks(line, actor))
            right.button("Open", key=f"open-{line.id}", on_click=_open, args=(line.id,), width="stretch")


def _closed(release: str) -> None:
    """A release of which a blind reviewer learns no more than that its record is closed."""
    with st.container(border=True, key=f"card-{release}"):
        left, right = st.columns([0.88, 0.12], vertical_alignment="center")
        with left:
            place("release_closed", id=release)
        right.button("Open", key=f"open-{release}", on_click=_open, args=(release,), width="stretch")


def _open(release: str) -> None:
    st.query_params["release"] = release


def _jobs(jobs: Sequence[JobLine]) -> None:
    busy = any(job.status in ("queued", "running") for job in jobs)

    @st.fragment(run_every=BUSY_S if busy else IDLE_S)
    def watched() -> None:
        if account.current() is None:
            st.rerun()
        with installation().reading() as session:
            found = job_list(session)
        place("jobs", jobs=found)

    watched()
