"""Rows of a comparison: the same for every method, disjoint, nested, and all of them scored in five seeds."""

from __future__ import annotations

import numpy as np
import pytest

from textgraft.errors import DataError, ParameterError
from textgraft.experiments.comparing.draws import draws, parse_sizes, usable_sizes

CODES = np.repeat([0, 1, 2, 3], [30, 12, 5, 1])


def test_rows_scored_are_not_learned_from_and_few_labels_are_among_many():
    for seed in range(6):
        few, more, every = (draw for draw in draws(CODES, 0, ("2", "8", "all"), 6) if draw.seed == seed)
        assert np.array_equal(few.score, every.score)
        assert set(few.learn) < set(more.learn) < set(every.learn)
        assert not set(every.learn) & set(every.score)
        assert len(every.learn) + len(every.score) == len(CODES)
        assert np.bincount(CODES[few.learn]).tolist() == [2, 2, 2, 1]
        assert np.bincount(CODES[more.learn])[:2].tolist() == [8, 8]


def test_five_seeds_score_every_row_once_except_one_alone_in_its_class():
    scored = np.concatenate([draw.score for draw in draws(CODES, 0, ("all",), 5)])
    assert sorted(scored) == list(range(len(CODES) - 1))


def test_seeds_draw_other_rows_and_a_seed_always_the_same():
    first, second = draws(CODES, 7, ("4",), 2)
    assert not np.array_equal(first.learn, second.learn)
    assert np.array_equal(first.learn, draws(CODES, 7, ("4",), 1)[0].learn)
    assert first.score.tolist() == list(range(len(CODES), len(CODES) + 7))


def test_a_size_that_no_class_exceeds_is_all():
    used, notes = usable_sizes(("4", "30", "64"), CODES, tested=True)
    assert used == ("4", "all")
    assert "No class has more than 30 rows to learn from, so 30, 64 of each is the same as all." in notes
    assert "1 class of 4 with fewer than 4 rows: all that there are, then." in notes
    # of 30 rows a fold of six is scored
    assert usable_sizes(("24", "23"), CODES, tested=False)[0] == ("23", "all")


def test_sizes_are_read_in_order_and_once():
    assert parse_sizes("all, 64,8,8") == ("8", "64", "all")
    assert parse_sizes([8, "all"]) == ("8", "all")
    for wrong in ("0", "-1", "many", "8,,9", "٣"):
        with pytest.raises(ParameterError, match="Sizes are rows of each class"):
            parse_sizes(wrong)


def test_too_few_rows_to_hold_some_out_are_refused():
    with pytest.raises(DataError, match="Expected 5 rows or more"):
        draws(np.array([0, 0, 1]), 0, ("all",), 5)
