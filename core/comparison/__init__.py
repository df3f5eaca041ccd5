"""Model versions side by side over the same assets, in-house and vendors' alike: build or buy, in figures."""

from core.comparison.costs import Cost, Rates
from core.comparison.records import AssetRow, Candidate, Cell, Comparison, Excluded, Question
from core.comparison.service import compare

__all__ = ["AssetRow", "Candidate", "Cell", "Comparison", "Cost", "Excluded", "Question", "Rates", "compare"]
