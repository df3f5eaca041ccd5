"""Sizes of public datasets, for papers that name a dataset and a split but no count.

Each size is published on the dataset's own page; only sets whose size never changed are listed.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class KnownDataset(NamedTuple):
    """A public dataset: `train` and `test` are the numbers of labelled cases as distributed (None: not labelled)."""

    name: str
    pattern: re.Pattern[str]
    train: int
    test: int | None
    classes: int | None


def _set(name: str, pattern: str, train: int, test: int | None, classes: int | None) -> KnownDataset:
    return KnownDataset(name, re.compile(pattern, re.IGNORECASE), train, test, classes)


KNOWN = (
    _set("APTOS 2019", r"aptos[ -]?(2019)?", 3662, None, 5),
    _set("MNIST", r"(?<!fashion-)(?<!fashion )(?<!med)(?<!k)\bmnist\b", 60_000, 10_000, 10),
    _set("Fashion-MNIST", r"fashion[- ]?mnist", 60_000, 10_000, 10),
    _set("CIFAR-10", r"cifar-?10\b", 50_000, 10_000, 10),
    _set("CIFAR-100", r"cifar-?100\b", 50_000, 10_000, 100),
    _set("Breast Cancer Wisconsin (Diagnostic)", r"\bwdbc\b|breast cancer wisconsin", 569, None, 2),
    _set("HAM10000", r"ham ?10,?000", 10_015, None, 7),
    _set("Chest X-Ray Pneumonia (Kermany)", r"kermany", 5_216, 624, 2),
    _set("PTB-XL", r"ptb-?xl", 21_799, None, None),
    _set("IDRiD", r"\bidrid\b", 413, 103, 5),
    _set("Iris", r"\biris data", 150, None, 3),
)
