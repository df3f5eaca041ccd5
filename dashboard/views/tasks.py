"""What runs ask people: the question, what there is to read, and the form to decide with a fresh password."""

from __future__ import annotations

import streamlit as st

from core.access import Actor, Permission
from core.errors import GreenlightError
from core.identity import authenticate
from core.reading import Clip, TaskLine, task_list
from core.tasks import decide
from dashboard import account
from dashboard.components.shown import notice, place
from dashboard.installation import installation
from dashboard.media import link
from dashboard.views.manuscript import book

TRIES, PROBLEM = "deciding-tries", "deciding-problem"
READ = ("text/", "application/json", "application/yaml")
"""Kinds of documents that are shown as text; a PDF is shown as pages, all else is offered for saving."""
SHOWN_BYTES = 20_000


def show(actor: Actor) -> None:
    """Show every open question, those that the reader may decide first; nothing where there is none."""
    with installation().reading() as session:
        tasks = task_list(session)
    if not tasks:
        return
    place("tasks_head", count=len(tasks))
    for task in sorted(tasks, key=lambda one: not may_decide(one, actor)):
        with st.container(border=True, key=f"task-{task.id}"):
            _task(task, actor)


def may_decide(task: TaskLine, actor: Actor) -> bool:
    """Whether the reader's roles allow a decision, and somebody else submitted the job."""
    return actor.may(Permission.TASK_DECIDE) and actor.id != task.by


def _task(task: TaskLine, actor: Actor) -> None:
    documents = [(one, link(one.sha256, actor.id), _text(one)) for one in task.documents]
    place("task", task=task, documents=documents, yours=may_decide(task, actor))
    for one in task.documents:
        if one.media_type == "application/pdf":
            book(one.sha256, f"{task.id}-{one.role}")
    if may_decide(task, actor):
        _form(task, actor)


def _form(task: TaskLine, actor: Actor) -> None:
    with st.form(f"deciding-{task.id}", border=False):
        reason = st.text_area("Reason (needed to reject)", max_chars=2000, height=68, key=f"why-{task.id}")
        # A new key for each try empties the password and leaves the reason as it was written.
        password = st.text_input(
            "Your password, again",
            type="password",
            autocomplete="current-password",
            key=f"decide-{task.id}-{st.session_state.setdefault(TRIES, 0)}",
        )
        left, right = st.columns(2)
        approved = left.form_submit_button("Approve: the run goes on", type="primary", width="stretch")
        rejected = right.form_submit_button("Reject: the run ends", width="stretch")
    if approved or rejected:
        st.session_state[TRIES] += 1
        _give(account.details(actor).login, password, task.id, "approve" if approved else "reject", reason)
        st.rerun()
    if (problem := st.session_state.get(PROBLEM)) and problem[0] == task.id:
        del st.session_state[PROBLEM]
        notice(problem[1])


def _give(login: str, password: str, task: str, decision: str, reason: str) -> None:
    platform = installation()
    try:
        proof = authenticate(platform, login, password)
        with platform.work(proof.actor) as work:
            decide(work, proof, task, decision, reason)
    except GreenlightError as error:
        st.session_state[PROBLEM] = (task, str(error))
        return
    told = "the run goes on." if decision == "approve" else "the run ends with your reason."
    st.session_state[account.MESSAGE] = f"Your decision is on record; {told}"


def _text(document: Clip) -> str | None:
    """The beginning of a document that is text, or None."""
    if not document.media_type.startswith(READ):
        return None
    with installation().store.open(document.sha256) as stream:
        data: bytes = stream.read(SHOWN_BYTES + 1)
    shown = data[:SHOWN_BYTES].decode("utf-8", errors="replace")
    return shown if len(data) <= SHOWN_BYTES else f"{shown}\n\n… the rest is in the file"
