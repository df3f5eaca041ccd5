"""The trend over a clip, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import theilslopes

from evaluators.video.intervals import theil_sen


@given(st.lists(st.integers(0, 6) | st.floats(-50, 50), min_size=3, max_size=40), st.integers(0, 2**32 - 1))
def test_the_trend_and_its_limits_are_those_of_scipy(values: list[float], seed: int) -> None:
    times = np.sort(np.random.default_rng(seed).choice(200, len(values), replace=False)).astype(float)
    expected = theilslopes(values, times, 0.95)
    found = theil_sen(times, np.array(values, float))
    assert found == pytest.approx((expected.low_slope, expected.slope, expected.high_slope), abs=1e-12)
