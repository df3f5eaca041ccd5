"""Who is asked to review a manuscript, the form to ask somebody, and the form to settle what reviewers dispute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

import streamlit as st

from core.access import Actor, Permission
from core.canonical import now
from core.errors import GreenlightError
from core.identity import authenticate
from core.lookup import find
from core.reviews import Seen, adjudicate, assign, assignments_for, disputes, reviews_for
from core.reviews.forms import form_titles, kept_rubric
from core.reviews.queue import candidates
from core.tables import Job, Release
from dashboard import account
from dashboard.components.shown import notice, place
from dashboard.installation import installation
from dashboard.views.review import answer, said

TRIES, PROBLEM, ASKING = "settling-tries", "reviewers-problem", "asking"
USUAL = "medical-ai-scientist-manuscript"


def show(actor: Actor, release: str) -> None:
    """Show to who assigns reviews the people asked; then the forms for what the reader may do."""
    with installation().reading() as session:
        job = session.get_one(Job, find(session, Release, release).job_id)
        asked = assignments_for(session, actor, now(), job=job.id)
        open_on = disputes(session, actor, job.id)
        given = reviews_for(session, actor, job.id)
        people = {user.login: user.name for user in candidates(session, job)}
    if asked and actor.may(Permission.REVIEW_ASSIGN):
        place("reviewers", asked=asked)
    if actor.may(Permission.REVIEW_ADJUDICATE):
        for rubric, items in open_on.items():
            _settle(actor, job.id, rubric, items, given)
    if actor.may(Permission.REVIEW_ASSIGN):
        _ask(actor, job.id, people)


def _ask(actor: Actor, job: str, people: Mapping[str, str]) -> None:
    with st.expander("Ask somebody for a review", expanded=_has_problem(ASKING)):
        if not people:
            notice("Nobody may review this manuscript; give somebody without an interest in it the role 'reviewer'.")
            return
        titles = form_titles()
        names = sorted(titles, key=lambda name: name != USUAL)
        with st.form(f"asking-{job}", border=False):
            who = st.selectbox(
                "Who", list(people), index=None, format_func=lambda login: people[login], key=f"who-{job}"
            )
            form = st.selectbox("On which form", names, format_func=lambda name: titles[name], key=f"form-{job}")
            due = st.date_input("Until", value=None, min_value="today", key=f"due-{job}")
            blind = st.checkbox("Blind: reviewer and authors do not learn each other's names", value=True)
            if st.form_submit_button("Ask for this review", type="primary"):
                until = datetime.combine(due, time(23, 59, 59), UTC) if due else None
                _give_out(actor, job, who, str(form), until, blind)
                st.rerun()
        _tell_problem(ASKING)


def _give_out(actor: Actor, job: str, who: str | None, form: str, until: datetime | None, blind: bool) -> None:
    if who is None:
        st.session_state[PROBLEM] = (ASKING, "Nobody is chosen; choose who shall review it.")
        return
    try:
        with installation().work(actor) as work:
            row = assign(work, job=job, reviewer=who, rubric=form, due_at=until, blind=blind)
            st.session_state[account.MESSAGE] = f"{row.reviewer_name} is asked for a review."
    except GreenlightError as error:
        st.session_state[PROBLEM] = (ASKING, str(error))


def _has_problem(part: str) -> bool:
    """Whether the last try in this part of the page failed."""
    return bool(st.session_state.get(PROBLEM, ("", ""))[0] == part)


def _tell_problem(part: str) -> None:
    """Say once, below the form that it is about, why the last try failed."""
    if _has_problem(part):
        notice(st.session_state.pop(PROBLEM)[1])


def _settle(actor: Actor, job: str, rubric: str, items: Sequence[Mapping[str, Any]], given: Sequence[Seen]) -> None:
    """The form for what people's reviews on one form dispute, each item with what they said."""
    given = [one for one in given if one.rubric == rubric and one.kind == "person"]
    form = kept_rubric(installation().store, given[-1].rubric_sha256)
    with st.container(border=True, key=f"settle-{rubric}"):
        place("settling", form=form.content)
        with st.form(f"settling-{job}-{rubric}", border=False):
            answers = {}
            for one in items:
                name = str(one["item"])
                place("review_item", item=form[name])
                place("settling_item", item=name, said=given, tell=said)
                answers[name] = answer(form[name], f"settle-{job}-{rubric}-{name}")
            reason = st.text_area("Why you decide so", max_chars=2000, height=68, key=f"settle-why-{job}-{rubric}")
            # A new key for each try empties the password and leaves the answers as they were given.
            password = st.text_input(
                "Your password, again",
                type="password",
                autocomplete="current-password",
                key=f"settle-password-{rubric}-{st.session_state.setdefault(TRIES, 0)}",
            )
            decided = st.form_submit_button("Settle", type="primary")
        _tell_problem(rubric)
    if decided:
        st.session_state[TRIES] += 1
        _decide(account.details(actor).login, password, job, rubric, answers, reason)
        st.rerun()


def _decide(login: str, password: str, job: str, rubric: str, answers: Mapping[str, object], reason: str) -> None:
    platform = installation()
    try:
        proof = authenticate(platform, login, password)
        with platform.work(proof.actor) as work:
            adjudicate(work, proof, job=job, rubric=rubric, answers=answers, reason=reason)
    except GreenlightError as error:
        st.session_state[PROBLEM] = (rubric, str(error))
        return
    st.session_state[account.MESSAGE] = "Your decision on what reviewers dispute is on record."
