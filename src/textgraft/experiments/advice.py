"""What a survey means for someone about to learn from the rows, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textgraft.experiments.languages import UNKNOWN
from textgraft.experiments.tables import counted, percent, shortened

if TYPE_CHECKING:
    from textgraft.experiments.survey import Survey

NOTABLE = 0.05
"""A share of texts, or of rows, from which something is worth a sentence."""

UNEVEN = 0.8
"""Balance below which accuracy hides the small classes."""


def advise(found: Survey) -> list[str]:
    """Sentences, the most urgent first; empty when nothing stands out."""
    return [*_on_labels(found), *_on_repeats(found), *_on_texts(found)]


def _on_labels(found: Survey) -> list[str]:
    said = []
    rows, n_classes = found.rows, len(found.classes)
    if n_classes < 2:
        has = "there is no labelled row" if not n_classes else "there is only one class"
        said.append(f"Nothing can be learned: {has}, and a classifier needs two classes or more.")
    if found.multilabel:
        said.append(
            f"The rows look multi-label: {found.multilabel} textgraft learns one label a text: "
            "keep the most important one."
        )
    if found.singletons:
        have, they = ("class has", "it") if found.singletons == 1 else ("classes have", "they")
        said.append(
            f"{found.singletons:,} {have} one row: {they} cannot be held out, so nothing can be "
            "measured there. Give more rows, or join them with another class."
        )
    if found.balance is not None and found.balance < UNEVEN:
        said.append(
            f"Classes are uneven (balance {found.balance:.2f}): look at macro-F1, not at accuracy alone."
        )
    if rows.unlabelled:
        said.append(f"{counted(rows.unlabelled, 'row')} without a label: kept apart, not learned from.")
    if rows.empty:
        said.append(f"{counted(rows.empty, 'row')} with an empty text: skipped.")
    if n_classes > 1 and not rows.out_of_scope:
        said.append(
            "There are no out-of-scope rows: a few dozen texts of no class would show how well "
            "such texts are rejected."
        )
    return said


def _on_repeats(found: Survey) -> list[str]:
    said = []
    repeats, leaks = found.repeats, found.leaks
    if several := repeats.conflicts + repeats.near_conflicts:
        stands = "text stands" if several == 1 else "texts stand"
        said.append(
            f"{several:,} {stands} under several labels: no classifier can be right on all those rows."
        )
    repeated = repeats.exact + repeats.near
    if repeated and repeated >= NOTABLE * (found.rows.in_scope + found.rows.out_of_scope):
        said.append(
            f"{counted(repeated, 'row')} repeat an earlier one: a random split puts copies on both sides "
            "and looks better than it is. Remove them before splitting."
        )
    if leaks and (leaked := leaks.exact + leaks.near):
        said.append(
            f"{leaked:,} of {counted(leaks.texts, 'test text')} ({percent(leaked / leaks.texts)}) stand in the "
            "training rows: remove them from one side, or the test flatters."
        )
    if leaks and leaks.unseen_labels:
        named = ", ".join(map(shortened, leaks.unseen_labels[:5]))
        more = ", …" if len(leaks.unseen_labels) > 5 else ""
        said.append(
            f"{counted(len(leaks.unseen_labels), 'test label')} no training row has ({named}{more}): "
            "those test rows will count as wrong."
        )
    return said


def _on_texts(found: Survey) -> list[str]:
    said = []
    if found.tokens and found.tokens.cut:
        said.append(
            f"{percent(found.tokens.cut)} of texts are longer than the {found.tokens.limit:,} tokens that "
            f"{found.encoder} reads: their end is not read."
        )
    if found.very_short:
        have = "text has" if found.very_short == 1 else "texts have"
        said.append(f"{found.very_short:,} {have} next to no letters: little can be learned from so few.")
    if found.rows.very_long:
        said.append(
            f"{counted(found.rows.very_long, 'text')} of 100,000 characters or more: is each one text?"
        )
    if found.rows.cleaned:
        said.append(
            f"{counted(found.rows.cleaned, 'text')} with NUL or broken Unicode: those signs are replaced."
        )
    common = [language for language, share in found.languages if share >= NOTABLE and language != UNKNOWN]
    if len(common) > 1:
        said.append(
            f"Texts are in several languages ({', '.join(common)}): use an encoder that reads them all."
        )
    elif common and common[0] != "en":
        said.append(
            f"Most texts are not English ({common[0]}): use an encoder that reads that language; "
            "the default, minilm, learned from English."
        )
    return said
