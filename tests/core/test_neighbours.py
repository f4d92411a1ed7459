"""The vote of neighbours, against numbers worked out by hand."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textgraft.core.neighbours import Neighbours, vote, vote_labels

SIMS = st.lists(st.integers(-100, 100), min_size=1, max_size=12)


def _neighbours(sims: list[float]) -> Neighbours:
    order = np.sort(np.array([sims], dtype=np.float32), axis=1)[:, ::-1]
    return Neighbours(np.arange(len(sims))[None, :], order)


def test_votes_worked_out_by_hand() -> None:
    found = Neighbours(np.array([[0, 1, 2]]), np.array([[0.9, 0.8, 0.7]], np.float32))
    scores = vote(found, np.array([1, 0, 0]), 3, temperature=0.1)
    # weights 1, e⁻¹, e⁻²: class 1 has 1, class 0 has e⁻¹ + e⁻²; together 1.503
    total = 1 + math.exp(-1) + math.exp(-2)
    assert scores.by_class == pytest.approx(np.array([[(total - 1) / total, 1 / total, 0]]), abs=1e-6)
    assert scores.best[0] == 1
    assert scores.confidence[0] == pytest.approx(0.9)


def test_many_far_neighbours_can_outvote_the_nearest_and_bring_their_own_confidence() -> None:
    found = Neighbours(np.array([[5, 6, 7]]), np.array([[0.9, 0.89, 0.88]], np.float32))
    codes = np.zeros(8, np.int64)
    codes[5] = 1
    scores = vote(found, codes, 2, temperature=0.1)
    assert scores.best[0] == 0
    assert scores.confidence[0] == pytest.approx(0.89)


def test_equal_votes_go_to_the_nearest_class() -> None:
    found = Neighbours(np.arange(4)[None], np.array([[0.9, 0.8, 0.7, 0.6]], np.float32))
    scores = vote(found, np.array([1, 0, 0, 1]), 2, temperature=np.inf)
    assert list(scores.codes[0][:2]) == [1, 0]
    assert np.allclose(scores.values[0][:2], 0.5)


@given(SIMS, st.data())
def test_votes_sum_to_1_and_every_class_stands_once(sims: list[int], data: st.DataObject) -> None:
    codes = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(sims), max_size=len(sims))))
    temperature = data.draw(st.sampled_from([1e-3, 0.1, 1.0, math.inf]))
    scores = vote(_neighbours([s / 100 for s in sims]), codes, 4, temperature)
    assert scores.values.sum() == pytest.approx(1)
    used = scores.codes[0][scores.codes[0] >= 0]
    assert sorted(used) == sorted(set(codes))
    assert (np.diff(scores.values[0]) <= 1e-12).all()


@given(SIMS, st.data())
def test_an_infinite_temperature_counts_votes_with_ties_by_nearest(
    sims: list[int], data: st.DataObject
) -> None:
    codes = data.draw(st.lists(st.integers(0, 2), min_size=len(sims), max_size=len(sims)))
    scores = vote(_neighbours([s / 100 for s in sims]), np.array(codes), 3, math.inf)
    counts = Counter(codes)
    expected = max(counts, key=lambda code: (counts[code], -codes.index(code)))
    assert scores.best[0] == expected
    assert scores.by_class[0] == pytest.approx([counts[code] / len(codes) for code in range(3)])


@given(SIMS, st.permutations(range(4)), st.data())
def test_renaming_classes_renames_the_votes(sims: list[int], names: list[int], data: st.DataObject) -> None:
    codes = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(sims), max_size=len(sims))))
    found = _neighbours([s / 100 for s in sims])
    plain, renamed = vote(found, codes, 4, 0.1), vote(found, np.array(names)[codes], 4, 0.1)
    assert np.allclose(plain.by_class[0], renamed.by_class[0][names])
    assert names[plain.best[0]] == renamed.best[0]


def test_a_shift_of_all_similarities_changes_confidence_only() -> None:
    near = Neighbours(np.arange(3)[None], np.array([[0.75, 0.5, 0.25]], np.float32))
    far = Neighbours(np.arange(3)[None], np.array([[0.25, 0.0, -0.25]], np.float32))
    codes = np.array([0, 1, 1])
    assert np.allclose(vote(near, codes, 2, 0.1).values, vote(far, codes, 2, 0.1).values)
    assert vote(near, codes, 2, 0.1).confidence - vote(far, codes, 2, 0.1).confidence == pytest.approx(0.5)


def test_texts_do_not_influence_each_other() -> None:
    random = np.random.default_rng(0)
    sims = -np.sort(-random.random((20, 5)).astype(np.float32), axis=1)
    positions = random.integers(0, 50, (20, 5))
    codes = random.integers(0, 7, 50)
    together = vote(Neighbours(positions, sims), codes, 7, 0.1)
    for row in range(20):
        alone = vote(Neighbours(positions[row : row + 1], sims[row : row + 1]), codes, 7, 0.1)
        assert np.array_equal(alone.by_class[0], together.by_class[row])


def test_votes_for_labels_are_the_share_of_the_neighbours_that_have_them() -> None:
    near = Neighbours(np.array([[0, 2, 1]]), np.array([[1.0, 0.9, 0.8]], dtype=np.float32))
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype=np.uint8)
    assert np.allclose(vote_labels(near, targets, np.inf), [[2 / 3, 2 / 3, 0]])
    weights = np.exp(np.array([0, -1, -2]))
    expected = [[(weights[0] + weights[1]) / weights.sum(), (weights[1] + weights[2]) / weights.sum(), 0]]
    assert np.allclose(vote_labels(near, targets, 0.1), expected)
