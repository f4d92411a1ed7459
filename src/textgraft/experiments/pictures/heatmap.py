"""How alike texts are, as a picture: a square of cosine similarities.

The picture of the Universal Sentence Encoder (Cer et al., 2018) and its notebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from textgraft.core.examples import clean_labels, clean_texts
from textgraft.errors import ParameterError
from textgraft.experiments.pictures.files import blank_figure, check_picture, write_figure
from textgraft.experiments.tables import shortened

MOST_ANNOTATED = 15
"""Up to so many texts, each cell says its value."""

MOST_NAMED = 60
"""Up to so many texts, the axes carry them."""

MOST_GROUPS_NAMED = 40

FALLBACK_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei",
    "PingFang SC", "Hiragino Sans", "Yu Gothic", "Malgun Gothic", "Noto Sans Devanagari", "Noto Sans Thai",
)  # fmt: skip
"""Fonts tried for what matplotlib's own lacks, where they are installed."""


def draw_heatmap(
    texts: Sequence[object],
    similarities: np.ndarray,
    path: str | Path,
    *,
    labels: Sequence[object] | None = None,
) -> None:
    """Write the heatmap of :func:`heatmap_figure` to a PNG, SVG or PDF file, by its ending.

    Raises:
        ParameterError: another ending, a file that cannot be written, fewer than two texts,
            or sizes that do not agree.
    """
    check_picture(path)
    figure = heatmap_figure(texts, similarities, labels=labels)
    write_figure(figure, path, bbox_inches="tight", pad_inches=0.15)


def heatmap_figure(
    texts: Sequence[object], similarities: np.ndarray, *, labels: Sequence[object] | None = None
) -> Any:
    """A ``matplotlib.figure.Figure``: texts on both axes, one cell a pair.

    Colours run from 0 to 1; a negative similarity is drawn as 0, and the colour bar says so.
    Texts stand outside the figure's own frame: save it with ``bbox_inches="tight"``.

    Args:
        texts: n texts, two or more.
        similarities: (n, n) cosine similarities, as ``classifier.similarities(texts)`` gives.
        labels: n labels; texts are sorted by them, with lines between the groups.

    Raises:
        ParameterError: fewer than two texts, or sizes that do not agree.
    """
    clean, values = clean_texts(texts), np.asarray(similarities, dtype=np.float64)
    names = None if labels is None else [label or "(no label)" for label in clean_labels(labels)]
    _check_sizes(clean, values, names)
    if names is not None:
        order = sorted(range(len(names)), key=names.__getitem__)
        clean, names = [clean[row] for row in order], [names[row] for row in order]
        values = values[np.ix_(order, order)]

    n = len(clean)
    side = float(np.clip(0.5 * n, 3.0, 12.0))
    figure = blank_figure(side, side, fitted=False)
    # the square fills the figure, and a tight bounding box makes room for what stands around it
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    image = axes.imshow(np.clip(values, 0.0, 1.0), cmap="YlOrRd", vmin=0.0, vmax=1.0, interpolation="nearest")
    place = axes.inset_axes((1.0 + 0.2 / side, 0.1, 0.2 / side, 0.8))
    bar = figure.colorbar(image, cax=place)
    bar.set_label("cosine similarity" + (" (below 0 drawn as 0)" if (values < 0).any() else ""))
    bar.outline.set_visible(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    _name_rows(axes, clean)
    if n <= MOST_ANNOTATED:
        _annotate(axes, values)
    if names is not None:
        _separate(axes, names)
    return figure


def _check_sizes(texts: Sequence[str], values: np.ndarray, names: Sequence[str] | None) -> None:
    n, faults = len(texts), []
    if n < 2:
        faults.append(f"expected two texts or more, found {n}")
    if values.shape != (n, n):
        faults.append(f"expected similarities of shape ({n}, {n}), found {values.shape}")
    elif not np.isfinite(values).all():
        faults.append("expected finite similarities, found NaN or infinity")
    if names is not None and len(names) != n:
        faults.append(f"expected one label for each of {n} texts, found {len(names)}")
    if faults:
        raise ParameterError.of("draw_heatmap", faults)


def _name_rows(axes: Any, texts: Sequence[str]) -> None:
    """Put texts on both axes, or only say how many they are."""
    if len(texts) > MOST_NAMED:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_xlabel(f"{len(texts):,} texts")
        return
    families, shown = _printable([shortened(text) for text in texts])
    # parse_math: a price such as $5 is no formula
    style = {"parse_math": False, "fontfamily": families, "fontsize": 9 if len(texts) <= 30 else 7}
    axes.set_xticks(range(len(texts)), shown, rotation=45, ha="right", rotation_mode="anchor", **style)
    axes.set_yticks(range(len(texts)), shown, **style)


def _annotate(axes: Any, values: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(values):
        # adding zero turns −0.0 into 0.0
        said = f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
        colour = "white" if value > 0.6 else "black"
        axes.text(column, row, said, ha="center", va="center", fontsize=8, color=colour)


def _separate(axes: Any, names: Sequence[str]) -> None:
    """Draw lines between groups of equal names, and name them above."""
    starts = [row for row in range(len(names)) if row == 0 or names[row] != names[row - 1]]
    for start in starts[1:]:
        axes.axhline(start - 0.5, color="black", linewidth=1.0)
        axes.axvline(start - 0.5, color="black", linewidth=1.0)
    if len(starts) > MOST_GROUPS_NAMED:
        return
    centres = [(a + b - 1) / 2 for a, b in zip(starts, [*starts[1:], len(names)], strict=True)]
    families, shown = _printable([shortened(names[start], 24) for start in starts])
    above = axes.secondary_xaxis("top")
    above.spines[:].set_visible(False)
    above.tick_params(length=0)
    above.set_xticks(
        centres, shown, rotation=45, ha="left", rotation_mode="anchor", parse_math=False,
        fontfamily=families, fontsize=9, fontweight="bold",
    )  # fmt: skip


def _printable(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Font families to draw with, and the texts with □ for what none of them can draw.

    matplotlib would warn of each such sign, and draw the same box.
    """
    from matplotlib.font_manager import findfont, fontManager, get_font

    installed = {font.name for font in fontManager.ttflist}
    families, known = ["DejaVu Sans"], set(get_font(findfont("DejaVu Sans")).get_charmap())
    wanted = {ord(sign) for text in texts for sign in text}
    for family in FALLBACK_FAMILIES:
        if not wanted <= known and family in installed:
            families.append(family)
            known |= set(get_font(findfont(family)).get_charmap())
    return families, ["".join(sign if ord(sign) in known else "□" for sign in text) for text in texts]
