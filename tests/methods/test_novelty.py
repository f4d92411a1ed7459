"""Signs of novelty: each says what its paper says, and weighing them is better than the usual one."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.metrics import roc_auc_score

import textgraft as tg
from textgraft.core.progress import unwatched
from textgraft.errors import DataError, ParameterError
from textgraft.methods.confidence.class_evidence import ClassEvidence
from textgraft.methods.confidence.fusion import FUSED, fit_fusion, fusion_from_json
from textgraft.methods.confidence.gaussians import Gaussians
from textgraft.methods.confidence.kinds import ALONE, Confidence, confidence_from_json, scores_of_logits
from textgraft.methods.confidence.left_out import (
    FEWEST_CLASSES,
    FEWEST_OUTSIDE,
    FEWEST_ROWS_A_CLASS,
    FOLDS,
    Kind,
    kinds_of_new,
    weighed_signs,
)
from textgraft.methods.confidence.novelty import SIGNS, Logits, looks_by_logits, signs
from textgraft.methods.evidence import unit_rows


def _clusters(
    n_classes: int, rows: int, dim: int = 24, spread: float = 0.06, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors around random directions, and the number of each one's direction."""
    random = np.random.default_rng(seed)
    centres = unit_rows(random.normal(size=(n_classes, dim)))
    codes = np.repeat(np.arange(n_classes), rows)
    return unit_rows(centres[codes] + spread * random.normal(size=(len(codes), dim))), codes


def _evidence(vectors: np.ndarray, codes: np.ndarray, **more: np.ndarray) -> ClassEvidence:
    return ClassEvidence(vectors.astype(np.float16), codes, int(codes.max()) + 1, **more)


def _logits(vectors: np.ndarray, codes: np.ndarray) -> Logits:
    means = np.stack([vectors[codes == code].mean(axis=0) for code in np.unique(codes)])
    return lambda asked: 10.0 * asked @ means.T


@pytest.mark.parametrize("name", [name for name in SIGNS if name != "outside"])
def test_each_sign_is_larger_for_texts_like_those_known(name: str) -> None:
    vectors, codes = _clusters(12, 30)
    known, taught, new = codes < 8, np.arange(len(codes)) % 2 == 0, codes >= 8
    evidence = _evidence(vectors[known & taught], codes[known & taught])
    logits_of = _logits(vectors[known & taught], codes[known & taught])
    asked = np.concatenate([vectors[known & ~taught], vectors[new]])
    values = signs((name,), logits_of(asked), asked, evidence)[:, 0]
    is_known = np.arange(len(asked)) < (known & ~taught).sum()
    assert roc_auc_score(is_known, values) > 0.9


def test_signs_of_logits_do_not_change_when_all_logits_are_shifted() -> None:
    vectors, codes = _clusters(3, 5)
    logits = np.random.default_rng(1).normal(size=(15, 3))
    for name in ("probability", "energy", "margin"):
        plain, shifted = (
            signs((name,), some, vectors, _evidence(vectors, codes)) for some in (logits, logits + 7)
        )
        assert np.allclose(plain, shifted)


def test_nearness_is_half_the_difference_of_squared_mahalanobis_distances() -> None:
    vectors, codes = _clusters(4, 40, dim=6)
    fitted = Gaussians.of(vectors, codes)
    asked = _clusters(5, 2, dim=6, seed=3)[0]
    for vector, found in zip(asked, fitted.nearness(asked), strict=True):
        to_class = min(mahalanobis(vector, mean, fitted.precision) ** 2 for mean in fitted.means)
        to_all = mahalanobis(vector, fitted.centre, fitted.whole) ** 2
        assert found == pytest.approx((to_all - to_class) / 2 / 6, rel=1e-4)


def test_gaussians_bear_fewer_rows_than_dimensions_and_classes_of_one_row() -> None:
    vectors, codes = _clusters(3, 1, dim=50)
    found = Gaussians.of(vectors, codes).nearness(vectors)
    assert np.isfinite(found).all()
    assert (found > Gaussians.of(vectors, codes).nearness(-vectors)).all()


def test_neighbours_are_the_mean_of_the_nearest_of_any_class(monkeypatch: pytest.MonkeyPatch) -> None:
    # a few similarities at a time, so that blocks are joined
    monkeypatch.setattr("textgraft.methods.confidence.class_evidence.COSINES_AT_ONCE", 100)
    vectors, codes = _clusters(4, 10)
    asked = _clusters(3, 7, seed=5)[0]
    similar = np.sort(asked @ vectors.astype(np.float16).astype(np.float32).T, axis=1)
    assert np.allclose(_evidence(vectors, codes).neighbours(asked), similar[:, -5:].mean(axis=1), atol=1e-6)
    assert np.allclose(_evidence(vectors, codes, outside=vectors[:3]).nearest_outside(asked),
                       (asked @ vectors[:3].T).max(axis=1), atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("sign", ALONE)
def test_a_sign_alone_keeps_its_order_and_stays_above_minus_one(sign: str) -> None:
    vectors, codes = _clusters(6, 20)
    asked = _clusters(9, 10, seed=2)[0]
    logits, evidence = _logits(vectors, codes)(asked), _evidence(vectors, codes)
    plain = signs((sign,), logits, asked, evidence)[:, 0]
    found = scores_of_logits(logits, asked, evidence, Confidence(sign)).confidence
    assert (np.argsort(plain, kind="stable") == np.argsort(found, kind="stable")).all()
    assert (found > -1).all()
    assert (found <= 1).all()


def test_fusion_weighs_what_tells_and_not_what_does_not() -> None:
    random = np.random.default_rng(0)
    known = np.stack([random.normal(1.0, 1.0, 400), random.normal(0.0, 1.0, 400)], axis=1)
    new = np.stack([random.normal(-1.0, 1.0, 50), random.normal(0.0, 1.0, 50)], axis=1)
    fusion = fit_fusion(("telling", "idle"), known, [new])
    ((telling, idle),) = fusion.weight
    assert telling > 1.0 > abs(idle) * 4
    # both kinds count alike, however many rows of each there were
    assert fusion.familiarity(np.zeros((1, 2)))[0] == pytest.approx(0.5, abs=0.1)


def test_fusion_tells_each_kind_of_new_by_its_own_sign() -> None:
    random = np.random.default_rng(0)

    def drawn(n: int, *middle: float) -> np.ndarray:
        return np.stack([random.normal(at, 1.0, n) for at in middle], axis=1)

    fusion = fit_fusion(("one", "other"), drawn(400, 2, 2), [drawn(40, -2, 2), drawn(300, 2, -2)])
    (one, idle), (idle_too, other) = fusion.weight
    assert one > 4 * abs(idle)
    assert other > 4 * abs(idle_too)
    # a text that is like neither kind is known; one that is like either is new, however unlike the other
    known, new, new_too = fusion.familiarity(np.array([[2.0, 2.0], [-2.0, 4.0], [4.0, -2.0]]))
    assert known > 0.9
    assert max(new, new_too) < 0.2


def test_a_fusion_is_read_back_also_as_it_was_written_before_there_were_kinds() -> None:
    known, new = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[-1.0, 0.0], [0.0, 1.0]])
    fusion = fit_fusion(("one", "other"), known, [new])
    plain = json.loads(json.dumps(dataclasses.asdict(fusion)))
    assert fusion_from_json(plain) == fusion
    (weight,), (bias,) = plain["weight"], plain["bias"]
    assert fusion_from_json(plain | {"weight": weight, "bias": bias}) == fusion


def test_left_out_classes_are_never_learned_and_all_are_left_out_once() -> None:
    vectors, codes = _clusters(FEWEST_CLASSES + 2, 9)
    learned: list[set[int]] = []

    def learn(some: np.ndarray, numbers: np.ndarray) -> Logits:
        rows = [int(np.flatnonzero((vectors == row).all(axis=1))[0]) for row in some]
        learned.append(set(codes[rows].tolist()))
        assert len(set(numbers.tolist())) == len(learned[-1]) == numbers.max() + 1
        return _logits(some, numbers)

    look = looks_by_logits(learn)
    weighed_signs(vectors, codes, np.empty((0, 24)), ("classes",), FUSED, look, 0, unwatched)
    left_out = [set(range(FEWEST_CLASSES + 2)) - one for one in learned]
    assert len(learned) == FOLDS
    assert set().union(*left_out) == set(range(FEWEST_CLASSES + 2))
    assert sum(map(len, left_out)) == FEWEST_CLASSES + 2


@pytest.mark.parametrize(
    ("kinds", "taught"),
    [(("outside",), [(32, 4)] * 3), (("classes", "outside"), [(16, 2), (24, 3), (24, 3)])],
)
def test_classes_stay_where_only_out_of_scope_rows_are_new(
    kinds: tuple[Kind, ...], taught: list[tuple[int, int]]
) -> None:
    vectors, codes = _clusters(4, 12)
    outside = _clusters(10, 4, seed=9)[0]
    sizes = []

    def learn(some: np.ndarray, numbers: np.ndarray) -> Logits:
        sizes.append((len(some), int(numbers.max()) + 1))
        return _logits(some, numbers)

    fusion = weighed_signs(vectors, codes, outside, kinds, FUSED, looks_by_logits(learn), 0, unwatched)
    assert sorted(sizes) == taught
    assert fusion.signs[-1] == "outside"
    assert len(fusion.weight) == len(kinds)


def test_kinds_of_new_are_those_that_the_rows_are_enough_for() -> None:
    rows = FEWEST_CLASSES * FEWEST_ROWS_A_CLASS
    assert kinds_of_new(rows, FEWEST_CLASSES, FEWEST_OUTSIDE) == ("classes", "outside")
    assert kinds_of_new(rows - 1, FEWEST_CLASSES, FEWEST_OUTSIDE) == ("outside",)
    assert kinds_of_new(rows, FEWEST_CLASSES, FEWEST_OUTSIDE - 1) == ("classes",)
    assert kinds_of_new(rows, FEWEST_CLASSES - 1, FEWEST_OUTSIDE - 1) == ()


def _words(n_classes: int, rows: int, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    codes = np.repeat(np.arange(n_classes), rows)
    texts = [" ".join(f"w{code}x{word}" for word in random.integers(0, 6, 5)) for code in codes]
    return texts, [f"class {code}" for code in codes]


def test_linear_weighs_signs_where_rows_are_enough() -> None:
    enough, few = _words(FEWEST_CLASSES, 8), _words(FEWEST_CLASSES - 1, 8)
    assert tg.LinearClassifier("hashing").fit(*enough).learned_.confidence.sign == "fusion"
    assert tg.LinearClassifier("hashing").fit(*few).learned_.confidence.sign == "product"
    with pytest.raises(DataError, match=r"needs 30 out-of-scope rows.*confidence=product"):
        tg.LinearClassifier("hashing", confidence="fusion").fit(*few)
    with pytest.raises(ParameterError, match=r"confidence must be one of auto, fusion.*found 'entropy'"):
        tg.LinearClassifier("hashing", confidence="entropy").fit(*few)


def test_models_of_some_of_the_rows_are_as_sure_in_the_same_way() -> None:
    # 8 rows a class are enough in all, and four fifths of them would not be
    clf = tg.LinearClassifier("hashing", reject=tg.AtCoverage(0.9)).fit(*_words(FEWEST_CLASSES, 8))
    assert clf.held_out_.source == "cross-fit"
    fresh = clf.predict_scores(_words(FEWEST_CLASSES, 8, seed=1)[0]).confidence
    assert (fresh >= clf.threshold_.value).mean() > 0.7


def test_a_confidence_says_what_it_is_made_of() -> None:
    known, new = np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([[-1.0, 0.0], [0.0, 1.0]])
    by_classes = Confidence("fusion", fit_fusion(("one", "other"), known, [new]))
    by_rows = Confidence("fusion", fit_fusion(("one", "outside"), known, [new]))
    by_both = Confidence("fusion", fit_fusion(("one", "outside"), known, [new, new]))
    weighed = "weighed by classes left out of learning"
    assert Confidence("energy").sentence() == "Confidence: energy."
    assert by_classes.sentence() == f"Confidence: one and other, {weighed}."
    assert by_rows.sentence() == "Confidence: one and outside, weighed by out-of-scope rows."
    assert by_both.sentence() == f"Confidence: one and outside, {weighed} and by out-of-scope rows."


def test_a_weighed_confidence_is_saved(tmp_path: Path) -> None:
    texts, labels = _words(4, 10)
    outside = _words(40, 1, seed=3)[0]
    rows = [*texts, *outside], [*labels, *["oos"] * len(outside)]
    clf = tg.LinearClassifier("hashing", oos_labels="oos").fit(*rows)
    assert clf.learned_.confidence.fusion is not None
    assert clf.learned_.confidence.fusion.signs[-1] == "outside"
    clf.save(tmp_path / "m")
    again = tg.load(tmp_path / "m")
    asked = [*_words(4, 5, seed=4)[0], *_words(50, 1, seed=5)[0]]
    assert (again.predict_scores(asked).confidence == clf.predict_scores(asked).confidence).all()
    assert again.learned_.confidence == clf.learned_.confidence


def test_a_network_is_sure_by_the_sign_that_was_asked_for() -> None:
    texts = ["add a card", "adding card", "cannot add", "a cannot card"] * 3
    labels = ["new", "new", "old", "old"] * 3
    vectors = str(Path(__file__).parents[1] / "golden" / "words.vec")
    clf = tg.WordGRUClassifier(vectors=vectors, hidden=4, epochs=1, confidence="probability").fit(
        texts, labels
    )
    probability = clf.predict_scores(texts).confidence
    assert np.allclose(probability, clf.predict_proba(texts).max(axis=1))
    clf.confidence = "neighbours"
    assert (clf.predict_scores(texts).confidence != probability).all()
    with pytest.raises(ParameterError, match=r"confidence must be one of probability.*found 'fusion'"):
        tg.WordGRUClassifier(vectors=vectors, confidence="fusion").fit(texts, labels)


def test_a_model_of_before_has_the_usual_confidence() -> None:
    assert confidence_from_json({}) == Confidence("product")


def test_a_rule_of_risk_keeps_half_of_the_out_of_scope_rows_unlearned() -> None:
    texts, labels = _words(5, 60)
    outside = _words(2 * FEWEST_OUTSIDE + 20, 1, seed=3)[0]
    rows: Any = ([*texts, *outside], [*labels, *["oos"] * len(outside)])
    careful = tg.LinearClassifier("hashing", oos_labels="oos", reject=tg.AtRisk(0.2)).fit(*rows)
    assert len(careful.held_out_.outside) == len(careful.learned_.outside) == len(outside) // 2
    assert "some of which it also learned from" in careful.rejection_sentences()[1]
    bold = tg.LinearClassifier("hashing", oos_labels="oos", reject=tg.AtCoverage(0.9)).fit(*rows)
    assert len(bold.held_out_.outside) == 0
    assert len(bold.learned_.outside) == len(outside)
    # too few to learn from and to count: all are counted
    few: Any = ([*texts, *outside[:40]], [*labels, *["oos"] * 40])
    counted = tg.LinearClassifier("hashing", oos_labels="oos", reject=tg.AtRisk(0.2)).fit(*few)
    assert len(counted.held_out_.outside) == 40
    assert len(counted.learned_.outside) == 0
