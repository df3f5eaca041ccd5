"""Review a manuscript: its pages with the findings highlighted, the findings beside them, and the form to fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.access import Actor
from core.canonical import now
from core.errors import GreenlightError
from core.identity import authenticate
from core.reports import manuscript_wording
from core.reports.manuscript_case import page_for
from core.reviews import Assigned, assignments_for, decline, submit_review
from core.reviews.forms import kept_rubric
from core.reviews.seeing import assignment_for
from dashboard import account
from dashboard.components.manuscript import with_marks
from dashboard.components.shown import notice, place, plain
from dashboard.installation import installation
from dashboard.views.manuscript import book
from evaluators.manuscript.reporting import spoken

if TYPE_CHECKING:
    from evaluators.manuscript.rubric import Item, Rubric, Value

TRIES, PROBLEM = "reviewing-tries", "reviewing-problem"
QUOTE = "Where in the paper: a quote, a page"
YES_NO = {"Yes": True, "No": False}


def show_queue(actor: Actor) -> None:
    """Show the reviews that the reader still owes, the next one due first; nothing where there is none."""
    with installation().reading() as session:
        owed = [one for one in assignments_for(session, actor, now()) if one.yours and one.state == "open"]
    for one in owed:
        with st.container(border=True, key=f"review-{one.id}"):
            left, right = st.columns([0.88, 0.12], vertical_alignment="center")
            with left:
                place("review_card", one=one)
            right.button("Review", key=f"open-{one.id}", on_click=_open, args=(one.id,), width="stretch")


def show(actor: Actor, assignment: str) -> None:
    """Show the page of one assignment, or one sentence why it cannot be shown."""
    st.button("← All releases", key="back", type="tertiary", on_click=_back)
    try:
        with installation().reading() as session:
            asked = assignment_for(session, actor, now(), assignment)
            page, findings, hints = page_for(session, installation().store, asked.id)
        rubric = kept_rubric(installation().store, asked.rubric_sha256)
    except GreenlightError as error:
        notice(str(error))
        return
    if asked.yours and asked.state == "open":
        place("review_card", one=asked)
    else:
        place("heading", title=asked.title, text=f"This review is {asked.state}.")
    left, right = st.columns([0.56, 0.44], gap="large")
    with left, st.container(key="reviewed-pages"):
        book(asked.manuscript_sha256, asked.id, marked=with_marks(asked.manuscript_sha256, findings), single=True)
    with right:
        form, found = st.tabs(["Your review", f"Findings ({len(page.findings) + page.left_out})"])
        with form:
            _form(actor, asked, rubric, hints)
        with found:
            place("findings", page=page, tell=manuscript_wording)


def _form(actor: Actor, asked: Assigned, rubric: Rubric, hints: Mapping[str, str]) -> None:
    if not asked.yours or asked.state != "open":
        notice("There is nothing to fill here.")
        return
    with st.form(f"reviewing-{asked.id}", border=False):
        answers = _checklist(asked, rubric, hints) if rubric.is_checklist else _items(asked, rubric)
        clear = st.checkbox("I have no conflict of interest with this study.", key=f"clear-{asked.id}")
        # A new key for each try empties the password and leaves the answers as they were given.
        password = st.text_input(
            "Your password, again",
            type="password",
            autocomplete="current-password",
            key=f"password-{asked.id}-{st.session_state.setdefault(TRIES, 0)}",
        )
        given = st.form_submit_button("Give this review", type="primary", width="stretch")
    if (problem := st.session_state.get(PROBLEM)) and problem[0] == asked.id:
        del st.session_state[PROBLEM]
        notice(problem[1])
    place("review_note")
    if given:
        st.session_state[TRIES] += 1
        _give(account.details(actor).login, password, asked, answers, clear)
        st.rerun()
    with st.expander("I cannot review it"), st.form(f"declining-{asked.id}", border=False):
        reason = st.text_area("Why", max_chars=2000, height=68, key=f"decline-{asked.id}")
        if st.form_submit_button("Decline"):
            _decline(actor, asked, reason)
            st.rerun()


def _items(asked: Assigned, rubric: Rubric) -> dict[str, Mapping[str, object]]:
    return {item.id: _item(item, f"{asked.id}-{item.id}") for item in rubric.leaves()}


def _checklist(asked: Assigned, rubric: Rubric, hints: Mapping[str, str]) -> dict[str, Mapping[str, object]]:
    """A guideline's form, section by section; where a rule found a sentence, it stands above the choice."""
    answers: dict[str, Mapping[str, object]] = {}
    place("checklist_head", rubric=rubric, found=len(hints))
    for item in rubric.nodes():
        if item.kind == "group":
            place("checklist_section", title=item.title)
            continue
        place("checklist_item", item=item, hint=hints.get(item.id))
        answers[item.id] = _reported(item, f"{asked.id}-{item.id}")
    return answers


def _reported(item: Item, key: str) -> Mapping[str, object]:
    """What is said of an item, where the paper says it, and why; nothing is chosen beforehand."""
    label = f"{plain(item.title)}: {plain(item.question)}"
    words = {spoken(str(word)).capitalize(): word for word in item.values}
    chosen = st.radio(label, list(words), index=None, horizontal=True, key=key, label_visibility="collapsed")
    left, right = st.columns(2)
    where = left.text_input(QUOTE, key=f"{key}-quote", max_chars=1000, placeholder=QUOTE, label_visibility="collapsed")
    why = right.text_input("Why", key=f"{key}-why", max_chars=2000, placeholder="Why", label_visibility="collapsed")
    return {"value": words.get(str(chosen)), "quote": where, "reason": why}


def _item(item: Item, key: str) -> Mapping[str, object]:
    """One item of the form; the answer is None while nothing is chosen."""
    place("review_item", item=item)
    return {"value": answer(item, key), "reason": _reason(item, key)}


def answer(item: Item, key: str) -> Value | None:
    """The field in which one item of a form is answered; nothing is chosen beforehand."""
    label = plain(item.title)
    if item.kind == "text":
        return st.text_area(label, key=key, label_visibility="collapsed", height=96) or None
    if item.kind == "yes_no":
        return YES_NO.get(str(st.radio(label, list(YES_NO), index=None, horizontal=True, key=key)))
    shown = {said(value): value for value in item.values}
    chosen = st.radio(label, list(shown), index=None, horizontal=True, key=key, label_visibility="collapsed")
    return shown.get(str(chosen))


def said(value: object) -> str:
    """An answer as people read it: a number as it is, a word of a checklist without its underscores."""
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else spoken(str(value))


def _reason(item: Item, key: str) -> str:
    if item.kind == "text":
        return ""
    why = "Why, and on which page"
    return st.text_input(why, key=f"{key}-why", max_chars=2000, placeholder=why, label_visibility="collapsed")


def _give(login: str, password: str, asked: Assigned, answers: Mapping[str, object], clear: bool) -> None:
    platform = installation()
    try:
        proof = authenticate(platform, login, password)
        with platform.work(proof.actor) as work:
            review = submit_review(work, proof, asked.id, answers, no_conflict=clear)
    except GreenlightError as error:
        st.session_state[PROBLEM] = (asked.id, str(error))
        return
    differs = " It differs from another one; a clinical lead decides." if review.disputed else ""
    st.session_state[account.MESSAGE] = f"Your review is on record.{differs}"
    _back()


def _decline(actor: Actor, asked: Assigned, reason: str) -> None:
    platform = installation()
    try:
        with platform.work(actor) as work:
            decline(work, asked.id, reason)
    except GreenlightError as error:
        st.session_state[PROBLEM] = (asked.id, str(error))
        return
    st.session_state[account.MESSAGE] = "You declined the review."
    _back()


def _open(assignment: str) -> None:
    st.query_params["review"] = assignment


def _back() -> None:
    st.query_params.pop("review", None)
