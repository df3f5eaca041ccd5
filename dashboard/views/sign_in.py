"""Sign in with login and password."""

from __future__ import annotations

import streamlit as st

from core.errors import GreenlightError
from dashboard import account
from dashboard.components.shown import notice, place


def show() -> None:
    """Show the form; a refusal is told in one sentence, and every attempt is an event of the audit log."""
    with st.container(key="sign-in", width=420):
        place("welcome")
        with st.form("sign-in-form", border=False):
            login = st.text_input("Login", autocomplete="username")
            password = st.text_input("Password", type="password", autocomplete="current-password")
            sent = st.form_submit_button("Sign in", type="primary", width="stretch")
        if sent:
            _try(login, password)


def _try(login: str, password: str) -> None:
    try:
        account.sign_in(login, password)
    except GreenlightError as error:
        notice(str(error))
        return
    st.rerun()
