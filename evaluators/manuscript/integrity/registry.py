"""The rules that are applied to every manuscript, in the order they are shown."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from evaluators.manuscript.document import Manuscript
from evaluators.manuscript.findings import Check, Inputs, Report, Rule

MODULES: tuple[str, ...] = (
    "grid",
    "identities",
    "comparison",
    "bold",
    "direction",
    "ablation",
    "provenance",
    "labels",
    "selection",
    "pvalues",
    "grim",
    "confusion",
    "fractions",
    "ranges",
    "intervals",
    "citations",
    "hidden",
    "figures",
    "phrases",
)
"""Modules of this package; each has a tuple `RULES`."""


def rules() -> tuple[Rule, ...]:
    """Every rule, loaded when first asked for."""
    modules = (importlib.import_module(f"{__package__}.{name}") for name in MODULES)
    return tuple(rule for module in modules for rule in module.RULES)


def check_manuscript(
    manuscript: Manuscript, inputs: Inputs | None = None, only: Iterable[Rule] | None = None
) -> Report:
    """Apply the rules (all, or `only` some). A rule that stops is reported as not checked and hides no other."""
    chosen = tuple(only) if only is not None else rules()
    checks = tuple(_apply(rule, manuscript, inputs or Inputs()) for rule in chosen)
    return Report(manuscript.sha256, checks, manuscript.notes)


def _apply(rule: Rule, manuscript: Manuscript, inputs: Inputs) -> Check:
    try:
        return rule(manuscript, inputs)
    except Exception as error:
        return rule.not_checked(f"the rule stopped at this paper ({type(error).__name__}: {error})")
