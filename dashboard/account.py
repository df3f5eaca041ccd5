"""Who is signed in: a session token in this browser tab's state, proven anew at every run."""

from __future__ import annotations

import streamlit as st

from core.access import Actor
from core.errors import Denied
from core.identity import actor_from_token, authenticate, close_session, open_session
from core.reading import Person, person
from dashboard.installation import installation

TOKEN = "token"  # noqa: S105 - the name of the entry, not a token
MESSAGE = "message"


def current() -> Actor | None:
    """Return who is signed in now, or None; a session that ended is forgotten."""
    token = st.session_state.get(TOKEN)
    if token is None:
        return None
    try:
        return actor_from_token(installation(), token)
    except Denied:
        st.session_state.clear()
        st.session_state[MESSAGE] = "Your session has ended; sign in again."
        return None


def sign_in(login: str, password: str) -> None:
    """Start a session; `Denied` when login and password do not fit or the account is locked."""
    platform = installation()
    token = open_session(platform, authenticate(platform, login.strip(), password))
    st.session_state.clear()
    st.session_state[TOKEN] = token


def sign_out() -> None:
    """End the session, here and in the database; whoever signs in next starts at the releases."""
    token = st.session_state.get(TOKEN)
    st.session_state.clear()
    st.query_params.clear()
    if token is not None:
        close_session(installation(), token)


def details(actor: Actor) -> Person:
    """Return the login, name and roles of who is signed in."""
    with installation().reading() as session:
        return person(session, actor.id)
