"""What only the blend promises: parts that learn by themselves, and weights by rows they had not learned."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit

import textgraft as tg
from textgraft.errors import ParameterError
from textgraft.methods.blend import side_by_side
from textgraft.methods.opinion_pool import fit_weights, opinions, placed, pooled


def _judges(n: int, *strengths: float, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Beliefs (p, n, c) of judges that see the truth through noise of their own, and class codes (n,)."""
    draw = np.random.default_rng(0)
    codes = draw.integers(0, classes, n)
    logits = draw.normal(size=(len(strengths), n, classes))
    logits += np.array(strengths)[:, None, None] * np.eye(classes)[codes]
    return np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True), codes


# ── the pool ────────────────────────────────────────────────────────────────────────


def test_belief_is_the_product_of_powers() -> None:
    belief, _ = _judges(50, 1.0, 2.0)
    weights = np.array([0.5, 1.5])
    product = belief[0] ** 0.5 * belief[1] ** 1.5
    found = pooled(np.stack([opinions(one, multilabel=False) for one in belief]), weights, multilabel=False)
    assert np.allclose(found, product / product.sum(axis=1, keepdims=True), atol=1e-6)


def test_a_single_judge_of_weight_one_keeps_its_belief() -> None:
    belief, _ = _judges(20, 1.0)
    assert np.allclose(pooled(np.log(belief), np.ones(1), multilabel=False), belief[0])
    labels = np.array([[0.25, 0.5, 0.999]])
    assert np.allclose(pooled(opinions(labels, True)[None], np.ones(1), multilabel=True), labels)


def test_independent_judges_are_multiplied_and_a_blind_one_is_not_heard() -> None:
    belief, codes = _judges(4_000, 1.0, 1.0, 0.0)
    weights = fit_weights(np.log(belief), codes)
    # noise of deviation 1 under a signal of 1: the likelihood ratio itself, so belief counts as it is
    assert np.allclose(weights[:2], 1.0, atol=0.1)
    assert weights[2] < 0.05


def test_a_judge_that_is_too_sure_counts_less() -> None:
    belief, codes = _judges(4_000, 1.0, 1.0)
    said = np.log(belief)
    said[1] *= 3.0
    weights = fit_weights(said, codes)
    assert weights[1] == pytest.approx(weights[0] / 3, rel=0.15)


def test_a_judge_who_repeats_another_does_not_count_twice() -> None:
    belief, codes = _judges(4_000, 1.0)
    weights = fit_weights(np.log(np.concatenate([belief, belief])), codes)
    assert weights.sum() == pytest.approx(1.0, abs=0.1)


def test_no_weights_make_the_rows_likelier() -> None:
    belief, codes = _judges(300, 0.5, 2.0)
    said = np.log(belief)

    def surprise(weights: np.ndarray) -> float:
        likely = pooled(said, weights, multilabel=False)[np.arange(300), codes]
        return float(-np.log(likely).sum() + 0.5 * ((weights - 1.0) ** 2).sum())

    found = fit_weights(said, codes)
    for step in np.random.default_rng(1).normal(0, 0.05, size=(50, 2)):
        assert surprise(np.maximum(found + step, 0.0)) >= surprise(found) - 1e-6


def test_labels_that_stand_by_themselves_are_weighed_by_their_log_odds() -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, size=(2_000, 3))
    logits = draw.normal(size=(3, 2_000, 3)) + np.array([1.0, 1.0, 0.0])[:, None, None] * (truth - 0.5)
    weights = fit_weights(np.stack([opinions(expit(one), multilabel=True) for one in logits]), truth)
    assert np.allclose(weights, [1.0, 1.0, 0.0], atol=0.1)


def test_without_rows_all_judges_count_the_same() -> None:
    assert fit_weights(np.empty((3, 0, 4)), np.empty(0, dtype=int)).tolist() == [1.0, 1.0, 1.0]


def test_judges_that_are_all_wrong_still_give_an_answer() -> None:
    said = np.log(np.tile([[0.01, 0.99]], (1, 500, 1)))
    assert fit_weights(said, np.zeros(500, dtype=int)).tolist() == [1.0]


def test_a_place_keeps_the_order_also_beyond_the_reference() -> None:
    reference = np.array([0.2, 0.4, 0.4, 0.8])
    asked = np.array([-1.0, -0.5, 0.1, 0.2, 0.3, 0.5, 0.8, 0.9, 1.0])
    places = placed(asked, reference)
    assert places[0] == 0.0
    assert places[-1] == 1.0
    assert (np.diff(places) > 0).all()
    assert placed(np.array([0.2]), reference) == pytest.approx([0.2])
    assert placed(asked, np.empty(0)) is asked


def test_a_cosine_of_blocks_is_the_mean_of_their_cosines() -> None:
    draw = np.random.default_rng(0)
    dense = draw.normal(size=(6, 5)).astype(np.float32)
    dense /= np.linalg.norm(dense, axis=1, keepdims=True)
    sparse = sp.csr_array(np.eye(6, 9, dtype=np.float32))
    for blocks in ([dense, sparse], [dense, dense.astype(np.float16)]):
        both = side_by_side(blocks)
        mean = (dense @ dense.T + (np.eye(6) if sp.issparse(blocks[1]) else dense @ dense.T)) / 2
        found = both @ both.T
        assert np.allclose(found if isinstance(found, np.ndarray) else found.toarray(), mean, atol=2e-3)


# ── the method ──────────────────────────────────────────────────────────────────────


def test_belief_is_that_of_the_parts_that_learn_alone(tickets: Any) -> None:
    texts, labels = tickets.in_scope
    blend = tg.BlendClassifier(encoder="hashing").fit(texts, labels)
    alone = [
        made.fit(texts, labels).predict_proba(texts[:30])
        for made in (tg.TfidfClassifier(), tg.LinearClassifier("hashing"))
    ]
    said = np.stack([opinions(belief, multilabel=False) for belief in alone])
    assert np.allclose(
        blend.predict_proba(texts[:30]), pooled(said, blend.learned_.weights, multilabel=False), atol=1e-6
    )


def _two_ways(n: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts whose class either a whole word tells, or the spelling of a made-up one; never both."""
    draw = random.Random(seed)
    texts, labels = [], []
    for row in range(n):
        label = draw.choice(["red", "blue"])
        filler = " ".join(draw.choices(["one", "two", "three", "four", "five"], k=4))
        texts.append(
            f"{filler} {'crimson' if label == 'red' else 'azure'}" if row % 2 else f"{filler} x{label}"
        )
        labels.append(label)
    return texts, labels


def test_parts_are_named_weighed_and_said(tmp_path: Path) -> None:
    clf = tg.BlendClassifier("tfidf+knn+linear", encoder="hashing").fit(*_two_ways(120, 0))
    assert clf.learned_.names == ("tfidf", "knn", "linear")
    assert len(clf.learned_.weights) == 3
    assert clf.learned_.n_rows == 120
    (note,) = clf.learned_.notes
    assert "120 rows" in note
    assert "tfidf" in note
    assert "knn" in note
    assert clf.score(*_two_ways(60, 1)) == 1.0
    clf.save(tmp_path / "model")
    opened = tg.load(tmp_path / "model")
    assert opened.learned_.notes == clf.learned_.notes
    assert all(
        np.array_equal(a, b) for a, b in zip(opened.learned_.references, clf.learned_.references, strict=True)
    )


def test_many_rows_are_held_out_once_instead_of_learned_five_times() -> None:
    clf = tg.BlendClassifier(encoder="hashing").fit(*_two_ways(1_200, 0))
    assert clf.learned_.n_rows == 200


def test_how_rows_weigh_can_be_chosen_and_is_settled_by_their_number() -> None:
    rows = _two_ways(120, 0)
    held = tg.BlendClassifier(encoder="hashing", weighing="hold-out").fit(*rows)
    assert held.learned_.n_rows == 12
    blend = tg.BlendClassifier(encoder="hashing")
    assert [blend.for_rows(n).weighing for n in (999, 1_000)] == ["cross-fit", "hold-out"]
    assert held.for_rows(10).weighing == "hold-out"


def test_classes_of_one_row_leave_the_parts_equal() -> None:
    clf = tg.BlendClassifier(encoder="hashing").fit(["an apple", "a hammer", "a robin"], list("abc"))
    assert clf.learned_.weights.tolist() == [1.0, 1.0]
    assert "no rows could be spared" in clf.learned_.notes[0]
    assert clf.predict(["the apple", "my robin"]).tolist() == ["a", "c"]


def test_confidence_is_a_share_of_rows() -> None:
    texts, labels = _two_ways(200, 0)
    clf = tg.BlendClassifier(encoder="hashing").fit(texts, labels)
    known = clf.predict_scores(_two_ways(100, 5)[0]).confidence
    strange = clf.predict_scores(["zzz qqq", "@@@@", "0"]).confidence
    assert ((known >= 0) & (known <= 1)).all()
    assert strange.max() < np.quantile(known, 0.05)


@pytest.mark.parametrize("parts", ["tfidf", "tfidf+tfidf", "tfidf+finetune", "", "blend+tfidf", 3])
def test_parts_that_cannot_be_are_refused(parts: Any) -> None:
    with pytest.raises(ParameterError, match=r"parts must be two or more of tfidf, linear, knn joined by \+"):
        tg.BlendClassifier(parts, encoder="hashing").fit(["a b", "c d"], ["x", "y"])
