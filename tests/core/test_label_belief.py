"""Belief in several labels: its correction and its calibration error."""

from __future__ import annotations

import numpy as np
import pytest

from textgraft.core.belief import Bin
from textgraft.core.label_belief import (
    LabelBelief,
    label_calibration_error,
    label_reliability,
    log_odds,
)


def test_belief_is_corrected_as_worked_out_by_hand() -> None:
    belief = LabelBelief(2.0, 0.5, 0.1, np.array([0.2, 0.6]), rows=60)
    # log-odds of 0.8 are log 4; halved and shifted by ½ they are log(2 √e)
    odds = 2 * np.exp(0.5)
    assert belief.corrected(np.array([[0.8, 0.8]])) == pytest.approx(
        np.array([[0.9 * odds / (1 + odds) + 0.02, 0.9 * odds / (1 + odds) + 0.06]])
    )


def test_certainty_is_left_to_what_labels_usually_are() -> None:
    belief = LabelBelief(0.05, 20.0, 0.01, np.array([0.25]), rows=60)
    assert belief.corrected(np.array([[0.0], [1.0]])) == pytest.approx(np.array([[0.0025], [0.9925]]))
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_no_label_changes_its_order_of_texts() -> None:
    draw = np.random.default_rng(0)
    told = draw.random((200, 3))
    belief = LabelBelief(3.0, -1.0, 0.2, np.array([0.1, 0.5, 0.9]), rows=60)
    assert (np.argsort(told, axis=0) == np.argsort(belief.corrected(told), axis=0)).all()


def test_without_rows_belief_is_the_methods_own() -> None:
    told = np.array([[0.0, 0.3, 1.0]])
    assert LabelBelief().corrected(told) is told
    assert LabelBelief().sentence().startswith("Belief is the method's own")


def test_only_pairs_that_are_believed_count() -> None:
    belief = np.array([[0.8, 0.05], [0.8, 0.5], [0.0, 0.099]])
    true = np.array([[True, True], [False, True], [True, True]])
    assert label_reliability(belief, true) == (
        Bin(0.5, 1.0, 1),
        Bin(pytest.approx(0.8), 0.5, 2),
    )
    assert label_calibration_error(belief, true) == pytest.approx((0.5 + 2 * 0.3) / 3)
    assert label_calibration_error(np.full((2, 2), 0.09), true[:2]) is None


def test_the_sentence_says_what_was_done() -> None:
    belief = LabelBelief(0.5, 0.75, 0.02, np.array([0.5]), 412, 0.2, 0.0312, "cross-fit")
    assert belief.sentence() == (
        "Belief was calibrated on 412 rows, each scored by a model that did not see it (log-odds divided by "
        "0.5 and shifted by +0.75, 2 % of belief as labels usually are): calibration error of what is "
        "believed at 10 % or more 0.200 before, 0.031 after."
    )
