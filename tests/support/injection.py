"""Made-up but consistent papers with the run that they tell of, and small errors to put into them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev

from scipy import stats

from evaluators.manuscript.logged import RunLog, flatten

METHODS = ("Baseline", "Attention gate", "Spectral prior", "Full model")
SETS = ("retina", "dermis", "thorax", "cervix")


@dataclass(frozen=True)
class Case:
    """A paper's source and its run."""

    source: str
    run: RunLog


@dataclass(frozen=True)
class Injected:
    """A paper with one error."""

    kind: str
    what: str
    source: str


def made_up(seed: int) -> Case:
    """A paper whose every number follows from its run; another one for each seed."""
    rng = random.Random(seed)  # noqa: S311
    n = rng.choice([150, 180, 213, 240, 317, 421])
    counts = sorted(rng.sample(range(n * 6 // 10, n * 95 // 100), 4))
    scores = {
        name: {"accuracy": k / n, "auc": rng.uniform(0.7, 0.97), "f1": rng.uniform(0.6, 0.95)}
        for name, k in zip(METHODS, counts, strict=True)
    }
    best = {
        key: max(one[key] for one in scores.values()) + 0.01 * (key != "accuracy") for key in ("accuracy", "auc", "f1")
    }
    scores["Full model"].update(best)
    losses = {name: [rng.uniform(0.2, 1.8) + rng.gauss(0, 0.02) for _ in range(5)] for name in SETS}
    slopes = {name: rng.uniform(-1.5, -0.2) for name in SETS}
    document: dict[str, object] = {
        "methods": scores,
        "datasets": {
            name: {
                "means": {"val_loss_mean": fmean(values)},
                "stderrs": {"val_loss_stderr": stdev(values) / 5**0.5},
                "final_info_dict": {"val_loss": values},
                "slope": slopes[name],
            }
            for name, values in losses.items()
        },
    }
    freedom, t = rng.randint(18, 60), round(rng.uniform(2.1, 3.4), 2)
    p = 2 * float(stats.t.sf(t, freedom))
    document["test"] = {"t": t, "p": p, "degrees_of_freedom": freedom}
    said = f"The two groups differ, $t({freedom}) = {t:.2f}$, $p = {p:.3f}$."
    return Case(_source(n, said, scores, losses, slopes), RunLog(tuple(flatten(document, "final_info.json"))))


def _source(
    n: int,
    said: str,
    scores: dict[str, dict[str, float]],
    losses: dict[str, list[float]],
    slopes: dict[str, float],
) -> str:
    rows = "\n".join(
        f"{name} & {s['accuracy']:.4f} & {s['auc']:.4f} & {s['f1']:.4f} \\\\" for name, s in scores.items()
    )
    second = "\n".join(
        f"{name} & {fmean(v):.4f} $\\pm$ {stdev(v) / 5**0.5:.4f} & {slopes[name]:.3f} \\\\"
        for name, v in losses.items()
    )
    full, base = scores["Full model"], scores["Baseline"]
    low, high = f"{base['accuracy']:.4f}", f"{full['accuracy']:.4f}"
    percent = (float(high) - float(low)) / float(low) * 100
    first = SETS[0]
    return rf"""\documentclass{{article}}
\begin{{document}}
\title{{A made-up paper}}
\section{{Methods}}
The test set contains {n} images. We use a learning rate of 0.0003 and a dropout of 0.15.
\section{{Results}}
The full model reaches an AUC of {full["auc"]:.4f} and an F1 of {full["f1"]:.4f}.
The attention gate reaches an AUC of {scores["Attention gate"]["auc"]:.4f}.
Accuracy increases from {low} to {high}, a relative improvement of {percent:.1f}\%.
{said}
On {first}, the validation loss is {fmean(losses[first]):.4f}.
\begin{{table}}\caption{{Methods.}}\begin{{tabular}}{{lccc}}\toprule
Method & Accuracy & AUC & F1 \\ \midrule
{rows}
\bottomrule\end{{tabular}}\end{{table}}
\begin{{table}}\caption{{Datasets, mean and standard error of five seeds.}}\begin{{tabular}}{{lcc}}\toprule
Dataset & Val loss & Slope \\ \midrule
{second}
\bottomrule\end{{tabular}}\end{{table}}
\end{{document}}
"""


DECIMAL = re.compile(r"(?<![\w.])-?\d+\.\d{2,4}(?![\d])")


def altered_digits(source: str, rng: random.Random, within: Callable[[str], bool]) -> Iterator[Injected]:
    """One digit after the point changed, in each line that is `within`."""
    for match in _numbers(source, within):
        text = match[0]
        places = [i for i, c in enumerate(text) if c.isdigit() and i > text.index(".") and i < text.index(".") + 3]
        at = rng.choice(places)
        digit = rng.choice([d for d in "0123456789" if abs(int(d) - int(text[at])) > 1])
        yield _with("altered digit", source, match, text[:at] + digit + text[at + 1 :])


def flipped_signs(source: str, within: Callable[[str], bool]) -> Iterator[Injected]:
    """The minus of a number left out."""
    for match in _numbers(source, within):
        if match[0].startswith("-"):
            yield _with("flipped sign", source, match, match[0][1:])


def stale_numbers(source: str, rng: random.Random, within: Callable[[str], bool]) -> Iterator[Injected]:
    """A number as an earlier run may have given it: 2 to 12 per cent off."""
    for match in _numbers(source, within):
        value = float(match[0])
        if abs(value) >= 0.05:
            off = value * (1 + rng.choice([-1, 1]) * rng.uniform(0.02, 0.12))
            yield _with("stale number", source, match, f"{off:.{len(match[0].split('.')[1])}f}")


def swapped_rows(source: str) -> Iterator[Injected]:
    """The numbers of two neighbouring rows exchanged under their names."""
    lines = source.split("\n")
    for i, (one, two) in enumerate(pairwise(lines)):
        if " & " in one and " & " in two and DECIMAL.search(one) and DECIMAL.search(two):
            first, second = one.split(" & ", 1), two.split(" & ", 1)
            if first[1] != second[1]:
                swapped = [*lines[:i], f"{first[0]} & {second[1]}", f"{second[0]} & {first[1]}", *lines[i + 2 :]]
                yield Injected("swapped rows", f"{first[0]} / {second[0]}", "\n".join(swapped))


def wrong_p(source: str, rng: random.Random) -> Iterator[Injected]:
    """A p value that the statistic beside it does not give."""
    for match in re.finditer(r"(?<=p = )\d\.\d{3}", source):
        value = float(match[0])
        yield _with("wrong p", source, match, f"{min(0.9, value * rng.choice([3, 5]) + 0.02):.3f}")


def wrong_n(source: str, rng: random.Random) -> Iterator[Injected]:
    """Another size of the test set."""
    for match in re.finditer(r"(?<=test set contains )\d+", source):
        yield _with("wrong n", source, match, str(int(match[0]) + rng.choice([-9, -7, 11, 13, 17])))


def _numbers(source: str, within: Callable[[str], bool]) -> Iterator[re.Match[str]]:
    at = 0
    for line in source.split("\n"):
        if within(line):
            yield from DECIMAL.finditer(source, at, at + len(line))
        at += len(line) + 1


def _with(kind: str, source: str, match: re.Match[str], text: str) -> Injected:
    return Injected(kind, f"{match[0]} -> {text}", source[: match.start()] + text + source[match.end() :])
