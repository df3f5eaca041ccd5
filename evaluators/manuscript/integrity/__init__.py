"""Integrity rules: what arithmetic, the paper itself and its run say about a manuscript, without any language model."""

from evaluators.manuscript.integrity.registry import check_manuscript, rules

__all__ = ["check_manuscript", "rules"]
