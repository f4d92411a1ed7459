"""What every method is: a scikit-learn estimator over texts that can say "I don't know".

A method fills in seven small things (open an encoder, find faults, learn, score, embed,
pack, unpack); rows, rejection, evidence and saving are the same for all and live here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from textgraft.bundle import Bundle
from textgraft.core.belief import corrected
from textgraft.core.decision import decide
from textgraft.core.examples import (
    Examples,
    check_examples,
    clean_label_set,
    clean_labels,
    clean_texts,
)
from textgraft.core.label_belief import LabelBelief
from textgraft.core.label_sets import LabelledSets, check_label_sets, clean_label_sets, has_lists, label_rows
from textgraft.core.label_thresholds import LabelThresholds, decide_labels
from textgraft.core.out_of_fold import OutOfFold
from textgraft.core.progress import Progress, Watch, unwatched
from textgraft.core.rules import Rule
from textgraft.core.scores import Scores, join_scores, keep_best, scatter_scores
from textgraft.core.thresholds import check_enough_rows, fit_threshold
from textgraft.encoders.encoder import Encoder
from textgraft.errors import DataError, NotFittedError, ParameterError
from textgraft.methods import multilabel, saved
from textgraft.methods.evidence import Explanation, Matrix, Neighbour, cosines
from textgraft.methods.lesson import Features, Learned, Lesson
from textgraft.methods.rejection.calibration import cross_fitted, outside_to_learn, plan_calibration
from textgraft.methods.rejection.judging import fit_belief, judge
from textgraft.methods.rejection.rejecting import Rejecting
from textgraft.training.checkpoints import FitFolder
from textgraft.training.together import writes

if TYPE_CHECKING:
    from textgraft.methods.rates import FoundRate

TEXTS_AT_ONCE = 8_192
"""Texts scored together by ``predict``; bounds memory for any number of texts."""

TEXTS_COMPARED_AT_ONCE = 256
"""Texts compared with all training texts together by ``nearest``."""

MOST_CLASSES_KEPT = 100
"""Classes of each text that ``predict_scores`` keeps if not told otherwise."""


class TextClassifier(Rejecting, ClassifierMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """A text classifier with a rejection rule; subclasses are abstract or final.

    Follows scikit-learn: the constructor stores, ``fit`` checks and learns, learned
    attributes end in an underscore; ``clone``, ``GridSearchCV`` and ``cross_val_predict``
    work. Labels of any type become strings (``1`` and ``1.0`` are ``"1"``). Where labels are lists, a text
    may have several labels or none (:mod:`textgraft.methods.multilabel`).

    Attributes:
        classes_: (c,) sorted class names, as objects.
        threshold_: the fitted rule, a :class:`textgraft.core.threshold.Threshold`.
        report_: what was found in the rows, a :class:`textgraft.core.examples.RowReport`.
        belief_: how belief was calibrated, a :class:`textgraft.core.belief.Belief`.
        held_out_: the rows a rule is fitted on, a :class:`textgraft.core.held_out.HeldOut`; may be empty.
        oos_confidence_: (o,) sorted confidences of the out-of-scope rows given to ``fit``; where a text may
            have several labels, how far their best label is above its threshold.
        oos_best_: (o,) codes of the classes they look most like.
        label_thresholds_: where a text may have several labels, a
            :class:`textgraft.core.label_thresholds.LabelThresholds`; else ``None``.
        label_belief_: ``belief_`` of several labels, a :class:`textgraft.core.label_belief.LabelBelief`.
        run_: where ``fit`` kept checkpoints, a :class:`textgraft.training.checkpoints.FitFolder`; ``None``
            where it kept none, and after loading.
        parameters_: those that it was fitted with, by name.
    """

    method: ClassVar[str]
    """The name in ``METHODS``."""

    answers_with: ClassVar[tuple[str, ...]] = ()
    """Parameters that answering reads anew each time, so that they can be changed after ``fit``."""

    holdout: float | str
    seed: int

    run_: FitFolder | None = None

    # ── what a method fills in ──────────────────────────────────────────────────────

    @abstractmethod
    def _open_encoder(self) -> Encoder | None:
        """The encoder that turns texts into features, or None to learn from texts."""

    @abstractmethod
    def _faults(self) -> list[str]:
        """Everything wrong with the method's own parameters, each in a few words."""

    @abstractmethod
    def _learn(self, lesson: Lesson, watch: Watch) -> Learned:
        """Learn from n rows; must not change ``self``, since cross-fitting calls it often."""

    @abstractmethod
    def _score(self, learned: Any, features: Features, n_classes: int) -> Scores:
        """What is believed of each row."""

    @abstractmethod
    def _embed(self, learned: Any, features: Features) -> Matrix:
        """Rows of length 1 in the space of ``learned.evidence``."""

    @abstractmethod
    def _pack(self, learned: Any) -> Bundle:
        """What was learned, as settings, arrays and strings."""

    @abstractmethod
    def _unpack(self, packed: Bundle) -> Learned:
        """The inverse of ``_pack``; ``self.encoder_`` is open."""

    # ── learning ────────────────────────────────────────────────────────────────────

    def fit(
        self,
        texts: Sequence[object],
        labels: Sequence[object],
        *,
        valid: tuple[Sequence[object], Sequence[object]] | None = None,
        run: str | Path | None = None,
        watch: Watch = unwatched,
    ) -> Self:
        """Learn from texts and labels, and fit the rejection rule on rows not learned from.

        A rule of coverage or risk is fitted on ``valid`` if given; else on a stratified, seeded
        hold-out; else, with too few rows to spare, by cross-fitting on all of them. The same rows
        calibrate belief; without such a rule and without ``valid`` it is the method's own. Thresholds of
        several labels always need such rows.

        Args:
            texts: n texts; empty ones are skipped and counted.
            labels: n labels; empty ones mark unlabelled text, which is kept apart. Or n lists of labels,
                of which empty ones mark texts that no label applies to; or a table of 0 and 1, (n, c).
            valid: texts and labels to fit the rejection rule on.
            run: a folder where a trained method keeps checkpoints and a log; a fit that was
                killed goes on from there when it is called again with the same rows.
            watch: told of progress.

        Raises:
            ParameterError: parameters that cannot be; all faults at once.
            DataError: rows that cannot be learned from, or too few to show the risk asked for.
            TrainingError: training cannot go on.
        """
        examples, classes, codes = self._checked(texts, labels)
        n_classes = len(classes)
        self.run_ = None if run is None else FitFolder(Path(run))
        if isinstance(examples, LabelledSets):
            multilabel.fit_label_sets(self, examples, classes, codes, valid, self.run_, watch)
            return self
        given = None if valid is None else self._check_held_out(valid, classes)
        plan = plan_calibration(self.reject, codes, self.holdout, self.seed, given is not None)
        learns = plan.learns
        teaches = outside_to_learn(self.reject, len(examples.out_of_scope), self.seed)
        teaches &= self._can_learn_outside(int(teaches.sum()), len(codes))
        check_enough_rows(self.reject, plan.n_rows(given) + int((~teaches).sum()))

        whole = self._lesson(examples, codes, n_classes, watch, self.run_)
        encoder, every_outside = whole.encoder, whole.outside
        whole = replace(whole, outside=every_outside[teaches])
        learned = self._learn(whole.some(learns), watch)
        outside = self._score_any(learned, every_outside, n_classes)
        kept = outside.some(~teaches)
        if plan.source == "valid" and given is not None:
            judged, others = self._judged(given, encoder, learned, classes)
            kept = others if len(others) else kept
        elif plan.source == "cross-fit":
            scored, scores = cross_fitted(whole, self._learn, self._score_any, self.seed, watch)
            judged = judge(scores, codes[scored])
        else:
            judged = judge(self._score_any(learned, whole.features[~learns], n_classes), codes[~learns])
        rows = judged.kept(kept.confidence, kept.best, plan.source, plan.n_uncovered_classes)

        self.classes_ = classes
        self.class_counts_ = np.bincount(codes[learns], minlength=n_classes)
        self.parameters_ = self.get_params(deep=False)
        self.encoder_ = encoder
        self.learned_ = learned
        self.report_ = examples.report
        self.train_texts_ = [text for text, learn in zip(examples.texts, learns, strict=True) if learn]
        self.train_codes_ = codes[learns]
        order = np.argsort(outside.confidence, kind="stable")
        self.oos_confidence_, self.oos_best_ = outside.confidence[order], outside.best[order]
        self.held_out_, self.belief_ = rows, fit_belief(judged, plan.source)
        self.threshold_ = fit_threshold(self.reject, rows, self.seed)
        self.label_thresholds_, self.label_belief_ = None, LabelBelief()
        return self

    def out_of_fold(
        self, texts: Sequence[object], labels: Sequence[object], *, watch: Watch = unwatched
    ) -> OutOfFold:
        """Each row as five models see it that learned the other folds; this classifier stays as it is.

        Belief is calibrated by the same rows.

        Args:
            texts, labels: as of :meth:`fit`.
            watch: told of progress.

        Raises:
            ParameterError, DataError, TrainingError: as ``fit``.
        """
        examples, classes, codes = self._checked(texts, labels)
        if isinstance(examples, LabelledSets):
            raise DataError("Rows are judged out of fold by one label each, found lists of labels.")
        whole = self._lesson(examples, codes, len(classes), watch)
        rows, scores = cross_fitted(whole, self._learn, self._score_any, self.seed, watch, "judging rows")
        scores = corrected(scores, fit_belief(judge(scores, codes[rows]), "cross-fit"))
        order = np.argsort(rows)
        rows, scores = rows[order], scores.some(order)
        return OutOfFold(
            rows=np.array(examples.rows, dtype=np.int64)[rows],
            n_alone=len(codes) - len(rows),
            texts=tuple(examples.texts[row] for row in rows),
            codes=codes[rows],
            classes=classes,
            scores=scores,
        )

    def find_rate(
        self, texts: Sequence[object], labels: Sequence[object], *, watch: Watch = unwatched
    ) -> FoundRate:
        """Try ever higher learning rates on the first network that ``fit`` would train; keeps nothing.

        Smith, "Cyclical Learning Rates for Training Neural Networks", 2017.

        Raises:
            ParameterError: the method trains no network, or one in which nothing learns; or as ``fit``.
            DataError, TrainingError: as ``fit``.
        """
        from textgraft.methods.rates import found_rate

        examples, classes, codes = self._checked(texts, labels)
        return found_rate(self, self._lesson(examples, codes, len(classes), watch), watch)

    @property
    def multilabel_(self) -> bool:
        """Whether a text may have several labels, or none."""
        return self._label_thresholds is not None

    def for_rows(self, n_rows: int) -> Self:
        """An unfitted copy whose automatic numbers are settled as for so many rows."""
        # no copy of what the parameters hold: an encoder can be large
        return type(self)(**(self.get_params(deep=False) | self._numbers_for(n_rows)))

    # ── predicting ──────────────────────────────────────────────────────────────────

    def predict(self, texts: Sequence[object], watch: Watch = unwatched) -> np.ndarray:
        """Labels (n,) as objects: a class name, or ``REJECTED``; of several labels a tuple, perhaps empty.

        A text without content is believed to be of the most frequent class, with the lowest
        confidence there is, −1; of several labels it gets none.
        """
        if (thresholds := self._label_thresholds) is not None:
            scores = self.predict_scores(texts, watch, most=len(self.classes_))
            return decide_labels(scores, self.classes_, thresholds)
        return decide(self.predict_scores(texts, watch, most=1), self.classes_, self.threshold_)

    def predict_scores(
        self, texts: Sequence[object], watch: Watch = unwatched, *, most: int = MOST_CLASSES_KEPT
    ) -> Scores:
        """Belief before decision: at most ``most`` best classes and one confidence a text.

        Memory grows with texts × ``most``, not with texts × classes.
        """
        self._check_fitted("predict")
        clean = clean_texts(texts)
        parts = []
        for start in range(0, len(clean), TEXTS_AT_ONCE):

            def shifted(progress: Progress, start: int = start) -> None:
                watch(Progress(progress.what, start + progress.done, len(clean)))

            block = clean[start : start + TEXTS_AT_ONCE]
            parts.append(keep_best(self._scores_of_block(block, shifted), most))
        return join_scores(parts, len(self.classes_))

    def predict_proba(self, texts: Sequence[object]) -> np.ndarray:
        """Belief (n, c), columns in the order of ``classes_``, rows summing to 1.

        Of several labels each is believed by itself, and rows have no such sum.
        """
        self._check_fitted("predict_proba")
        return self.predict_scores(texts, most=len(self.classes_)).by_class

    def score(
        self, X: Sequence[object], y: Sequence[object], sample_weight: np.ndarray | None = None
    ) -> float:
        """Accuracy, labels compared as strings; a rejected text counts as wrong.

        Of several labels it is the share of texts that get exactly theirs (subset accuracy).
        """
        from sklearn.metrics import accuracy_score

        if self.multilabel_:
            wanted = clean_label_sets(label_rows(y))
            exact = [
                # the order of numbers depends on what other labels there are
                names is not None and set(given) == set(names)
                for given, names in zip(self.predict(X), wanted, strict=True)
            ]
            return float(np.average(exact, weights=sample_weight))
        truth = np.array([label or "" for label in clean_labels(y)], dtype=object)
        return float(accuracy_score(truth, self.predict(X), sample_weight=sample_weight))

    def explain(self, text: str, k: int = 3) -> Explanation:
        """The decision on one text and the k nearest training texts, nearest first."""
        if (thresholds := self._label_thresholds) is not None:
            return multilabel.explain_labels(self, thresholds, text, k)
        scores = self.predict_scores([text])
        (cut,) = self.threshold_.cuts(scores.best)
        return Explanation(
            text=text,
            label=str(decide(scores, self.classes_, self.threshold_)[0]),
            best=str(self.classes_[scores.best[0]]),
            confidence=float(scores.confidence[0]),
            threshold=None if np.isinf(cut) else float(cut),
            neighbours=self.nearest([text], k)[0],
        )

    def nearest(
        self, texts: Sequence[object], k: int = 3, watch: Watch = unwatched
    ) -> tuple[tuple[Neighbour, ...], ...]:
        """The k training texts most similar to each of n texts, nearest first; memory does not grow with n.

        Similarity is as the method sees it: the cosine of vectors in the space it decides in.

        Args:
            texts: n texts.
            k: neighbours of each; fewer where fewer were learned.
            watch: told of progress.
        """
        self._check_fitted("nearest")
        clean, found = clean_texts(texts), []
        for start in range(0, len(clean), TEXTS_COMPARED_AT_ONCE):
            block = clean[start : start + TEXTS_COMPARED_AT_ONCE]
            similarities = cosines(self._embed_texts(block), self.learned_.evidence)
            order = np.argsort(-similarities, axis=1, kind="stable")[:, :k]
            found += [self._neighbours(rows, row) for rows, row in zip(order, similarities, strict=True)]
            watch(Progress("finding evidence", start + len(block), len(clean)))
        return tuple(found)

    def similarities(self, texts: Sequence[object]) -> np.ndarray:
        """Cosine similarity (n, n) of texts to one another, as the method sees them."""
        self._check_fitted("similarities")
        vectors = self._embed_texts(texts)
        return cosines(vectors, vectors)

    # ── saving ──────────────────────────────────────────────────────────────────────

    def save(self, path: str | Path) -> None:
        """Write a model folder (JSON and safetensors), replacing an older model there.

        The encoder's weights are not copied: its name and fingerprint are kept, and checked
        on loading. Parameters are those of ``fit``, but for those that answering reads: others that were
        changed since have not been learned with. Of several processes that learned together the main one
        alone writes, and none waits.

        Raises:
            ModelFolderError: something else is in the way, or the disk refuses.
        """
        self._check_fitted("save")
        if writes():
            now = {name: getattr(self, name) for name in (*self.answers_with, "reject")}
            fitted = type(self)(**(self.parameters_ | now))
            packed = fitted._pack(self.learned_)
            saved.write_classifier(self, path, fitted.get_params(deep=False), packed)

    @classmethod
    def restored(cls, bundle: Bundle, encoder: Encoder | None) -> Self:
        """The classifier that :meth:`save` wrote; use :func:`textgraft.load`.

        Raises:
            WeightsError: the encoder's weights are not those of ``fit``.
        """
        saved.check_encoder(bundle, encoder)
        parameters = saved.parameters_from_json(bundle.about["parameters"])
        # a parameter that an older textgraft had only mattered to learning, which is done
        self = cls(**{name: parameters[name] for name in cls._get_param_names() if name in parameters})
        self.parameters_ = self.get_params(deep=False)
        self.encoder_ = encoder
        self.learned_ = self._unpack(saved.unnested(bundle))
        saved.restore_attributes(self, bundle)
        return self

    # ── inside ──────────────────────────────────────────────────────────────────────

    def _checked(
        self, texts: Sequence[object], labels: Sequence[object]
    ) -> tuple[Examples | LabelledSets, np.ndarray, np.ndarray]:
        """Rows to learn from, their classes (c,) and their codes (n,), once the parameters can be.

        Codes are (n, c) 0/1 where rows may have several labels.
        """
        self._check_parameters()
        labels = label_rows(labels)
        if has_lists(labels):
            multilabel.check_takes_several(self)
            sets = check_label_sets(texts, labels, self.oos_labels)
            return sets, *sets.coded()
        examples = check_examples(texts, labels, self.oos_labels)
        return examples, *examples.coded()

    def _lesson(
        self,
        examples: Examples | LabelledSets,
        codes: np.ndarray,
        n_classes: int,
        watch: Watch,
        run: FitFolder | None = None,
    ) -> Lesson:
        """All rows as the method reads them."""
        encoder = self._open_encoder()
        features = self._represent(encoder, examples.texts, watch)
        outside = self._represent(encoder, examples.out_of_scope, unwatched)
        return Lesson(features, codes, n_classes, outside, encoder, run, examples.unlabelled)

    def _scores_of_block(self, texts: list[str], watch: Watch) -> Scores:
        if self.multilabel_:
            return multilabel.label_scores_of_texts(self, texts, watch)
        rows = np.flatnonzero([bool(text.strip()) for text in texts])
        n_classes = len(self.classes_)
        usual = int(self.class_counts_.argmax())
        if not len(rows):
            return scatter_scores(join_scores([], n_classes), rows, len(texts), usual)
        features = self._represent(self.encoder_, [texts[row] for row in rows], watch)
        scores = corrected(self._score_any(self.learned_, features, n_classes), self.belief_)
        return scores if len(rows) == len(texts) else scatter_scores(scores, rows, len(texts), usual)

    def _neighbours(self, rows: np.ndarray, similarities: np.ndarray) -> tuple[Neighbour, ...]:
        """Training rows as a person reads them, with similarities (m,) of all of them."""
        if self.multilabel_:
            return multilabel.label_neighbours(self, rows, similarities)
        return tuple(
            Neighbour(
                text=self.train_texts_[row],
                label=str(self.classes_[self.train_codes_[row]]),
                similarity=float(similarities[row]),
            )
            for row in rows
        )

    def _numbers_for(self, n_rows: int) -> dict[str, Any]:
        """Parameters that are ``auto``, as the number of rows decides them."""
        return {}

    def _embed_texts(self, texts: Sequence[object]) -> Matrix:
        features = self._represent(self.encoder_, clean_texts(texts), unwatched)
        return self._embed(self.learned_, features)

    def _refit_label_thresholds(
        self, rule: Rule | None, valid: tuple[Sequence[object], Sequence[object]] | None
    ) -> None:
        multilabel.refit_thresholds(self, rule, valid)

    def _check_parameters(self) -> None:
        faults = self._faults()
        rule: object = self.reject
        if rule is not None and not isinstance(rule, Rule):
            faults.append(f"reject must be None, AtSimilarity(…), AtCoverage(…) or AtRisk(…), found {rule!r}")
        outside: object = self.oos_labels
        if not isinstance(outside, Collection):
            faults.append(f"oos_labels must be a label or a list of them, found {outside!r}")
        share = self.holdout
        if share != "auto" and not (isinstance(share, int | float) and 0 <= share <= 0.5):
            faults.append(f"holdout must be 'auto' or a share from 0 to 0.5, found {share!r}")
        if not isinstance(self.seed, int | np.integer) or self.seed < 0:
            faults.append(f"seed must be a whole number from 0, found {self.seed!r}")
        if faults:
            raise ParameterError.of(type(self).__name__, faults)
        clean_label_set(self.oos_labels)

    @property
    def _label_thresholds(self) -> LabelThresholds | None:
        return getattr(self, "label_thresholds_", None)

    def _check_fitted(self, called: str) -> None:
        if not hasattr(self, "learned_"):
            raise NotFittedError(f"Incorrect order: call fit before calling {called}.")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "learned_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
