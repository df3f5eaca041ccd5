"""The program that repeats a study, as it is kept beside its results."""

from __future__ import annotations

from core.runners.scientist.protocol.schema import ReadProtocol

TEMPLATE = '''"""Carries the study out again and compares every recorded number.

It needs Greenlight and its libraries, as environment.json lists them.

    python reproduce.py

Beside it lie protocol.yaml, results.json and, for data from a file, data.csv.
"""

import json
import math
import sys
from pathlib import Path

from core.runners.scientist.protocol.schema import read_protocol
from core.runners.scientist.protocol.study import carry_out

PROTOCOL_SHA256 = "{sha256}"
TOLERANCE = 1e-9
HERE = Path(__file__).resolve().parent


def numbers(value, place=""):
    """Yield each number of plain JSON with its pointer."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers(item, f"{{place}}/{{key}}")
    elif isinstance(value, list):
        for key, item in enumerate(value):
            yield from numbers(item, f"{{place}}/{{key}}")
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield place, value


def main():
    """Return 0 when every number is the same, 1 when some differ."""
    plan = read_protocol(HERE / "protocol.yaml")
    if plan.sha256 != PROTOCOL_SHA256:
        print("protocol.yaml is not the protocol of this study")
        return 1
    data = HERE / "data.csv"
    again = dict(numbers(carry_out(plan, data if data.is_file() else None).results))
    recorded = dict(numbers(json.loads((HERE / "results.json").read_text(encoding="utf-8"))))
    differing = sorted(again.keys() ^ recorded.keys())
    for place in sorted(again.keys() & recorded.keys()):
        if not math.isclose(again[place], recorded[place], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            differing.append(place)
    for place in differing:
        print(f"{{place}}: recorded {{recorded.get(place)}}, now {{again.get(place)}}")
    print(f"{{len(recorded)}} numbers recorded, {{len(differing)}} differ")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
'''


def reproduction(plan: ReadProtocol) -> str:
    """Return the program for one protocol."""
    return TEMPLATE.format(sha256=plan.sha256)
