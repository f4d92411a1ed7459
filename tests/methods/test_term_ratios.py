"""How much a term tells a class from the others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from textgraft.methods.term_ratios import presence, term_ratios, weighed

ROWS = sp.csr_array(np.array([[0.5, 0.0, 2.0], [0.0, 3.0, 1.0], [0.0, 1.0, 0.0]]))


def test_a_ratio_is_what_naive_bayes_would_weigh_the_term_by() -> None:
    # of the class: terms 1, 0, 1 and one each; of the others 0, 2, 1 and one each
    expected = [1 + abs(math.log((n / 5) / (m / 6))) for n, m in ((2, 1), (1, 3), (2, 2))]
    ratios = term_ratios(presence(ROWS), np.array([True, False, False]))
    assert ratios == pytest.approx(expected, rel=1e-6)
    assert ratios.dtype == np.float32


def test_rows_are_multiplied_term_by_term_and_left_as_they_were() -> None:
    before = ROWS.toarray()
    ratios = np.array([2.0, 3.0, 5.0], np.float32)
    assert np.array_equal(weighed(ROWS, ratios).toarray(), before * ratios)
    assert np.array_equal(ROWS.toarray(), before)


def test_sorting_weighed_rows_leaves_the_rows_they_come_from() -> None:
    """As solvers do, in place."""
    rows = sp.csr_array((np.array([1.0, 2.0]), np.array([1, 0]), np.array([0, 2])), shape=(1, 2))
    for made in (presence(rows), weighed(rows, np.array([1.0, 1.0], np.float32))):
        made.sort_indices()
        assert np.array_equal(rows.toarray(), [[2.0, 1.0]])


@given(arrays(np.int8, (6, 4), elements=st.integers(0, 1)), arrays(bool, 6))
def test_both_sides_are_told_apart_by_the_same_terms(table: np.ndarray, has: np.ndarray) -> None:
    rows = presence(sp.csr_array(table.astype(np.float32)))
    ratios = term_ratios(rows, has)
    assert (ratios >= 1).all()
    assert np.isfinite(ratios).all()
    assert ratios == pytest.approx(term_ratios(rows, ~has), rel=1e-6)
