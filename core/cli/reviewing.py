"""The part of `greenlight review` that needs the registry: the queue, the filled forms, and disputes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from core.cli.output import Json, detail, done, emit, say, show
from core.cli.session import PasswordStdin, acting, ask_password, json_file, proof_of
from core.errors import InputError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.access import Actor
    from core.platform import Platform
    from core.reviews import Seen
    from core.tables import ReviewAssignment
    from evaluators.manuscript.rubric import Item, Rubric


def add_commands(app: typer.Typer) -> None:
    """Add these commands to `greenlight review`."""
    for name, command in COMMANDS.items():
        app.command(name)(command)


def assign(
    job: str = typer.Argument(..., help="The job that made the manuscript."),
    reviewer: str = typer.Argument(..., help="Login of who shall review it."),
    rubric: str = typer.Option(
        "medical-ai-scientist-manuscript", help="The form: a rubric, a guideline, or a YAML file."
    ),
    due: str | None = typer.Option(None, help="Until when: a day, or a moment in ISO 8601."),
    names: bool = typer.Option(False, "--names", help="Not blind: reviewer and authors may know each other."),
    as_json: Json = False,
) -> None:
    """Ask a person to review a manuscript."""
    from core.reviews import assign as assign_review
    from core.tables import record_of

    with acting() as (platform, actor), platform.work(actor) as work:
        row = assign_review(work, job=job, reviewer=reviewer, rubric=rubric, due_at=_day(due), blind=not names)
        record = record_of(row)
    done(record, f"{row.reviewer_name} is asked for a review on {row.rubric_id}: {row.id}.", as_json=as_json)


def list_reviews(
    everything: bool = typer.Option(False, "--all", help="Those that were given, declined or withdrawn too."),
    job: str | None = typer.Option(None, help="Only those of this job's manuscript."),
    as_json: Json = False,
) -> None:
    """List the reviews that people were asked for: your own, or everybody's if you assign them."""
    from dataclasses import asdict

    from core.canonical import now
    from core.reviews import assignments_for

    with acting() as (platform, actor), platform.reading() as session:
        found = assignments_for(session, actor, now(), job=job)
    rows = [asdict(one) for one in found if everything or one.state == "open"]
    columns = ("id", "title", "rubric", "reviewer", "state", "due_at", "overdue")
    show(rows, columns, as_json=as_json, empty="No review is asked for.")


def show_review(
    what: str = typer.Argument(..., help="An assignment that is yours, or the job whose reviews to show."),
    to: Path | None = typer.Option(None, help="Also write the manuscript and an empty form to this folder."),
    as_json: Json = False,
) -> None:
    """Show an assignment with its form, or every review of a job's manuscript that you may see."""
    with acting() as (platform, actor), platform.reading() as session:
        if what.startswith("asg_"):
            _show_assignment(platform, session, actor, what, to, as_json)
        else:
            _show_reviews(session, actor, what, as_json)


def submit(
    assignment: str,
    answers: Path = typer.Option(..., help='JSON: {item: value} or {item: {"value", "reason", "quote"}}.'),
    no_conflict: bool = typer.Option(False, "--no-conflict", help="State that you have no conflict of interest."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Give the review that you were asked for, after giving your password anew. It cannot be changed afterwards."""
    from core.reviews import submit_review
    from core.tables import record_of

    filled = json_file(answers) or {}
    with acting() as (platform, actor):
        proof = proof_of(platform, actor, lambda login: ask_password(password_stdin, f"Password of {login}"))
        with platform.work(actor) as work:
            row = submit_review(work, proof, assignment, filled, no_conflict=no_conflict)
            record = record_of(row)
    dispute = f" It differs from another on {', '.join(one['title'] for one in row.disputed)}." if row.disputed else ""
    done(record, f"The review {row.id} is on record.{dispute}", as_json=as_json)


def decline(assignment: str, reason: str = typer.Option(..., help="Why."), as_json: Json = False) -> None:
    """Say no to a review that you were asked for."""
    from core.reviews import decline as decline_review

    with acting() as (platform, actor), platform.work(actor) as work:
        row = decline_review(work, assignment, reason)
    _told(row, "You declined the review.", as_json)


def withdraw(assignment: str, reason: str = typer.Option(..., help="Why."), as_json: Json = False) -> None:
    """Take back the request for a review that was not given."""
    from core.reviews import withdraw as withdraw_review

    with acting() as (platform, actor), platform.work(actor) as work:
        row = withdraw_review(work, assignment, reason)
    _told(row, f"{row.reviewer_name} is no longer asked for the review.", as_json)


def conflict(
    job: str = typer.Argument(..., help="A job of the study, or your assignment to review it."),
    statement: str = typer.Option(..., help="Which interest it is."),
    person: str | None = typer.Option(None, help="Login, where it is somebody else's."),
    as_json: Json = False,
) -> None:
    """Declare a conflict of interest with a study; open assignments to it end."""
    from core.lookup import find
    from core.reviews import declare_conflict
    from core.tables import ReviewAssignment, record_of

    with acting() as (platform, actor), platform.work(actor) as work:
        if job.startswith("asg_"):
            job = find(work.session, ReviewAssignment, job).job_id
        record = record_of(declare_conflict(work, job, statement, person))
    done(record, "The conflict of interest is on record.", as_json=as_json)


def adjudicate(
    job: str,
    answers: Path = typer.Option(..., help="JSON: {item: value} for every disputed item and no other."),
    reason: str = typer.Option(..., help="Why you decide so."),
    rubric: str = typer.Option("medical-ai-scientist-manuscript", help="The form that is disputed."),
    password_stdin: PasswordStdin = False,
    as_json: Json = False,
) -> None:
    """Settle what people's reviews dispute, after giving your password anew."""
    from core.reviews import adjudicate as adjudicate_review
    from core.tables import record_of

    filled = json_file(answers) or {}
    with acting() as (platform, actor):
        proof = proof_of(platform, actor, lambda login: ask_password(password_stdin, f"Password of {login}"))
        with platform.work(actor) as work:
            row = adjudicate_review(work, proof, job=job, rubric=rubric, answers=filled, reason=reason)
            record = record_of(row)
    done(record, f"{actor.name} settled {', '.join(sorted(row.answers))}.", as_json=as_json)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "assign": assign,
    "list": list_reviews,
    "show": show_review,
    "submit": submit,
    "decline": decline,
    "withdraw": withdraw,
    "conflict": conflict,
    "adjudicate": adjudicate,
}


def _show_assignment(
    platform: Platform, session: Session, actor: Actor, assignment: str, to: Path | None, as_json: bool
) -> None:
    from dataclasses import asdict

    from core.canonical import now
    from core.reports.manuscript_case import page_for
    from core.reviews.forms import kept_rubric
    from core.reviews.seeing import assignment_for

    found = assignment_for(session, actor, now(), assignment)
    rubric = kept_rubric(platform.store, found.rubric_sha256)
    hints = page_for(session, platform.store, found.id).hints
    if to:
        if (to / "answers.json").exists():
            raise InputError(f"{to} holds answers already", "name another folder, or move them away")
        to.mkdir(parents=True, exist_ok=True)
        platform.store.fetch(found.manuscript_sha256, to / "manuscript.pdf")
        _write_form(rubric, hints, to)
    if as_json:
        emit({**asdict(found), "items": [leaf.model_dump() for leaf in rubric.leaves()], "found_by_rule": hints})
        return
    detail(asdict(found), as_json=False)
    items: list[Mapping[str, object]] = [
        {
            "item": leaf.id,
            "asks": leaf.question or leaf.title,
            "answer": _answers(leaf),
            "found_by_rule": hints.get(leaf.id),
        }
        for leaf in rubric.leaves()
    ]
    columns = ("item", "asks", "found_by_rule" if rubric.is_checklist else "answer")
    show(items, columns, as_json=False, empty="It asks nothing.")
    if rubric.is_checklist:
        say(f"{CHECKLIST_HELP} {rubric.content.note}")
    if to:
        say(f"The manuscript, the questions and an empty form, answers.json, are in {to}.")
        say("When the form is filled, give it with")
        say(f"  greenlight review submit {assignment} --answers {to / 'answers.json'}")
        say("and --no-conflict, if you have no conflict of interest with this study.")


def _answers(item: Item) -> str:
    """What can be answered to an item."""
    return ", ".join(map(_short, item.values)) or {"yes_no": "true or false"}.get(item.kind, item.kind)


RUBRIC_HELP = "Give each item a value of its scale; quote and reason may stay empty."
CHECKLIST_HELP = "Answer each item with reported, not_reported or not_applicable, also where a rule found a sentence."


def _write_form(rubric: Rubric, hints: Mapping[str, str], to: Path) -> None:
    """Write the empty form, with room for where it is found and why, and the questions beside it to read."""
    import json

    blank = {"value": None, "quote": "", "reason": ""}
    (to / "answers.json").write_text(
        json.dumps(dict.fromkeys((leaf.id for leaf in rubric.leaves()), blank), indent=2) + "\n"
    )
    (to / "questions.txt").write_text("\n".join(_questions(rubric, hints)) + "\n", encoding="utf-8")


def _questions(rubric: Rubric, hints: Mapping[str, str]) -> Iterator[str]:
    yield from (rubric.content.title, "", CHECKLIST_HELP if rubric.is_checklist else RUBRIC_HELP, rubric.content.note)
    for item in rubric.nodes():
        if item.kind == "group":
            yield from ("", item.title)
            continue
        yield f"  {item.id}: {item.title}. {item.question}"
        if not rubric.is_checklist:
            yield f"      {_answers(item)}"
            yield from (f"      {_short(value)}: {meaning}" for value, meaning in item.anchors.items())
        if hint := hints.get(item.id):
            yield f"      A rule found: {hint}"


def _show_reviews(session: Session, actor: Actor, job: str, as_json: bool) -> None:
    from dataclasses import asdict

    from core.reviews import disputes, reviews_for

    found, open_on = reviews_for(session, actor, job), disputes(session, actor, job)
    if as_json:
        emit({"reviews": [asdict(one) for one in found], "disputed": open_on})
        return
    columns = COLUMNS if any(one.kind == "judge" for one in found) else [name for name in COLUMNS if name != "cost"]
    show([_row(one) for one in found], columns, as_json=False, empty="No review that you may see is on record.")
    for rubric, items in open_on.items():
        say(f"In dispute on {rubric}: {'; '.join(_dispute(one) for one in items)}.", "bold yellow")


COLUMNS: Sequence[str] = ("reviewer", "kind", "role", "rubric", "total", "accepts", "answers", "cost", "submitted_at")


def _row(review: Seen) -> dict[str, object]:
    total = review.scores["total"]["share"]
    checklist = review.scores["rubric"].get("judges") == "reporting"
    said = ", ".join(f"{item} {_short(given['value'])}" for item, given in review.answers.items())
    return {
        "reviewer": review.reviewer,
        "kind": review.kind,
        "role": review.role.replace("_", " "),
        "rubric": review.rubric,
        "total": None if total is None else f"{total:.0%}",
        "accepts": review.scores["accept"],
        "answers": _counted(review.answers) if checklist else said,
        "cost": _cost(review.parameters.get("cost")),
        "submitted_at": review.submitted_at,
    }


def _cost(cost: Mapping[str, Any] | None) -> str | None:
    """What a judge's review took; people's have none on record."""
    if cost is None:
        return None
    return f"{cost['requests']} requests" + ("" if cost["usd"] is None else f", {cost['usd']:.4f} USD")


def _dispute(one: Mapping[str, object]) -> str:
    return f"{one['title']} ({_short(one['low'])} against {_short(one['high'])})"


def _counted(answers: Mapping[str, Mapping[str, object]]) -> str:
    """How often each word was said in a checklist."""
    from evaluators.manuscript.reporting import counted, spoken

    found = counted(given["value"] for given in answers.values())
    return ", ".join(f"{count} {spoken(word)}" for word, count in found.items() if count)


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)[:40]


def _told(row: ReviewAssignment, sentence: str, as_json: bool) -> None:
    done({"id": row.id, "state": row.state, "reason": row.reason}, sentence, as_json=as_json)


def _day(text: str | None) -> datetime | None:
    """A moment; a day alone means its end, in UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"'{text}' is no date", "write it as 2026-07-01 or 2026-07-01T09:30:00+00:00") from error
    if len(text) <= 10:
        moment = datetime.combine(moment, time(23, 59, 59))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
