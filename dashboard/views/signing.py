"""Who has signed, who must sign next, and the form to sign or decline with a fresh password."""

from __future__ import annotations

import streamlit as st

from core.access import Actor
from core.errors import GreenlightError
from core.identity import authenticate
from core.reading import ReleasePage
from core.releases import sign
from dashboard import account
from dashboard.components.shown import notice, place
from dashboard.installation import installation

TRIES, PROBLEM = "signing-tries", "signing-problem"
MEANINGS = {
    "review": "you have looked at this record and, by signing, have no objection to its release",
    "approval": "by signing, you decide that this output may be released",
}


def show(actor: Actor, page: ReleasePage) -> None:
    """Show the signatures, and the form while one is still asked for."""
    place("signatures", page=page, document=page.document, line=page.line)
    slot = page.line.next_slot
    if slot is None:
        return
    person = account.details(actor)
    with st.container(key="signing", border=True):
        place("signing", page=page, slot=slot, meaning=MEANINGS[slot.meaning], person=person)
        with st.form("signing-form", border=False):
            reason = st.text_area("Reason (needed to decline)", max_chars=2000, height=68, key=f"reason-{page.line.id}")
            # A new key for each try empties the password and leaves the reason as it was written.
            password = st.text_input(
                "Your password, again",
                type="password",
                autocomplete="current-password",
                key=f"password-{st.session_state.setdefault(TRIES, 0)}",
            )
            left, right = st.columns(2)
            signed = left.form_submit_button("Sign", type="primary", width="stretch")
            declined = right.form_submit_button("Decline", width="stretch")
        if signed or declined:
            st.session_state[TRIES] += 1
            _give(person.login, password, page.line.id, "signed" if signed else "declined", reason)
            st.rerun()
        if problem := st.session_state.pop(PROBLEM, None):
            notice(problem)


def _give(login: str, password: str, release: str, decision: str, reason: str) -> None:
    platform = installation()
    try:
        row = sign(platform, authenticate(platform, login, password), release, decision=decision, reason=reason)
    except GreenlightError as error:
        st.session_state[PROBLEM] = str(error)
        return
    told = "Your signature is on record." if decision == "signed" else "Your refusal is on record."
    ending = " The release is approved." if row.state == "approved" else ""
    st.session_state[account.MESSAGE] = told + ending
    st.session_state.pop(f"reason-{release}", None)
