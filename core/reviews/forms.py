"""The form of a review, kept as an artifact so that a review is read on the form that it was given.

It is a rubric's file, or a reporting guideline made into one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from core.artifacts import ArtifactStore
from core.errors import InputError, NotFound

if TYPE_CHECKING:
    from evaluators.manuscript.rubric import Rubric

YAML = "application/yaml"
MOST_BYTES = 1 << 20
ENDINGS = (".yaml", ".yml")


def rubric_file(name: str) -> bytes:
    """Return the form of a rubric or guideline of the package by its name, or of a rubric of one's own by its path."""
    from evaluators.manuscript.guideline import guideline_names, load_guideline
    from evaluators.manuscript.reporting import form_file
    from evaluators.manuscript.rubric import rubric_names

    if name.endswith(ENDINGS):
        path = Path(name)
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            raise NotFound(f"there is no rubric at {name}", "give the path of a YAML file below 1 MiB")
        return path.read_bytes()
    if name in guideline_names():
        return form_file(load_guideline(name))
    if name not in rubric_names():
        known = ", ".join((*rubric_names(), *guideline_names()))
        raise NotFound(f"there is no rubric or guideline '{name[:80]}'", f"choose one of {known}")
    return files("evaluators.manuscript").joinpath("rubrics", f"{name}.yaml").read_bytes()


def form_titles() -> dict[str, str]:
    """Return the forms on which a manuscript can be reviewed, rubrics first, with their titles, by name."""
    from evaluators.manuscript.guideline import guideline_names, load_guideline
    from evaluators.manuscript.rubric import load_rubric, rubric_names

    rubrics = [load_rubric(name).content for name in rubric_names()]
    lists = [load_guideline(name).content for name in guideline_names()]
    return {one.id: one.title for one in rubrics if one.judges == "manuscript"} | {one.id: one.title for one in lists}


def parse_rubric(data: bytes, name: str = "rubric.yaml") -> Rubric:
    """Return the checked rubric of a file's content; `InputError` for what is none."""
    from evaluators.manuscript.datafile import read
    from evaluators.manuscript.rubric import Rubric, RubricFile

    with explained():
        return Rubric(*read(data, name, RubricFile))


def kept_rubric(store: ArtifactStore, sha256: str) -> Rubric:
    """Return the rubric that a review or an assignment names, verified."""
    return parse_rubric(store.read(sha256))


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the evaluators refuse into an `InputError` with the same words."""
    from evaluators.base import EvaluatorError

    try:
        yield
    except EvaluatorError as error:
        what, _, next_step = str(error).partition("; ")
        raise InputError(what, next_step or "correct what was given") from error
