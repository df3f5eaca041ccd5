"""Figures over three channels, against NumPy's reductions."""

from __future__ import annotations

import numpy as np
import pytest

from evaluators.video.channels import largest_channel, mean_channel, smallest_channel


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_each_figure_is_that_of_numpy(kind: type[np.generic]) -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (20, 30, 3)).astype(kind)
    assert mean_channel(picture).dtype == picture.mean(axis=2).dtype
    np.testing.assert_allclose(mean_channel(picture), picture.mean(axis=2), rtol=1e-6)
    np.testing.assert_array_equal(largest_channel(picture), picture.max(axis=2))
    np.testing.assert_array_equal(smallest_channel(picture), picture.min(axis=2))
