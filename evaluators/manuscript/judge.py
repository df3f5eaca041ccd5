"""A language model's review of a manuscript: shown beside people's, never a reason to open a gate.

    from evaluators.judging.options import ModelOptions
    from evaluators.manuscript.judge import judge_manuscript
    from evaluators.manuscript.panel import panel_of
    review = judge_manuscript(manuscript, rubric, panel_of(ModelOptions("m", "http://127.0.0.1:8000/v1")))

Each judge of the panel first fills the form for artificial papers; one that fails there is not counted. It is then
asked several times about the sanitised copy of the paper and, where sentences speak to a reviewer or model, as often
about the copy without them: the scores come from the latter, and where the two differ there is no score. A score
whose quote is not found in the paper is dropped. All measures are diagnostic.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from evaluators.judging.prompts import Prompt, read_prompt
from evaluators.manuscript.canaries import Trial, canary_copies, canary_file, tried
from evaluators.manuscript.copies import Copy, quarantined, sanitised
from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.judge_form import Filled, cleaned, described, form_of, value_of
from evaluators.manuscript.panel import PERSONAS, Panel, Seat
from evaluators.manuscript.rubric import Rubric
from evaluators.manuscript.scoring import Answer, score
from evaluators.manuscript.verdicts import Heard, Review, SeatRecord, review_of

if TYPE_CHECKING:
    from langchain.messages import AnyMessage

    from evaluators.judging.hearing import Hearing, Question

Progress = Callable[[float, str], None]
VERSION = "1"
LEAST_TEXT = 200
"""Characters below which there is no paper to judge."""


def judge_manuscript(
    manuscript: Manuscript, rubric: Rubric, panel: Panel, *, progress: Progress | None = None
) -> Review:
    """Let a panel fill a rubric for a manuscript; whatever keeps a judge from answering is a reason in the review.

    Raises EvaluatorError for a rubric that is too long for a judge.
    """
    form = form_of(rubric)
    copies = (sanitised(manuscript, panel.room), quarantined(manuscript, panel.room))
    version = version_of(rubric, panel)
    if len(copies[1].text) < LEAST_TEXT:
        return review_of(rubric, panel, copies, (), version, "the manuscript holds no text that a judge could read")
    work = _hear(rubric, form, panel, copies, progress or (lambda _done, _message: None))
    # A thread of its own: whoever calls may run an event loop already, as a notebook does.
    with ThreadPoolExecutor(1, thread_name_prefix="judge") as pool:
        records = pool.submit(lambda: asyncio.run(work)).result()
    return review_of(rubric, panel, copies, records, version, None)


def version_of(rubric: Rubric, panel: Panel) -> str:
    """Changes with the code, the models, the prompt, the form, the canaries and everything that is chosen."""
    seats = [asdict(seat) | {"model": asdict(seat.model) | {"key_variable": None}} for seat in panel.seats]
    files = [_prompt().digest, rubric.file.digest, canary_file()[1].digest]
    chosen = [seats, panel.canaries, panel.room, files, dict(PERSONAS)]
    return f"{VERSION}-{hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]}"


def messages(rubric: Rubric, persona: str, copy: Copy) -> list[AnyMessage]:
    """Return the two messages of a question; the paper is data between marks that are a digest of it."""
    from langchain.messages import HumanMessage, SystemMessage

    prompt = _prompt()
    told = json.dumps(copy.text, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
    mark = hashlib.sha256(told.encode()).hexdigest()[:16]
    question = f"{prompt.question}\n\n{described(rubric)}\n\n<<DATA {mark}>>\n{told}\n<<END OF DATA {mark}>>"
    last = "Fill the form above the first mark, in the required form only."
    return [SystemMessage(prompt.system.replace("{persona}", PERSONAS[persona])), HumanMessage(f"{question}\n{last}")]


def _prompt() -> Prompt:
    return read_prompt("evaluators.manuscript", "review")


async def _hear(
    rubric: Rubric, form: type[Filled], panel: Panel, copies: tuple[Copy, Copy], progress: Progress
) -> list[SeatRecord]:
    records = []
    for number, seat in enumerate(panel.seats):

        def told(done: float, message: str, number: int = number) -> None:
            progress((number + done) / len(panel.seats), message)

        records.append(await _seat(rubric, form, seat, panel.canaries, copies, told))
    return records


async def _seat(
    rubric: Rubric, form: type[Filled], seat: Seat, canaries: bool, copies: tuple[Copy, Copy], progress: Progress
) -> SeatRecord:
    from evaluators.judging.connecting import connected, find_key
    from evaluators.judging.hearing import Budget, Clerk

    options, key = seat.model, find_key(seat.model)
    if options.variable and key is None:
        return SeatRecord(seat, None, (), f"the judge has no key; set the variable {options.variable}")
    differ = bool(copies[1].removed)
    async with connected(options) as http:
        budget = Budget(options)
        once = Clerk(replace(options, samples=1), budget, key, progress, 3)
        often = Clerk(options, budget, key, progress, 2 if differ else 1)

        async def hear(clerk: Clerk, copy: Copy) -> Hearing[Filled]:
            return await clerk.hear(_question(rubric, form, seat, copy, key, http))

        trial_heard = [(name, await hear(once, copy)) for name, copy in canary_copies().items()] if canaries else []
        trial = _trial(rubric, trial_heard) if canaries else None
        heard = [Heard(f"canary {name}", hearing) for name, hearing in trial_heard]
        if trial is None or trial.failure is None:
            if differ:
                heard.append(Heard("sanitised", await hear(often, copies[0])))
            heard.append(Heard("quarantined", await hear(often, copies[1])))
    return SeatRecord(seat, trial, tuple(heard), None)


def _question(
    rubric: Rubric, form: type[Filled], seat: Seat, copy: Copy, key: str | None, http: object
) -> Question[Filled]:
    from evaluators.judging.connecting import asking
    from evaluators.judging.hearing import Question

    content = messages(rubric, seat.persona, copy)
    return Question(form, asking(seat.model, form, content, key, http), lambda _answer: True, cleaned(form))


def _trial(rubric: Rubric, heard: Sequence[tuple[str, Hearing[Filled]]]) -> Trial:
    """Roll each canary's form up; quotes are not asked for there."""
    shares: dict[str, float | None] = {}
    for name, hearing in heard:
        filled = hearing.answers[0] if hearing.answers else None
        answers = {
            leaf.id: Answer(value_of(leaf, getattr(filled, leaf.id).score)) for leaf in rubric.leaves() if filled
        }
        shares[name] = score(rubric, answers).total.share
    failure = next((hearing.failure for _, hearing in heard if hearing.failure is not None), None)
    trial = tried(shares)
    return Trial(trial.shares, f"{trial.failure}: {failure.sentence}") if trial.failure and failure else trial
