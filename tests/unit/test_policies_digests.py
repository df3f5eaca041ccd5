"""A digest made here is the digest that anybody's RFC 8785 implementation makes."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policies.digests import canonical, digest

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@settings(deadline=None, max_examples=300)
@given(VALUES)
@example([1e-7, 1e-6, 1.5e-5, 1e16, 1e20, 1e21, 1.0, -0.0, 5e-324, 123456.789])
@example({"€": 1, "\U0001f600": 2, "ﬃ": 3, "a\x7f\x1f\n": 4})
def test_canonical_json_equals_an_independent_implementation(value: Any) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", {1, 2}, object()])
def test_what_json_lacks_has_no_digest(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        digest({"value": value})
