"""What is in a file of texts and labels, before anything is learned from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from textgraft.core.counting import counted
from textgraft.core.examples import Examples, RowReport, check_examples
from textgraft.core.label_sets import LabelSet, check_label_sets, has_lists, label_rows
from textgraft.encoders.encoder import Encoder
from textgraft.experiments.survey.advice import on_alike, on_classes, on_leaks, on_repeats, on_rows, on_texts
from textgraft.experiments.survey.alike import Alike, Pair, find_alike
from textgraft.experiments.survey.languages import language_shares, substance
from textgraft.experiments.survey.lengths import Lengths, describe_lengths
from textgraft.experiments.survey.repeats import Leaks, Repeats, Row, find_leaks, find_repeats
from textgraft.experiments.survey.several_labels import multilabel_evidence
from textgraft.experiments.tables import aligned, percent, shortened

OUT_OF_SCOPE = "(out of scope)"
"""What all out-of-scope labels are called when rows are compared."""

NAME_OF_SET, NO_LABEL = " | ", "(no label)"
"""How a list of labels is called when rows are compared."""

FEWEST_SIGNS = 4
"""Letters below which a text is called very short; see :func:`substance`."""


@dataclass(frozen=True)
class LabelSets:
    """Labels of rows that have a list of them.

    Attributes:
        mean, most: labels of a row.
        none: rows with an empty list.
        distinct: lists that differ.
    """

    mean: float
    most: int
    none: int
    distinct: int

    def __str__(self) -> str:
        rows = counted(self.none, "row")
        return f"mean {self.mean:.2f}, most {self.most:,}; {rows} without; {self.distinct:,} different sets"


@dataclass(frozen=True)
class Survey:
    """What :func:`survey` found.

    Attributes:
        rows: what was found at the door.
        classes: (name, rows) of each class, largest first.
        balance: entropy of the classes over its largest possible value: 1 when all are
            equally large; ``None`` below two classes.
        singletons: classes of one row.
        characters, tokens: lengths of texts; tokens under an encoder, if one was given.
        encoder: the encoder's name.
        very_short: texts with next to no letters.
        languages: (ISO 639 code or ``unknown``, share) of a sample, largest first.
        repeats: duplicates and conflicts; out-of-scope rows count as one label.
        leaks: test texts among the training texts, if test rows were given.
        alike: near copies, of them too; ``None`` where there are too many to look at.
        multilabel: why the rows look multi-label although each has one label, or ``None``.
        label_sets: what is known of lists of labels, where rows have them; then classes are counted in each.
    """

    rows: RowReport
    classes: tuple[tuple[str, int], ...]
    balance: float | None
    singletons: int
    characters: Lengths | None
    tokens: Lengths | None
    encoder: str | None
    very_short: int
    languages: tuple[tuple[str, float], ...]
    repeats: Repeats
    leaks: Leaks | None
    alike: Alike | None
    multilabel: str | None
    label_sets: LabelSets | None = None

    def advice(self) -> list[str]:
        """What to know or do before learning, in plain sentences; may be empty."""
        rows = self.rows
        return [
            *on_classes(len(self.classes), self.singletons, self.balance, self.multilabel),
            *on_repeats(self.repeats, rows.in_scope + rows.out_of_scope),
            *(on_leaks(self.leaks) if self.leaks else []),
            *on_alike(self.alike, rows.in_scope + rows.out_of_scope, self.leaks.texts if self.leaks else 0),
            *on_texts(self.tokens, self.encoder, self.very_short, self.languages),
            *on_rows(rows),
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it, the advice included."""
        classes = [{"name": name, "rows": count} for name, count in self.classes]
        languages = [{"language": language, "share": share} for language, share in self.languages]
        plain = asdict(self) | {"classes": classes, "languages": languages, "advice": self.advice()}
        # rows of one label have nothing to say here
        return {name: value for name, value in plain.items() if name != "label_sets" or value is not None}

    def table(self) -> str:
        """The findings as aligned text, and the advice below them."""
        lines = aligned([*self._facts(), *self._comparisons()], "<<")
        if self.repeats.examples:
            lines += ["", "One text, several labels:"]
            lines += [
                f"  {shortened(one.text, 60)}  →  {', '.join(map(shortened, one.labels))}"
                for one in self.repeats.examples
            ]
        if self.repeats.copies:
            lines += ["", "Repeated most:"]
            lines += [f"  {shortened(text, 60)}  ×  {count:,}" for text, count in self.repeats.copies]
        if self.leaks and self.leaks.examples:
            lines += ["", "Test texts that are training texts:"]
            lines += [f"  {shortened(text, 80)}" for text in self.leaks.examples]
        if self.alike:
            lines += _pairs_said("Much alike, under different labels:", self.alike.apart_examples)
            lines += _pairs_said("Much alike:", self.alike.same_examples)
        if self.alike and self.alike.seen_examples:
            lines += ["", "Test texts much like a training text:"]
            lines += [
                f"  {shortened(text, 60)}  ~  {shortened(other, 60)}"
                for text, other in self.alike.seen_examples
            ]
        advice = [f"* {sentence}" for sentence in self.advice()]
        return "\n".join([*lines, "", *(advice or ["Nothing stands out: learn from it."])])

    def _facts(self) -> list[list[str]]:
        rows, sizes = self.rows, [f"{shortened(name)} {count:,}" for name, count in self.classes]
        facts = [
            ["rows", f"{rows.rows:,}"],
            ["  in scope", f"{rows.in_scope:,}"],
            ["  out of scope", f"{rows.out_of_scope:,}"],
            ["  unlabelled", f"{rows.unlabelled:,}"],
            ["  empty", f"{rows.empty:,}"],
            ["classes", f"{len(sizes):,}"],
        ]
        if sizes:
            facts += [["  largest", ", ".join(sizes[:3])], ["  smallest", ", ".join(sizes[:-4:-1])]]
            facts += [["  of one row", f"{self.singletons:,}"]]
        if self.label_sets is not None:
            facts += [["  a text", str(self.label_sets)]]
        if self.balance is not None:
            facts += [["  balance", f"{self.balance:.2f} (1 when all classes are equally large)"]]
        if self.characters:
            facts += [["characters a text", str(self.characters)]]
        if self.tokens:
            facts += [[f"tokens a text ({self.encoder})", str(self.tokens)]]
        return facts

    def _comparisons(self) -> list[list[str]]:
        shares = ", ".join(f"{language} {percent(share)}" for language, share in self.languages[:5])
        rest = f", {len(self.languages) - 5} others" if len(self.languages) > 5 else ""
        repeats, leaks = self.repeats, self.leaks
        facts = [
            ["languages", f"{shares}{rest}" if shares else "–"],
            [
                "duplicate rows",
                f"{repeats.exact:,} exact, {repeats.near:,} more but for case and punctuation",
            ],
            [
                "conflicting texts",
                f"{repeats.conflicts:,} exact, {repeats.near_conflicts:,} more in that way",
            ],
        ]
        if leaks:
            facts += [["test texts seen", f"{leaks.exact:,} exact, {leaks.near:,} more, of {leaks.texts:,}"]]
        if alike := self.alike:
            seen = f", {alike.seen:,} test texts like one of them" if leaks else ""
            facts += [["texts much alike", f"{alike.same:,}, {alike.apart:,} under different labels{seen}"]]
        return facts


def survey(
    texts: Sequence[object],
    labels: Sequence[object] | None,
    *,
    encoder: Encoder | None = None,
    oos_labels: Iterable[object] = (),
    test: tuple[Sequence[object], Sequence[object] | None] | None = None,
    seed: int = 0,
) -> Survey:
    """Look at rows before learning from them; nothing is changed or left out.

    Args:
        texts: n texts.
        labels: n labels, some of them may be empty; ``None`` when there are none.
        encoder: count its tokens, and the texts it cannot read to their end.
        oos_labels: labels of out-of-scope rows.
        test: texts and labels (or ``None``) to look for among the training texts.
        seed: of the sample whose languages are told.

    Raises:
        DataError: rows that cannot be read.
    """
    outside = list(oos_labels) if not isinstance(oos_labels, str) else [oos_labels]
    examples, sets = _checked(texts, labels, outside)
    every = [*examples.texts, *examples.out_of_scope, *examples.unlabelled]
    rows: list[Row] = list(zip(examples.texts, examples.labels, strict=True))
    rows += [(text, OUT_OF_SCOPE) for text in examples.out_of_scope]
    repeats = find_repeats(rows)
    names = _names(examples, sets)
    classes = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    leaks: Leaks | None = None
    asked: list[str] = []
    if test is not None:
        checked, test_sets = _checked(*test, outside)
        asked = [*checked.texts, *checked.out_of_scope, *checked.unlabelled]
        leaks = find_leaks(every, asked, names, _names(checked, test_sets))
    return Survey(
        rows=examples.report,
        classes=tuple(classes),
        balance=_balance(np.array([count for _, count in classes], dtype=np.float64)),
        singletons=sum(count == 1 for _, count in classes),
        characters=describe_lengths(np.array([len(text) for text in every])),
        tokens=None if encoder is None else describe_lengths(encoder.count_tokens(every), encoder.max_tokens),
        encoder=None if encoder is None else encoder.name,
        very_short=sum(substance(text[:100]) < FEWEST_SIGNS for text in every),
        languages=language_shares(every, seed),
        repeats=repeats,
        leaks=leaks,
        alike=find_alike(rows, every, asked),
        multilabel=multilabel_evidence(examples.labels, repeats) if sets is None else None,
        label_sets=None if sets is None else describe_sets(sets),
    )


def _pairs_said(head: str, pairs: Sequence[Pair]) -> list[str]:
    """Texts that are much alike, with their labels."""
    if not pairs:
        return []
    return [
        "",
        head,
        *(
            f"  {shortened(one.text, 60)} → {', '.join(map(shortened, one.labels))}  ~  "
            f"{shortened(one.other, 60)} → {', '.join(map(shortened, one.other_labels))}"
            for one in pairs
        ),
    ]


def _checked(
    texts: Sequence[object], labels: Sequence[object] | None, oos_labels: Sequence[object]
) -> tuple[Examples, tuple[LabelSet, ...] | None]:
    """Rows; where labels are lists also these, and each row's label is what a person would call its list."""
    rows = [None] * len(texts) if labels is None else label_rows(labels)
    if not has_lists(rows):
        return check_examples(texts, rows, oos_labels), None
    found = check_label_sets(texts, rows, oos_labels)
    called = tuple(NAME_OF_SET.join(names) or NO_LABEL for names in found.labels)
    return Examples(
        found.texts, called, found.rows, found.out_of_scope, found.unlabelled, found.report
    ), found.labels


def _names(examples: Examples, sets: tuple[LabelSet, ...] | None) -> list[str]:
    """Every label of every row."""
    return list(examples.labels) if sets is None else [name for labels in sets for name in labels]


def describe_sets(sets: Sequence[LabelSet]) -> LabelSets:
    """How many labels rows have."""
    sizes = [len(names) for names in sets]
    mean = float(np.mean(sizes)) if sizes else 0.0
    return LabelSets(mean, max(sizes, default=0), sizes.count(0), len(set(sets)))


def _balance(counts: np.ndarray) -> float | None:
    """Normalised entropy (Pielou, "The Measurement of Diversity", 1966: evenness)."""
    if len(counts) < 2:
        return None
    shares = counts / counts.sum()
    return min(1.0, float(-(shares * np.log(shares)).sum() / np.log(len(counts))))
