"""What the findings of a survey mean for someone about to learn, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from textgraft.core.counting import counted
from textgraft.core.examples import LONG_TEXT, RowReport
from textgraft.experiments.survey.alike import Alike
from textgraft.experiments.survey.languages import UNKNOWN
from textgraft.experiments.survey.lengths import Lengths
from textgraft.experiments.survey.repeats import Leaks, Repeats
from textgraft.experiments.tables import percent, some_named

NOTABLE = 0.05
"""A share of texts, or of rows, from which something is worth a sentence."""

UNEVEN = 0.8
"""Balance below which accuracy hides the small classes."""


def on_classes(n_classes: int, singletons: int, balance: float | None, multilabel: str | None) -> list[str]:
    """What to do about the classes."""
    said = []
    if n_classes < 2:
        found = "there is only one class" if n_classes else "there is no labelled row"
        said.append(f"Nothing can be learned: {found}, and a classifier needs two classes or more.")
    if multilabel:
        said.append(
            f"The rows look multi-label: {multilabel} Give lists, or labels joined by '|', and a text may "
            "have several (docs/multilabel.md)."
        )
    if singletons:
        have, they = ("class has", "it") if singletons == 1 else ("classes have", "they")
        said.append(
            f"{singletons:,} {have} one row: {they} cannot be held out, so nothing can be measured "
            "there. Give more rows, or join them with another class."
        )
    if balance is not None and balance < UNEVEN:
        said.append(f"Classes are uneven (balance {balance:.2f}): look at macro-F1, not at accuracy alone.")
    return said


def on_rows(rows: RowReport) -> list[str]:
    """What to know about rows that will not be learned from, or not as they are."""
    said = []
    if rows.unlabelled:
        said.append(
            f"{counted(rows.unlabelled, 'row')} without a label: kept apart; only ulmfit learns from them."
        )
    if rows.empty:
        said.append(f"{counted(rows.empty, 'row')} with an empty text: skipped.")
    if rows.cleaned:
        said.append(f"{counted(rows.cleaned, 'text')} with NUL or broken Unicode: those signs are replaced.")
    if rows.very_long:
        said.append(
            f"{counted(rows.very_long, 'text')} of {LONG_TEXT:,} characters or more: is each one text?"
        )
    if rows.in_scope and not rows.out_of_scope:
        said.append(
            "There are no out-of-scope rows: a few dozen texts of no class would show how well such "
            "texts are rejected."
        )
    return said


def on_repeats(repeats: Repeats, n_rows: int, under: str = "several labels") -> list[str]:
    """What to do about contradictions, texts that stand ``under`` different answers, and copies."""
    said = []
    if several := repeats.conflicts + repeats.near_conflicts:
        stand = "text stands" if several == 1 else "texts stand"
        said.append(f"{several:,} {stand} under {under}: no classifier can be right on all those rows.")
    repeated = repeats.exact + repeats.near
    if repeated and repeated >= NOTABLE * n_rows:
        said.append(
            f"{counted(repeated, 'row repeats', 'rows repeat')} an earlier one: a random split puts copies "
            "on both sides and looks better than it is. Remove them before splitting."
        )
    return said


def on_alike(alike: Alike | None, n_rows: int, n_tested: int = 0, other: str = "another label") -> list[str]:
    """What to do about texts in nearly the same words; ``other`` is under what they contradict each other."""
    if alike is None:
        return ["So many texts are so much alike that near copies were not looked for."]
    said, words = [], "in nearly the words (four fifths shared) of"
    if alike.apart:
        stand = "text is" if alike.apart == 1 else "texts are"
        said.append(f"{alike.apart:,} {stand} {words} one under {other}: are both labels right?")
    if alike.same and alike.same >= NOTABLE * n_rows:
        stand = "text is" if alike.same == 1 else "texts are"
        said.append(
            f"{alike.same:,} {stand} {words} an earlier one: where rows are split, keep them on one side."
        )
    if alike.seen and alike.seen >= NOTABLE * n_tested:
        said.append(
            f"{alike.seen:,} of {counted(n_tested, 'test text')} ({percent(alike.seen / n_tested)}) {words} "
            "a training text: texts that come later may be harder."
        )
    return said


def on_leaks(leaks: Leaks) -> list[str]:
    """What to do about test rows that cannot test."""
    said = []
    if leaked := leaks.exact + leaks.near:
        share = percent(leaked / leaks.texts)
        said.append(
            f"{leaked:,} of {counted(leaks.texts, 'test text')} ({share}) also in the training rows: "
            "remove them from one side, or the test flatters."
        )
    if unseen := leaks.unseen_labels:
        said.append(
            f"{counted(len(unseen), 'test label')} that no training row has ({some_named(unseen)}): "
            "those test rows will count as wrong."
        )
    return said


def on_texts(
    tokens: Lengths | None, encoder: str | None, very_short: int, languages: Sequence[tuple[str, float]]
) -> list[str]:
    """What to do about the length and the language of texts."""
    said = []
    if tokens and tokens.cut:
        said.append(
            f"{percent(tokens.cut)} of texts are longer than the {tokens.limit:,} tokens that {encoder} "
            "reads: their end is not read."
        )
    if very_short:
        have = "text has" if very_short == 1 else "texts have"
        said.append(f"{very_short:,} {have} next to no letters: little can be learned from so few.")
    common = [language for language, share in languages if share >= NOTABLE and language != UNKNOWN]
    if len(common) > 1:
        said.append(
            f"Texts are in several languages ({', '.join(common)}): use an encoder that reads them all."
        )
    elif common and common[0] != "en":
        said.append(
            f"Most texts are not English ({common[0]}): use an encoder that reads that language; the "
            "default, minilm, learned from English."
        )
    return said
