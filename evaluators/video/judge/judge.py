"""Put both questions to the judge and turn its answers into measurements, or into the reason why there are none."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from evaluators.base import Evaluation, Interval, Measure, Measurement, absent
from evaluators.clip import Case, ClipInfo, open_case, probe
from evaluators.judging.prompts import Prompt
from evaluators.video.judge.measures import CAUSALITY, JUDGE_MEASURES, RESIDUE
from evaluators.video.judge.measures import VERSION as MEASURES_VERSION
from evaluators.video.judge.options import JudgeOptions
from evaluators.video.judge.prompts import load_prompt
from evaluators.video.judge.sheets import Sheet, chosen_frames, make_sheets
from evaluators.video.suite import ClipResult, Progress

if TYPE_CHECKING:
    from evaluators.judging.hearing import Hearing
    from evaluators.video.judge.answers import Answer

NAME = "judge"
NOT_CONFIGURED = "no vision-language model is configured"
WORST_FROM = ("removal_residue", "ghost", "shadow_residue", "object_motion")
"""Measures whose worst frame the judge is shown, in this order."""


class Matter(NamedTuple):
    """A measure with the question that it rests on."""

    measure: Measure
    prompt: str


MATTERS = (Matter(CAUSALITY, "causality"), Matter(RESIDUE, "residue"))


@dataclass(frozen=True)
class Material:
    """What the judge is shown."""

    sheets: tuple[Sheet, ...]
    scene: str | None


def judge_clip(
    folder: Path | str,
    output: Path | str,
    options: JudgeOptions | None,
    *,
    worst_frames: Sequence[int] = (),
    progress: Progress | None = None,
) -> Evaluation:
    """Ask the judge about an output clip for a VOID-format folder; `worst_frames` are shown beside evenly spaced ones.

    Whatever keeps the judge from answering is a reason in the measurements. Raises EvaluatorError (ClipError) only for
    files that the suite cannot measure either.
    """
    if options is None:
        return not_judged(None, NOT_CONFIGURED)
    case, clip = open_case(folder), probe(output)
    return _judge(case, clip, min(case.input.frames, clip.frames), options, worst_frames, progress)


def judge_result(result: ClipResult, options: JudgeOptions | None, *, progress: Progress | None = None) -> Evaluation:
    """Ask the judge about an output that the suite has measured, the suite's worst frames included."""
    if options is None:
        return not_judged(None, NOT_CONFIGURED)
    found = {m.measure.name: m.series for e in result.evaluations for m in e.measurements}
    series = [found.get(name) for name in WORST_FROM]
    worst = [one.worst[0] for one in series if one is not None and one.worst]
    total = min(result.case.input.frames, result.output.frames)
    return _judge(result.case, result.output, total, options, worst, progress)


def not_judged(options: JudgeOptions | None, reason: str) -> Evaluation:
    """Return the evaluation of a clip that the judge was not shown; nothing left this machine."""
    parameters = {} if options is None else {**_parameters(options), "network_egress": False, "sheets": []}
    return Evaluation(NAME, _version(options), tuple(absent(m, reason) for m in JUDGE_MEASURES), parameters=parameters)


def _judge(
    case: Case, clip: ClipInfo, total: int, options: JudgeOptions, worst: Sequence[int], progress: Progress | None
) -> Evaluation:
    from evaluators.judging.connecting import find_key

    key = find_key(options)
    if options.variable and key is None:
        return not_judged(options, f"the judge has no key; set the variable {options.variable}")
    sheets = make_sheets(case, clip, chosen_frames(total, options.frames, worst, options.worst))
    if not sheets:
        return not_judged(options, "input and output share no frame that can be shown to the judge")
    material = Material(sheets, case.prompt)
    work = _ask(options, material, key, progress or (lambda _done, _message: None))
    # A thread of its own: whoever calls may run an event loop already, as a notebook does.
    with ThreadPoolExecutor(1, thread_name_prefix="judge") as pool:
        hearings = pool.submit(lambda: asyncio.run(work)).result()
    return _evaluation(options, material, hearings)


async def _ask(options: JudgeOptions, material: Material, key: str | None, progress: Progress) -> list[Hearing[Answer]]:
    from evaluators.judging.connecting import connected
    from evaluators.judging.hearing import Budget, Clerk
    from evaluators.video.judge.answers import CausalityAnswer, ResidueAnswer
    from evaluators.video.judge.chat import messages, question

    forms: dict[str, type[Answer]] = {CAUSALITY.name: CausalityAnswer, RESIDUE.name: ResidueAnswer}
    hearings = []
    async with connected(options) as http:
        clerk = Clerk(options, Budget(options), key, progress, len(MATTERS))
        for matter in MATTERS:
            content = messages(load_prompt(matter.prompt), material.sheets, material.scene)
            form = forms[matter.measure.name]
            hearings.append(await clerk.hear(question(options, form, len(material.sheets), content, key, http)))
    return hearings


def _evaluation(options: JudgeOptions, material: Material, hearings: Sequence[Hearing[Answer]]) -> Evaluation:
    frames = [sheet.frame for sheet in material.sheets]
    requests = sum(len(hearing.exchanges) for hearing in hearings)
    sent = _sent(options, material, requests)
    measurements = tuple(
        _measurement(matter, hearing, options, material) for matter, hearing in zip(MATTERS, hearings, strict=True)
    )
    notes = (f"{len(frames)} frames of input and output went to {options.host}.",) if sent["network_egress"] else ()
    return Evaluation(NAME, _version(options), measurements, notes, {**_parameters(options), **sent, "sheets": frames})


def _measurement(matter: Matter, hearing: Hearing[Answer], options: JudgeOptions, material: Material) -> Measurement:
    answers = hearing.answers
    told = [answer for answer in answers if answer.finding != "cannot_tell"]
    evidence = _evidence(matter, hearing, options, material)
    if reason := _obstacle(answers, told, hearing, options.samples):
        return absent(matter.measure, reason, **evidence)
    scores = sorted(answer.score / 4 for answer in told)
    return Measurement(
        matter.measure,
        median(scores),
        interval=_interval(scores),
        count=len(scores),
        count_of="answers",
        evidence=evidence,
    )


def _obstacle(answers: Sequence[Answer], told: Sequence[Answer], hearing: Hearing[Answer], samples: int) -> str | None:
    """Why the answers make no measurement; more than half of the samples must have told something."""
    spoken_to = sum(answer.text_addressed_to_judge for answer in answers)
    if spoken_to:
        return f"text in the frames speaks to the judge, {spoken_to} of {len(answers)} answers say; let a person look"
    if len(answers) * 2 <= samples:
        why = hearing.failure.sentence if hearing.failure else "the judge gave no answer"
        return f"{why} ({len(answers)} of {samples} answers)"
    if len(told) * 2 <= samples:
        return f"the judge could not tell in {len(answers) - len(told)} of {len(answers)} answers"
    return None


def _interval(scores: Sequence[float]) -> Interval | None:
    """Lowest to highest answer: it holds the median of such answers with this probability, whatever they follow."""
    if len(scores) < 3:
        return None
    level = 1 - 2.0 ** (1 - len(scores))
    return Interval(scores[0], scores[-1], level, f"lowest to highest of {len(scores)} answers (order statistics)")


def _evidence(matter: Matter, hearing: Hearing[Answer], options: JudgeOptions, material: Material) -> dict[str, object]:
    answers = [answer.model_dump() for answer in hearing.answers]
    findings = Counter(str(answer["finding"]) for answer in answers)
    return {
        "model": options.model,
        "prompt": load_prompt(matter.prompt).to_json(),
        "temperature": options.temperature,
        "answers": answers,
        "findings": dict(findings),
        "agreement": findings.most_common(1)[0][1] / len(answers) if answers else None,
        "agreement_rule": "share of the answers with the commonest finding",
        "exchanges": [asdict(exchange) for exchange in hearing.exchanges],
        "sent": _sent(options, material, len(hearing.exchanges)),
    }


def _sent(options: JudgeOptions, material: Material, requests: int) -> dict[str, object]:
    """What was sent, and whether it left this machine; a request that failed may still have delivered its frames."""
    return {
        "host": options.host,
        "network_egress": options.network_egress and requests > 0,
        "requests": requests,
        "frames_each": len(material.sheets),
        "image_bytes": requests * sum(len(sheet.jpeg) for sheet in material.sheets),
        "image_digests": ["sha256:" + hashlib.sha256(sheet.jpeg).hexdigest() for sheet in material.sheets],
    }


def _parameters(options: JudgeOptions) -> dict[str, object]:
    return {
        "model": options.model,
        "host": options.host,
        "network_egress": options.network_egress,
        "samples": options.samples,
        "temperature": options.temperature,
        "seed": options.seed,
        "prompts": [prompt.to_json() for prompt in _prompts()],
    }


def _prompts() -> list[Prompt]:
    return [load_prompt(matter.prompt) for matter in MATTERS]


def _version(options: JudgeOptions | None) -> str:
    """Changes with the code, the model, its address, the prompts and everything that is chosen."""
    if options is None:
        return MEASURES_VERSION
    chosen = asdict(options) | {"key_variable": None, "prompts": [prompt.digest for prompt in _prompts()]}
    return f"{MEASURES_VERSION}-{hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()[:12]}"
