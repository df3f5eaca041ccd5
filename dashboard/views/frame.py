"""What surrounds every view: style, masthead, who is signed in, and which view is asked for."""

from __future__ import annotations

import streamlit as st

from core.access import Actor
from dashboard import account
from dashboard.appearance import STYLE
from dashboard.components.shown import DONE, NOTE, notice, place
from dashboard.views import release, releases, review, sign_in


def show() -> None:
    """Show the view that the address asks for, or the sign-in where nobody is signed in."""
    st.set_page_config(page_title="Greenlight", layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE)
    actor = account.current()
    if actor is None:
        if message := st.session_state.pop(account.MESSAGE, None):
            notice(message, NOTE)
        sign_in.show()
        return
    _masthead(actor)
    if message := st.session_state.pop(account.MESSAGE, None):
        notice(message, DONE)
    if asked := st.query_params.get("review"):
        review.show(actor, asked)
    elif asked := st.query_params.get("release"):
        release.show(actor, asked)
    else:
        releases.show(actor)


def _masthead(actor: Actor) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="masthead"):
        place("masthead", person=account.details(actor))
        st.button("Sign out", key="sign-out", on_click=account.sign_out)
