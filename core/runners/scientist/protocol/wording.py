"""Results and protocol in words: the small phrases that the manuscript is made of, numbers always with their source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from core.runners.scientist.protocol.measures import Measure, measures
from core.runners.scientist.protocol.study import Study
from core.runners.scientist.writing import Part, Source, pointer, words

Parts = tuple[Part, ...]
BOUNDS = {"at_least": "at least ", "above": "above ", "at_most": "at most ", "below": "below "}
KINDS = {
    "logistic_regression": "logistic regression with a ridge penalty",
    "ridge": "ridge regression",
    "lasso": "the lasso",
    "random_forest": "a random forest",
    "gradient_boosting": "gradient-boosted trees",
}
PEOPLE = ("Brier",)
SETTINGS = {
    "C": "inverse penalty C",
    "alpha": "penalty alpha",
    "n_estimators": "trees",
    "max_depth": "largest depth",
    "min_samples_leaf": "smallest leaf",
    "learning_rate": "learning rate",
}


class Teller:
    """Phrases out of one study's results (`r`) and protocol (`p`)."""

    def __init__(self, study: Study) -> None:
        self.study, self.protocol = study, study.plan.protocol
        self.r = Source("results", study.results)
        self.p = Source("protocol", study.plan.raw)
        self.measures: Mapping[str, Measure] = measures(self.protocol.binary)
        self.unit = self._unit_decimals()

    def _unit_decimals(self) -> int:
        """Decimals that show three digits of the outcome's spread; for measures in its unit."""
        outcome: Any = self.study.results["outcome"]
        spread = outcome.get("sd") or 0.0
        return digits(spread)

    def count(self, place: str, one: str, many: str) -> Parts:
        """A whole number with its noun."""
        number = self.r.num(place)
        return number, f" {one if number.value == 1 else many}"

    def decimals(self, name: str) -> int:
        """The decimals in which a measure is printed."""
        told = self.measures[name].decimals
        return self.unit if told is None else told

    def value(self, place: str, decimals: int) -> Parts:
        """An estimate without its interval."""
        known = self.r.known(f"{place}/estimate")
        return (self.r.num(f"{place}/estimate", decimals),) if known else ("not available",)

    def estimate(self, place: str, decimals: int, *, bare: bool = False) -> Parts:
        """An estimate with its interval, as `0.91 (0.88 to 0.94)` or, in running text, with the interval's level."""
        if not self.r.known(f"{place}/estimate"):
            return ("not available: ", *self.r.quote(f"{place}/reason"))
        value = self.r.num(f"{place}/estimate", decimals)
        if not self.r.known(f"{place}/low"):
            return value, " (", *self.r.quote(f"{place}/reason"), ")"
        low, high = (self.r.num(f"{place}/{end}", decimals) for end in ("low", "high"))
        level: Parts = () if bare else (*self.level(), " interval ")
        return value, " (", *level, low, " to ", high, ")"

    def level(self) -> Parts:
        """The level of all intervals, as `95 %`."""
        share = self.r.exact("/settings/level").value * 100
        return self.r.percent("/settings/level", 0 if math.isclose(share, round(share)) else 1), " %"

    def condition(self, *place: str | int) -> Parts:
        """A predicate of the protocol in words, such as `age at least 18`."""
        raw: Any = self.p.get(pointer(*place))
        column = words(str(raw["column"]))
        if "missing" in raw:
            return *column, " not recorded" if raw["missing"] else " recorded"
        if "is" in raw:
            return *column, " is ", *self.p.quote(pointer(*place, "is"))
        if "one_of" in raw:
            levels = [self.p.quote(pointer(*place, "one_of", number)) for number in range(len(raw["one_of"]))]
            return *column, " is one of ", *listed(levels, "or")
        bounds = [(word, self.p.exact(pointer(*place, key))) for key, word in BOUNDS.items() if key in raw]
        return *column, " ", *listed([(word, number) for word, number in bounds], "and")

    def title(self, name: str) -> Parts:
        """A model's title inside a sentence."""
        return inside(str(self.r.get(f"/models/{name}/title")))

    def measure(self, name: str) -> Parts:
        """A measure's title inside a sentence."""
        return inside(self.measures[name].title)

    def settings(self, name: str) -> Parts:
        """The settings of the model that was fitted on everybody."""
        place = f"/models/{name}/specification/settings"
        chosen: Any = self.r.get(place)
        if not chosen:
            return ("the library's defaults",)
        return listed([(f"{SETTINGS[key]} ", self.r.exact(f"{place}/{key}")) for key in chosen], "and")


def inside(title: str) -> Parts:
    """A title as it stands inside a sentence: an abbreviation and a person's name keep their capital."""
    keeps = not title[1:2].islower() or title.startswith(PEOPLE)
    return tuple(words(title if keeps else title[:1].lower() + title[1:]))


def listed(items: Sequence[Parts], last: str) -> Parts:
    """Join phrases with commas and a last word."""
    joined: list[Part] = []
    for number, item in enumerate(items):
        if number:
            joined.append(f" {last} " if number == len(items) - 1 else ", ")
        joined += item
    return tuple(joined)


def digits(size: float) -> int:
    """Decimals that show three digits of a number of this size."""
    return min(6, max(0, 2 - math.floor(math.log10(abs(size))))) if size else 2


def number_at(teller: Teller, place: str) -> float | None:
    """The recorded number, or None."""
    return teller.r.num(place).value if teller.r.known(place) else None
