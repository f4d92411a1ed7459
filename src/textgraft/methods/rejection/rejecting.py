"""The rejection rule of a fitted classifier: fitted on held-out rows, and changed without learning again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np

from textgraft.core.belief import Belief
from textgraft.core.examples import Examples, check_examples, check_learned, codes_of
from textgraft.core.held_out import HeldOut
from textgraft.core.label_belief import LabelBelief
from textgraft.core.label_thresholds import LabelThresholds
from textgraft.core.progress import Watch, unwatched
from textgraft.core.rules import NEEDS_ROWS, AtRisk, Rule
from textgraft.core.scores import Scores, checked_scores, join_scores
from textgraft.core.threshold import Threshold
from textgraft.core.thresholds import fit_threshold
from textgraft.encoders.encoder import Encoder, encoded
from textgraft.errors import DataError
from textgraft.methods.lesson import Features, Learned
from textgraft.methods.rejection.judging import Judged, fit_belief, judge

_GIVE_ROWS = "Give labelled rows it has not seen: set_rejection(rule, valid=(texts, labels))."


class Rejecting(ABC):
    """What a classifier knows of rows it did not learn from, and the rule that is fitted on them."""

    method: ClassVar[str]

    reject: Rule | None
    oos_labels: Collection[str]
    seed: int
    classes_: np.ndarray
    encoder_: Encoder | None
    learned_: Any
    train_codes_: np.ndarray
    held_out_: HeldOut
    oos_confidence_: np.ndarray
    oos_best_: np.ndarray
    belief_: Belief
    threshold_: Threshold
    label_thresholds_: LabelThresholds | None
    label_belief_: LabelBelief

    @property
    def reads(self) -> Literal["vectors", "texts"]:
        """Whether features are the encoder's vectors, or the texts themselves."""
        return "vectors"

    @abstractmethod
    def _score(self, learned: Any, features: Features, n_classes: int) -> Scores:
        """What is believed of each row."""

    @abstractmethod
    def _refit_label_thresholds(
        self, rule: Rule | None, valid: tuple[Sequence[object], Sequence[object]] | None
    ) -> None:
        """Fit the thresholds of several labels anew; refuse a rule of rejection."""

    @abstractmethod
    def _check_fitted(self, called: str) -> None:
        """Refuse a call that needs a fitted classifier."""

    def set_rejection(
        self,
        rule: Rule | None,
        *,
        valid: tuple[Sequence[object], Sequence[object]] | None = None,
    ) -> Self:
        """Change the rejection rule of a fitted classifier without fitting it again.

        Uses the held-out rows kept from ``fit``, or those of ``valid``, which calibrate belief anew.
        Where a text may have several labels there is no rule, and ``valid`` fits the labels' thresholds anew.
        Where it raises, nothing has changed.

        Raises:
            DataError: the rule needs held-out rows, but ``fit`` kept none, or too few.
        """
        self._check_fitted("set_rejection")
        if self.label_thresholds_ is not None:
            self._refit_label_thresholds(rule, valid)
            return self
        rows, belief = self.held_out_, self.belief_
        if valid is not None:
            examples = self._check_held_out(valid, self.classes_)
            judged, others = self._judged(examples, self.encoder_, self.learned_, self.classes_)
            outside, best = (
                (others.confidence, others.best) if len(others) else (rows.outside, rows.outside_best)
            )
            rows = judged.kept(outside, best, "valid")
            belief = fit_belief(judged, "valid")
        if isinstance(rule, NEEDS_ROWS) and rows.source == "none":
            raise DataError(
                "This classifier was fitted without a rule of coverage or risk, so no held-out rows were "
                f"kept. {_GIVE_ROWS}"
            )
        if isinstance(rule, AtRisk) and not rows.judged:
            raise DataError(
                "This classifier was saved by a textgraft that did not note which held-out rows were "
                f"answered rightly. {_GIVE_ROWS}"
            )
        if isinstance(rule, NEEDS_ROWS) and rule.per_class and not rows.taken:
            raise DataError(
                "This classifier was saved by a textgraft that did not note which class each held-out row "
                f"was taken for. {_GIVE_ROWS}"
            )
        threshold = fit_threshold(rule, rows, self.seed)
        self.reject, self.held_out_, self.belief_, self.threshold_ = rule, rows, belief, threshold
        return self

    def rejection_sentences(self) -> list[str]:
        """How the threshold was chosen, and what it does to the out-of-scope rows of ``fit``."""
        self._check_fitted("rejection_sentences")
        if self.label_thresholds_ is not None:
            sentences = [self.label_thresholds_.sentence()]
            if n := len(self.oos_confidence_):
                none = int((self.oos_confidence_ < 0).sum())
                sentences.append(f"Of the {n:,} out-of-scope rows given, {none:,} get no label.")
            return sentences
        sentences = [self.threshold_.sentence()]
        if self.threshold_.rule is not None and (n := len(self.oos_confidence_)):
            caught = int((self.oos_confidence_ < self.threshold_.cuts(self.oos_best_)).sum())
            some = "some of " if len(self.held_out_.outside) else ""
            learned = f", {some}which it also learned from" if self._learned_outside(n) else ""
            sentences.append(f"Of the {n:,} out-of-scope rows given{learned}, {caught:,} are rejected.")
        return sentences

    @property
    def calibration_(self) -> Belief | LabelBelief:
        """How belief was calibrated, of one label a text or of several."""
        return self.belief_ if self.label_thresholds_ is None else self.label_belief_

    def _can_learn_outside(self, n: int, n_rows: int) -> bool:
        """Whether n out-of-scope rows, beside ``n_rows`` others, would be learned from.

        Their confidences then prove nothing.
        """
        return False

    def _learned_outside(self, n: int) -> bool:
        """Whether out-of-scope rows, n of which are known, were learned from."""
        return self._can_learn_outside(n, len(self.train_codes_))

    def _represent(self, encoder: Encoder | None, texts: Sequence[str], watch: Watch) -> Features:
        """Texts as features: vectors where the method reads them, else the texts themselves."""
        if encoder is not None and self.reads == "vectors":
            return encoded(encoder, list(texts), watch)
        return np.array(list(texts), dtype=object)

    def _score_any(self, learned: Learned, features: Features, n_classes: int) -> Scores:
        """What is believed of n rows, perhaps none; checked."""
        if not len(features):
            return join_scores([], n_classes)
        return checked_scores(self._score(learned, features, n_classes), self.method)

    def _judged(
        self,
        examples: Examples,
        encoder: Encoder | None,
        learned: Learned,
        classes: np.ndarray,
    ) -> tuple[Judged, Scores]:
        """Rows of the caller's, and what is believed of their out-of-scope rows, if they have any."""
        inside, others = (
            self._score_any(learned, self._represent(encoder, texts, unwatched), len(classes))
            for texts in (examples.texts, examples.out_of_scope)
        )
        codes = codes_of(examples.labels, classes)
        return judge(inside, codes), others

    def _check_held_out(
        self, valid: tuple[Sequence[object], Sequence[object]], classes: np.ndarray
    ) -> Examples:
        examples = check_examples(*valid, self.oos_labels)
        check_learned(examples.labels, classes, "Remove those rows or name the labels out of scope.")
        return examples
